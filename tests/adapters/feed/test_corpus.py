"""Both readers over real feeds: they find the same, and never less than feedparser alone."""

from __future__ import annotations

import html
import io
import re
from contextlib import suppress
from pathlib import Path

import feedparser
import pytest

from aggregator.adapters.feed import document as feed
from aggregator.adapters.feed import lenient, strict
from aggregator.errors import NotAFeed
from aggregator.model.entry import Entry, Feed, Text
from aggregator.normalise import encoding

FEEDS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "feeds"
pytestmark = pytest.mark.skipif(not FEEDS.exists(), reason="the corpus of real feeds is not here")
FILES = sorted(path.name for path in FEEDS.iterdir()) if FEEDS.exists() else []
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*\?>")

FEWER = {
    "rss-2.0__fastfeedparser__osm-pl.xml": (7, "cut off inside its eighth item, which is not whole"),
    "rss-2.0__node-feedparser__illegally-nested.xml": (10, "each item holds an empty <item/>, no entry"),
}
"""Documents with fewer entries than feedparser finds: how many, and why that is right."""

_GR = "feedparser takes Google Reader's annotation for the entry's own author or content"
_TWICE = "written twice: the strict reader keeps the first, feedparser the last"
_DC_DATE = "feedparser calls dc:date `updated` beside a pubDate"
_LOST = "feedparser keeps one of several media:description"
DIFFERENT = {
    ("atom-1.0__speedparser__0114.dat", "texts"): _GR,
    ("atom-1.0__speedparser__0874.dat", "texts"): _GR,
    ("atom-1.0__speedparser__3085.dat", "texts"): _GR,
    ("atom-1.0__speedparser__4723.dat", "texts"): _GR,
    ("rss-1.0__rss-parser__craigslist.rss", "dates"): _DC_DATE,
    ("rss-2.0__feedjira__HuffPostCanada.xml", "dates"): _DC_DATE,
    ("rss-2.0__speedparser__0595.dat", "dates"): _DC_DATE,
    ("rss-2.0__speedparser__2784.dat", "dates"): _DC_DATE,
    (
        "rss-2.0__picoFeed__pcinpact.xml",
        "dates",
    ): "atom:updated in RSS: feedparser does not tell it from dc:date",
    ("rss-1.0__picoFeed__rss-10.xml", "dates"): "feedparser takes this RSS 1.0 for Atom",
    ("rss-1.0__picoFeed__rss-10-no-default-namespace.xml", "dates"): "feedparser takes this RSS 1.0 for Atom",
    (
        "atom-0.3__feedsmith__atom-03.xml",
        "dates",
    ): "feedparser lets dcterms:issued replace the entry's own date",
    ("rss-2.0__picoFeed__rss-20-element-preference.xml", "id"): _TWICE,
    ("rss-2.0__picoFeed__rss-20-element-preference.xml", "texts"): _TWICE,
    ("rss-2.0__feedjira__HuffPostCanada.xml", "texts"): _LOST,
    ("rss-2.0__speedparser__0688.dat", "texts"): "feedparser lets itunes:summary replace the description",
    (
        "atom-1.0__elixir-feed-parser__GoogleDocsList.xml",
        "links",
    ): "feedparser has no link for content out of line",
}
"""(file, field) in which the readers differ, and why."""


def _body(file: str) -> bytes:
    return (FEEDS / file).read_bytes()


def _document(file: str) -> bytes:
    """As the readers have it: UTF-8, without a declaration."""
    return _DECLARATION.sub(b"", encoding.decode(_body(file)).text.encode("utf-8", "replace"))


def _by_feedparser(file: str, theirs: Feed | None) -> int:
    """How many entries feedparser finds by itself; 0 when it raises, as for bytes that are compressed.

    Of UTF-8 it has found `theirs` already.
    """
    declared = _DECLARATION.match(body := _body(file))
    is_utf8 = declared is None or b"encoding" not in declared[0] or b"utf-8" in declared[0].lower()
    if theirs is not None and is_utf8 and _DECLARATION.sub(b"", body) == _document(file):
        return len(theirs.entries)
    try:
        found = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    except (ValueError, OverflowError):
        return 0
    return len(found.entries)


@pytest.mark.parametrize("file", FILES)
def test_a_real_feed_is_read_as_feedparser_reads_it(file: str) -> None:
    """No RSS or Atom document is refused or has fewer entries, and what is well formed gives the same.

    Ids, titles, links, dates, authors and texts are equal, entry by entry, or the reason is listed.
    """
    if file.startswith("html__"):
        with pytest.raises(NotAFeed):
            feed.read(_body(file))
        return
    found = feed.read(_body(file))
    assert found.version
    document = _document(file)
    ours, theirs = None, None
    with suppress(strict.NotWellFormed, strict.OtherRoot):
        ours = strict.read(document).entries
        theirs = lenient.read(document)
    if file in FEWER:
        assert len(found.entries) == FEWER[file][0]
        assert ours is None or len(ours) == FEWER[file][0]
        return
    assert len(found.entries) >= _by_feedparser(file, theirs)
    if ours is None or theirs is None:
        return
    assert len(ours) == len(theirs.entries)
    differing = {field for pair in zip(ours, theirs.entries, strict=True) for field in _differing(*pair)}
    assert differing == {field for name, field in DIFFERENT if name == file}


def _differing(ours: Entry, theirs: Entry) -> list[str]:
    same = {
        "id": ours.id == theirs.id,
        "title": _flat(ours.title) == _flat(theirs.title),
        # feedparser resolves what has an xml:base, and adds licenses
        "links": {_tail(link.href) for link in ours.links} <= {_tail(link.href) for link in theirs.links},
        "dates": (ours.published, ours.updated) == (theirs.published, theirs.updated),
        # feedparser splits "mail (name)", and adds itunes:author to other authors
        "authors": _people(ours) <= _people(theirs),
        "texts": _texts(ours) <= _texts(theirs) | _waiting(ours)
        and _texts(theirs) <= _texts(ours) | _waiting(ours),
    }
    return [field for field, equal in same.items() if not equal]


def _flat(text: Text | str | None) -> str:
    """The words alone: the readers write the same markup differently."""
    value = text.value if isinstance(text, Text) else text or ""
    return re.sub(r"<[^>]*>|\s+", "", html.unescape(html.unescape(value)))


def _texts(entry: Entry) -> set[str]:
    return {_flat(entry.summary), *map(_flat, entry.contents)} | {""}


def _waiting(entry: Entry) -> set[str]:
    """Returns what the strict reader keeps in `extra` and feedparser makes a summary or content."""
    values = [
        v for key in ("itunes:summary", "itunes:subtitle", "dc:description") for v in entry.extra.get(key, ())
    ]
    return {_flat(v if isinstance(v, str) else v["text"]) for v in values}


def _people(entry: Entry) -> set[str]:
    return {"".join(sorted(re.sub(r"[\s()<>,]", "", p.name + (p.email or "")))) for p in entry.authors} - {""}


def _tail(href: str) -> str:
    return re.sub(r"^https?://[^/]*/", "", href).lstrip("/")
