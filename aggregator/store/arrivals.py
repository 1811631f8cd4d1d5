"""Articles in the order in which they were stored, to find those that are new since an earlier time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime

import sqlalchemy as sa

from aggregator.errors import DamagedStore
from aggregator.model.article import Article
from aggregator.model.struct import Struct
from aggregator.store.article_changes import ArticleChanges
from aggregator.store.article_states import FOUND
from aggregator.store.column_types import Instant
from aggregator.store.database import Database, remember
from aggregator.store.outbox import enqueue
from aggregator.store.outbox_messages import OutboxMessage
from aggregator.store.schema import ALL, articles, feeds, placements, revisions, settings, sources
from aggregator.store.stored_article import (
    REVISION,
    StoredArticle,
    decoded,
    from_row,
    of_newest,
)
from aggregator.store.write_transaction import WriteTransaction

__all__ = ["Arrival", "Arrivals"]

_FEEDS = (
    sa.select(placements.c.article, feeds.c.name)
    .join_from(placements, feeds, placements.c.feed == feeds.c.pk)
    .where(placements.c.article.in_(sa.bindparam("some_articles", expanding=True)))
)


class Arrival(Struct, frozen=True, kw_only=True):
    """An article in the feed of everything, and the names of the other feeds that have it."""

    article: StoredArticle
    feeds: frozenset[str]


class Arrivals:
    """The part of the store that knows the order in which articles were stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> int:
        """Returns the number of the article that was stored last; 0 if there is none."""
        with self._database.snapshot() as connection:
            return connection.scalar(sa.select(sa.func.max(articles.c.pk))) or 0

    def after(self, number: int, last: int, limit: int) -> tuple[list[Arrival], int | None]:
        """Returns those of the next `limit` articles after `number`, up to `last`, that are shown, in their
        order.

        The second result is the number to continue from; None at the end.
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
            # A damaged article is reported when it is published.
            with suppress(DamagedStore):
                if ALL in names[row.pk]:
                    shown.append(Arrival(article=from_row(row), feeds=frozenset(names[row.pk] - {ALL})))
        return shown, rows[-1].pk if len(rows) == limit else None

    def first_of(self, names: Collection[str]) -> dict[str, datetime]:
        """Returns when the first article of each of these sources was seen."""
        first = sa.type_coerce(sa.func.min(articles.c.first_seen), Instant).label("first")
        query = sa.select(articles.c.source, first).where(articles.c.source.in_([*names]))
        with self._database.snapshot() as connection:
            return {row.source: row.first for row in connection.execute(query.group_by(articles.c.source))}

    def without_any(self) -> frozenset[str]:
        """Returns the names of sources that were read and never had an article."""
        has_any = sa.exists().where(articles.c.source == sources.c.name)
        query = sa.select(sources.c.name).where(sources.c.active, sources.c.succeeded.is_not(None), ~has_any)
        with self._database.snapshot() as connection:
            return frozenset(connection.scalars(query))

    def looked(self, setting: str, before: str | None, now: str, new: Collection[OutboxMessage]) -> bool:
        """Queues messages and stores up to which article they report; does neither if another process did
        first.

        - `before`: the setting as it was read.
        - `now`: its new value.

        Returns whether it did.
        """
        with self._database.transaction() as connection:
            found = connection.scalar(sa.select(settings.c.value).where(settings.c.name == setting))
            if found != before:
                return False
            enqueue(connection, new)
            remember(connection, setting, now)
            return True

    def rewrite(self, prefix: str, change: Callable[[Article], Article], now: datetime) -> None:
        """Changes every revision of articles of sources whose names begin with `prefix`, without counting
        an edit.
        """
        theirs = articles.c.source.startswith(prefix, autoescape=True)
        every = sa.select(*REVISION).join_from(articles, revisions, revisions.c.article == articles.c.pk)
        with self._database.transaction() as connection:
            writing = WriteTransaction(connection, now)
            changes = ArticleChanges(writing, "")
            for row in connection.execute(every.where(theirs).order_by(revisions.c.pk)).all():
                article = decoded(row)
                if (changed := change(article)) != article:
                    changes.mend(row, changed)
            writing.placing.save()
