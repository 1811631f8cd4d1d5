"""The front-matter article model: what is stored of an entry, and what is published.

Everything here is plain data: frozen, comparable, free of any library's types.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aggregator.model.struct import Struct, field


class Enclosure(Struct, frozen=True, kw_only=True):
    """A media file that belongs to an article (RSS 2.0 `<enclosure>`, RFC 4287 §4.2.7.2 rel="enclosure").

    `url` is absolute; `length` is in bytes, None when it is missing, negative or not a number; `duration` is
    None when unknown.
    """

    url: str
    type: str | None = None
    length: int | None = None
    title: str | None = None
    duration: timedelta | None = None


FACE = "image"
"""The key of `Origin.extra` under which the address of the feed's own picture is."""


class Origin(Struct, frozen=True, kw_only=True):
    """The feed that an article came from: what `atom:source` needs (RFC 4287 §4.2.11).

    `id` is the feed's atom:id or None; `title` is plain text; `link` is the site, `self_link` the
    feed document, both absolute; `updated` is the feed's own date, aware UTC. None: unknown.
    `names_itself`: the feed itself names `self_link`, which has a query. Without it a `self_link` with a
    query may be the address that was polled, keys included. `extra`: what the feed says of itself in elements
    of other namespaces (`itunes:owner`, `podcast:guid`), as in `Article.extra`.
    """

    id: str | None = None
    title: str = ""
    link: str | None = None
    self_link: str | None = None
    updated: datetime | None = None
    language: str | None = None
    rights: str | None = None
    names_itself: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.id, self.title, self.link, self.self_link, self.updated))


class Article(Struct, frozen=True, kw_only=True):
    """One article: the keys of its front matter, its body, and where it came from.

    - `source`: name of the source in the config; "" when read without one.
    - `id`: the origin's guid or atom:id verbatim, else its link, else a hash. Never empty.
    - `title`, `authors`: plain text. `link`, `headimg`: absolute URL or None.
    - `published`, `updated`: aware UTC; None when the source gave none that can be read. The store
      fixes a missing `published` once, when the article is first seen.
    - `categories`: curated, each becomes a feed. `tags`: the entry's own categories, which make no feeds.
    - `summary`, `content`: sanitised HTML with absolute links; "" when there is none.
    - `extra`: what the feed or the front matter had besides, JSON-like values under string keys.
    """

    source: str = ""
    id: str
    title: str = ""
    link: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    headimg: str | None = None
    summary: str = ""
    content: str = ""
    enclosures: tuple[Enclosure, ...] = ()
    origin: Origin = Origin()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        """Hash of what a reader would notice as an edit: title, link, authors, content, summary, enclosures.

        Dates, categories and tags are left out: feeds that stamp "now" on every poll, or whose
        category we renamed, have not edited anything. Each text is hashed with its length before it, so that
        no two articles give the same bytes; to write them as JSON took twice as long as to hash them.
        """
        seen = [self.title, self.link, f"{len(self.authors)}", *self.authors]
        seen += [self.content, self.summary, self.headimg]
        for media in self.enclosures:
            length = None if media.length is None else f"{media.length}"
            duration = None if media.duration is None else f"{media.duration}"
            seen += [media.url, media.type, length, media.title, duration]
        framed = bytearray()
        for text in seen:
            data = b"" if text is None else text.encode("utf-8", "surrogatepass")
            framed += b"-" if text is None else b"%d:" % len(data)
            framed += data
        return hashlib.blake2b(framed, digest_size=16).hexdigest()


class Problem(Struct, frozen=True, kw_only=True):
    """Something that was wrong in a document and how it was dealt with; never an article.

    `where` is an entry's id, link or title, a line ("line 12"), or "" for the whole document.
    """

    text: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


class Finding(Struct, frozen=True, kw_only=True):
    """How often a selector of a source's options matched: in `count` of the `of` places it was tried on.

    `name` is the option's, `selector` the expression; `example` is the beginning of the first match.
    """

    name: str
    selector: str
    count: int
    of: int
    example: str = ""


class Document(Struct, frozen=True, kw_only=True):
    """The result of reading one document: its articles in document order, and its problems.

    `findings` are the matches of each selector of the source's options, for a kind that has selectors.
    """

    source: str = ""
    kind: str = "feed"
    title: str = ""
    link: str | None = None
    articles: tuple[Article, ...] = ()
    problems: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()
