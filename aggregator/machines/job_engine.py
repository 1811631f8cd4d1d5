"""The job engine (Procrastinate): jobs that run on any worker, one at a time for each lock.

A job returns which jobs follow it, and when. Jobs that are missing, because a worker was killed or because
there is new work, are queued by the job `keep`. It runs once a minute on one worker, and on each worker when
it starts.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import procrastinate
import psycopg
from procrastinate.exceptions import AlreadyEnqueued, ProcrastinateException
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job as EngineJob
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from psycopg_pool import AsyncConnectionPool

from aggregator.errors import AggregatorError, LeaseLost, StoreError
from aggregator.store.postgresql.database import is_closed

__all__ = ["Engine", "Job", "Queued", "Task", "report_outage"]

_TABLES = SchemaManager.get_schema()
SCHEMA = f"aggregator_jobs_{hashlib.blake2b(_TABLES.encode(), digest_size=4).hexdigest()}"
"""The PostgreSQL schema of the engine's tables; its name changes if a Procrastinate release changes them.

The schema may be dropped while no worker runs: the store has the times at which sources are due.
"""

_HEARTBEAT_SECONDS = 5.0
_STALLED_SECONDS = 30.0
_LOOK_SECONDS = 2.0
_LOST_SECONDS = 10.0
_TRIES = 5
_AT_ONCE = 100
_EXISTS = "SELECT to_regclass(%(table)s) AS found"
_DOING = """SELECT id FROM procrastinate_jobs
WHERE status = 'doing' AND lock IS NOT NULL AND worker_id = ANY(%(workers)s)"""
_WAITING = """SELECT queueing_lock FROM procrastinate_jobs
WHERE status = 'todo' AND queueing_lock = ANY(%(locks)s)"""
_log = logging.getLogger("aggregator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A job to run: the name of its task, its number if the task has several jobs, and when (None: now)."""

    task: str
    number: int | None = None
    at: datetime | None = None

    @property
    def lock(self) -> str:
        """A key that is equal for jobs that must not run at the same time."""
        return self.task if self.number is None else f"{self.task}-{self.number}"


Job = Callable[[int | None], Iterable[Queued]]
"""The work of a task, run in a thread. Gets the job's number, and returns the jobs that follow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A kind of job. A worker runs the jobs of its own queues."""

    name: str
    queue: str
    job: Job


