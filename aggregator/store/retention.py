"""What need not be kept: which articles and versions a rule lets go, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from aggregator.config.load import Keep
from aggregator.store.changes import Changes, drop_versions
from aggregator.store.schema import FOUND, articles, feeds, placements, revisions

_BATCH = 500
_UNDATED = articles.c.given.contains('"published": null', autoescape=True).label("undated")


class _Place(NamedTuple):
    """Of an article among others, newest first: by its date, then by its uid, as in feeds.

    Before `oldest` articles are too old; those from `beyond` on are too many. None: no such limit.
    """

    published: datetime
    uid: str
    oldest: datetime | None = None
    beyond: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The articles of a source, or else those in the feed of a category."""

    source: str = ""
    category: str = ""

    @property
    def _published(self) -> sa.ColumnElement[Any]:
        # Each has an index by this date.
        return articles.c.published if self.source else placements.c.published

    def newest_first(self, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """These columns of its articles, newest first."""
        query = sa.select(*columns).order_by(self._published.desc(), articles.c.uid)
        if self.source:
            return query.where(articles.c.source == self.source, articles.c.state == FOUND)
        joined = query.join(placements, placements.c.article == articles.c.pk)
        named = sa.select(feeds.c.pk).where(feeds.c.name == self.category).scalar_subquery()
        return joined.where(placements.c.feed == named)

    def older_than(self, moment: datetime) -> sa.ColumnElement[bool]:
        """Those published before."""
        return self._published < moment

    def from_place(self, place: _Place) -> sa.ColumnElement[bool]:
        """Those at this place or behind it."""
        published, uid = place.published, place.uid
        at_once = sa.and_(self._published == published, articles.c.uid >= uid)
        # The first condition is for the index, which cannot use the second.
        return sa.and_(self._published <= published, sa.or_(self._published < published, at_once))


def first(connection: sa.Connection, scope: Scope, keep: Keep, now: datetime) -> _Place | None:
    """The newest article that `keep` lets go, None when there is none."""
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
    """Whether there may be more than so many; of a source its index alone says so, their order needs rows."""
    if not scope.source:
        return True
    some = scope.newest_first(sa.literal(1)).order_by(None).limit(count + 1).subquery()
    return (connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0) > count


def _oldest(max_age: timedelta, now: datetime) -> datetime:
    """What is as old as that at `now`; the earliest date there is, for an age beyond it."""
    return now - min(max_age, now - datetime.min.replace(tzinfo=UTC))


def _order(place: tuple[datetime, str]) -> tuple[float, str]:
    return -place[0].timestamp(), place[1]


def prune(
    connection: sa.Connection, changes: Changes, scope: Scope, place: _Place, window: int
) -> _Place | None:
    """Prunes one batch from `place` on, less what feeds show; returns the next one's place, if any."""
    columns = (articles.c.pk, articles.c.uid, articles.c.published, articles.c.first_seen, _UNDATED)
    query = scope.newest_first(*columns).where(scope.from_place(place)).limit(_BATCH + 1)
    rows = connection.execute(query).all()
    shown = _shown(connection, [row.pk for row in rows[:_BATCH]], window)
    changes.prune([row.pk for row in rows[:_BATCH] if row.pk not in shown and not _is_young(row, place)])
    last = rows[_BATCH] if len(rows) > _BATCH else None
    return place._replace(published=last.published, uid=last.uid) if last else None


def _is_young(row: sa.Row[Any], place: _Place) -> bool:
    """Whether an article is kept though its date is too old: one that its source gave none for.

    Its age counts from when it was first seen; its place among too many is that of the date that it got.
    """
    if not row.undated or place.oldest is None or row.first_seen < place.oldest:
        return False
    return place.beyond is None or _order((row.published, row.uid)) < _order(place.beyond)


def _shown(connection: sa.Connection, pks: Sequence[int], window: int) -> set[int]:
    """Which of these articles are among the newest `window` of a feed; all of that last moment count."""
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
    """Some earlier versions that were replaced longer ago than `keep` keeps anything; empty at the end."""
    if keep.max_age is None or not scope.source:
        return ()
    is_old = revisions.c.replaced < _oldest(keep.max_age, now)
    if connection.scalar(sa.select(revisions.c.pk).where(is_old).limit(1)) is None:
        return ()  # of any source, by an index; of one source, each of its articles is looked at
    query = (
        sa.select(revisions.c.pk)
        .join(articles, revisions.c.article == articles.c.pk)
        .where(articles.c.source == scope.source, is_old)
        .limit(_BATCH)
    )
    return connection.scalars(query).all()


def prune_versions(connection: sa.Connection, pks: Sequence[int]) -> None:
    """Forgets these earlier versions."""
    drop_versions(connection, pks)
