"""Leases: which worker polls which sources, if several machines use one store.

Sources are divided into shards by publisher, so that one process at a time limits the requests to a
publisher. A worker claims a shard, which increases the shard's fence number; everything that it saves is
checked against the fence in the same transaction. So a worker that was disconnected or paused never
overwrites what another one polled after it.

All times are the database's, because the clocks of machines differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from aggregator.errors import LeaseLost
from aggregator.model.struct import Struct
from aggregator.store.column_types import Instant, Unreadable, from_json
from aggregator.store.database import Database
from aggregator.store.due_sources import POLLED
from aggregator.store.raw_sql import insert_rows
from aggregator.store.schema import shards, sources, workers

__all__ = ["LIVES", "Hold", "Leases", "WorkerRecord", "check", "held"]

LIVES = timedelta(minutes=2)
"""A worker that has not reported itself for this long counts as ended; workers report twice a minute."""

_AT_ONCE = 5_000


class Hold(Struct, frozen=True, kw_only=True):
    """A claim of a shard; `fence` is the number of the claim, which increases with each."""

    shard: int
    fence: int


class Claim(Struct, frozen=True, kw_only=True):
    """The result of claiming a shard.

    - `at`: the database's time.
    - `rested`: since when no other worker has asked the shard's publishers; None: unknown.
    - `holds`: until when publishers, by name, asked us to wait.
    - `is_ours`: the last claim was by the same worker.
    - `is_first`: there was no claim before.
    """

    hold: Hold
    at: datetime
    rested: datetime | None
    holds: Mapping[str, datetime]
    is_ours: bool
    is_first: bool


class WorkerRecord(Struct, frozen=True, kw_only=True):
    """A worker as it reported itself; `jobs` are the names of its queues, `config` is a digest of its
    config.
    """

    name: str
    jobs: str
    config: str
    started: datetime
    seen: datetime
    polls: int


def check(connection: sa.Connection, hold: Hold) -> None:
    """Blocks other claims of a shard until this transaction ends. Raises LeaseLost if there was a newer
    claim.
    """
    if connection.scalar(_FENCE, {"of_shard": hold.shard}) != hold.fence:
        raise LeaseLost(hold.shard)


def held(connection: sa.Connection, holds: Sequence[Hold]) -> set[Hold]:
    """Returns which of these claims are still ours; blocks other claims of their shards until this
    transaction ends.
    """
    if not holds:
        return set()
    rows = connection.execute(_FENCES, {"of_shards": [hold.shard for hold in holds]})
    return {Hold(shard=row.number, fence=row.fence) for row in rows}.intersection(holds)


class Leases:
    """The part of the store that divides the work among workers; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def are_kept(self) -> bool:
        """Whether workers can share this database."""
        return self._database.dialect.reading.dialect.name == "postgresql"

    def database_time(self) -> datetime:
        """Returns the database's time."""
        with self._database.single() as connection:
            found: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return found

    def unassigned(self, limit: int = _AT_ONCE) -> list[tuple[str, str]]:
        """Returns names and addresses of active sources that are in no shard yet."""
        address = sa.func.coalesce(sources.c.moved_to, sources.c.address)
        query = sa.select(sources.c.name, address).where(sources.c.shard.is_(None), sources.c.active)
        with self._database.single() as connection:
            return [(name, url) for name, url in connection.execute(query.limit(limit))]

    def assign(self, numbers: Mapping[str, int]) -> None:
        """Stores the shards of sources, by name."""
        with self._database.row_transaction() as connection:
            known = {*connection.scalars(sa.select(shards.c.number))}
            new = [(number, 0, "", None, "{}") for number in sorted({*numbers.values()} - known)]
            # Another worker that starts at the same time inserts them too.
            insert_rows(connection, _SHARD, new, known="DO NOTHING")
            connection.execute(
                sources.update()
                .where(sources.c.name == sa.bindparam("of_source"))
                .values(shard=sa.bindparam("to_shard")),
                [{"of_source": name, "to_shard": number} for name, number in sorted(numbers.items())],
            )

    def due_shards(self, until: datetime) -> dict[int, datetime | None]:
        """Returns each shard with a source due before `until`, and when the first is due; None: at once."""
        first = sa.func.min(sa.func.coalesce(sources.c.next_poll, sa.literal(_EPOCH, Instant)))
        query = (
            sa.select(sources.c.shard, sa.type_coerce(first, Instant))
            .where(_may_be_polled(until), sources.c.shard.is_not(None))
            .group_by(sources.c.shard)
        )
        with self._database.single() as connection:
            return {shard: None if at == _EPOCH else at for shard, at in connection.execute(query)}

    def due(self, shard: int, now: datetime, limit: int) -> tuple[str, ...]:
        """Returns the names of a shard's sources to poll now, new ones first, then the longest due first."""
        asked = {"of_shard": shard, "until": now, "most": limit}
        with self._database.single() as connection:
            found = [*connection.scalars(_NEW, asked)]
            if len(found) < limit:
                found += connection.scalars(_LATE, {**asked, "most": limit - len(found)})
        return tuple(found)

    def next_due(self, shard: int) -> datetime | None:
        """Returns when the next source of a shard is due; None if none is."""
        with self._database.single() as connection:
            found: datetime | None = connection.scalar(_NEXT, {"of_shard": shard})
        return found

    def claim(self, shard: int, worker: str) -> Claim:
        """Gives a shard to a worker; what other workers still poll of it can no longer be saved."""
        with self._database.single(writes=True) as connection:
            row = connection.execute(_CLAIM, {"of_shard": shard, "by_worker": worker}).one()
        return Claim(
            hold=Hold(shard=shard, fence=row.new_fence),
            at=row.at,
            rested=row.ended,
            holds=_holds(row.holds),
            is_ours=row.worker == worker,
            is_first=not row.fence,
        )

    def release(self, hold: Hold, ended: datetime, holds: Mapping[str, datetime]) -> None:
        """Records when this worker stopped asking a shard's publishers, and which publishers asked us to
        wait.

        Does nothing if another worker has claimed the shard since.
        """
        lasting = {name: until.isoformat() for name, until in holds.items() if until > ended}
        with self._database.single(writes=True) as connection:
            row = {"now_ended": ended, "now_holds": json.dumps(lasting)}
            connection.execute(_RELEASE, {"of_shard": hold.shard, "of_fence": hold.fence, **row})

    def report(self, worker: WorkerRecord) -> None:
        """Records that a worker is running, and deletes records of workers that ended."""
        values = {name: getattr(worker, name) for name in WorkerRecord.__struct_fields__}
        with self._database.row_transaction() as connection:
            connection.execute(workers.delete().where(workers.c.name == worker.name))
            connection.execute(workers.insert().values(values))
            connection.execute(workers.delete().where(workers.c.seen < worker.seen - LIVES))

    def leave(self, worker: str) -> None:
        """Deletes the record of a worker that ended."""
        with self._database.row_transaction() as connection:
            connection.execute(workers.delete().where(workers.c.name == worker))

    def workers(self) -> Sequence[WorkerRecord]:
        """Returns the workers that reported themselves and have not ended, by name."""
        with self._database.snapshot() as connection:
            rows = connection.execute(sa.select(workers).order_by(workers.c.name)).all()
        return [WorkerRecord(**row._mapping) for row in rows]


