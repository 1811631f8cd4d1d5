"""Dry runs of the config's rules and saved feeds, over a document or over stored articles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from aggregator.app.feed_membership import FeedChooser
from aggregator.config.load import Config, Source, named
from aggregator.config.subscriptions import followed_as, with_listed
from aggregator.model.article import Document
from aggregator.model.verdict import Verdict
from aggregator.publishing.rule_results import facts_of
from aggregator.rules.dry_run import QueryTrial, Trial, tried, tried_query
from aggregator.rules.feeds_of_article import ALL as EVERYTHING
from aggregator.rules.feeds_of_article import feeds_of
from aggregator.rules.query import ArticleFacts, Query
from aggregator.store import ALL, Store

__all__ = ["StoredTrials", "tried_on_document"]


def tried_on_document(document: Document, config: Config, source: str | None, now: datetime) -> Trial:
    """Returns what the rules would do to the articles of a document, and which feeds these would be in.

    `source`: the name of the source that the document counts for. None: the config's source with the
    document's address; if there is none, only rules without `sources` apply. Raises ConfigError for a name
    that no source has.
    """
    if source is not None:
        named([source], [each.name for each in config.sources])
    taken_for = _source(document, config, source)
    chooser = FeedChooser(config)
    found = []
    for article in document.articles:
        own = taken_for.categories if taken_for else ()
        facts = ArticleFacts(
            article,
            source=taken_for.name if taken_for else "",
            first_seen=now,
            published=article.published or now,
            is_dated=article.published is not None,
            categories=tuple(dict.fromkeys((*own, *article.categories))),
        )
        before = feeds_of(Verdict(), facts, chooser.queries, now, of_source=chooser.of_source)
        found.append((facts, before, frozenset[str]()))
    return tried(chooser.rules, chooser.queries, found, now, of_source=chooser.of_source)


class StoredTrials:
    """Dry runs over the store, compared with the feeds that its articles are in now; writes nothing.

    Entries of digests are left out, because rules and saved feeds do not apply to them.

    - `source`: the name of the source whose articles are tried; None for all.
    - `advance`: called first with the number of articles, then with None after each.

    Raises ConfigError for a name that no source has, and StoreError.
    """

    def __init__(self, config: Config, source: str | None, advance: Callable[[int | None], object]) -> None:
        self._chooser = FeedChooser(config)
        self._config = config
        self._source = source
        self._advance = advance

    def rules(self, now: datetime) -> Trial:
        """Returns what the config's rules and saved feeds would change at the next publication."""
        chooser = self._chooser
        return tried(chooser.rules, chooser.queries, self._articles(), now, of_source=chooser.of_source)

    def query(self, query: Query, now: datetime) -> QueryTrial:
        """Returns what a query matches."""
        return tried_query(query, self._chooser.rules, self._articles(), now)

    def _articles(self) -> Iterator[tuple[ArticleFacts, frozenset[str], frozenset[str]]]:
        store = Store(self._config.store, reads_only=True)
        try:
            if self._source is not None:
                sources, _ = with_listed(self._config.sources, store.subscriptions.listed())
                named([self._source], [each.name for each in sources])
            self._advance(store.placements.count_standing(self._source))
            showing = frozenset(self._config.feeds_with_stories)
            for kept, feeds, of_others in store.placements.standing(self._source):
                if self._chooser.digest_of(kept.article.source) is None:
                    yield facts_of(kept), _named(feeds), _named(of_others & showing)
                self._advance(None)
        finally:
            store.close()


def _named(feeds: frozenset[str]) -> frozenset[str]:
    return frozenset(EVERYTHING if name == ALL else name for name in feeds)


def _source(document: Document, config: Config, name: str | None) -> Source | None:
    """Returns the source with this name; without a name, the one with the document's address."""
    place = document.source
    if name is None and "://" in place:
        name = followed_as(place, config.sources)
    path = Path(place).absolute()
    for source in config.sources:
        if source.name == name or (name is None and source.path == path):
            return source
    return None
