"""The articles: reads them with their earlier versions, and prunes them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aggregator.config.load import Keep
from aggregator.store import polled_articles, retention
from aggregator.store.article_changes import ArticleChanges
from aggregator.store.column_types import moment
from aggregator.store.database import Database
from aggregator.store.raw_sql import fetch_rows
from aggregator.store.records import PolledArticles, Version, Whereabouts
from aggregator.store.schema import articles, feeds, placements, revisions, sources
from aggregator.store.stored_article import (
    NEWEST_REVISION,
    REVISION,
    StoredArticle,
    decoded,
    from_row,
    is_named,
    of_newest,
)
from aggregator.store.story_changes import NO_STORIES, StoryRules
from aggregator.store.write_transaction import Judge, WriteTransaction, by_categories

_VERSION: tuple[sa.ColumnElement[Any], ...] = (*REVISION, revisions.c.replaced)


class Articles:
    """The part of the store that keeps articles; every method except `all` and `prune` is one transaction."""

    def __init__(
        self, database: Database, judge: Judge = by_categories, rules: StoryRules = NO_STORIES
    ) -> None:
        self._database = database
        self._judge = judge
        self._rules = rules
        self._readers = threading.BoundedSemaphore(database.dialect.most_readers)

    def going_by(self, source: str, reader_version: int = 1, *, dates: int = 0) -> PolledArticles:
        """Returns what a poll of a source needs to know of its articles, with at most `dates` dates."""
        with self._readers, self._database.single() as connection:
            rows = fetch_rows(connection, polled_articles.OF_SOURCE, (source,))
        return polled_articles.from_rows(rows, reader_version, dates, moment)

    def newest_number(self) -> int:
        """Returns the number of the article that was stored last; 0 if there is none."""
        with self._database.snapshot() as connection:
            return connection.scalar(sa.select(sa.func.max(articles.c.pk))) or 0

    def all(self, source: str | None = None) -> Iterator[StoredArticle]:
        """Yields every article with its content, oldest first, of one source or of all."""
        query = of_newest().order_by(articles.c.published, articles.c.uid)
        if source is not None:
            query = query.where(articles.c.source == source)
        with self._database.snapshot() as connection:
            for row in connection.execute(query):
                yield from_row(row)

    def prune(
        self, keep: Keep, window: int, now: datetime, *, source: str = "", category: str = ""
    ) -> Iterator[int]:
        """Prunes articles of a source or a category that `keep` does not keep; yields how many at each step.

        A pruned article never comes back: its id and its published id stay in use. The newest `window`
        articles of each feed are never pruned; 0 protects none. Each step is one transaction of some hundred
        articles.
        """
        scope = retention.Scope(source=source, category=category)
        with self._database.snapshot() as connection:
            place = retention.first(connection, scope, keep, now)
            old_versions = retention.old_versions(connection, scope, keep, now)
        while place is not None:
            with self._database.transaction() as connection:
                writing = WriteTransaction(connection, now, self._judge, self._rules)
                changes = ArticleChanges(writing, source)
                place = retention.prune(connection, changes, scope, place, window)
                writing.placing.save()
            yield changes.pruned
        while old_versions:
            with self._database.transaction() as connection:
                retention.prune_versions(connection, old_versions)
                old_versions = retention.old_versions(connection, scope, keep, now)
            yield 0

    def whereabouts(self, name: str) -> tuple[Whereabouts, ...]:
        """Returns the state of articles with this name (see `named`), including those not shown or pruned."""
        facts = (*REVISION, articles.c.state, sources.c.active)
        query = (
            sa.select(*facts)
            .join_from(articles, sources, sources.c.name == articles.c.source)
            .join(revisions, NEWEST_REVISION, isouter=True)
            .where(is_named(name))
            .order_by(articles.c.pk)
        )
        standing = (
            sa.select(feeds.c.name)
            .join(placements, placements.c.feed == feeds.c.pk)
            .where(placements.c.article == sa.bindparam("of_pk"))
            .order_by(feeds.c.pk)
        )
        with self._database.snapshot() as connection:
            return tuple(
                Whereabouts(
                    uid=row.uid,
                    id=row.id,
                    source=row.source,
                    state=row.state,
                    is_followed=row.active,
                    kept=None if row.revision is None else from_row(row),
                    feeds=tuple(connection.scalars(standing, {"of_pk": row.pk})),
                )
                for row in connection.execute(query).all()
            )

    def named(self, name: str) -> tuple[StoredArticle, ...]:
        """Returns articles whose link, published id or id at the source this is or was, oldest first."""
        query = of_newest().where(is_named(name)).order_by(articles.c.published, articles.c.uid)
        with self._database.snapshot() as connection:
            return tuple(from_row(row) for row in connection.execute(query))

    def earlier_versions(self, uid: str) -> tuple[Version, ...]:
        """Returns the earlier versions of an article, newest first."""
        query = (
            sa.select(*_VERSION)
            .join_from(articles, revisions, revisions.c.article == articles.c.pk)
            .where(articles.c.uid == uid, revisions.c.replaced.is_not(None))
            .order_by(revisions.c.pk.desc())
        )
        with self._database.snapshot() as connection:
            rows = connection.execute(query).all()
        return tuple(Version(article=decoded(row), replaced=row.replaced) for row in rows)
