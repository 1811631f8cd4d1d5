"""Which hubs are still to be notified of which feeds: kept, so that no restart loses it."""

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
    """`hub` is to be notified that `topic`, a feed's address, changed.

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

    def done(self, announcement: Announcement) -> None:
        """The hub was notified, or will not be. Kept if the feed changed again meanwhile."""
        is_it = (table.c.hub == announcement.hub) & (table.c.topic == announcement.topic)
        is_it &= table.c.queued == announcement.queued
        with self._database.transaction() as connection:
            connection.execute(table.delete().where(is_it))

    def put_off(self, announcement: Announcement, due: datetime) -> None:
        """Records a failed attempt; this hub is not notified before `due`."""
        is_hub = table.c.hub == announcement.hub
        with self._database.transaction() as connection:
            connection.execute(table.update().where(is_hub, table.c.due < due).values(due=due))
            connection.execute(
                table.update()
                .where(is_hub, table.c.topic == announcement.topic)
                .values(attempts=announcement.attempts + 1)
            )

    def forget_hubs(self, kept: Collection[str]) -> None:
        """Forgets what was meant for other hubs than these."""
        others = table.c.hub.not_in(list(kept))
        with self._database.snapshot() as connection:
            if connection.scalar(sa.select(sa.exists().where(others))) is not True:
                return
        with self._database.transaction() as connection:
            connection.execute(table.delete().where(others))
