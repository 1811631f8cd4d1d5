"""The queue of due sources: how many there are, and how late they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from aggregator.model.struct import Struct
from aggregator.schedule.state import PollState
from aggregator.store.database import Database
from aggregator.store.schema import sources
from aggregator.store.sources_outside_config import batches

_AT_ONCE = 500

__all__ = ["POLLED", "DueSources", "Lag"]

POLLED = sa.and_(sources.c.active, sources.c.is_enabled, sa.not_(sources.c.is_gone))
"""The condition that a source is polled at all."""


class Lag(Struct, frozen=True, kw_only=True):
    """How late the sources are at one time.

    - `sources`: how many are polled at all; `due`: how many are to be polled now.
    - `p50`, `p95`, `p99`: percentiles of how long sources have been due; a source that is not due or was
      never polled counts as not late.
    """

    sources: int
    due: int
    p50: timedelta
    p95: timedelta
    p99: timedelta


class DueSources:
    """The part of the store that finds due sources and how late they are; it writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lag(self, now: datetime) -> Lag:
        """Returns how late the sources are at `now`; reads only an index."""
        is_late = sa.and_(POLLED, sources.c.next_poll <= now)
        is_new = sa.and_(POLLED, sources.c.next_poll.is_(None))
        with self._database.snapshot() as connection:
            total, late, new = (
                connection.scalar(sa.select(sa.func.count()).select_from(sources).where(where)) or 0
                for where in (POLLED, is_late, is_new)
            )

            def at(percent: int) -> timedelta:
                earlier = total - -(-total * percent // 100)  # how many may be later
                if earlier >= late:
                    return timedelta(0)
                query = sa.select(sources.c.next_poll).where(is_late).order_by(sources.c.next_poll)
                due: datetime | None = connection.scalar(query.offset(earlier).limit(1))
                return timedelta(0) if due is None else now - due

            return Lag(sources=total, due=late + new, p50=at(50), p95=at(95), p99=at(99))

    def due_among(self, names: Collection[str], now: datetime) -> set[str]:
        """Returns which of the sources with these names are to be polled now."""
        is_due = sa.or_(sources.c.next_poll.is_(None), sources.c.next_poll <= now)
        found: set[str] = set()
        with self._database.snapshot() as connection:
            for batch in batches(names):
                query = sa.select(sources.c.name).where(POLLED, is_due, sources.c.name.in_(batch))
                found.update(connection.scalars(query))
        return found

    def at_rest(self, now: datetime) -> dict[str, tuple[str, datetime | None]] | None:
        """Returns the stored poll states of the enabled sources, and their next polls; None if any is due.

        A source that is gone has no next poll.
        """
        text = sa.type_coerce(sources.c.schedule, sa.Text)
        query = sa.select(sources.c.name, text, sources.c.next_poll, sources.c.is_gone)
        with self._database.snapshot() as connection:
            rows = connection.execute(query.where(sources.c.active, sources.c.is_enabled)).all()
        found = {name: (kept, next_poll) for name, kept, next_poll, _ in rows}
        is_due = any(not is_gone and (at is None or at <= now) for _, _, at, is_gone in rows)
        return None if is_due else found

    def names(self) -> Iterator[list[str]]:
        """Yields the names of all sources, also removed ones, in batches."""
        last = ""
        while True:
            query = sa.select(sources.c.name).where(sources.c.name > last).order_by(sources.c.name)
            with self._database.snapshot() as connection:
                found = [*connection.scalars(query.limit(_AT_ONCE))]
            if not found:
                return
            yield found
            last = found[-1]

    def late(self, now: datetime) -> Iterator[dict[str, PollState]]:
        """Yields the poll states of due sources by name, in batches."""
        last = ""
        while True:
            query = sa.select(sources.c.name, sources.c.schedule).where(
                sources.c.next_poll <= now, sources.c.name > last
            )
            with self._database.snapshot() as connection:
                rows = connection.execute(query.order_by(sources.c.name).limit(_AT_ONCE)).all()
            if not rows:
                return
            yield {row.name: row.schedule for row in rows}
            last = rows[-1].name
