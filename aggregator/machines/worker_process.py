"""Runs a worker from its start to a graceful stop; continues after a database outage."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import secrets
import signal
import socket
from collections.abc import Collection
from contextlib import closing, suppress
from datetime import datetime
from typing import NoReturn

from aggregator.app.app import App
from aggregator.app.main_job import RunWatcher
from aggregator.config.load import Config
from aggregator.config.store_address import DatabaseAddress
from aggregator.errors import StoreError, StoreInUse
from aggregator.machines.job_engine import Engine, report_outage
from aggregator.machines.worker_jobs import Work
from aggregator.store import Store
from aggregator.store.leases import LIVES

__all__ = ["run"]

STOP_SECONDS = 30.0
_FIRST_WAIT_SECONDS = 1.0
_REPORT_SECONDS = 30.0
_LONGEST_WAIT_SECONDS = 60.0
_OWN_SETTINGS = {"output", "serve"}
_log = logging.getLogger("aggregator")


def run(config: Config, *, queues: Collection[str], at_once: int, watcher: RunWatcher) -> NoReturn:
    """Runs a worker until SIGTERM or SIGINT; then finishes what is being saved, within 30 seconds.

    - `queues`: which jobs this worker runs: "poll", "publish", "upkeep".
    - `at_once`: the number of publishers that are polled at the same time.

    Raises StoreError for a store that is not a PostgreSQL database or cannot be opened, StoreInUse while
    workers with another config run.
    """
    if not isinstance(config.store, DatabaseAddress):
        raise StoreError(
            f"workers share a PostgreSQL database, and {config.store} is a file of this machine: set "
            'store = "postgresql://user@host/name" (docs/scaling.md), or use `aggregator run`'
        )
    name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    digest = _digest(config)
    with App(config, _time_of(config.store)) as app:
        _refuse_others(app.store, digest)
        work = Work(app, name, digest, queues, watcher)
        work.report()
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(report_outage)
        try:
            loop.run_until_complete(_work(work, config.store, queues, at_once))
        finally:
            with suppress(StoreError):  # it is taken for dead two minutes later
                app.store.leases.leave(name)
    # The interpreter and the event loop would wait for threads that wait for slow servers, or for a database
    # that is away; they have nothing to save.
    logging.shutdown()
    os._exit(0)


def _time_of(address: DatabaseAddress) -> datetime:
    """The database's time: this machine's clock may differ from others by minutes."""
    with closing(Store(address)) as store:
        return store.leases.database_time()


def _refuse_others(store: Store, digest: str) -> None:
    now = store.leases.database_time()
    others = [one for one in store.leases.workers() if one.config != digest and now - one.seen < LIVES]
    if others:
        names = ", ".join(one.name for one in others[:3])
        raise StoreInUse(
            f"{len(others)} workers with another config are running ({names}), and each would undo the "
            "other's work. Stop them first, or give this one the same config"
        )


def _digest(config: Config) -> str:
    settings = config.model_dump(mode="json", exclude=_OWN_SETTINGS, exclude_defaults=True)
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


async def _work(work: Work, address: DatabaseAddress, queues: Collection[str], at_once: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        if stopped.is_set():
            os._exit(128 + number)
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    stopping = asyncio.ensure_future(stopped.wait())
    reporting = asyncio.ensure_future(_report(work))
    wait = _FIRST_WAIT_SECONDS
    while not stopped.is_set():
        engine = Engine(address.url, work.tasks, queues=[*queues], missing=work.missing, at_once=at_once)
        running = asyncio.ensure_future(engine.run())
        began = loop.time()
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopped.is_set():
            work.stop()
            running.cancel()
            await asyncio.wait({running}, timeout=STOP_SECONDS)
            break
        if loop.time() - began > _LONGEST_WAIT_SECONDS:
            wait = _FIRST_WAIT_SECONDS
        reason = running.exception() or "the database does not answer"
        _log.error("the job engine stopped, and will be started again in %g s: %s", wait, reason)
        await asyncio.wait({stopping}, timeout=wait)
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
    reporting.cancel()


async def _report(work: Work) -> None:
    """Records twice a minute that this worker runs: the job `keep`, which also does, may run on another."""
    while True:
        await asyncio.sleep(_REPORT_SECONDS)
        with suppress(StoreError):  # during a database outage, jobs report it
            await asyncio.to_thread(work.report)
