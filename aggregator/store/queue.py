"""The queue of sources that are due, seen as a whole: how many there are, and how late they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from aggregator.store.database import Database
from aggregator.store.schema import sources

__all__ = ["POLLED", "Lag", "Queue"]

POLLED = sa.and_(sources.c.active, sources.c.is_enabled, sa.not_(sources.c.is_gone))
"""Whether a source is polled at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How late the sources are at one moment: of `sources` that are polled, `due` are to be polled now.

    `p50`, `p95` and `p99`: so many in a hundred are due for no longer than this; a source that is not due, or
    was never polled, is not late.
    """

    sources: int
    due: int
    p50: timedelta
    p95: timedelta
    p99: timedelta


class Queue:
    """The part of the store that sees how polling keeps up; it writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lag(self, now: datetime) -> Lag:
        """How late the sources are at `now`. Found by an index: reads none of them."""
        is_late = sa.and_(POLLED, sources.c.next_poll <= now)
        is_new = sa.and_(POLLED, sources.c.next_poll.is_(None))
        with self._database.snapshot() as connection:
            total, late, new = (
                connection.scalar(sa.select(sa.func.count()).select_from(sources).where(where)) or 0
                for where in (POLLED, is_late, is_new)
            )

            def at(percent: int) -> timedelta:
                earlier = total - -(-total * percent // 100)  # so many may be later than it
                if earlier >= late:
                    return timedelta(0)
                query = sa.select(sources.c.next_poll).where(is_late).order_by(sources.c.next_poll)
                due: datetime | None = connection.scalar(query.offset(earlier).limit(1))
                return timedelta(0) if due is None else now - due

            return Lag(sources=total, due=late + new, p50=at(50), p95=at(95), p99=at(99))
