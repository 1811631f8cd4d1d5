"""Decides again which stored articles are in which feeds, after rules changed or time passed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from aggregator.errors import DamagedStore
from aggregator.store.article_states import FOUND
from aggregator.store.database import Database, remember
from aggregator.store.schema import articles, feeds, placements, sources, stories
from aggregator.store.stored_article import StoredArticle, from_row, of_newest
from aggregator.store.story_changes import NO_STORIES, StoryRules
from aggregator.store.write_transaction import Judge, WriteTransaction, by_categories

__all__ = ["Placements"]

_BATCH = 500
DECIDED, _SEEN = "chosen", "chosen at"
_STANDING = (
    of_newest()
    .join(sources, sources.c.name == articles.c.source)
    .where(articles.c.state == FOUND, sources.c.active)
    .order_by(articles.c.pk)
)
_FEEDS = (
    sa.select(placements.c.article, feeds.c.name)
    .join_from(placements, feeds, placements.c.feed == feeds.c.pk)
    .where(placements.c.article.in_(sa.bindparam("some_articles", expanding=True)))
)
_OTHERS = stories.alias()
_OF_OTHERS = (
    sa.select(stories.c.article, feeds.c.name)
    .join(_OTHERS, sa.and_(_OTHERS.c.story == stories.c.story, _OTHERS.c.article != stories.c.article))
    .join(placements, placements.c.article == _OTHERS.c.article)
    .join(feeds, feeds.c.pk == placements.c.feed)
    .where(stories.c.article.in_(sa.bindparam("some_articles", expanding=True)))
)
"""Selects the feeds of other articles in the same stories."""


class Placements:
    """The part of the store that decides again which feeds stored articles are in."""

    def __init__(
        self, database: Database, judge: Judge = by_categories, rules: StoryRules = NO_STORIES
    ) -> None:
        self._database = database
        self.judge = judge
        self._rules = rules

    def define(self, names: Collection[str], now: datetime) -> None:
        """Creates the feeds of saved queries with these names; other query feeds become those of
        categories.
        """
        is_query = feeds.c.kind == "query"
        with self._database.snapshot() as connection:
            known = set(connection.scalars(sa.select(feeds.c.name).where(is_query)))
        if known == set(names):
            return
        with self._database.transaction() as connection:
            writing = WriteTransaction(connection, now)
            for name in names:
                writing.placing.define(name)
            gone = sorted(known.difference(names))
            connection.execute(feeds.update().where(feeds.c.name.in_(gone)).values(kind="category"))
            writing.placing.save()

    def begin(self, digest: str, now: datetime) -> None:
        """Records that all is decided in a store without articles: what comes is judged when it is saved."""
        if not digest or self._database.setting(DECIDED) is not None:
            return
        with self._database.snapshot() as connection:
            if connection.scalar(sa.select(articles.c.pk).limit(1)) is not None:
                return
        with self._database.transaction() as connection:
            remember(connection, DECIDED, json.dumps([digest, None]))
            remember(connection, _SEEN, now.isoformat())

    def decide_all(self, digest: str, now: datetime) -> Iterator[tuple[int, int, int]]:
        """Decides again for every article, once for each `digest` of the rules.

        Yields how many articles were checked and changed, and how many there are. Each step is one
        transaction that also stores the progress, so that an interrupted run continues there.
        """
        place = self._place(digest)
        if place is None:
            return
        with self._database.snapshot() as connection:
            total = connection.scalar(sa.select(sa.func.count()).select_from(articles)) or 0
        while place is not None:
            with self._database.transaction() as connection:
                these = _STANDING.where(articles.c.pk > place)
                looked, changed, place = self._judge_again(connection, these, now)
                remember(connection, DECIDED, json.dumps([digest, place]))
                if place is None:
                    remember(connection, _SEEN, now.isoformat())
            yield looked, changed, total

    def _judge_again(
        self, connection: sa.Connection, these: sa.Select[Any], now: datetime
    ) -> tuple[int, int, int | None]:
        """Decides for one batch; returns how many articles, how many changed, and the last number (None at
        the end).
        """
        writing = WriteTransaction(connection, now, self.judge, self._rules)
        rows = connection.execute(these.limit(_BATCH)).all()
        changed = sum([writing.judge_again(from_row(row)) for row in rows])
        writing.placing.save()
        return len(rows), changed, rows[-1].pk if len(rows) == _BATCH else None

    def _place(self, digest: str) -> int | None:
        """Returns the number of the article to continue after; None: everything is decided."""
        written = self._database.setting(DECIDED)
        if written is None and not digest:
            return None  # there never were any rules
        try:
            found, place = json.loads(written or '["", 0]')
            if found != digest:
                return 0
            return None if place is None else int(place)
        except (ValueError, TypeError) as error:
            raise DamagedStore("what rules were applied", error) from error

    def decide_in_time(self, date_changes: Collection[tuple[str, timedelta]], now: datetime) -> int:
        """Decides again for articles that time alone may have changed; returns how many changed.

        Each of `date_changes` is a date of an article ("published", "updated" or "first_seen"), and how long
        after it a query changes its result.
        """
        written = self._database.setting(_SEEN)
        if not date_changes or written is None:
            return 0
        try:
            since = datetime.fromisoformat(written).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise DamagedStore("when rules were applied", error) from error
        if since >= now:
            return 0
        passed = [
            _passed(name, date_changes, since, now) for name in sorted({name for name, _ in date_changes})
        ]
        total = 0
        place: int | None = 0
        while place is not None:
            with self._database.transaction() as connection:
                these = _STANDING.where(articles.c.pk > place, sa.or_(*passed))
                _, changed, place = self._judge_again(connection, these, now)
                total += changed
                if place is None:
                    remember(connection, _SEEN, now.isoformat())
        return total

    def standing(
        self, source: str | None = None
    ) -> Iterator[tuple[StoredArticle, frozenset[str], frozenset[str]]]:
        """Yields every article that may be shown, with its feeds, and the feeds of others in its story.

        The feed `all` is "". `source`: only articles of this source. Read in batches, in the order of their
        numbers.
        """
        these = _STANDING if source is None else _STANDING.where(articles.c.source == source)
        place: int | None = 0
        while place is not None:
            with self._database.snapshot() as connection:
                rows = connection.execute(these.where(articles.c.pk > place).limit(_BATCH)).all()
                asked = {"some_articles": [row.pk for row in rows]}
                own, of_others = (
                    _by_article(connection.execute(query, asked).all()) for query in (_FEEDS, _OF_OTHERS)
                )
            for row in rows:
                yield from_row(row), frozenset(own[row.pk]), frozenset(of_others[row.pk])
            place = rows[-1].pk if len(rows) == _BATCH else None

    def count_standing(self, source: str | None = None) -> int:
        """Returns how many articles `standing` yields."""
        query = (
            sa.select(sa.func.count())
            .join_from(articles, sources, sources.c.name == articles.c.source)
            .where(articles.c.state == FOUND, sources.c.active)
        )
        with self._database.snapshot() as connection:
            found = connection.scalar(query if source is None else query.where(articles.c.source == source))
            return found or 0

    def feeds_of(self, pk: int) -> tuple[str, ...]:
        """Returns the names of an article's feeds; `all` is ""."""
        query = (
            sa.select(feeds.c.name)
            .join(placements, placements.c.feed == feeds.c.pk)
            .where(placements.c.article == pk)
            .order_by(feeds.c.pk)
        )
        with self._database.snapshot() as connection:
            return tuple(connection.scalars(query))


def _passed(
    name: str, date_changes: Collection[tuple[str, timedelta]], since: datetime, now: datetime
) -> sa.ColumnElement[bool]:
    """Returns a condition: since the last time, an article passed one of these ages, counted from this date.

    The whole interval is checked first, because nearly every article is outside of it.
    """
    column = articles.c[name]
    afters = sorted(after for each, after in date_changes if each == name)
    each = (sa.and_(column > since - after, column <= now - after) for after in afters)
    return sa.and_(column > since - afters[-1], column <= now - afters[0], sa.or_(*each))


def _by_article(rows: Iterable[Any]) -> Mapping[int, set[str]]:
    names: defaultdict[int, set[str]] = defaultdict(set)
    for row in rows:
        names[row.article].add(row.name)
    return names
