"""Finds and prunes articles and versions that retention does not keep, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from aggregator.config.load import Keep
from aggregator.store.article_changes import ArticleChanges, drop_versions
from aggregator.store.article_states import FOUND
from aggregator.store.schema import articles, feeds, placements, revisions

_BATCH = 500
_UNDATED = articles.c.given.contains('"published": null', autoescape=True).label("undated")


class _Place(NamedTuple):
    """The place of an article in the order of feeds: newest first, then by published id.

    Articles before `oldest` are too old; those from the place `beyond` on are too many. None: no such limit.
    """

    published: datetime
    uid: str
    oldest: datetime | None = None
    beyond: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The articles of a source, or those in the feed of a category."""

    source: str = ""
    category: str = ""

    @property
    def _published(self) -> sa.ColumnElement[Any]:
        # Each of them has an index by this date.
        return articles.c.published if self.source else placements.c.published

    def newest_first(self, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """Returns a query for these columns of its articles, newest first."""
        query = sa.select(*columns).order_by(self._published.desc(), articles.c.uid)
        if self.source:
            return query.where(articles.c.source == self.source, articles.c.state == FOUND)
        joined = query.join(placements, placements.c.article == articles.c.pk)
        named = sa.select(feeds.c.pk).where(feeds.c.name == self.category).scalar_subquery()
        return joined.where(placements.c.feed == named)

    def older_than(self, moment: datetime) -> sa.ColumnElement[bool]:
        """Returns the condition that an article was published before `moment`."""
        return self._published < moment

    def from_place(self, place: _Place) -> sa.ColumnElement[bool]:
        """Returns the condition that an article is at this place or after it."""
        published, uid = place.published, place.uid
        at_once = sa.and_(self._published == published, articles.c.uid >= uid)
        # The first condition is for the index, which cannot use the second.
        return sa.and_(self._published <= published, sa.or_(self._published < published, at_once))


def first(connection: sa.Connection, scope: Scope, keep: Keep, now: datetime) -> _Place | None:
    """Returns the newest article that `keep` does not keep; None if there is none."""
    query = scope.newest_first(articles.c.published, articles.c.uid).limit(1)
    oldest = None if keep.max_age is None else _oldest(keep.max_age, now)
    aged = oldest and connection.execute(query.where(scope.older_than(oldest))).one_or_none()
    last = keep.max_articles
    has_more = last is not None and _has_more(connection, scope, last)
    counted = connection.execute(query.offset(last)).one_or_none() if has_more else None
    beyond = (counted.published, counted.uid) if counted else None
    found = [(row.published, row.uid) for row in (aged, counted) if row]
    return _Place(*min(found, key=_order), oldest, beyond) if found else None


def _has_more(connection: sa.Connection, scope: Scope, count: int) -> bool:
    """Returns whether there may be more than `count`, without reading articles."""
    if scope.source:  # an index alone answers this
        some = scope.newest_first(sa.literal(1)).order_by(None).limit(count + 1).subquery()
        found = sa.select(sa.func.count()).select_from(some)
    else:
        found = sa.select(feeds.c.total).where(feeds.c.name == scope.category)
    return (connection.scalar(found) or 0) > count


def _oldest(max_age: timedelta, now: datetime) -> datetime:
    """Returns the time that is `max_age` before `now`, at least the earliest possible date."""
    return now - min(max_age, now - datetime.min.replace(tzinfo=UTC))


def _order(place: tuple[datetime, str]) -> tuple[float, str]:
    return -place[0].timestamp(), place[1]


def prune(
    connection: sa.Connection, changes: ArticleChanges, scope: Scope, place: _Place, window: int
) -> _Place | None:
    """Prunes one batch from `place` on, except what feeds show; returns the place of the next, None at the
    end.
    """
    columns = (articles.c.pk, articles.c.uid, articles.c.published, articles.c.first_seen, _UNDATED)
    query = scope.newest_first(*columns).where(scope.from_place(place)).limit(_BATCH + 1)
    rows = connection.execute(query).all()
    shown = _shown(connection, [row.pk for row in rows[:_BATCH]], window)
    changes.prune([row.pk for row in rows[:_BATCH] if row.pk not in shown and not _is_young(row, place)])
    last = rows[_BATCH] if len(rows) > _BATCH else None
    return place._replace(published=last.published, uid=last.uid) if last else None


def _is_young(row: sa.Row[Any], place: _Place) -> bool:
    """Returns whether an article is kept although its date is too old, because its source gave no date.

    Its age counts from when it was first seen; its place in the order is that of the date that it was given.
    """
    if not row.undated or place.oldest is None or row.first_seen < place.oldest:
        return False
    return place.beyond is None or _order((row.published, row.uid)) < _order(place.beyond)


def _shown(connection: sa.Connection, pks: Sequence[int], window: int) -> set[int]:
    """Returns which of these articles are among the newest `window` of a feed; ties with the last one
    count too.
    """
    if window < 1:
        return set()
    of_these = placements.c.article.in_(pks)
    last = (
        sa.select(placements.c.published)
        .where(placements.c.feed == feeds.c.pk)
        .order_by(placements.c.published.desc())
        .limit(1)
        .offset(window - 1)
        .scalar_subquery()
    )
    numbers = connection.scalars(sa.select(placements.c.feed).where(of_these).distinct()).all()
    oldest = sa.select(feeds.c.pk, last.label("published")).where(feeds.c.pk.in_(numbers))
    oldest_shown = {row.pk: row.published for row in connection.execute(oldest)}
    joined = connection.execute(sa.select(placements).where(of_these))
    return {
        row.article for row in joined if (moment := oldest_shown[row.feed]) is None or row.published >= moment
    }


def old_versions(connection: sa.Connection, scope: Scope, keep: Keep, now: datetime) -> Sequence[int]:
    """Returns a batch of earlier versions that were replaced longer ago than `keep` allows; empty at the
    end.
    """
    if keep.max_age is None or not scope.source:
        return ()
    is_old = revisions.c.replaced < _oldest(keep.max_age, now)
    if connection.scalar(sa.select(revisions.c.pk).where(is_old).limit(1)) is None:
        return ()  # a query of all sources uses an index; one of a single source reads all its articles
    query = (
        sa.select(revisions.c.pk)
        .join(articles, revisions.c.article == articles.c.pk)
        .where(articles.c.source == scope.source, is_old)
        .limit(_BATCH)
    )
    return connection.scalars(query).all()


def prune_versions(connection: sa.Connection, pks: Sequence[int]) -> None:
    """Deletes these earlier versions."""
    drop_versions(connection, pks)
