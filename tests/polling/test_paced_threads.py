"""Work at many publishers: begun in turn, handed back in the order asked for, never held up for long."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from aggregator.fetch import Hosts
from aggregator.polling import paced_threads
from aggregator.polling.paced_threads import PacedThreads

ADDRESSES = [f"http://h{n}.example/" for n in range(300)]


def taking_turns(
    work: Callable[[int], str],
    *,
    stop: threading.Event | None = None,
    hosts: Hosts | None = None,
    count: int = 300,
) -> PacedThreads[str]:
    """Turns over so many publishers, without a gap."""
    return PacedThreads(
        hosts or Hosts(gap=timedelta(0)),
        ADDRESSES[:count],
        workers=8,
        work=work,
        postponed=lambda number, error: f"{number} waits for {error.retry_after}",
        stop=stop or threading.Event(),
    )


def test_results_keep_their_order() -> None:
    """In batches of limited size; none is left out."""

    def work(number: int) -> str:
        time.sleep(0.002 * (number % 5))
        return str(number)

    batches = list(taking_turns(work))
    assert [item for batch in batches for item in batch] == [(n, str(n)) for n in range(300)]
    assert max(map(len, batches)) <= 150


def test_work_goes_on_while_what_came_late_all_at_once_is_saved() -> None:
    """The first result is late: all that may be begun has ended by then, and is handed back in batches."""
    begun: list[int] = []
    release = threading.Event()

    def work(number: int) -> str:
        begun.append(number)
        assert number or release.wait(120)
        if len(begun) == 256:
            release.set()
        return str(number)

    batches = iter(taking_turns(work))
    assert len(next(batches)) == 150
    next(batches)
    until = time.monotonic() + 60
    while len(begun) < 300 and time.monotonic() < until:
        time.sleep(0.01)
    assert sorted(begun) == [*range(300)]
    assert sum(map(len, batches)) == 44


def test_a_slow_request_delays_others_by_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are handed back in order without it; it follows when it has ended. So it goes on past 256."""
    monkeypatch.setattr(paced_threads, "_LONGEST_WAIT_SECONDS", 0.05)
    release = threading.Event()

    def work(number: int) -> str:
        assert number or release.wait(120)
        return str(number)

    found: list[int] = []
    for batch in taking_turns(work):
        found += [number for number, _ in batch]
        if len(found) == 299:
            release.set()
    assert sorted(found) == list(range(300))
    assert found[-1] == 0


def test_a_few_results_wait_for_others_that_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved together they cost less. Nothing waits once nothing else is on its way."""
    monkeypatch.setattr(paced_threads, "_GATHER_SECONDS", 120.0)
    ended = threading.Semaphore(0)

    def work(number: int) -> str:
        if number == 9:
            for _ in range(9):
                ended.acquire(timeout=120)
        ended.release()
        return str(number)

    assert [len(batch) for batch in taking_turns(work, count=10)] == [10]


def test_a_stop_returns_results_that_end_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more is begun; what does not end is left."""
    monkeypatch.setattr(paced_threads, "_LAST_SECONDS", 2.0)
    stop, release = threading.Event(), threading.Event()
    begun: list[int] = []

    def work(number: int) -> str:
        begun.append(number)
        if number == 0:
            release.wait(120)
        if number == 20:
            stop.set()
        time.sleep(0.01)
        return str(number)

    found = [number for batch in taking_turns(work, stop=stop) for number, _ in batch]
    release.set()
    assert set(range(1, 21)) <= set(found) < set(range(300))
    assert 0 not in found
    assert set(begun) - set(found) == {0}


def test_sources_of_a_publisher_with_retry_after_are_returned_at_once() -> None:
    """Its sources are handed back at once, undone."""
    hosts = Hosts(gap=timedelta(0))
    hosts.hold(ADDRESSES[1], timedelta(hours=1), time.monotonic())
    found = dict(item for batch in taking_turns(str, hosts=hosts, count=3) for item in batch)
    assert re.match("1 waits for 0:(59|58):", found.pop(1))
    assert found == {0: "0", 2: "2"}


def test_an_exception_of_the_work_ends_the_run() -> None:
    """It is not the error of one source."""

    def work(number: int) -> str:
        raise RuntimeError(f"at {number}")

    with pytest.raises(RuntimeError, match="at "):
        list(taking_turns(work))
