"""Reads documents that are not well formed (tags that do not match) with feedparser.

It fills the same types as the strict reader, as far as feedparser keeps what they need: it loses repeats of
unknown elements, the type of an Atom link when none was given, and whether a guid was marked as not a
permalink if there is a link too.
"""

from __future__ import annotations

import io
import re

# feedparser imports it when it parses; if memory is exhausted by then, the failure would be misleading.
import xml.sax.expatreader  # noqa: F401
from collections.abc import Mapping
from typing import Any

import feedparser
import feedparser.mixin

from aggregator.adapters.feed import mojibake
from aggregator.adapters.feed.elements import MAX_VALUES
from aggregator.adapters.feed.strict import MAX_ENTRIES, bound
from aggregator.errors import ReadError
from aggregator.model.article import Problem
from aggregator.model.entry import (
    Category,
    Entry,
    Feed,
    FeedInfo,
    Link,
    Media,
    Passed,
    Person,
    Text,
    TextType,
)
from aggregator.normalise.dates import first as first_date
from aggregator.normalise.link_relations import short_relation

MAX_BYTES = 32_000_000
MAX_TAG_BYTES = 65_536
"""A longer tag is an attack: feedparser took over 100 s for one tag of 1 MB with 100,000 attributes."""

_LONG_TAG = re.compile(rb"<[A-Za-z][^<>]{%d}" % MAX_TAG_BYTES)
_TYPES: Mapping[str, TextType] = {
    "text/plain": "text",
    "text/html": "html",
    "application/xhtml+xml": "xhtml",
}
_LOWERED = {  # feedparser lowers the case of every name
    "itunes_episodetype": "itunes:episodeType",
    "wfw_commentrss": "wfw:commentRss",
    "sy_updateperiod": "sy:updatePeriod",
    "sy_updatefrequency": "sy:updateFrequency",
    "sy_updatebase": "sy:updateBase",
}
_PASSED = frozenset({"dcterms", "fh", "geo", "georss", "googleplay", "itunes", "media", "podcast", "prism"})
_PASSED |= {"slash", "source", "thr", "wfw", "yt"}
_READ = frozenset({"media_content", "media_thumbnail", "itunes_explicit", "itunes_block"})


_joined = feedparser.mixin.make_safe_absolute_uri


def _base(outer: str, own: str) -> str:
    """The base of an element: `own` inside `outer`.

    feedparser joins the base of an element without `xml:base` with itself. That doubled a relative one with
    each tag: a document of 6 KB became addresses of 92 MB, and took minutes.
    """
    return outer if own == outer else str(_joined(outer, own))


feedparser.mixin.make_safe_absolute_uri = _base


