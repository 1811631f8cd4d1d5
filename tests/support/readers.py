"""The results of two independent feed readers for our feeds, in one form, and the expected results.

`feedparser` reads RSS and Atom; `feedsmith` (JavaScript: `npm ci --prefix tests/feedsmith` installs it) reads
JSON Feed too. Their findings are compared with the articles, not with each other.
"""

from __future__ import annotations

import calendar
import email.utils
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

import feedparser

from aggregator.model.article import Article, Enclosure
from aggregator.normalise.extension_elements import inert_text
from aggregator.normalise.text import plain_name
from aggregator.store import StoredArticle
from aggregator.writers.extension_elements import enclosures

FEEDSMITH = Path(__file__).parents[1] / "feedsmith"
NODE = shutil.which("node")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An entry as a reader sees it; None is what its format cannot say, or need not."""

    id: str | None
    link: str | None
    title: str | None
    published: datetime | None
    updated: datetime | None
    authors: tuple[str, ...] | None
    categories: tuple[str, ...]
    enclosures: tuple[tuple[str, str | None, int | None], ...]


Excused = Callable[[str, Seen, Seen, Article], bool]
"""Whether a field may differ: its name, the entry as seen and as it should be, the article."""


def why_no_feedsmith() -> str:
    """The reason that feedsmith cannot be asked, "" when it can."""
    if NODE is None:
        return "node is not installed (apt-get install nodejs)"
    if not (FEEDSMITH / "node_modules" / "feedsmith").exists():
        return "feedsmith is not installed (npm ci --prefix tests/feedsmith installs it)"
    return ""


def by_feedsmith(paths: Iterable[Path]) -> dict[Path, list[Seen]]:
    """Returns what feedsmith finds in these files."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, str(FEEDSMITH / "read.mjs")],
        input="\n".join(map(str, paths)).encode(),
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return {Path(path): [_seen(entry) for entry in read] for path, read in json.loads(done.stdout).items()}


def _seen(entry: dict[str, Any]) -> Seen:
    updated = entry.get("updated")
    return Seen(
        id=entry.get("id"),
        link=entry.get("link"),
        title=entry.get("title"),
        published=_moment(entry.get("published")),
        updated=_moment(updated),
        authors=tuple(entry["authors"]),
        categories=_once(entry["categories"]),
        enclosures=tuple((url, type_, length) for url, type_, length in entry["enclosures"]),
    )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    return datetime.fromisoformat(text) if text[:1].isdigit() else email.utils.parsedate_to_datetime(text)


def by_feedparser(body: bytes) -> list[Seen]:
    """Returns what feedparser finds in an RSS or Atom document, with nothing resolved or sanitised."""
    parsed = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    assert not parsed.bozo, parsed.get("bozo_exception")
    is_atom = parsed.version == "atom10"
    return [
        Seen(
            id=entry.get("id"),
            link=entry.get("link"),
            title=entry.get("title") or None,
            published=_parsed(entry.get("published_parsed")),
            updated=_parsed(entry.get("updated_parsed")) if is_atom else None,
            authors=_once(author.get("name", "") for author in entry.get("authors", [])),
            categories=_once(tag.term for tag in entry.get("tags", [])),
            enclosures=tuple(
                (e.href, e.get("type"), int(e.length) if "length" in e else None)
                for e in entry.get("enclosures", [])
            ),
        )
        for entry in parsed.entries
    ]


def _once(names: Iterable[str]) -> tuple[str, ...]:
    """feedparser repeats what itunes: and media: elements repeat."""
    return tuple(dict.fromkeys(names))


def _parsed(moment: Any) -> datetime | None:
    return datetime.fromtimestamp(calendar.timegm(moment), UTC) if moment else None


