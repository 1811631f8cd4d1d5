"""Searches in what is stored: the index narrows, the query decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from aggregator.app.choosing import facts_of
from aggregator.errors import StoreError
from aggregator.publishing.choosing import read_verdict
from aggregator.rules.query import ArticleFacts, Query
from aggregator.rules.standing import ALL as EVERYTHING
from aggregator.rules.standing import labelled
from aggregator.store import ALL, Kept, Store
from aggregator.store.search import INDEXED_FIELDS

__all__ = ["Hit", "Hits", "brought_up_to_date", "search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An article that a search found: its outward id, and the feeds in which it stands."""

    id: str
    source: str
    title: str
    link: str | None
    published: datetime
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """The newest articles that a query finds; `is_complete`: there are no others."""

    articles: tuple[Hit, ...]
    is_complete: bool


def search(path: Path, query: Query, now: datetime, limit: int) -> Hits:
    """The newest `limit` articles of a store that a query finds, whether they stand in a feed or not.

    With the tags and categories that rules gave them at the last publication. Raises StoreError.
    """
    store = Store(path, reads_only=True)
    try:
        candidates = store.search.may_match(query.narrowing(now))
        found = [*islice((each for each in candidates if query.matches(_facts(each), now)), limit + 1)]
        hits = tuple(_hit(store, each) for each in found[:limit])
    finally:
        store.close()
    return Hits(articles=hits, is_complete=len(found) <= limit)


def _hit(store: Store, found: Kept) -> Hit:
    return Hit(
        id=found.uid,
        source=found.article.source,
        title=found.article.title,
        link=found.article.link,
        published=found.published,
        feeds=tuple(EVERYTHING if name == ALL else name for name in store.placements.feeds_of(found.pk)),
    )


def brought_up_to_date(path: Path, total: Callable[[int], object], added: Callable[[int], object]) -> str:
    """Indexes what a store has that its index does not hold; "" when it did, else why that was not possible.

    `total` is called with how many articles there are to index, if any, `added` with those of each step.
    Raises StoreError where there is no store that can be read.
    """
    store = Store(path, reads_only=True)
    try:
        left = store.search.left()
    finally:
        store.close()
    if not left:
        return ""
    total(left)
    try:
        writing = Store(path)
        try:
            for count in writing.search.index(_words):
                added(count)
        finally:
            writing.close()
    except StoreError as error:
        return str(error)
    return ""


def _facts(found: Kept) -> ArticleFacts:
    return labelled(facts_of(found), read_verdict(found.decision))


def _words(found: Kept) -> Mapping[str, str]:
    facts = _facts(found)
    return {field: facts.words(field).joined for field in INDEXED_FIELDS}
