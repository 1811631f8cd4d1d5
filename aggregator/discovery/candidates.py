"""Candidates: feeds and other documents that could become a source, before and after they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from aggregator.fetch.pacing import registrable
from aggregator.model.article import Document

How = Literal["itself", "site", "link", "anchor", "path", "sitemap", "page"]
"""How a candidate was found: "itself", the address that was typed; "site", by the table of known sites;
"link", linked from the page's head (RSS autodiscovery); "anchor", linked from its text; "path", at a common
path; "sitemap", in robots.txt or at /sitemap.xml; "page", the page lists entries itself."""

# Words for comments in the languages in which blog engines name their feeds.
_COMMENTS = re.compile(
    r"comment|kommentar|comentari|comentário|commento|commenti\b|komentar|yorum|reacties|replies|"
    r"комментари|коментар|コメント|评论|評論|回應|댓글|التعليقات|σχόλια",
    re.IGNORECASE,
)
# Feeds that a site has in addition to its articles.
_ASIDE = re.compile(
    r"activit|forum|\bsearch|twitter|calendar|bookmark|delicious|\bevents?\b|wiki|changes", re.IGNORECASE
)
SECTIONS = frozenset(
    (
        *("archive", "author", "authors", "blog", "blogs", "c", "categories", "category", "label", "labels"),
        *("people", "section", "series", "tag", "tags", "topic", "topics", "user", "users"),
    )
)
"""Path segments below which there are only some of a site's articles."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A possible source: `kind` and `options` are those of its `[[sources]]` table.

    `title` and `type` (a media type) are the page's, "" without one. `own`: it is the feed of exactly the
    section of the site that was requested, not of the whole site.
    """

    url: str
    how: How
    title: str = ""
    type: str = ""
    kind: str = "feed"
    options: Mapping[str, Any] = field(default_factory=dict)
    own: bool = False

    @property
    def is_of_comments(self) -> bool:
        """Whether it is a feed of readers' comments."""
        parts = urlsplit(self.url)
        return bool(_COMMENTS.search(self.title) or _COMMENTS.search(f"{parts.path}?{parts.query}"))

    @property
    def is_aside(self) -> bool:
        """Whether it seems to be a feed of something other than articles, or of one tag."""
        if self.own or self.how == "site":
            return False
        is_partial = self.how == "anchor" and not SECTIONS.isdisjoint(
            urlsplit(self.url).path.lower().split("/")
        )
        return is_partial or bool(_ASIDE.search(f"{self.title} {self.url}"))

    def is_of(self, url: str) -> bool:
        """Whether it is on a host of the publisher of `url`."""
        one, other = _host(self.url), _host(url)
        return one == other or registrable(one) == registrable(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCandidate:
    """A candidate that was read, and its content. `format`: "Atom", "JSON Feed", "RSS" or the kind."""

    candidate: Candidate
    document: Document
    format: str

    @property
    def newest(self) -> datetime | None:
        """The newest date of an entry, None if none has a date."""
        dates = (article.updated or article.published for article in self.document.articles)
        return max((date for date in dates if date), default=None)

    @property
    def language(self) -> str | None:
        """The language that the feed declares, None if it declares none."""
        return next((a.origin.language for a in self.document.articles if a.origin.language), None)

    @property
    def holds(self) -> Literal["full text", "summaries", "titles", "nothing"]:
        """A word for the content of most of its entries."""
        articles = self.document.articles
        if not articles:
            return "nothing"
        if 2 * sum(bool(article.content) for article in articles) >= len(articles):
            return "full text"
        return "summaries" if 2 * sum(bool(a.summary) for a in articles) >= len(articles) else "titles"


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def address(typed: str) -> str:
    """The typed text as an address: https without a scheme, and `feed:` schemes replaced."""
    typed = typed.strip()
    if typed.lower().startswith("feed:"):
        typed = typed[5:].removeprefix("//")
    return typed if "://" in typed or _SCHEME.match(typed) else f"https://{typed}"


def format_of(body: bytes) -> str:
    """The format of a feed that was read."""
    start = body[:2_000].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")
    if start.startswith(b"{"):
        return "JSON Feed"
    return "Atom" if re.search(rb"<(?:[\w.-]{1,40}:)?feed[\s>]", start.replace(b"\x00", b"")) else "RSS"
