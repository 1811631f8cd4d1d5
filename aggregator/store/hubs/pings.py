"""Documents that hubs sent: kept until they are read, bounded in number and size."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aggregator.model.struct import Struct
from aggregator.store.database import Database
from aggregator.store.hubs.tables import hub_pings as table

__all__ = ["MAX_WAITING", "MAX_WAITING_BYTES", "MAX_WAITING_OF_ONE", "HubPing", "HubPings"]

MAX_WAITING, MAX_WAITING_OF_ONE, MAX_WAITING_BYTES = 500, 3, 64 * 1024 * 1024
"""How many pings may wait to be read, of all subscriptions and of one, and their bytes together."""


class HubPing(Struct, frozen=True, kw_only=True):
    """A document that a hub sent; `digest` is that of its body."""

    pk: int
    subscription: int
    received: datetime
    content_type: str
    digest: str
    body: bytes


class HubPings:
    """The part of the store that keeps pings with a document; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, subscription: int, content_type: str, digest: str, body: bytes, now: datetime) -> bool:
        """Stores a ping; returns False if too many wait. A ping with the same body as one that waits is
        stored once.
        """
        theirs = sa.select(table.c.digest).where(table.c.subscription == subscription)
        size = sa.func.coalesce(sa.func.sum(sa.func.length(table.c.body)), 0)
        with self._database.snapshot() as connection:  # in a flood, most pings need no write lock
            waiting = connection.scalars(theirs).all()
        if digest in waiting or len(waiting) >= MAX_WAITING_OF_ONE:
            return digest in waiting
        with self._database.transaction() as connection:
            waiting = connection.scalars(theirs).all()
            count, total = connection.execute(sa.select(sa.func.count(), size).select_from(table)).one()
            is_full = count >= MAX_WAITING or total + len(body) > MAX_WAITING_BYTES
            if is_full or len(waiting) >= MAX_WAITING_OF_ONE:
                return False
            values: dict[str, Any] = {"subscription": subscription, "received": now, "digest": digest}
            values |= {"content_type": content_type, "body": body}
            connection.execute(table.insert().values(values))
        return True

    def are_there(self) -> bool:
        """Returns whether any ping waits to be read."""
        with self._database.snapshot() as connection:
            return bool(connection.scalar(sa.select(sa.exists().select_from(table))))

    def waiting(self) -> Iterator[HubPing]:
        """Yields the oldest ping of each subscription."""
        oldest = sa.func.min(table.c.pk)
        query = sa.select(oldest).group_by(table.c.subscription).order_by(oldest)
        with self._database.snapshot() as connection:
            numbers = connection.scalars(query).all()
        for number in numbers:  # one at a time, because they may be large
            with self._database.snapshot() as connection:
                row = connection.execute(sa.select(table).where(table.c.pk == number)).one_or_none()
            if row is not None:
                yield HubPing(**row._mapping)

    def done(self, ping: HubPing) -> None:
        """Deletes a ping that was read."""
        with self._database.transaction() as connection:
            connection.execute(table.delete().where(table.c.pk == ping.pk))
