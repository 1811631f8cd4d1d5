"""The daemon, as a process of its own: started, notified, stopped and killed."""

from __future__ import annotations

import json
import logging
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobExecutionEvent

from aggregator.app import daemon
from aggregator.app.daemon import Daemon
from aggregator.config import load as config
from aggregator.errors import StoreError
from tests.conftest import Answer, Request, Server
from tests.support.launching import Launched
from tests.support.site import Site, feed


@contextmanager
def running(site: Site, *arguments: str, **environment: str) -> Iterator[Launched]:
    """A daemon; killed when the test is over, if it still runs."""
    process = site.start("run", *arguments, **environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def log_of(site: Site) -> str:
    """Everything that daemons here have said."""
    return site.log.read_text(encoding="utf-8")


def until(what: Callable[[], Any], seconds: float = 120) -> None:
    """Waits until it is so, also for a file that is not there yet; the seconds only bound a hang."""
    end = time.monotonic() + seconds
    while True:
        with suppress(FileNotFoundError):
            if what():
                return
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def source(server: Server, name: str, **more: Any) -> dict[str, Any]:
    """A source of the config that is served under its name."""
    return {"name": name, "url": f"{server.url}/{name}", "categories": ["X"], **more}


def test_the_daemon_polls_publishes_and_exits_with_0(site: Site, server: Server) -> None:
    """New sources are polled at once; SIGTERM ends it in order; one line a source in the log."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1)), "/b": Answer(500)}
    site.configure(source(server, "a"), source(server, "b"))
    with running(site) as process:
        until(lambda: (site.output / "X" / "atom.xml").exists())
        until(lambda: "b: the server failed (500)" in log_of(site))
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    log = log_of(site)
    assert "a: 1 new, 0 changed; next " in log
    assert "stopped" in log
    assert "Running job" not in log
    assert len(server.requests) == 2


def test_articles_are_completed_before_they_are_published(site: Site, server: Server) -> None:
    """The first feed that anybody sees has the whole text."""
    site.configure(source(server, "tea", full_text={"content": "article"}))
    article = f"<article><p>The whole story{', and more of it' * 20}</p></article>"
    item = f"<item><title>One</title><link>{server.url}/1</link><description>A teaser</description></item>"
    server.pages = {
        "/tea": Answer(body=f"<rss version='2.0'><channel>{item}</channel></rss>".encode()),
        "/1": Answer(body=article.encode()),
    }
    with running(site):
        until(lambda: (site.output / "X" / "atom.xml").exists())
    assert "1 pages read" in log_of(site)
    assert b"The whole story" in (site.output / "X" / "atom.xml").read_bytes()


def test_a_restart_polls_no_source_early(site: Site, server: Server) -> None:
    """Due times are in the store; so they are after a kill. Who is new is polled meanwhile."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1)), "/b": Answer(200, {}, feed("b", 1))}
    site.configure(source(server, "a"))
    with running(site):
        until(lambda: (site.output / "X" / "atom.xml").exists())
    site.configure(source(server, "a"), source(server, "b"))
    with running(site) as process:
        until(lambda: "b: 1 new" in log_of(site))
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    assert [request.path for request in server.requests] == ["/a", "/b"]


def test_only_one_daemon_a_store(site: Site) -> None:
    """The second says which process has it, and ends."""
    site.configure()
    with running(site) as first:
        until(lambda: "polling 0 sources" in log_of(site))
        log = site.home / "second"
        assert Launched("run", "--config", str(site.file), log=log).wait() == 1
        assert f"in use by another `aggregator run` (process {first.pid}, since " in log.read_text()


def test_health_is_reported_while_a_daemon_runs(site: Site, server: Server) -> None:
    """Beside its lock, and while it waits for a server."""
    release = threading.Event()
    server.pages |= {
        "/a": Answer(200, {}, feed("a", 1)),
        "/b": lambda _: (release.wait(120) and Answer(404)) or Answer(),
    }
    site.configure(source(server, "a"), source(server, "b"))
    with running(site):
        until(lambda: "a: 1 new" in log_of(site))
        facts = json.loads(site.run("sources", "--json").stdout)["sources"]
        assert {f["name"]: f["state"] for f in facts} == {"a": "healthy", "b": "new"}
        assert "sources   2: 1 healthy, 1 new" in site.run("status").stdout
        release.set()


def test_a_changed_config_is_loaded_and_a_broken_one_is_refused(site: Site, server: Server) -> None:
    """Without a restart; what is wrong is reported, and the old config goes on."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1)), "/b": Answer(200, {}, feed("b", 2))}
    site.configure(source(server, "a"))
    with running(site) as process:
        until(lambda: (site.output / "X" / "atom.xml").exists())
        site.file.write_text("nonsense = 1", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        until(lambda: "nonsense: is not a known key" in log_of(site))
        site.configure(source(server, "a"), source(server, "b"))
        until(lambda: "b: 1 new" in log_of(site))
        assert process.poll() is None


def test_a_store_that_was_moved_away_is_not_written_and_another_in_its_place_is_opened(
    site: Site, server: Server
) -> None:
    """SQLite would go on with the file that has no name any more, and all of it would be lost at the end."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1)), "/b": Answer(200, {}, feed("b", 2))}
    site.configure(source(server, "a"))
    with running(site):
        until(lambda: "published 2 feeds" in log_of(site))
        (site.home / "var").rename(site.home / "old")
        until(lambda: "is gone: nothing is polled until it is back" in log_of(site))
        assert not (site.home / "var").exists()
        shutil.copytree(site.home / "old", site.home / "var")
        until(lambda: "it is opened" in log_of(site))
        site.configure(source(server, "a"), source(server, "b"))
        until(lambda: "b: 1 new" in log_of(site))
        assert "b 2" in site.run("search", "b").stdout
        assert log_of(site).count("is gone") == 1


def test_upkeep_prunes(site: Site, server: Server) -> None:
    """At the start, for what is too old by now, or by a changed config; no source is polled for it."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 2, 3))
    site.configure(source(server, "a"), entries_per_feed=1)
    site.run("fetch")
    site.file.write_text(f"{site.file.read_text()}\n[retention]\nmax_articles = 1\n", encoding="utf-8")
    with running(site) as process:
        until(lambda: "2 articles were pruned" in log_of(site))
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert len(server.requests) == 1


def test_a_stop_waits_for_no_slow_server_and_saves_what_has_come(site: Site, server: Server) -> None:
    """The slow one stands first in line; all others have answered. Only it is asked again afterwards."""
    release = threading.Event()
    names = [f"s{n}" for n in range(30)]

    def slow(request: Request) -> Answer:
        release.wait(240)
        return Answer(200, {}, feed("a", 1))

    server.pages["/a"] = slow
    server.pages |= {f"/{name}": Answer(200, {"ETag": '"1"'}, feed(name, 1)) for name in names}
    # Two at once: when the last is asked for, all others but the slow one have been read.
    site.configure(*(source(server, name) for name in ("a", *names)), fetch={"workers": 2})
    with running(site) as process:
        until(lambda: len(server.requests) == 31)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert log_of(site).count(": 1 new, 0 changed; next ") == 30
    release.set()
    asked = [request.path for request in server.requests]
    with running(site) as process:
        until(lambda: "a: 1 new" in log_of(site))
        until(lambda: (site.output / "X" / "atom.xml").read_bytes().count(b"<entry>") == 31)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert [request.path for request in server.requests] == [*asked, "/a"]


def test_a_second_signal_exits_at_once(site: Site, server: Server) -> None:
    """A second signal ends it also while a server does not answer; one signal would end in a 0."""
    release = threading.Event()

    def slow(request: Request) -> Answer:
        release.wait(240)
        return Answer(200, {}, feed("a", 1))

    server.pages["/a"] = slow
    site.configure(source(server, "a"))
    with running(site) as process:
        until(lambda: server.requests)
        while process.poll() is None:  # two that come together are one
            process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        assert process.wait() == 128 + signal.SIGTERM
    release.set()


def test_log_lines_can_be_json(site: Site, server: Server) -> None:
    """Each line one object, with what the poll's line was made of."""
    server.pages["/a"] = Answer(404)
    site.configure(source(server, "a"))
    with running(site, "--json-logs") as process:
        until(lambda: "nothing at this address" in log_of(site))
        process.send_signal(signal.SIGTERM)
        process.wait()
    lines = [json.loads(line) for line in log_of(site).splitlines()]
    (reported,) = [line for line in lines if line.get("source") == "a"]
    assert (reported["level"], reported["kind"], reported["outcome"]) == ("warning", "http", "http")


def test_json_logs_have_numbers_and_nothing_new_is_not_logged(site: Site, server: Server) -> None:
    """Source, outcome, counts, seconds; what had nothing new is DEBUG."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1, 2)), "/b": Answer(200, {}, feed("b"))}
    site.configure(source(server, "a"), source(server, "b"))
    with running(site, "--json-logs") as process:
        until(lambda: "a: 2 new" in log_of(site) and len(server.requests) == 2)
        process.send_signal(signal.SIGTERM)
        process.wait()
    lines = [json.loads(line) for line in log_of(site).splitlines()]
    (reported,) = [line for line in lines if "source" in line]
    assert (reported["source"], reported["outcome"], reported["level"]) == ("a", "read", "info")
    assert (reported["new"], reported["changed"], reported["unchanged"], reported["problems"]) == (2, 0, 0, 0)
    assert reported["seconds"] > 0


def test_systemd_is_notified(site: Site, tmp_path: Path) -> None:
    """READY when it polls, WATCHDOG with every tick, STOPPING at the end."""
    site.configure()
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(place))
        listening.settimeout(120)
        with running(site, NOTIFY_SOCKET=str(place)) as process:
            heard = set[bytes]()
            while heard != {b"READY=1", b"WATCHDOG=1"}:
                heard.add(listening.recv(100))
            process.send_signal(signal.SIGTERM)
            until(lambda: listening.recv(100) == b"STOPPING=1")
            assert process.wait() == 0


def test_a_signal_that_does_not_interrupt_the_wait_ends_it(site: Site) -> None:
    """As one that comes just before it: here another thread gets it, and the waiting one is not disturbed."""
    program = """
import signal, sys
from aggregator.app import daemon
from aggregator.cli.main import main

notify = daemon.notify

def ready(state):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM} if state == "READY=1" else set())
    notify(state)

