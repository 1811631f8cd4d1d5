"""The job engine: jobs of one lock run one after the other, also after a worker was lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException

from aggregator.errors import StoreError
from aggregator.machines import job_engine as engines
from aggregator.machines.job_engine import SCHEMA, Engine, Queued, Task
from tests.support.postgresql import PostgresServer

LOST = f"""
INSERT INTO {SCHEMA}.procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour');
INSERT INTO {SCHEMA}.procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, status, worker_id)
SELECT 'poll', 'shard', 'shard-1', 'shard-1', '{{"number": 1}}', 'doing', max(id)
FROM {SCHEMA}.procrastinate_workers;
"""

MISSED = f"""
INSERT INTO {SCHEMA}.procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args, status, worker_id)
SELECT 'poll', 'shard', 'shard-1', 'shard-1', '{{"number": 1}}', 'doing', max(id)
FROM {SCHEMA}.procrastinate_workers;
"""


def run_until(engine: Engine, is_done: Callable[[], bool]) -> None:
    """Runs an engine until its jobs have done what is waited for, and stops it."""

    async def go() -> None:
        running = asyncio.ensure_future(engine.run())
        for _ in range(300):
            if is_done() or running.done():
                break
            await asyncio.sleep(0.1)
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(go())


@pytest.fixture
def address(postgresql: PostgresServer) -> str:
    """A database without any table."""
    return postgresql.database().url


def engine_of(address: str, job: engines.Job, missing: Iterable[Queued]) -> Engine:
    """An engine with one kind of job."""
    task = Task(name="shard", queue="poll", job=job)
    return Engine(address, [task], queues=["poll"], missing=lambda: missing, at_once=4)


def test_a_job_is_queued_again_and_never_runs_twice_at_once(address: str) -> None:
    """What it returns is queued; a job that fails is not the end of others."""
    done: list[int] = []
    running: set[int] = set()
    overlaps: list[int] = []

    def job(number: int | None) -> Iterable[Queued]:
        assert number is not None
        if number in running:
            overlaps.append(number)  # not an assertion: the engine logs what a job raises, and goes on
        running.add(number)
        time.sleep(0.02)
        running.discard(number)
        done.append(number)
        if number == 3 and done.count(3) == 1:
            raise ValueError("a mistake of ours")
        return [Queued(task="shard", number=number)] if done.count(number) < 3 else []

    run_until(
        engine_of(address, job, [Queued(task="shard", number=n) for n in (1, 2, 3)]),
        lambda: done.count(1) >= 3 and done.count(2) >= 3 and 3 in done,
    )
    assert done.count(1) >= 3
    assert done.count(2) >= 3
    assert 3 in done
    assert overlaps == []


def test_the_job_of_a_lost_worker_keeps_no_other_from_its_lock(address: str) -> None:
    """Whether the next one of its lock waits already, or not."""
    done: list[int] = []

    def job(number: int | None) -> Iterable[Queued]:
        done.append(number or 0)
        return []

    run_until(engine_of(address, job, [Queued(task="shard", number=2)]), lambda: 2 in done)
    with psycopg.connect(address, autocommit=True) as direct:
        direct.execute(LOST.encode())
    done.clear()
    run_until(engine_of(address, job, [Queued(task="shard", number=1)]), lambda: 1 in done)
    assert 1 in done
    with psycopg.connect(address, autocommit=True) as direct:
        query = f"SELECT count(*) FROM {SCHEMA}.procrastinate_jobs WHERE status = 'doing'"
        left = direct.execute(query.encode()).fetchone()
    assert left == (0,)


def test_hundreds_of_jobs_are_queued_though_another_worker_queues_some_of_them(address: str) -> None:
    """They are queued a hundred at a time, in one statement, which fails as a whole."""
    done: list[int] = []

    def job(number: int | None) -> Iterable[Queued]:
        done.append(number or 0)
        return []

    wanted = [Queued(task="shard", number=number) for number in range(250)]
    engine = engine_of(address, job, wanted)
    find, others = engine._app.connector.execute_query_all_async, [7, 120, 249]

    async def find_late(query: str, **arguments: object) -> object:
        found = await find(query, **arguments)
        if "queueing_lock FROM" in query and others:
            await engine._defer([Queued(task="shard", number=others.pop())])
        return found

    engine._app.connector.execute_query_all_async = find_late  # type: ignore[assignment]
    run_until(engine, lambda: len({*done}) == 250)
    assert sorted({*done}) == [*range(250)]


def test_a_job_whose_end_the_database_missed_keeps_no_other_from_its_lock(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a server restarts at that moment, while the worker lives on."""
    monkeypatch.setattr(engines, "_LOST_SECONDS", 0.2)
    done: list[int] = []

    def job(number: int | None) -> Iterable[Queued]:
        done.append(number or 0)
        if number != 2 or done.count(2) > 1:
            return []
        with psycopg.connect(address, autocommit=True) as direct:
            direct.execute(MISSED.encode())
        return [Queued(task="shard", number=1)]

    run_until(engine_of(address, job, [Queued(task="shard", number=2)]), lambda: 1 in done)
    assert 1 in done


def test_jobs_that_could_not_be_queued_are_reported_in_a_line_and_queued_later(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As while the disk of the database's server is full; the engine goes on."""
    done: list[int] = []

    def job(number: int | None) -> Iterable[Queued]:
        done.append(number or 0)
        return [Queued(task="shard", number=2)] if number == 1 else []

    engine = engine_of(address, job, [Queued(task="shard", number=1)])
    original = engine._queue

    async def fill_up(wanted: Iterable[Queued]) -> None:
        if {each.number for each in wanted} == {2}:
            raise ConnectorException from psycopg.errors.DiskFull("no space left on device\nHINT: free some")
        await original(wanted)

    monkeypatch.setattr(engine, "_queue", fill_up)
    run_until(engine, lambda: "no space left" in caplog.text)
    # Twice if a minute begins meanwhile: then the first job is queued again.
    assert {each for each in caplog.messages if "could not be queued" in each} == {
        "what follows shard could not be queued, and will be in a minute: no space left on device"
    }
    assert "Traceback" not in caplog.text


def test_a_database_that_fails_while_missing_jobs_are_looked_for_is_reported(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The job that looks for them runs again a minute later."""

    def missing() -> Iterable[Queued]:
        raise StoreError("the server's disk is full")

    task = Task(name="shard", queue="poll", job=lambda _: [])
    engine = Engine(address, [task], queues=["poll"], missing=missing, at_once=4)

    async def keep() -> None:
        async with engine._app.open_async():
            await engine._make_tables()
            await engine._keep_again()

    asyncio.run(keep())
    assert caplog.messages == [
        "jobs that are due could not be queued, and will be in a minute: the server's disk is full"
    ]
