"""Articles in the order in which they arrived: what is new since somebody looked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from aggregator.errors import DamagedStore
from aggregator.model.article import Article
from aggregator.store.changes import Changes
from aggregator.store.columns import Instant
from aggregator.store.database import Database, remember
from aggregator.store.kept import REVISION, Kept, kept, of_newest, unpacked
from aggregator.store.outbox import enqueue
from aggregator.store.outgoing import Outgoing
from aggregator.store.schema import ALL, FOUND, articles, feeds, placements, revisions, settings, sources
from aggregator.store.writing import Writing

__all__ = ["Arrival", "Arrivals"]

_FEEDS = (
    sa.select(placements.c.article, feeds.c.name)
    .join_from(placements, feeds, placements.c.feed == feeds.c.pk)
    .where(placements.c.article.in_(sa.bindparam("some_articles", expanding=True)))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An article that stands in the feed of everything, and the names of the other feeds that have it."""

    article: Kept
    feeds: frozenset[str]


class Arrivals:
    """The part of the store that knows the order in which articles arrived."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> int:
        """The number of the article that arrived last; 0 where there is none."""
        with self._database.snapshot() as connection:
            return connection.scalar(sa.select(sa.func.max(articles.c.pk))) or 0

    def after(self, number: int, last: int, limit: int) -> tuple[list[Arrival], int | None]:
        """The shown ones of the next `limit` articles after this number, up to `last`, in their order.

        And the number to go on from, None at the end.
        """
        query = of_newest().where(articles.c.pk > number, articles.c.pk <= last, articles.c.state == FOUND)
        with self._database.snapshot() as connection:
            rows = connection.execute(query.order_by(articles.c.pk).limit(limit)).all()
            found = [row.pk for row in rows]
            names: dict[int, set[str]] = defaultdict(set)
            for placed in connection.execute(_FEEDS, {"some_articles": found}):
                names[placed.article].add(placed.name)
        shown = []
        for row in rows:
            # One that is damaged is reported by who publishes it.
            with suppress(DamagedStore):
                if ALL in names[row.pk]:
                    shown.append(Arrival(article=kept(row), feeds=frozenset(names[row.pk] - {ALL})))
        return shown, rows[-1].pk if len(rows) == limit else None

    def first_of(self, names: Collection[str]) -> dict[str, datetime]:
        """When the first article of each of these sources was seen."""
        first = sa.type_coerce(sa.func.min(articles.c.first_seen), Instant).label("first")
        query = sa.select(articles.c.source, first).where(articles.c.source.in_([*names]))
        with self._database.snapshot() as connection:
            return {row.source: row.first for row in connection.execute(query.group_by(articles.c.source))}

    def without_any(self) -> frozenset[str]:
        """The names of the sources that were read, and have never had an article."""
        has_any = sa.exists().where(articles.c.source == sources.c.name)
        query = sa.select(sources.c.name).where(sources.c.active, sources.c.succeeded.is_not(None), ~has_any)
        with self._database.snapshot() as connection:
            return frozenset(connection.scalars(query))

    def looked(self, setting: str, before: str | None, now: str, new: Collection[Outgoing]) -> bool:
        """Queues messages and remembers up to where was looked: both, or neither where another did meanwhile.

        `before` is the setting as it was read, `now` what it is to be.
        """
        with self._database.transaction() as connection:
            found = connection.scalar(sa.select(settings.c.value).where(settings.c.name == setting))
            if found != before:
                return False
            enqueue(connection, new)
            remember(connection, setting, now)
            return True

    def rewrite(self, prefix: str, change: Callable[[Article], Article], now: datetime) -> None:
        """Changes every revision of our own articles (of sources whose names begin so); it is no edit."""
        theirs = articles.c.source.startswith(prefix, autoescape=True)
        every = sa.select(*REVISION).join_from(articles, revisions, revisions.c.article == articles.c.pk)
        with self._database.transaction() as connection:
            writing = Writing(connection, now)
            changes = Changes(writing, "")
            for row in connection.execute(every.where(theirs).order_by(revisions.c.pk)).all():
                article = unpacked(row)
                if (changed := change(article)) != article:
                    changes.mend(row, changed)
            writing.placing.save()
