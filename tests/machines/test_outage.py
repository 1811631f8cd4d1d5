"""A database that restarts while a worker polls: it goes on with all shards, and ends by SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from procrastinate.exceptions import ConnectorException

from aggregator.machines.job_engine import report_outage
from tests.conftest import Answer, Server
from tests.support.postgresql import binaries, running_server
from tests.support.site import Site, feed

NAMES = [f"tree-{number}" for number in range(30)]


def until(condition: Callable[[], bool]) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.1)


def test_a_worker_continues_after_a_restart_of_the_database(tmp_path: Path, server: Server) -> None:
    """Without an order to stop, as by a crash; what was being polled at that moment is polled again."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    site = Site(tmp_path)
    for name in NAMES:
        server.pages[f"/{name}"] = Answer(200, {}, feed(name, 1))
    with running_server(programs) as database:
        store = database.database()
        site.configure(*({"name": name, "url": f"{server.url}/{name}"} for name in NAMES), store=store.url)
        worker = site.start("worker")
        try:
            until(lambda: len(server.requests) >= 5)
            database.stop()
            for each in NAMES:
                server.pages[f"/{each}"] = Answer(200, {}, feed(each, 1, 2))
            database.start()
            with psycopg.connect(store.url, autocommit=True) as direct:
                query = "SELECT count(*) FROM articles"
                # A poll that was under way may save what it got before, and when the next is due.
                due = (
                    "UPDATE sources SET next_poll = 0 WHERE next_poll > 0 "
                    "AND (SELECT count(*) FROM articles WHERE articles.source = sources.name) < 2"
                )

                def are_all_there() -> bool:
                    direct.execute(due)
                    return direct.execute(query).fetchone() == (2 * len(NAMES),)

                until(are_all_there)
        finally:
            worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert "Traceback" not in site.log.read_text(encoding="utf-8")


def test_the_end_of_a_job_that_could_not_be_recorded_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever else goes wrong in the event loop is reported as always."""
    caplog.set_level(logging.WARNING)
    loop = asyncio.new_event_loop()
    try:
        report_outage(loop, {"message": "never retrieved", "exception": ConnectorException("gone")})
        (line,) = caplog.messages
        assert line == "the end of a job could not be recorded: gone"
        report_outage(loop, {"message": "a mistake of ours"})
        assert caplog.messages[1] == "a mistake of ours"
    finally:
        loop.close()
