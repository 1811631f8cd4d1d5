"""The facts of an article that queries test: dates and texts, folded and split at first use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from aggregator.model.article import Article
from aggregator.normalise.links import with_ascii_host
from aggregator.normalise.text import tidy, without_markup
from aggregator.rules.query.words import BREAK, FoldedText

__all__ = ["TEXT_FIELDS", "ArticleFacts", "ascii_host"]

MAX_SEARCHED_BYTES = 100_000
"""Regexes search only this much of a text: with the size of a regex it limits the cost."""

_LABELS = frozenset(("category", "tag"))
_USUAL = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:[/?#][!-~]*)?\Z")
"""An address of the usual form, and its host."""


class _Found:
    """Values computed already, by field name."""

    __slots__ = ("encoded", "values", "words")

    def __init__(self) -> None:
        self.values: dict[str, tuple[str, ...]] = {}
        self.words: dict[str, FoldedText] = {}
        self.encoded: dict[str, tuple[bytes, ...]] = {}


class ArticleFacts:
    """One article as queries see it; make one for each article, and test all queries with it.

    - `source`: the source's name. `categories`, `tags`: as rules have left them so far.
    - `published`, `updated`, `first_seen`: aware UTC; None if unknown.
    - `is_dated`: whether the source itself gave a date of publication.
    """

    __slots__ = (
        "_found", "_labels", "article", "categories", "first_seen", "is_dated", "known", "published",
        "source", "tags", "updated",
    )  # fmt: skip

    def __init__(
        self,
        article: Article,
        *,
        source: str | None = None,
        published: datetime | None = None,
        updated: datetime | None = None,
        first_seen: datetime | None = None,
        is_dated: bool | None = None,
        categories: tuple[str, ...] | None = None,
        tags: tuple[str, ...] | None = None,
    ) -> None:
        """Arguments that are None default to the article's own values."""
        self.article = article
        self.source = article.source if source is None else source
        self.published = published or article.published
        self.updated = updated or article.updated or self.published
        self.first_seen = first_seen
        self.is_dated = article.published is not None if is_dated is None else is_dated
        self.categories = article.categories if categories is None else categories
        self.tags = article.tags if tags is None else tags
        self._found = _Found()
        self._labels = _Found()
        self.known: dict[str, frozenset[str]] = {}
        """Each word of a field, once, of the fields that `each` was asked for: conditions look here first."""

    def labelled(self, categories: tuple[str, ...], tags: tuple[str, ...]) -> ArticleFacts:
        """The same article with these categories and tags; folded texts are shared by both."""
        other = ArticleFacts(
            self.article,
            source=self.source,
            published=self.published,
            updated=self.updated,
            first_seen=self.first_seen,
            is_dated=self.is_dated,
            categories=categories,
            tags=tags,
        )
        other._found = self._found
        other.known = {field: known for field, known in self.known.items() if field not in _LABELS}
        return other

    def values(self, field: str) -> tuple[str, ...]:
        """The plain texts of a field of `TEXT_FIELDS` that are not empty."""
        cache = (self._labels if field in _LABELS else self._found).values
        if (found := cache.get(field)) is None:
            found = cache[field] = tuple(filter(None, TEXT_FIELDS[field](self)))
        return found

    def words(self, field: str) -> FoldedText:
        """The words of a field."""
        cache = (self._labels if field in _LABELS else self._found).words
        if (found := cache.get(field)) is None:
            found = cache[field] = FoldedText(self.values(field))
        return found

    def each(self, field: str) -> frozenset[str]:
        """Each word of a field, once."""
        found = self.known[field] = self.words(field).each
        return found

    def encoded(self, field: str) -> tuple[bytes, ...]:
        """The plain texts of a field in UTF-8, long ones cut: what regexes search."""
        cache = (self._labels if field in _LABELS else self._found).encoded
        if (found := cache.get(field)) is None:
            found = cache[field] = tuple(
                value.encode("utf-8", "replace")[:MAX_SEARCHED_BYTES] for value in self.values(field)
            )
        return found

    @property
    def word_count(self) -> int:
        """How many words the content has; of the summary if there is no content."""
        return len(self.words("text").joined.rpartition(BREAK)[2].split())

    @property
    def has_image(self) -> bool:
        """Whether it has a lead image, an image among its enclosures, or one in its body."""
        article = self.article
        enclosed = any((each.type or "").startswith("image/") for each in article.enclosures)
        return bool(article.headimg) or enclosed or "<img" in article.content or "<img" in article.summary


def _plain(html: str) -> str:
    return tidy(without_markup(html)) if html else ""


def _languages(facts: ArticleFacts) -> tuple[str, ...]:
    """The article's own language, else that of its feed."""
    said = [facts.article.extra.get("language"), facts.article.extra.get("dc:language")]
    for each in (*said, facts.article.origin.language):
        first = each[0] if isinstance(each, list | tuple) and each else each
        if isinstance(first, str) and first.strip():
            return (first.strip().replace("_", "-"),)
    return ()


def ascii_host(link: str) -> str:
    """The host of an address in lower case and ASCII, "" without one."""
    if (usual := _USUAL.match(link)) is not None:  # a fifth of the time
        return usual[1]
    try:
        return (urlsplit(with_ascii_host(link)).hostname or "").rstrip(".")
    except ValueError:
        return ""


TEXT_FIELDS: Mapping[str, Callable[[ArticleFacts], tuple[str, ...]]] = {
    "title": lambda facts: (tidy(facts.article.title),),
    "author": lambda facts: facts.article.authors,
    "text": lambda facts: (*facts.values("summary"), *facts.values("content")),
    "content": lambda facts: (_plain(facts.article.content),),
    "summary": lambda facts: (_plain(facts.article.summary),),
    "tag": lambda facts: facts.tags,
    "category": lambda facts: facts.categories,
    "source": lambda facts: (facts.source,),
    "link": lambda facts: (facts.article.link or "",),
    "host": lambda facts: (ascii_host(facts.article.link or ""),),
    "language": _languages,
}
"""The fields with text, and how to get it from an article."""
