"""What hubs have still to be told: kept, so that no restart loses it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from aggregator.store.database import Database
from aggregator.store.schema import announcements as table

__all__ = ["Announcement", "Announcements"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """That `hub` has to be told of a change of `topic`, a feed's address.

    `queued` is when the feed last changed, `attempts` how often telling has failed.
    """

    hub: str
    topic: str
    queued: datetime
    attempts: int = 0


class Announcements:
    """The part of the store that is about hubs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queue(self, new: Sequence[Announcement]) -> None:
        """Adds these, due at once; one that waits already keeps its turn: the hub may have asked for it."""
        rows = [
            {"hub": a.hub, "topic": a.topic, "queued": a.queued, "due": a.queued, "attempts": 0} for a in new
        ]
        adding = insert(table)
        adding = adding.on_conflict_do_update(
            index_elements=[table.c.hub, table.c.topic], set_={"queued": adding.excluded.queued}
        )
        with self._database.transaction() as connection:
            connection.execute(adding, rows)

    def due(self, now: datetime, limit: int) -> list[Announcement]:
        """What is due, at most `limit`, the longest due first."""
        query = sa.select(table.c.hub, table.c.topic, table.c.queued, table.c.attempts)
        query = query.where(table.c.due <= now).order_by(table.c.due, table.c.hub, table.c.topic).limit(limit)
        with self._database.snapshot() as connection:
            return [Announcement(**row._mapping) for row in connection.execute(query)]

    def done(self, told: Announcement) -> None:
        """The hub knows, or will not be told. Not forgotten if the feed changed again meanwhile."""
        is_it = (table.c.hub == told.hub) & (table.c.topic == told.topic) & (table.c.queued == told.queued)
        with self._database.transaction() as connection:
            connection.execute(table.delete().where(is_it))

    def put_off(self, told: Announcement, due: datetime) -> None:
        """Telling failed: it counts, and nothing is told to this hub before `due`."""
        is_hub = table.c.hub == told.hub
        with self._database.transaction() as connection:
            connection.execute(table.update().where(is_hub, table.c.due < due).values(due=due))
            connection.execute(
                table.update().where(is_hub, table.c.topic == told.topic).values(attempts=told.attempts + 1)
            )

    def forget_hubs(self, kept: Collection[str]) -> None:
        """Forgets what was meant for other hubs than these."""
        others = table.c.hub.not_in(list(kept))
        with self._database.snapshot() as connection:
            if connection.scalar(sa.select(sa.exists().where(others))) is not True:
                return
        with self._database.transaction() as connection:
            connection.execute(table.delete().where(others))
