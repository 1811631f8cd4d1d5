"""Ctrl-C: what was saved is reported, the exit code is 130, and nothing is a traceback."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator

import click
import pytest

from tests.conftest import Answer, Server
from tests.support.site import Site, feed


@pytest.fixture
def hanging(server: Server) -> Iterator[threading.Event]:
    """A server with a feed that is there, and one whose answer does not come until the test ends."""
    asked, ends = threading.Event(), threading.Event()

    def hang(_: object) -> Answer:
        asked.set()
        ends.wait(60)
        return Answer(200, {}, feed("b", 1))

    server.pages |= {"/a": Answer(200, {}, feed("a", 1, 2)), "/b": hang}
    yield asked
    ends.set()


def test_results_before_ctrl_c_are_saved_and_reported(
    site: Site, server: Server, hanging: threading.Event
) -> None:
    """What did not come is left for the next time; the feeds are written when asked for."""
    site.configure(
        *({"name": name, "url": f"{server.url}/{name}"} for name in "ab"), fetch={"host_gap": "0s"}
    )
    process = site.start("fetch")
    assert hanging.wait(60)
    end = time.monotonic() + 60
    while "a: 2 new" not in site.log.read_text():
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    message = " ".join(site.log.read_text().split())
    assert "press Ctrl-C again to exit at once" in message
    assert (
        "stopped: 1 of 2 sources were polled, and their articles are saved; 'aggregator publish'" in message
    )
    assert "Traceback" not in message
    assert site.run("publish").exit_code == 0
    assert "feed.json" in {name.rpartition("/")[2] for name in site.files()}


def test_a_second_time_ends_at_once(site: Site, server: Server, hanging: threading.Event) -> None:
    """Without waiting for anything."""
    site.configure({"name": "b", "url": f"{server.url}/b"})
    process = site.start("fetch")
    assert hanging.wait(60)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    assert "Traceback" not in site.log.read_text()


def test_a_question_that_is_not_answered_adds_nothing(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`add` asks which one."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    before = site.file.read_bytes()

    def interrupted(*_: object, **__: object) -> None:
        raise click.Abort from KeyboardInterrupt()

    monkeypatch.setattr("aggregator.cli.add.is_terminal", lambda: True)
    monkeypatch.setattr(click, "prompt", interrupted)
    result = site.run("add", server.url + "/a")
    assert (result.exit_code, site.file.read_bytes()) == (130, before)
    assert "stopped: " in result.stderr