class Engine:
    """Runs jobs until it is stopped.

    - `address`: the database, in libpq's form.
    - `tasks`: all kinds of jobs, also those that other workers run.
    - `queues`: the queues of this worker.
    - `missing`: called by `keep` in a thread; returns the jobs that must be queued, if they are not yet.
    - `at_once`: the number of jobs that run at the same time.
    """

    def __init__(
        self,
        address: str,
        tasks: Sequence[Task],
        *,
        queues: Sequence[str],
        missing: Callable[[], Iterable[Queued]],
        at_once: int,
    ) -> None:
        for name in ("procrastinate", "psycopg.pool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._tasks: Mapping[str, Task] = {task.name: task for task in tasks}
        self._queues = [*queues, "keep"]
        self._missing = missing
        self._at_once = at_once
        self._pool = ThreadPoolExecutor(at_once + 1, thread_name_prefix="job")
        self._running: set[int | None] = set()
        self._ours: set[int] = set()
        connector = procrastinate.PsycopgConnector(
            pool_factory=_pool,
            conninfo=address,
            min_size=1,
            max_size=max(4, at_once // 8),
            kwargs={
                # Jobs that a crash of the database server loses are queued again by `keep`.
                "options": f"-c search_path={SCHEMA} -c synchronous_commit=off",
                # The engine's statements are single ones; BEGIN and COMMIT took two thirds of their time.
                "autocommit": True,
            },
        )
        self._app = procrastinate.App(connector=connector)
        for task in tasks:
            self._register(task)
        keep = self._app.task(name="keep", queue="keep", queueing_lock="keep")(self._keep_again)
        self._app.periodic(cron="* * * * *")(keep)

    async def run(self) -> None:
        """Runs jobs until the coroutine is cancelled; then waits for the jobs that run."""
        try:
            async with self._app.open_async():
                await self._make_tables()
                await self._keep()
                dropping = asyncio.ensure_future(self._drop_lost())
                try:
                    await self._app.run_worker_async(
                        queues=self._queues,
                        concurrency=self._at_once,
                        delete_jobs="always",
                        install_signal_handlers=False,
                        # Nearly all jobs are for later, and each notification would make every worker ask.
                        listen_notify=False,
                        fetch_job_polling_interval=_LOOK_SECONDS,
                        update_heartbeat_interval=_HEARTBEAT_SECONDS,
                        stalled_worker_timeout=_STALLED_SECONDS,
                    )
                finally:
                    dropping.cancel()
        finally:
            self._pool.shutdown(wait=False)

    def _register(self, task: Task) -> None:
        async def run(context: JobContext, /, number: int | None = None, **_: Any) -> None:
            if context.job.worker_id is not None:
                self._ours.add(context.job.worker_id)
            self._running.add(context.job.id)
            try:
                await work(number)
            finally:
                self._running.discard(context.job.id)

        async def work(number: int | None) -> None:
            try:
                following = await self._in_thread(lambda: list(task.job(number)))
            except LeaseLost as lost:
                _log.info("%s", lost)
                return
            except AggregatorError as error:
                _log.error("%s failed, and will be tried again: %s", task.name, error)
                return
            except Exception:  # noqa: BLE001 - a bug costs one job, and is logged
                _log.exception("%s failed, and will be tried again", task.name)
                return
            with _reporting(f"what follows {task.name} could not be queued, and will be in a minute"):
                await self._queue(following)

        self._app.task(name=task.name, queue=task.queue, pass_context=True)(run)

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _keep(self) -> None:
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_SECONDS):
            # Not retried: the next job with this lock is queued already, and only one may be.
            with contextlib.suppress(ProcrastinateException):  # another worker queued it first
                await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        await self._queue(await self._in_thread(lambda: list(self._missing())))

    async def _keep_again(self, timestamp: int = 0) -> None:
        with _reporting("jobs that are due could not be queued, and will be in a minute"):
            await self._keep()

    async def _drop_lost(self) -> None:
        """Ends jobs that run here only according to the database, as the connection broke at their end.

        They would keep others of their locks waiting for as long as this worker lives.
        """
        before: set[int | None] = set()
        while True:
            await asyncio.sleep(_LOST_SECONDS)
            # During an outage; a job may end by itself meanwhile.
            with contextlib.suppress(ProcrastinateException):
                query = self._app.connector.execute_query_all_async(_DOING, workers=[*self._ours])
                lost = {row["id"] for row in await query} - self._running
                for number in lost & before:
                    await self._app.job_manager.finish_job_by_id_async(
                        number, status=Status.FAILED, delete_job=True
                    )
                before = lost

    async def _queue(self, wanted: Iterable[Queued]) -> None:
        # In the same order in all workers: two that queue the same jobs would otherwise wait for each other.
        by_lock = {each.lock: each for each in wanted}
        ordered = sorted(by_lock, key=lambda lock: (by_lock[lock].number is None, lock))
        for start in range(0, len(ordered), _AT_ONCE):
            await self._queue_some({lock: by_lock[lock] for lock in ordered[start : start + _AT_ONCE]})

    async def _queue_some(self, by_lock: dict[str, Queued]) -> None:
        """Queues jobs in one statement: for a thousand shards, single statements took longer than polling
        them.
        """
        for _ in range(_TRIES):
            rows = await self._app.connector.execute_query_all_async(_WAITING, locks=[*by_lock])
            for row in rows:
                by_lock.pop(row["queueing_lock"], None)
            if not by_lock or await self._defer([*by_lock.values()]):
                return
        for each in by_lock.values():
            await self._defer([each])

    async def _defer(self, wanted: Sequence[Queued]) -> bool:
        """Queues all of these jobs; returns False and queues none if one is queued already."""
        jobs = [
            EngineJob(
                id=None,
                task_name=each.task,
                task_kwargs={} if each.number is None else {"number": each.number},
                queue=self._tasks[each.task].queue,
                lock=each.lock,
                queueing_lock=each.lock,
                scheduled_at=each.at,
            )
            for each in wanted
        ]
        try:
            await self._app.job_manager.batch_defer_jobs_async(jobs)
        except AlreadyEnqueued:
            return False
        return True

    async def _make_tables(self) -> None:
        connector = self._app.connector
        for _ in range(_TRIES):
            found = await connector.execute_query_one_async(_EXISTS, table=f"{SCHEMA}.procrastinate_jobs")
            if found["found"] is not None:
                return
            try:
                await connector.execute_query_async(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
                await self._app.schema_manager.apply_schema_async()
            except ProcrastinateException as error:  # another worker creates them at this moment
                failure = error
                await asyncio.sleep(0.5)
        raise StoreError(f"the tables of the job engine cannot be created: {failure}")


@contextlib.contextmanager
def _reporting(what: str) -> Iterator[None]:
    """Logs errors of the database in one line: Procrastinate would log a traceback for each."""
    try:
        yield
    except ProcrastinateException as error:
        _log.error("%s: %s", what, str(error.__cause__ or error).strip().partition("\n")[0])
    except AggregatorError as error:
        _log.error("%s: %s", what, error)


def _pool(**arguments: Any) -> AsyncConnectionPool:
    """Returns the engine's connections, which are checked before use without asking the server."""
    return AsyncConnectionPool(**arguments | {"check": _refuse_closed})


async def _refuse_closed(connection: psycopg.AsyncConnection[Any]) -> None:
    """Raises OperationalError for a connection that the server closed, so that it is replaced."""
    if is_closed(connection.fileno()):
        raise psycopg.OperationalError("the server closed the connection")


def report_outage(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Logs in one line that the end of a job could not be recorded; an event loop's handler of exceptions."""
    error = context.get("exception")
    if isinstance(error, ProcrastinateException):
        _log.warning("the end of a job could not be recorded: %s", error.__cause__ or error)
    else:
        loop.default_exception_handler(context)