def read(document: bytes, *, url: str = "") -> Feed:
    """The feed in a document in UTF-8 without another declaration; its version is "" if it is not a feed.

    `url` is only for errors: links stay as they are written. Raises ReadError when feedparser fails.
    """
    if len(document) > MAX_BYTES:
        raise ReadError(f"not well formed, and longer than {MAX_BYTES} bytes", url=url)
    if _LONG_TAG.search(document):
        raise ReadError(f"not well formed, and a tag is longer than {MAX_TAG_BYTES} bytes", url=url)
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        found = feedparser.parse(
            io.BytesIO(document),
            response_headers=headers,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # feedparser has no errors of its own: these are the exceptions that hostile documents caused.
        raise ReadError(f"not well formed, and feedparser gave up: {error}"[:300], url=url) from error
    return _feed(found)


def _feed(found: Mapping[str, Any]) -> Feed:
    version = str(found.get("version") or "")
    channel = found["feed"]
    feed = Feed(info=_info(channel, version), version=version, hints=_hints(channel))
    fault = found.get("bozo_exception")
    if fault is not None:
        line = getattr(fault, "getLineNumber", lambda: None)()
        message = str(getattr(fault, "getMessage", lambda: fault)())
        feed.problems.append(Problem(text=message[:200], where=f"line {line}" if line else ""))
    for each in found["entries"][:MAX_ENTRIES]:
        entry = _entry(each, version)
        bound(entry, feed)
        feed.entries.append(entry)
    if len(found["entries"]) > MAX_ENTRIES:
        feed.problems.append(Problem(text=f"only the first {MAX_ENTRIES} entries are read"))
    mojibake.mend(feed)
    return feed


def _entry(found: Mapping[str, Any], version: str) -> Entry:
    links = [link for link in _several(found, "links") if link.get("href")]
    entry = Entry(
        id=_plain(found, "id"),
        id_is_permalink=bool(found.get("guidislink")) and not version.startswith("atom"),
        title=_text(found.get("title_detail"), version),
        links=[_link(each) for each in links if each.get("rel") != "enclosure"],
        published=first_date(_plain(found, "published"), _plain(found, "created")),
        updated=_plain(found, "updated"),
        authors=_authors(found),
        contributors=_people(_several(found, "contributors")),
        categories=_categories(_several(found, "tags")),
        summary=_text(found.get("summary_detail"), version),
        contents=[text for each in _several(found, "content") if (text := _text(each, version, "html"))],
        media=[_media(each, is_enclosure=True) for each in links if each.get("rel") == "enclosure"],
        thumbnails=[each["url"].strip() for each in _several(found, "media_thumbnail") if each.get("url")],
        comments=_plain(found, "comments"),
        rights=_plain(found, "rights"),
        extra=_extra(found),
    )
    original = _plain(found, "feedburner_origlink")
    if original:
        entry.links.insert(0, Link(original))
    entry.media += [_media(m, is_enclosure=False) for m in _several(found, "media_content") if m.get("url")]
    image = found.get("image")
    if isinstance(image, Mapping) and image.get("href") and image["href"] not in entry.thumbnails:
        entry.thumbnails.append(str(image["href"]))
    if not version.startswith("atom") and entry.updated is not None:  # dc:date: feedparser calls it updated
        written = entry.published
        entry.published = first_date(written, entry.updated)
        entry.updated = None if entry.published != written else entry.updated
    source = found.get("source")
    if isinstance(source, Mapping):
        entry.source = _info(source, version)
        if source.get("href"):
            entry.source.links.append(Link(str(source["href"]), "self"))
    for text in (entry.title, entry.summary, *entry.contents):
        if text is not None:
            entry.base, entry.language = entry.base or text.base, entry.language or text.language
    return entry


def _several(found: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The values that feedparser lists under a special key; an element of that name leaves its text there."""
    value = found.get(key)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _info(found: Mapping[str, Any], version: str) -> FeedInfo:
    image = found.get("image")
    href = image.get("href") if isinstance(image, Mapping) else None
    title = _text(found.get("title_detail"), version)
    if title is None and _plain(found, "title"):  # an RSS <source>: its own text
        title = Text(_plain(found, "title") or "")
    return FeedInfo(
        id=_plain(found, "id"),
        title=title,
        subtitle=_text(found.get("subtitle_detail"), version),
        links=[_link(each) for each in _several(found, "links") if each.get("href")],
        updated=first_date(_plain(found, "updated"), _plain(found, "published")),
        authors=_authors(found),
        categories=_categories(_several(found, "tags")),
        image=(str(href) if href else None) or _plain(found, "logo") or _plain(found, "icon"),
        rights=_plain(found, "rights"),
        language=_plain(found, "language"),
        extra=_extra(found),
    )


def _plain(found: Mapping[str, Any], key: str) -> str | None:
    value = found.get(key) if key in found else None  # get("updated") gives `published`, and a warning
    return value.strip() or None if isinstance(value, str) else None


def _text(found: Mapping[str, Any] | None, version: str, rss: TextType = "unknown") -> Text | None:
    """A text with its type; RSS's, which feedparser guesses, is unknown (content:encoded: HTML)."""
    value = _plain(found, "value") if isinstance(found, Mapping) else None
    if not found or not value:
        return None
    type_ = _TYPES.get(str(found.get("type")), "text")
    if not version.startswith("atom") and type_ != "xhtml":
        type_ = rss
    return Text(value, type_, str(found.get("base") or ""), found.get("language") or None)


def _link(found: Mapping[str, Any]) -> Link:
    """A link; feedparser gives a link without a type "text/html", so that type is treated as none."""
    type_ = found.get("type")
    return Link(
        str(found["href"]).strip(),
        short_relation(str(found.get("rel") or "alternate")),
        type_ if type_ != "text/html" else None,
        found.get("length"),
        found.get("title"),
        found.get("hreflang"),
    )


def _people(found: list[Mapping[str, Any]] | None) -> list[Person]:
    people = [
        Person(_plain(each, "name") or "", _plain(each, "email"), _plain(each, "href"))
        for each in (found or ())[: MAX_VALUES + 1]
        if each
    ]
    return [person for i, person in enumerate(people) if person not in people[:i]]


def _authors(found: Mapping[str, Any]) -> list[Person]:
    """The authors; RSS's string as written: feedparser splits `a@b.example (Ada)` after `b.exam`."""
    persons, written = _people(_several(found, "authors")), _plain(found, "author")
    if persons and persons[-1].email and not persons[-1].uri and written and written[-1] == ")":
        last = persons[-1]
        if written != f"{last.name} ({last.email})":
            persons[-1] = Person(written)
    return persons


def _categories(found: list[Mapping[str, Any]] | None) -> list[Category]:
    tags = [(_plain(each, "term") or _plain(each, "label"), each) for each in found or ()]
    return [Category(term, each.get("scheme"), each.get("label")) for term, each in tags if term]


def _media(found: Mapping[str, Any], *, is_enclosure: bool) -> Media:
    return Media(
        str(found.get("url") or found.get("href") or "").strip(),
        found.get("type"),
        found.get("length") or found.get("filesize"),
        found.get("medium"),
        found.get("width"),
        found.get("height"),
        found.get("duration"),
        found.get("title"),
        is_enclosure,
        str(found.get("isdefault", "")).lower() == "true",
    )


def _extra(found: Mapping[str, Any]) -> dict[str, list[Passed]]:
    """The passed-through elements: feedparser keeps only the last of each."""
    extra: dict[str, list[Passed]] = {}
    for key, value in found.items():
        prefix, _, local = key.partition("_")
        if prefix not in _PASSED or not local or key in _READ or key.endswith(("_parsed", "_detail")):
            continue
        kept: list[Passed] = []
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str):
                kept.append(each)
            elif isinstance(each, Mapping):
                attributes = {str(k): str(v) for k, v in each.items() if k != "content"}
                kept.append({"text": str(each.get("content", ""))} | attributes)
        if kept:
            extra[_LOWERED.get(key, f"{prefix}:{local}")] = kept
    return extra


def _hints(channel: Mapping[str, Any]) -> dict[str, str]:
    keys = {"ttl": "ttl", "itunes_new-feed-url": "itunes:new-feed-url"} | {
        k: v for k, v in _LOWERED.items() if k.startswith("sy_")
    }
    return {hint: value for key, hint in keys.items() if (value := _plain(channel, key))}
