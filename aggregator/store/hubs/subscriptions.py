"""Subscriptions at WebSub hubs: which hub reports changes of which source, and how that goes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from aggregator.schedule.state import PollState, Reason
from aggregator.store.columns import Instant
from aggregator.store.database import Database
from aggregator.store.hubs.tables import hub_pings
from aggregator.store.hubs.tables import hub_subscriptions as table
from aggregator.store.schema import sources

__all__ = ["MISSED_IS_DEAF", "HubState", "HubSubscription", "HubSubscriptions"]

MISSED_IS_DEAF = 2
"""After so many polls in a row that found what no ping had reported, a hub is not relied on."""

_NAMES_AT_ONCE = 500
_LISTENING, _RAN = "hubs.listening", "hubs.ran"
_NOTED_EVERY = timedelta(minutes=1)
_HEARD_LATELY = timedelta(minutes=10)


class HubState(StrEnum):
    """What a subscription is waiting for.

    NAMED: the hub is to be asked. ASKED: it was, and has not verified yet. ACTIVE: it verified; it may be
    being renewed. DENIED: the hub said so. FAILED: it cannot be asked, or it failed; tried again much
    later. LEAVING: it is being unsubscribed from.
    """

    NAMED = "named"
    ASKED = "asked"
    ACTIVE = "active"
    DENIED = "denied"
    FAILED = "failed"
    LEAVING = "leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSubscription:
    """One subscription; the columns of its table say what each field is."""

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
        """Whether the hub has verified it, and its lease has not ended."""
        return self.state is HubState.ACTIVE and self.expires is not None and self.expires > now

    def is_trusted(self, now: datetime) -> bool:
        """Whether pings are relied on, so that the source needs few polls."""
        return self.is_live(now) and self.missed < MISSED_IS_DEAF


class HubSubscriptions:
    """The part of the store that knows hubs which report changes; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[HubSubscription]:
        """All of them, by their source's name."""
        return self._found(sa.select(table).order_by(table.c.source, table.c.pk))

    def current(self, names: Sequence[str] | None = None) -> dict[str, HubSubscription]:
        """Each source's own, by its name, of these or all sources: none that is being left."""
        query = sa.select(table).where(table.c.state != HubState.LEAVING).order_by(table.c.pk)
        found = []
        if names is None:
            found = self._found(query)
        for start in range(0, len(names or ()), _NAMES_AT_ONCE):
            some = (names or ())[start : start + _NAMES_AT_ONCE]
            found += self._found(query.where(table.c.source.in_(some)))
        return {each.source: each for each in found}

    def by_token(self, token: str) -> HubSubscription | None:
        """The one whose callback this is, None for none."""
        return next(iter(self._found(sa.select(table).where(table.c.token == token))), None)

    def by_pk(self, pk: int) -> HubSubscription | None:
        """One by its number, None when it is gone."""
        return next(iter(self._found(sa.select(table).where(table.c.pk == pk))), None)

    def due(self, now: datetime, limit: int) -> list[HubSubscription]:
        """Those with which something is to be done, the longest due first."""
        query = sa.select(table).where(table.c.due <= now).order_by(table.c.due, table.c.pk).limit(limit)
        return self._found(query)

    def add(self, new: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Adds subscriptions to be asked for; each leaves its source's earlier one.

        Of each, `source`, `address`, `hubs`, `topic`, `is_doubtful`, `token` and `hmac_key` are given.
        """
        with self._database.transaction() as connection:
            for each in new:
                _leave(connection, table.c.source == each["source"], now)
                row = {**_BLANK, **each, "hubs": [*each["hubs"]], "hub": each["hubs"][0]}
                connection.execute(table.insert().values(row | {"due": now, "changed": now}))

    def leave(self, pks: Collection[int], now: datetime) -> None:
        """Gives these up: what a hub has verified is unsubscribed from, anything else is forgotten."""
        with self._database.transaction() as connection:
            for pk in pks:
                _leave(connection, table.c.pk == pk, now)

    def remove(self, pk: int) -> None:
        """Forgets one, and what it sent."""
        with self._database.transaction() as connection:
            connection.execute(hub_pings.delete().where(hub_pings.c.subscription == pk))
            connection.execute(table.delete().where(table.c.pk == pk))

    def change(self, known: HubSubscription, now: datetime, **values: Any) -> bool:
        """Sets these columns, unless its state or its request is another by now; whether it did."""
        is_it = sa.and_(
            table.c.pk == known.pk,
            table.c.state == known.state,
            table.c.asked.is_not_distinct_from(known.asked),
        )
        with self._database.row_transaction() as connection:
            done = connection.execute(table.update().where(is_it).values(changed=now, **values))
        return bool(done.rowcount)

    def count(self, pk: int, **more: int) -> None:
        """Adds to columns that count."""
        values = {name: table.c[name] + count for name, count in more.items()}
        with self._database.row_transaction() as connection:
            connection.execute(table.update().where(table.c.pk == pk).values(values))

    def pinged(self, known: HubSubscription, pings: int, poll_due: datetime | None, now: datetime) -> None:
        """Records so many pings; `poll_due`: when its source is to be polled for them, None: not."""
        values: dict[str, Any] = {"pinged": now, "pings": table.c.pings + pings, "missed": 0}
        if poll_due is not None:
            values["poll_due"] = sa.func.coalesce(table.c.poll_due, sa.literal(poll_due, Instant))
        with self._database.row_transaction() as connection:
            connection.execute(table.update().where(table.c.pk == known.pk).values(values))

    def to_poll(self, now: datetime, limit: int) -> list[HubSubscription]:
        """Those whose sources are to be polled for a ping."""
        query = sa.select(table).where(table.c.poll_due <= now).order_by(table.c.poll_due, table.c.pk)
        return self._found(query.limit(limit))

    def took(self, pks: Collection[int], now: datetime) -> None:
        """Records that the sources of these are polled for their pings."""
        with self._database.row_transaction() as connection:
            for pk in pks:
                marks = {"poll_due": None, "polled_for": now}
                connection.execute(table.update().where(table.c.pk == pk).values(marks))

    def learn(self, changes: Mapping[int, Mapping[str, Any]]) -> None:
        """Sets what polls found out of subscriptions, by their numbers."""
        with self._database.transaction() as connection:
            for pk, values in changes.items():
                connection.execute(table.update().where(table.c.pk == pk).values(dict(values)))

    def restart(self, now: datetime) -> None:
        """Begins anew with those that a clock which was ahead has stamped."""
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
        """Records that a process answers at the callbacks' addresses."""
        self._database.remember(_LISTENING, now.isoformat())

    def ran(self, now: datetime) -> datetime | None:
        """When hubs were last asked for what is due, by whatever process; None for never. It is asked now."""
        last = _moment(self._database.setting(_RAN))
        if last is None or abs(now - last) >= _NOTED_EVERY:
            self._database.remember(_RAN, now.isoformat())
        return last

    def is_answered(self, now: datetime) -> bool:
        """Whether any process has answered at the callbacks' addresses lately."""
        heard = _moment(self._database.setting(_LISTENING))
        return heard is not None and abs(now - heard) <= _HEARD_LATELY

    def relied_on(self) -> dict[str, PollState]:
        """What is remembered of the polls of the sources that are polled seldom for their hubs, by name."""
        written = sa.type_coerce(sources.c.schedule, sa.Text).contains(f'"{Reason.WEBSUB}"')
        with self._database.snapshot() as connection:
            rows = connection.execute(sa.select(sources.c.name, sources.c.schedule).where(written))
            return {row.name: row.schedule for row in rows if row.schedule.reason is Reason.WEBSUB}

    def _found(self, query: sa.Select[Any]) -> list[HubSubscription]:
        with self._database.snapshot() as connection:
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
    return HubSubscription(**{field.name: values[field.name] for field in fields(HubSubscription)})


def _state(text: str) -> HubState:
    return HubState(text) if text in _STATES else HubState.FAILED


_STATES = frozenset(state.value for state in HubState)
_BLANK: Mapping[str, Any] = {
    "callback": "",
    "state": HubState.NAMED,
    **dict.fromkeys(("attempts", "pings", "forged", "missed", "vain"), 0),
    "seen": [],
}
