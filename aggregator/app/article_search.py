"""Searches stored articles: the index finds candidates, the query decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from aggregator.config.store_address import StoreAddress
from aggregator.errors import StoreError
from aggregator.publishing.rule_results import facts_of, read_verdict, variants
from aggregator.rules.feeds_of_article import ALL as EVERYTHING
from aggregator.rules.feeds_of_article import with_labels
from aggregator.rules.query import ArticleFacts, Query
from aggregator.rules.query.words import BREAK
from aggregator.rules.rule import RuleSet
from aggregator.store import ALL, Store, StoredArticle
from aggregator.store.search import INDEXED_FIELDS

__all__ = ["Hit", "Hits", "brought_up_to_date", "search", "words_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An article that a search found: `id` is its published id, `feeds` the feeds that it is in."""

    id: str
    source: str
    title: str
    link: str | None
    published: datetime
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """The newest articles that a query matches; `is_complete`: there are no others."""

    articles: tuple[Hit, ...]
    is_complete: bool


def search(address: StoreAddress, query: Query, now: datetime, limit: int) -> Hits:
    """Returns the newest `limit` articles of a store that a query matches, also those in no feed.

    Tags and categories that rules gave at the last publication count. Raises StoreError.
    """
    store = Store(address, reads_only=True)
    try:
        candidates = store.search.may_match(query.narrowing(now))
        found = [*islice((each for each in candidates if query.matches(_facts(each), now)), limit + 1)]
        hits = tuple(_hit(store, each) for each in found[:limit])
    finally:
        store.close()
    return Hits(articles=hits, is_complete=len(found) <= limit)


def _hit(store: Store, found: StoredArticle) -> Hit:
    return Hit(
        id=found.uid,
        source=found.article.source,
        title=found.article.title,
        link=found.article.link,
        published=found.published,
        feeds=tuple(EVERYTHING if name == ALL else name for name in store.placements.feeds_of(found.pk)),
    )


def brought_up_to_date(
    address: StoreAddress, rules: RuleSet, total: Callable[[int], object], added: Callable[[int], object]
) -> str:
    """Brings the search index up to date; returns "" if it did, else why that was not possible.

    Words that `rules` write into an article are indexed too. `total` is called with the number of articles to
    index, if any, `added` with the number of each step. Raises StoreError if no store can be read.
    """
    store = Store(address, reads_only=True)
    try:
        left = store.search.left()
    finally:
        store.close()
    if not left:
        return ""
    total(left)
    try:
        writing = Store(address)
        try:
            for count in writing.search.index(partial(words_of, rules=rules)):
                added(count)
        finally:
            writing.close()
    except StoreError as error:
        return str(error)
    return ""


def _facts(found: StoredArticle) -> ArticleFacts:
    return with_labels(facts_of(found), read_verdict(found.decision))


def words_of(found: StoredArticle, rules: RuleSet) -> Mapping[str, str]:
    """Returns the words of each field of the index: those of the article as it was found, and as rules
    show it.
    """
    facts = _facts(found)
    words = {field: facts.words(field).joined for field in INDEXED_FIELDS}
    for article in variants(found, rules):
        other = facts_of(found, article)
        for field, known in words.items():
            if (shown := other.words(field).joined) != known:
                words[field] = f"{known}{BREAK}{shown}"
    return words
