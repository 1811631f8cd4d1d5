"""Workers: several share the sources of one store, and give what one process gives."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from aggregator.app.app import App
from aggregator.app.main_job import RunWatcher
from aggregator.config import load as config
from aggregator.machines import worker_process
from aggregator.machines.job_engine import Queued
from aggregator.machines.worker_jobs import Work
from aggregator.store import Store
from aggregator.store.schema import articles, revisions
from tests.conftest import NOW, Answer, Request, Server
from tests.support.launching import Launched
from tests.support.postgresql import PostgresServer
from tests.support.site import Site, feed

SAME = ("source", "id", "uid", "state", "published", "updated", "fingerprint", "edits")
NAMES = ("ash", "beech", "cedar", "elm", "fir", "oak")


@pytest.fixture
def sites(tmp_path: Path, server: Server, postgresql: PostgresServer) -> tuple[Site, Site]:
    """Two sites of the same sources: one whose store is in PostgreSQL, one with a file."""
    sources = []
    for number, name in enumerate(NAMES):
        server.pages[f"/{name}"] = Answer(200, {"ETag": '"1"'}, feed(name, *range(1, 9)))
        sources.append(
            {"name": name, "url": f"{server.url}/{name}", "categories": ["trees", f"c{number % 2}"]}
        )
    shared, alone = Site(tmp_path / "shared"), Site(tmp_path / "alone")
    shared.configure(*sources, store=postgresql.emptied().url)
    alone.configure(*sources)
    return shared, alone


@contextmanager
def working(site: Site, *names: str, digest: str = "x") -> Iterator[list[Work]]:
    """Returns what workers of these names do, each with an app of its own, in this process.

    The clocks of their machines differ by five minutes, and from the database's by much more.
    """
    with ExitStack() as stack:
        clocks = [NOW + number * timedelta(minutes=5) for number in range(len(names))]
        apps = [stack.enter_context(App(config.load(site.file), clock)) for clock in clocks]
        yield [
            Work(app, name, digest, ("poll",), RunWatcher()) for app, name in zip(apps, names, strict=True)
        ]


def shards_in(queued: Iterator[Queued]) -> list[int]:
    """The shards that are to be polled."""
    return [each.number for each in queued if each.task == "shard" and each.number is not None]


def published(site: Site) -> dict[str, bytes]:
    """Files of feeds and pages; the status page without its numbers, as it says when sources were polled."""
    assert site.run("publish").exit_code == 0
    files = site.files()
    return files | {"status.html": re.sub(rb"\d+", b"0", files["status.html"])}


def stored(site: Site) -> list[tuple[object, ...]]:
    """The articles of a store, but for what says when they came, and in which order."""
    with closing(Store(config.load(site.file).store)) as store, store.database.snapshot() as connection:
        query = sa.select(*(articles.c[name] for name in SAME), revisions.c.data, revisions.c.content_hash)
        query = query.join(revisions, revisions.c.pk == articles.c.revision)
        return sorted(tuple(row) for row in connection.execute(query))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_several_workers_give_what_one_process_gives(
    sites: tuple[Site, Site], server: Server, count: int
) -> None:
    """Each source is asked once, whichever worker does, and the feeds are the same bytes."""
    shared, alone = sites
    names = [f"worker {number}" for number in range(count)]
    with working(shared, *names) as workers:
        shards = shards_in(workers[0].missing())
        assert len(shards) >= count
        threads = [
            threading.Thread(target=lambda worker=worker, some=some: [list(worker.poll(n)) for n in some])
            for worker, some in zip(workers, (shards[n::count] for n in range(count)), strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert shards_in(workers[-1].missing()) == []
    asked = sorted(request.path for request in server.requests)
    assert asked == sorted(f"/{name}" for name in NAMES)
    assert alone.run("fetch").exit_code == 0
    assert published(shared) == published(alone)
    assert stored(shared) == stored(alone)


def test_a_worker_that_lost_its_shard_saves_nothing(
    sites: tuple[Site, Site], server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """While it waits for a server another worker claims the shard, as after a stop of minutes."""
    shared, _ = sites
    caplog.set_level(logging.INFO)
    asked, may_answer = threading.Event(), threading.Event()

    def slow(_request: Request) -> Answer:
        asked.set()
        may_answer.wait(20)
        return Answer(200, {"ETag": '"old"'}, feed("ash", 1))

    with working(shared, "frozen", "other") as (frozen, other):
        [*frozen.missing()]
        with other._app.store.database.snapshot() as connection:
            number = connection.exec_driver_sql("SELECT shard FROM sources WHERE name = 'ash'").scalar_one()
        server.pages["/ash"] = slow
        failures: list[BaseException] = []

        def poll() -> None:
            try:
                [*frozen.poll(number)]
            except Exception as error:  # noqa: BLE001 - it is looked at below
                failures.append(error)

        thread = threading.Thread(target=poll)
        thread.start()
        assert asked.wait(20)
        server.pages["/ash"] = Answer(200, {"ETag": '"new"'}, feed("ash", 1, 2, 3))
        [*other.poll(number)]
        may_answer.set()
        thread.join(20)
        assert [type(error).__name__ for error in failures] == ["LeaseLost"]
        state = other._app.store.sources.states(["ash"])["ash"]
        assert state.validators["etag"] == '"new"'


def test_a_publishers_gap_applies_across_workers(sites: tuple[Site, Site], server: Server) -> None:
    """The second waits for the rest of the gap, which the first one began."""
    shared, _ = sites
    text = shared.file.read_text(encoding="utf-8")
    shared.file.write_text(text.replace('host_gap = "0s"', 'host_gap = "1s"'), encoding="utf-8")
    with working(shared, "one", "two") as (one, two):
        (first, *_) = shards_in(one.missing())
        [*one.poll(first)]
        began = time.monotonic()
        with one._app.store.database.transaction() as connection:
            connection.exec_driver_sql("UPDATE sources SET next_poll = 0")
        [*two.poll(first)]
        assert time.monotonic() - began > 0.5


def test_each_worker_reports_itself_whichever_one_queues_what_is_missing(
    sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one that does not would be taken for dead, and workers of another config would be let in."""
    shared, _ = sites
    monkeypatch.setattr(worker_process, "_REPORT_SECONDS", 0.05)

    async def report(work: Work) -> None:
        reporting = asyncio.ensure_future(worker_process._report(work))
        await asyncio.sleep(1)
        reporting.cancel()

    with working(shared, "one", "two") as (one, two):
        [*one.missing()]
        assert one._app.store.leases.workers() == []
        asyncio.run(report(two))
        assert [each.name for each in one._app.store.leases.workers()] == ["two"]