def expected(kept: StoredArticle, name: str) -> Seen:
    """Returns what an article is to a reader of the file of this name."""
    article = kept.article
    is_rss, is_atom = name == "rss.xml", name == "atom.xml"
    as_sent = inert_text if is_rss else str  # RSS has no way to say that text is text
    stands_in = article.link or kept.uid
    media = enclosures(article)
    if is_rss:
        media = [e for e in media if e.url.startswith("http")][:1]
    return Seen(
        id=kept.uid,
        link=article.link,
        # An RSS item needs a title or a description.
        title=as_sent(article.title) or (stands_in if is_rss and not article.summary else None),
        published=kept.published.replace(microsecond=0),
        updated=None if is_rss else kept.updated.replace(microsecond=0),
        # An Atom entry needs an author: the publisher's name stands in.
        authors=tuple(map(as_sent, article.authors)) if article.authors or not is_atom else None,
        categories=tuple(dict.fromkeys(map(as_sent, _categories(article, is_rss=is_rss, is_atom=is_atom)))),
        enclosures=tuple(
            (e.url, e.type or (None if is_atom else "application/octet-stream"), _length(e, is_rss=is_rss))
            for e in media
        ),
    )


def _categories(article: Article, *, is_rss: bool, is_atom: bool) -> Iterator[str]:
    """Its categories and tags; in RSS and Atom the terms of the feed, in RSS the name after them."""
    terms = article.extra.get("terms", ()) if is_rss or is_atom else ()
    for name in dict.fromkeys(article.categories + article.tags):
        named = [each["term"] for each in terms if plain_name(each.get("label") or each["term"]) == name]
        yield from named
        if is_rss or not named:
            yield name


def _length(enclosure: Enclosure, *, is_rss: bool) -> int | None:
    return enclosure.length or 0 if is_rss else enclosure.length  # RSS requires one


def differences(
    found: Sequence[Seen], kept: Sequence[StoredArticle], name: str, excused: Excused
) -> Iterator[str]:
    """A line for each field of an entry that a reader does not see as it is in the file of this name."""
    if len(found) != len(kept):
        yield f"{name}: {len(found)} entries instead of {len(kept)}"
        return
    for seen, one in zip(found, kept, strict=True):
        wanted = expected(one, PurePath(name).name)
        for field in fields(Seen):
            is_, should = getattr(seen, field.name), getattr(wanted, field.name)
            if is_ != should and not excused(field.name, seen, wanted, one.article):
                yield f"{name}, {one.uid}: {field.name} is {is_!r} and not {should!r}"


def excused_in_feedsmith(field: str, seen: Seen, wanted: Seen, article: Article) -> bool:
    """Returns what need not be as it is in our feeds: nothing but names that stand in."""
    return field == "authors" and wanted.authors is None and len(seen.authors or ()) == 1


def excused_in_feedparser(field: str, seen: Seen, wanted: Seen, article: Article) -> bool:
    """The same for feedparser 6.0.14, which reads into some elements more than they say."""
    found = seen.authors or ()
    match field:
        case "link":  # An id becomes a link where there is none; `&amp;` in an RSS link is decoded twice.
            return seen.link == seen.id if wanted.link is None else ";" in wanted.link
        case "authors" if wanted.authors is not None:  # iTunes' is added; mailboxes are taken out of names.
            if "itunes:author" in article.extra and len(found) > len(wanted.authors):
                found = found[:-1]
            names = zip(wanted.authors, found, strict=False)
            return len(found) == len(wanted.authors) and all(
                w == f or ("@" in w and f in w) for w, f in names
            )
        case "categories":  # Media RSS's and iTunes' are added.
            added = {"media:keywords", "itunes:keywords", "media:category", "itunes:category"}
            return bool(added & article.extra.keys()) and {*wanted.categories} <= {*seen.categories}
        case "enclosures":  # An Atom link without a type is said to have one.
            typed = zip(seen.enclosures, wanted.enclosures, strict=False)
            pairs = [((url, w[1] and type_, length), w) for (url, type_, length), w in typed]
            return len(seen.enclosures) == len(pairs) and all(s == w for s, w in pairs)
    return excused_in_feedsmith(field, seen, wanted, article)
