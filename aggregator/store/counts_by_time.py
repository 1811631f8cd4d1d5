"""Counts the articles of a feed by periods of time, and finds the archive with the newest of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import sqlalchemy as sa

from aggregator.store.database import Database
from aggregator.store.schema import feeds, placements

__all__ = ["Calendar", "CountedPeriod"]


@dataclass(frozen=True, slots=True)
class CountedPeriod:
    """A period from `start` and its articles.

    - `newest`: the date of its newest article.
    - `archived`: the number of the full archive that has this article; None: it is in none.
    """

    start: datetime
    count: int
    newest: datetime
    archived: int | None


class Calendar:
    """The part of the store that counts a feed's articles by time; it reads an index of all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def span(self, feed: str) -> tuple[datetime, datetime] | None:
        """Returns the dates of the oldest and the newest article of a feed; None if it has no articles."""
        of = placements.c.feed == sa.select(feeds.c.pk).where(feeds.c.name == feed).scalar_subquery()
        dates = sa.select(sa.func.min(placements.c.published), sa.func.max(placements.c.published)).where(of)
        with self._database.snapshot() as connection:
            oldest, newest = connection.execute(dates).one()
        return None if oldest is None else (oldest, newest)

    def shown_since(self, feed: str, entries: int) -> datetime | None:
        """Returns the date of the oldest of the newest `entries` articles; None if there are fewer."""
        of = placements.c.feed == sa.select(feeds.c.pk).where(feeds.c.name == feed).scalar_subquery()
        dates = sa.select(placements.c.published).where(of).order_by(placements.c.published.desc())
        with self._database.snapshot() as connection:
            found: datetime | None = connection.scalar(dates.limit(1).offset(entries - 1))
            return found

    def periods(self, feed: str, starts: Sequence[datetime]) -> list[CountedPeriod]:
        """Returns the periods between these times that have articles, newest first.

        `starts` are newest first; the first of them is the end of the newest period.
        """
        of = placements.c.feed == sa.select(feeds.c.pk).where(feeds.c.name == feed).scalar_subquery()
        made = []
        with self._database.snapshot() as connection:
            for end, start in pairwise(starts):
                within = sa.and_(of, placements.c.published >= start, placements.c.published < end)
                count = (
                    connection.scalar(sa.select(sa.func.count()).select_from(placements).where(within)) or 0
                )
                if not count:
                    continue
                newest = sa.select(placements.c.published, placements.c.archived).where(within)
                row = connection.execute(newest.order_by(placements.c.published.desc()).limit(1)).one()
                made.append(CountedPeriod(start, count, row.published, row.archived))
        return made