daemon.notify = ready
main(sys.argv[1:])
"""
    site.configure()
    command = [sys.executable, "-c", program, "run", "--config", str(site.file)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            said = process.stderr
            assert said
            until(lambda: "polling 0 sources" in said.readline())
            time.sleep(0.2)  # it has begun to wait; earlier would do as well, but show less
            process.terminate()
            assert process.wait(120) == 0
        finally:
            process.kill()


def test_a_round_that_takes_longer_than_a_tick_is_reported_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not skipped in silence, nor reported with every tick that is left out; the next round follows."""
    caplog.set_level(logging.INFO, logger="aggregator")
    monkeypatch.setattr(daemon, "TICK", timedelta(milliseconds=30))
    site.configure()
    slow, rounds = threading.Event(), []
    slept = Daemon(site.file, config.load(site.file))

    def tick() -> None:
        rounds.append(caplog.text.count("this round of polls takes longer"))
        slow.wait(120)
        slept._is_behind = False

    monkeypatch.setattr(slept, "_tick", tick)
    monkeypatch.setattr(slept, "_upkeep", lambda: None)
    scheduler = slept._scheduler()
    left_out: list[str] = []
    scheduler.add_listener(lambda event: left_out.append(event.job_id), EVENT_JOB_MAX_INSTANCES)
    scheduler.start()
    until(lambda: left_out.count("tick") > 3)
    assert caplog.text.count("this round of polls takes longer") == 1
    slow.set()
    until(lambda: len(rounds) > 2)
    scheduler.shutdown()
    assert rounds[0] == 0
    assert [r.name for r in caplog.records if r.name.startswith("apscheduler")] == []


