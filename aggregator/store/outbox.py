"""The outbox: messages to hubs, webhooks and mailboxes that wait to be sent, stored so that no restart
loses them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aggregator.model.struct import replace
from aggregator.store.column_types import Instant
from aggregator.store.database import Database
from aggregator.store.outbox_messages import IN_DOUBT, OutboxMessage
from aggregator.store.schema import outbox as table

__all__ = ["Outbox", "enqueue", "forget_article"]

_OLDEST_FIRST = (table.c.due, table.c.channel, table.c.target, table.c.queued, table.c.id)


def enqueue(connection: sa.Connection, new: Iterable[OutboxMessage]) -> int:
    """Queues messages within a transaction; returns how many of them were not queued already.

    A message that waits already keeps its time, with new content. If messages to the same target wait after a
    failure or a pause, new ones wait with them, because the target may have asked for it, and gets them in
    order.
    """
    added = 0
    turns: dict[tuple[str, str], datetime | None] = {}
    for each in new:
        is_it = table.c.id == each.id
        if connection.scalar(sa.select(table.c.id).where(is_it)) is None:
            target = each.channel, each.target
            if target not in turns:
                turns[target] = _turn(connection, *target)
            due = max(each.due, turns[target] or each.due)
            connection.execute(table.insert().values(**_row(replace(each, due=due))))
            added += 1
        else:
            renewed = {"queued": each.queued, "payload": dict(each.payload)}
            connection.execute(table.update().where(is_it).values(renewed))
    return added


def forget_article(connection: sa.Connection, uid: str) -> None:
    """Erases an article from messages that wait: from their list `articles`, else the whole message."""
    written = sa.cast(table.c.payload, sa.Text).contains(json.dumps(uid)[1:-1], autoescape=True)
    for row in connection.execute(sa.select(table.c.id, table.c.payload).where(written)).all():
        is_it = table.c.id == row.id
        listed = row.payload.get("articles")
        left = [each for each in listed if each.get("id") != uid] if isinstance(listed, list) else []
        if left:
            connection.execute(table.update().where(is_it).values(payload={**row.payload, "articles": left}))
        else:
            connection.execute(table.delete().where(is_it))


class Outbox:
    """The part of the store that keeps messages to be sent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def channels(self) -> tuple[str, ...]:
        """Returns the names of the channels for which messages wait, in order."""
        query = sa.select(table.c.channel).distinct().order_by(table.c.channel)
        with self._database.snapshot() as connection:
            return tuple(connection.scalars(query))

    def queue(self, new: Sequence[OutboxMessage]) -> int:
        """Queues messages (see `enqueue`)."""
        with self._database.transaction() as connection:
            return enqueue(connection, new)

    def due(self, now: datetime, limit: int) -> list[OutboxMessage]:
        """Returns at most `limit` messages that are due, the longest due first."""
        query = sa.select(table).where(table.c.due <= now).order_by(*_OLDEST_FIRST).limit(limit)
        with self._database.snapshot() as connection:
            return [OutboxMessage(**row._mapping) for row in connection.execute(query)]

    def waiting(self, limit: int) -> list[OutboxMessage]:
        """Returns at most `limit` messages, due or not, the longest due first."""
        query = sa.select(table).order_by(*_OLDEST_FIRST).limit(limit)
        with self._database.snapshot() as connection:
            return [OutboxMessage(**row._mapping) for row in connection.execute(query)]

    def claim(self, message: OutboxMessage, now: datetime, until: datetime) -> bool:
        """Reserves a due message, so that no other process sends it before `until`; returns False if another
        did.

        If the process is killed before `done`, another one may send it after that time.
        """
        is_it = (table.c.id == message.id) & (table.c.due <= now)
        with self._database.row_transaction() as connection:
            return (
                connection.execute(table.update().where(is_it).values(due=until, error=IN_DOUBT)).rowcount
                == 1
            )

    def done(self, message: OutboxMessage, now: datetime, rest: datetime | None = None) -> None:
        """Deletes a message that was sent or will never be. If its content changed meanwhile, it is due at
        once.

        `rest`: nothing is sent to its target before this time; None: no pause.
        """
        is_it = table.c.id == message.id
        with self._database.row_transaction() as connection:
            connection.execute(table.delete().where(is_it, table.c.queued == message.queued))
            connection.execute(table.update().where(is_it).values(due=now, attempts=0, error=""))
            if rest is not None:
                is_theirs = (table.c.channel == message.channel) & (table.c.target == message.target)
                connection.execute(table.update().where(is_theirs, table.c.due < rest).values(due=rest))

    def put_off(self, message: OutboxMessage, due: datetime, error: str) -> None:
        """Records a failed attempt; nothing goes to this target before `due`."""
        is_theirs = (table.c.channel == message.channel) & (table.c.target == message.target)
        failed = {"due": due, "attempts": message.attempts + 1, "error": error}
        with self._database.row_transaction() as connection:
            connection.execute(table.update().where(is_theirs, table.c.due < due).values(due=due))
            connection.execute(table.update().where(table.c.id == message.id).values(failed))

    def withdraw(self, channel: str, kept: Collection[str]) -> list[OutboxMessage]:
        """Deletes and returns a channel's messages for targets that are not in `kept`."""
        return self._taken(sa.and_(table.c.channel == channel, table.c.target.not_in([*kept])))

    def withdraw_surplus(self, channel: str, most: int) -> list[OutboxMessage]:
        """Deletes and returns the oldest messages of each target of a channel that has more than `most`."""
        of_channel = sa.select(table.c.target).where(table.c.channel == channel)
        crowded = of_channel.group_by(table.c.target).having(sa.func.count() > most)
        with self._database.snapshot() as connection:
            targets = connection.scalars(crowded.order_by(table.c.target)).all()
        found: list[OutboxMessage] = []
        for target in targets:
            is_theirs = sa.and_(table.c.channel == channel, table.c.target == target)
            newest = sa.select(table.c.id).where(is_theirs)
            newest = newest.order_by(table.c.queued.desc(), table.c.id).limit(most)
            found += self._taken(sa.and_(is_theirs, table.c.id.not_in(newest)))
        return found

    def _taken(self, which: sa.ColumnElement[bool]) -> list[OutboxMessage]:
        query = sa.select(table).where(which).order_by(*_OLDEST_FIRST)
        with self._database.snapshot() as connection:
            if connection.execute(query.limit(1)).first() is None:
                return []
        with self._database.transaction() as connection:
            found = [OutboxMessage(**row._mapping) for row in connection.execute(query)]
            connection.execute(table.delete().where(which))
        return found


def _turn(connection: sa.Connection, channel: str, target: str) -> datetime | None:
    """Returns until when all messages for a target wait; None if none does."""
    is_theirs = sa.and_(table.c.channel == channel, table.c.target == target, table.c.error != IN_DOUBT)
    found: datetime | None = connection.scalar(
        sa.select(sa.type_coerce(sa.func.max(table.c.due), Instant)).where(is_theirs)
    )
    return found


def _row(message: OutboxMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "channel": message.channel,
        "target": message.target,
        "payload": dict(message.payload),
        "queued": message.queued,
        "due": message.due,
        "attempts": message.attempts,
        "error": message.error,
    }
