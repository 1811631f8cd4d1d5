"""Subscriptions at WebSub hubs: which hub reports changes of which source, and how reliably."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from aggregator.model.struct import Struct
from aggregator.schedule.state import PollState, Reason
from aggregator.store.column_types import Instant
from aggregator.store.database import Database
from aggregator.store.hubs.tables import hub_pings
from aggregator.store.hubs.tables import hub_subscriptions as table
from aggregator.store.schema import sources

__all__ = ["MISSED_IS_DEAF", "HubState", "HubSubscription", "HubSubscriptions"]

MISSED_IS_DEAF = 2
"""After this many polls in a row that found articles without a ping, the hub is not relied on."""

_NAMES_AT_ONCE = 500
_LISTENING, _RAN = "hubs.listening", "hubs.ran"
_NOTED_EVERY = timedelta(minutes=1)
_HEARD_LATELY = timedelta(minutes=10)


class HubState(StrEnum):
    """The state of a subscription.

    - NAMED: the hub is to be asked.
    - ASKED: it was asked, and has not verified yet.
    - ACTIVE: it verified; the lease may be being renewed.
    - DENIED: the hub refused.
    - FAILED: it cannot be asked, or requests failed; tried again much later.
    - LEAVING: the subscription is being ended.
    """

    NAMED = "named"
    ASKED = "asked"
    ACTIVE = "active"
    DENIED = "denied"
    FAILED = "failed"
    LEAVING = "leaving"


class HubSubscription(Struct, frozen=True, kw_only=True):
    """A subscription; comments in `hubs.tables` describe the fields."""

    pk: int
    source: str
    address: str
    hubs: tuple[str, ...]
    hub: str
    topic: str
    is_doubtful: bool
    token: str
    callback: str
    hmac_key: str
    state: HubState
    changed: datetime
    asked: datetime | None
    expires: datetime | None
    due: datetime | None
    attempts: int
    error: str | None
    pinged: datetime | None
    pings: int
    forged: int
    missed: int
    poll_due: datetime | None
    polled_for: datetime | None
    vain: int
    seen: tuple[str, ...]

    def is_live(self, now: datetime) -> bool:
        """Returns whether the hub has verified it and its lease has not ended."""
        return self.state is HubState.ACTIVE and self.expires is not None and self.expires > now

    def is_trusted(self, now: datetime) -> bool:
        """Returns whether pings are relied on, so that the source is polled rarely."""
        return self.is_live(now) and self.missed < MISSED_IS_DEAF


class HubSubscriptions:
    """The part of the store that keeps subscriptions at hubs; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[HubSubscription]:
        """Returns all subscriptions, ordered by the name of the source."""
        return self._found(sa.select(table).order_by(table.c.source, table.c.pk))

    def current(self, names: Sequence[str] | None = None) -> dict[str, HubSubscription]:
        """Returns the current subscription of each of these sources (None: of all), by name, without those
        being ended.
        """
        query = sa.select(table).where(table.c.state != HubState.LEAVING).order_by(table.c.pk)
        found = []
        if names is None:
            found = self._found(query)
        for start in range(0, len(names or ()), _NAMES_AT_ONCE):
            some = (names or ())[start : start + _NAMES_AT_ONCE]
            found += self._found(query.where(table.c.source.in_(some)))
        return {each.source: each for each in found}

    def by_token(self, token: str) -> HubSubscription | None:
        """Returns the subscription with this token in its callback; None if there is none."""
        return next(iter(self._found(sa.select(table).where(table.c.token == token))), None)

    def by_pk(self, pk: int) -> HubSubscription | None:
        """Returns a subscription by its number; None if it was removed."""
        return next(iter(self._found(sa.select(table).where(table.c.pk == pk))), None)

    def due(self, now: datetime, limit: int) -> list[HubSubscription]:
        """Returns subscriptions for which something is due, the longest due first."""
        query = sa.select(table).where(table.c.due <= now).order_by(table.c.due, table.c.pk).limit(limit)
        return self._found(query)

    def add(self, new: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Adds subscriptions to request; the earlier subscription of each source is ended.

        Each must have `source`, `address`, `hubs`, `topic`, `is_doubtful`, `token` and `hmac_key`.
        """
        with self._database.transaction() as connection:
            for each in new:
                _leave(connection, table.c.source == each["source"], now)
                row = {**_BLANK, **each, "hubs": [*each["hubs"]], "hub": each["hubs"][0]}
                connection.execute(table.insert().values(row | {"due": now, "changed": now}))

    def leave(self, pks: Collection[int], now: datetime) -> None:
        """Ends these subscriptions: verified ones are to be unsubscribed, others are deleted."""
        with self._database.transaction() as connection:
            for pk in pks:
                _leave(connection, table.c.pk == pk, now)

    def remove(self, pk: int) -> None:
        """Deletes a subscription and its pings."""
        with self._database.transaction() as connection:
            connection.execute(hub_pings.delete().where(hub_pings.c.subscription == pk))
            connection.execute(table.delete().where(table.c.pk == pk))

    def change(self, known: HubSubscription, now: datetime, **values: Any) -> bool:
        """Sets these columns, unless its state or request has changed meanwhile; returns whether it did."""
        is_it = sa.and_(
            table.c.pk == known.pk,
            table.c.state == known.state,
            table.c.asked.is_not_distinct_from(known.asked),
        )
        with self._database.row_transaction() as connection:
            done = connection.execute(table.update().where(is_it).values(changed=now, **values))
        return bool(done.rowcount)

    def count(self, pk: int, **more: int) -> None:
        """Adds to counters."""
        values = {name: table.c[name] + count for name, count in more.items()}
        with self._database.row_transaction() as connection:
            connection.execute(table.update().where(table.c.pk == pk).values(values))

    def pinged(self, known: HubSubscription, pings: int, poll_due: datetime | None, now: datetime) -> None:
        """Records `pings` pings; `poll_due`: when to poll its source for them; None: not."""
        values: dict[str, Any] = {"pinged": now, "pings": table.c.pings + pings, "missed": 0}
        if poll_due is not None:
            values["poll_due"] = sa.func.coalesce(table.c.poll_due, sa.literal(poll_due, Instant))
        with self._database.row_transaction() as connection:
            connection.execute(table.update().where(table.c.pk == known.pk).values(values))

    def to_poll(self, now: datetime, limit: int) -> list[HubSubscription]:
        """Returns subscriptions whose sources are to be polled for a ping."""
        query = sa.select(table).where(table.c.poll_due <= now).order_by(table.c.poll_due, table.c.pk)
        return self._found(query.limit(limit))

    def took(self, pks: Collection[int], now: datetime) -> None:
        """Records that the sources of these subscriptions are polled for their pings."""
        with self._database.row_transaction() as connection:
            for pk in pks:
                marks = {"poll_due": None, "polled_for": now}
                connection.execute(table.update().where(table.c.pk == pk).values(marks))

    def learn(self, changes: Mapping[int, Mapping[str, Any]]) -> None:
        """Sets columns that polls changed, by the number of the subscription."""
        with self._database.transaction() as connection:
            for pk, values in changes.items():
                connection.execute(table.update().where(table.c.pk == pk).values(dict(values)))

    def restart(self, now: datetime) -> None:
        """Restarts subscriptions whose times come from a clock that was ahead."""
        is_ahead = table.c.changed > now
        values = {
            "expires": None,
            "asked": None,
            "due": now,
            "changed": now,
            "pinged": None,
            "polled_for": None,
        }
        with self._database.snapshot() as connection:
            if not connection.scalar(sa.select(sa.exists().where(is_ahead))):
                return
        with self._database.transaction() as connection:
            is_left = is_ahead & (table.c.state == HubState.LEAVING)
            connection.execute(table.delete().where(is_left))
            connection.execute(
                table.update().where(is_ahead).values(**values, state=HubState.NAMED, poll_due=None)
            )

    def listening(self, now: datetime) -> None:
        """Records that a process answers at the callback addresses."""
        self._database.remember(_LISTENING, now.isoformat())

    def ran(self, now: datetime) -> datetime | None:
        """Returns when any process last sent due requests to hubs (None: never), and records `now`."""
        last = _moment(self._database.setting(_RAN))
        if last is None or abs(now - last) >= _NOTED_EVERY:
            self._database.remember(_RAN, now.isoformat())
        return last

    def is_answered(self, now: datetime) -> bool:
        """Returns whether any process answered at the callback addresses in the last minutes."""
        heard = _moment(self._database.setting(_LISTENING))
        return heard is not None and abs(now - heard) <= _HEARD_LATELY

    def relied_on(self) -> dict[str, PollState]:
        """Returns the poll states of the sources that are polled rarely because of their hubs, by name."""
        written = sa.type_coerce(sources.c.schedule, sa.Text).contains(f'"{Reason.WEBSUB}"')
        with self._database.snapshot() as connection:
            rows = connection.execute(sa.select(sources.c.name, sources.c.schedule).where(written))
            return {row.name: row.schedule for row in rows if row.schedule.reason is Reason.WEBSUB}

    def _found(self, query: sa.Select[Any]) -> list[HubSubscription]:
        with self._database.single() as connection:
            return [_record(row) for row in connection.execute(query)]


def _leave(connection: sa.Connection, which: sa.ColumnElement[bool], now: datetime) -> None:
    is_ours = which & (table.c.state != HubState.LEAVING)
    leaving = connection.scalars(sa.select(table.c.pk).where(is_ours)).all()
    connection.execute(hub_pings.delete().where(hub_pings.c.subscription.in_(leaving)))
    connection.execute(table.delete().where(is_ours, table.c.expires.is_(None)))
    values = {
        "state": HubState.LEAVING,
        "due": now,
        "asked": None,
        "attempts": 0,
        "poll_due": None,
        "changed": now,
    }
    connection.execute(table.update().where(is_ours).values(values))


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _record(row: sa.Row[Any]) -> HubSubscription:
    values = dict(row._mapping)
    values |= {"hubs": tuple(values["hubs"]), "seen": tuple(values["seen"]), "state": _state(values["state"])}
    return HubSubscription(**{name: values[name] for name in HubSubscription.__struct_fields__})


def _state(text: str) -> HubState:
    return HubState(text) if text in _STATES else HubState.FAILED


_STATES = frozenset(state.value for state in HubState)
_BLANK: Mapping[str, Any] = {
    "callback": "",
    "state": HubState.NAMED,
    **dict.fromkeys(("attempts", "pings", "forged", "missed", "vain"), 0),
    "seen": [],
}