@pytest.mark.parametrize(
    ("error", "has_trace"), [(StoreError("it is locked; run it again"), False), (KeyError("a mistake"), True)]
)
def test_store_errors_are_one_log_line_and_bugs_have_a_traceback(
    site: Site, caplog: pytest.LogCaptureFixture, error: Exception, has_trace: bool
) -> None:
    """The job runs again at its next turn, whatever it was."""
    running = Daemon(site.file, config.load(site.file))
    now = datetime.now(UTC)
    running._on_event(JobExecutionEvent(EVENT_JOB_ERROR, "upkeep", "default", now, exception=error))
    (record,) = [each for each in caplog.records if "upkeep failed" in each.message]
    assert record.levelname == "ERROR"
    assert (record.exc_info is not None) is has_trace
    assert has_trace or "it is locked; run it again" in record.message


def test_after_a_sleep_of_the_machine_not_everything_is_polled_at_once(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A laptop opened after three days: what fell due is spread, as after a restart."""
    caplog.set_level(logging.INFO, logger="aggregator")
    names = [f"s{n}" for n in range(20)]
    server.pages |= {f"/{name}": Answer(200, {}, feed(name, 1)) for name in names}
    site.configure(*(source(server, name) for name in names))
    slept = Daemon(site.file, config.load(site.file))
    slept._open(config.load(site.file))
    assert slept._app is not None
    slept._tick()
    assert len(server.requests) == 20

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(days=3)

    monkeypatch.setattr(daemon, "datetime", Later)
    assert len(slept._app.due_names(Later.now(UTC), 100)) == 20
    slept._tick()
    assert "nothing ran since" in caplog.text
    assert len(server.requests) == 20
    waiting = [slept._app.due_names(Later.now(UTC) + timedelta(minutes=m), 100) for m in (10, 61)]
    assert 0 < len(waiting[0]) < 20
    assert len(waiting[1]) == 20
    slept._tick()
    assert caplog.text.count("nothing ran since") == 1
    slept._app.__exit__(None, None, None)