_SHARD = "shards (number, fence, worker, ended, holds)"
# Built once: a statement takes longer to build than to run, and these run for each job.
_OF_SHARD = shards.c.number == sa.bindparam("of_shard")
_FENCE = sa.select(shards.c.fence).where(_OF_SHARD).with_for_update(read=True)
_OF_SHARDS = shards.c.number.in_(sa.bindparam("of_shards", expanding=True))
_FENCES = sa.select(shards.c.number, shards.c.fence).where(_OF_SHARDS).with_for_update(read=True)
_RELEASE = (
    shards.update()
    .where(_OF_SHARD, shards.c.fence == sa.bindparam("of_fence"))
    .values(ended=sa.bindparam("now_ended"), holds=sa.bindparam("now_holds"))
)
_IN_SHARD = sa.select(sources.c.name).where(sources.c.shard == sa.bindparam("of_shard"), POLLED)
_MOST = sa.bindparam("most", type_=sa.Integer)
# Two queries: no index serves both conditions, so one query would read all sources of the shard.
_NEW = _IN_SHARD.where(sources.c.next_poll.is_(None)).order_by(sources.c.name).limit(_MOST)
# Compared as pairs: otherwise PostgreSQL, whose statistics may say that nothing is due, uses the index of
# due times, and reads those of all shards.
_LATE = (
    _IN_SHARD.where(
        sa.tuple_(sources.c.shard, sources.c.next_poll)
        <= sa.tuple_(sa.bindparam("of_shard", type_=sa.Integer), sa.bindparam("until", type_=Instant))
    )
    .order_by(sources.c.next_poll, sources.c.name)
    .limit(_MOST)
)
_NEXT = sa.select(sa.type_coerce(sa.func.min(sources.c.next_poll), Instant)).where(
    sources.c.shard == sa.bindparam("of_shard"), POLLED
)
_BEFORE = sa.select(shards).where(_OF_SHARD).with_for_update().cte("before")
_MICROSECONDS = sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()) * 1_000_000, sa.BigInteger)
# Fences do not start at 1: a crash of the server may have lost the last claims, whose workers still save.
_CLAIM = (
    shards.update()
    .where(shards.c.number == _BEFORE.c.number)
    .values(
        fence=sa.func.greatest(_BEFORE.c.fence + 1, _MICROSECONDS),
        worker=sa.bindparam("by_worker"),
        ended=None,
    )
    .returning(
        shards.c.fence.label("new_fence"),
        sa.func.clock_timestamp().label("at"),
        *(_BEFORE.c.fence, _BEFORE.c.worker, _BEFORE.c.ended, _BEFORE.c.holds),
    )
)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _may_be_polled(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(POLLED, sa.or_(sources.c.next_poll.is_(None), sources.c.next_poll <= now))


def _holds(text: str) -> Mapping[str, datetime]:
    try:
        return {str(name): datetime.fromisoformat(until) for name, until in from_json(text).items()}
    except (Unreadable, AttributeError, TypeError, ValueError):
        return {}