def test_a_store_in_a_file_is_refused(site: Site) -> None:
    """With what to do instead."""
    result = site.run("worker")
    assert result.exit_code == 1
    assert "aggregator run" in result.output
    assert "postgresql://" in result.output


def test_a_worker_with_another_config_is_refused(sites: tuple[Site, Site]) -> None:
    """Each would undo what the other does."""
    shared, _ = sites
    with working(shared, "one", digest="of another config") as (one,):
        one.report()
        result = shared.run("worker")
    assert result.exit_code == 1
    assert "another config" in result.output


def until(condition: object, *, seconds: float = 60) -> None:
    """Waits until a condition holds."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.1)


def test_a_worker_process_polls_publishes_and_stops(sites: tuple[Site, Site]) -> None:
    """Through the job engine; SIGTERM ends it with 0, and it is no more among the workers."""
    shared, _ = sites
    worker: Launched = shared.start("worker")
    try:
        until(lambda: (shared.output / "trees" / "atom.xml").exists())
        until(lambda: b"fir.example" in (shared.output / "trees" / "atom.xml").read_bytes())
        assert "aggregator worker on" in shared.run("status").output
    finally:
        worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert "aggregator worker on" not in shared.run("status").output
    log = shared.log.read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert "blueprint" not in log, "the engine's own lines are not ours"


def test_pings_of_hubs_and_pictures_are_jobs_too(sites: tuple[Site, Site]) -> None:
    """Queued where the config asks for them; what hubs sent is looked for every few seconds."""
    shared, _ = sites
    with working(shared, "one") as (one,):
        plain = {each.task for each in one.missing()}
    shared.file.write_text(
        shared.file.read_text(encoding="utf-8")
        + '\n[serve]\nurl = "https://hub.planet.example/"\n[publish.media]\n',
        encoding="utf-8",
    )
    with working(shared, "one") as (one,):
        assert {each.task for each in one.missing()} - plain == {"hubs", "media"}
        (again,) = one.serve_hubs(None)
        assert again.task == "hubs"
        assert again.at is not None
        assert [*one.copy_media(None)] == []
