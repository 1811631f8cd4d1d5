"""Pacing per publisher, in simulated time."""

from __future__ import annotations

import contextlib
import heapq
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import Later
from aggregator.fetch.guard import Guard
from aggregator.fetch.pacing import LONGEST_HOLD, LONGEST_WAIT, Hosts

GAP = timedelta(seconds=1)


class Clock:
    """A clock that stands still but for sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds


@pytest.mark.parametrize(
    ("url", "publisher"),
    [
        ("https://feeds.bbc.co.uk/a", "bbc.co.uk"),
        ("http://www.bbc.co.uk:8080/b", "bbc.co.uk"),
        ("https://BBC.co.uk./c", "bbc.co.uk"),
        ("https://one.github.io/feed", "one.github.io"),
        ("https://a.one.github.io/feed", "one.github.io"),
        ("https://github.io/", "github.io"),
        ("https://feeds.münchen.example/", "münchen.example"),
        ("http://93.184.215.14/feed", "http://93.184.215.14/feed"),
        ("http://127.0.0.1/feed", "http://127.0.0.1/feed"),
        ("http://2130706433/feed", "http://2130706433/feed"),
        ("http://[::1]/feed", "http://[::1]/feed"),
        ("http://nas.lan/feed", "http://nas.lan/feed"),
        ("http://printer/feed", "printer"),
        ("http://[", "http://["),
    ],
)
def test_a_publisher_is_the_registrable_domain_or_for_own_services_the_url(url: str, publisher: str) -> None:
    """Public suffixes included, private ones too: neighbours on a shared host are two publishers."""
    assert Hosts(is_own=Guard(("*.lan",)).is_own).publisher(url) == publisher


def test_starts_at_one_publisher_keep_their_gap_and_others_do_not_wait() -> None:
    """Each reservation is a place in line of its own."""
    hosts = Hosts(gap=GAP)
    assert [hosts.reserve(f"http://{n}.example.org/", 10.0) for n in range(4)] == [10.0, 11.0, 12.0, 13.0]
    assert hosts.reserve("http://example.net/", 10.0) == 10.0
    assert hosts.reserve("http://example.org/", 99.0) == 99.0
    assert [hosts.reserve(f"http://127.0.0.1/{n}", 10.0) for n in range(3)] == [10.0, 10.0, 10.0]


def test_a_late_caller_does_not_start_all_waiting_requests_at_once() -> None:
    """Saving may take seconds meanwhile; then two places in line are past."""
    hosts = Hosts(gap=GAP, at_once=9)
    assert [hosts.reserve("https://a.example/", 0) for _ in range(3)] == [0, 1, 2]
    assert hosts.start("https://a.example/1", 7) is None
    assert hosts.start("https://a.example/2", 7) == 8
    assert hosts.start("https://a.example/3", 7.5) == 8
    assert hosts.start("https://b.example/", 7) is None
    assert hosts.start("https://a.example/2", 8) is None
    assert hosts.start("https://a.example/3", 8) == 9


def test_a_thread_that_begins_late_keeps_the_gap_to_the_next_request() -> None:
    """What was allowed at 0 and at 1, and begins at 5, is sent at 5 and 6."""
    clock = Clock()
    hosts = Hosts(gap=GAP, at_once=9, monotonic=clock.monotonic, sleep=clock.sleep)
    sent = []
    for at in (0.0, 1.0, 2.0):
        assert hosts.start("https://a.example/", at) is None
    clock.now = 5.0
    for _ in range(3):
        hosts.keep_gap("https://a.example/")
        sent.append(clock.now)
    hosts.keep_gap("https://b.example/")
    assert sent == [5, 6, 7]
    assert clock.now == 7


def test_the_requests_at_once_to_one_publisher_are_limited() -> None:
    """The third waits for a new place until one of the two has ended."""
    hosts = Hosts(at_once=2, gap=GAP)
    url = "http://example.org/"
    assert hosts.start(url, 0.0) is None
    assert hosts.start(url, 1.0) is None
    again = hosts.start(url, 2.0)
    assert again is not None
    assert again > 2.0
    hosts.finish(url)
    assert hosts.start(url, again) is None


def test_retry_after_holds_every_feed_of_the_publisher_back() -> None:
    """Also those whose place was reserved before; each gets one of its own afterwards."""
    hosts = Hosts(gap=GAP)
    early = hosts.reserve("http://a.example.org/", 0.0)
    hosts.hold("http://b.example.org/feed", timedelta(minutes=5), 0.0)
    places = [hosts.start("http://a.example.org/", early), hosts.reserve("http://c.example.org/", 0.0)]
    assert places == [300.0, 301.0]
    assert hosts.reserve("http://example.net/", 0.0) == 0.0
    hosts.hold("http://b.example.org/feed", timedelta(minutes=1), 0.0)
    assert hosts.reserve("http://example.org/", 0.0) == 302.0


def test_a_retry_after_of_a_year_stops_one_feed_and_not_its_publisher() -> None:
    """A year of Retry-After is that feed's own affair; a day is everybody's."""
    hosts = Hosts()
    hosts.hold("http://example.org/", timedelta(days=365), 0.0)
    assert hosts.reserve("http://example.org/", 0.0) == LONGEST_HOLD.total_seconds()


def test_a_thread_with_nothing_else_to_do_waits_its_turn() -> None:
    """The blocking form sleeps exactly as long as it must, and lets go when the work fails."""
    clock = Clock()
    hosts = Hosts(at_once=1, gap=GAP, monotonic=clock.monotonic, sleep=clock.sleep)
    started = []
    for _ in range(3):
        with contextlib.suppress(ZeroDivisionError), hosts.turn("http://example.org/"):
            started.append(clock.now)
            raise ZeroDivisionError
    assert started == [1000.0, 1001.0, 1002.0]
    hosts.hold("http://example.org/", timedelta(seconds=60), clock.now)
    with hosts.turn("http://example.org/"):
        assert clock.now == 1062.0


def test_a_retry_after_of_more_than_five_minutes_is_not_waited_for() -> None:
    """Five minutes are waited for, a second more is an error; also in a turn of the same publisher."""
    clock = Clock()
    hosts = Hosts(at_once=1, gap=GAP, monotonic=clock.monotonic, sleep=clock.sleep)
    url = "http://a.example.org/2"
    hosts.hold("http://b.example.org/", LONGEST_WAIT, clock.now)
    with hosts.turn(url):
        assert clock.now == 1300.0

    hosts.hold(url, LONGEST_WAIT + GAP, clock.now)
    for within in ("", "http://a.example.org/1", "http://b.example/"):
        with pytest.raises(Later, match="asked us to wait") as message, hosts.turn(url, within=within):
            raise AssertionError("it was asked")
        assert (message.value.status, message.value.retry_after) == (429, timedelta(seconds=301))
        assert (message.value.url, message.value.advice) == (url, Later.advice)
    assert clock.now == 1300.0


def test_a_retry_after_that_comes_while_a_request_waits_is_obeyed() -> None:
    """The request is not sent when its turn comes."""
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        hosts.hold("http://b.example.org/", timedelta(hours=1), clock.now)

    hosts = Hosts(gap=GAP, monotonic=clock.monotonic, sleep=sleep)
    hosts.reserve("http://example.org/", clock.now)
    with pytest.raises(Later), hosts.turn("http://example.org/"):
        raise AssertionError("it was asked")


@given(
    work=st.lists(
        st.tuples(st.integers(0, 3), st.floats(0.1, 20), st.one_of(st.none(), st.integers(1, 100))),
        min_size=1,
        max_size=40,
    ),
    at_once=st.integers(1, 3),
)
def test_scheduling_by_reservations_never_breaks_a_limit(
    work: list[tuple[int, float, int | None]], at_once: int
) -> None:
    """Any mix of publishers, durations and Retry-After: gap, number at once and holds kept, all get done."""
    hosts = Hosts(at_once=at_once, gap=GAP)
    starts: dict[int, list[float]] = {}
    running: dict[int, int] = {}
    held: dict[int, float] = {}
    due = [(hosts.reserve(f"http://h{h}.example/", 0.0), 0, n) for n, (h, _, _) in enumerate(work)]
    heapq.heapify(due)
    done = 0
    while due:
        now, is_end, number = heapq.heappop(due)
        host, lasts, wait = work[number]
        url = f"http://h{host}.example/"
        if is_end:
            hosts.finish(url)
            running[host] -= 1
            if wait is not None:
                hosts.hold(url, timedelta(seconds=wait), now)
                held[host] = max(held.get(host, 0.0), now + wait)
            done += 1
        elif (again := hosts.start(url, now)) is not None:
            assert again > now
            heapq.heappush(due, (again, 0, number))
        else:
            assert now >= held.get(host, 0.0)
            if host in starts:
                assert now - starts[host][-1] >= GAP.total_seconds() - 1e-6
            starts.setdefault(host, []).append(now)
            running[host] = running.get(host, 0) + 1
            assert running[host] <= at_once
            heapq.heappush(due, (now + lasts, 1, number))
    assert done == len(work)


def test_a_turn_within_a_turn_of_the_same_publisher_waits_its_gap_and_not_for_itself() -> None:
    """Two sources that both are at their second page would else wait for each other's end."""
    clock = Clock()
    hosts = Hosts(at_once=1, gap=GAP, monotonic=clock.monotonic, sleep=clock.sleep)
    with hosts.turn("https://a.example/1"):
        with hosts.turn("https://a.example/2", within="https://a.example/1"):
            assert clock.now == 1001
        with hosts.turn("https://b.example/1", within="https://a.example/1"):
            assert clock.now == 1001
    assert hosts.start("https://a.example/3", 1010) is None


def test_a_slow_publisher_has_its_own_gap() -> None:
    """Places that were taken before it said so included; none that wait hold up who comes after them."""
    hosts = Hosts(gap=GAP)
    places = [hosts.reserve("https://a.example/", 0) for _ in range(3)]
    assert hosts.start("https://a.example/", places[0]) is None
    hosts.finish("https://a.example/")
    hosts.slow("https://a.example/", timedelta(seconds=10))
    assert hosts.start("https://a.example/", places[1]) == 10
    assert hosts.start("https://a.example/", places[2]) == 10
    assert hosts.start("https://a.example/", 10) is None
    hosts.finish("https://a.example/")
    assert hosts.start("https://a.example/", 10) == 20
    assert hosts.reserve("https://a.example/", 3) == 3
    assert hosts.reserve("https://a.example/", 3) == 13
    assert hosts.reserve("https://b.example/", 3) == 3


def test_a_short_delay_does_not_hurry_us() -> None:
    """The config's gap is the least."""
    hosts = Hosts(gap=GAP)
    hosts.slow("https://a.example/", timedelta(seconds=0.1))
    assert [hosts.reserve("https://a.example/", 0) for _ in range(2)] == [0, 1]


def test_how_many_places_are_left_in_some_time() -> None:
    """Less what is taken, none while the publisher is held, any number where nothing is paced."""
    hosts = Hosts(gap=timedelta(seconds=5))
    within = timedelta(seconds=20)
    assert hosts.places("https://a.example/", 0, within) == 5
    hosts.reserve("https://a.example/", 0)
    assert hosts.places("https://a.example/", 0, within) == 4
    assert hosts.places("https://a.example/", 100, within) == 5
    hosts.hold("https://a.example/", timedelta(hours=1), 0)
    assert hosts.places("https://a.example/", 0, within) == 0
    assert Hosts(gap=timedelta()).places("https://a.example/", 0, within) == 1_000


def test_a_host_is_resolved_once_for_all_threads() -> None:
    """By the system's resolver; no request waits for it a second time."""
    asked: list[str] = []

    def is_own(host: str) -> bool:
        asked.append(host)
        return False

    hosts = Hosts(is_own=is_own)
    for url in ("https://a.example.co.uk/feed", "https://b.example.co.uk/feed"):
        for _ in range(3):
            now = hosts.reserve(url, 0.0)
            hosts.start(url, now)
            hosts.finish(url)
        assert hosts.publisher(url) == "example.co.uk"
    assert asked == ["a.example.co.uk", "b.example.co.uk"]


def test_the_number_of_remembered_addresses_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Articles' pages are asked for by the million."""
    monkeypatch.setattr("aggregator.fetch.pacing._MAX_KNOWN", 3)
    hosts = Hosts()
    for number in range(10):
        assert hosts.publisher(f"https://site{number}.example/") == f"site{number}.example"
        assert len(hosts._publishers) <= 3


def test_a_retry_after_is_passed_to_the_next_process() -> None:
    """With the publisher's name; waits that are over are left out."""
    first, second = Hosts(), Hosts()
    first.hold("https://www.example.org/feed", timedelta(seconds=90), 1000.0)
    first.hold("https://www.example.com/feed", timedelta(seconds=10), 1000.0)
    assert first.holds(["example.org", "example.com"], 1030.0) == {"example.org": timedelta(seconds=60)}
    second.hold_publisher("example.org", timedelta(seconds=60), 5.0)
    assert second.held_for("https://blog.example.org/", 6.0) == 59.0


def test_the_gap_of_a_publisher_is_that_which_its_robots_txt_asks_for() -> None:
    """Else the usual one."""
    hosts = Hosts()
    assert hosts.gap("https://a.example.org/") == GAP
    hosts.slow("https://a.example.org/", timedelta(seconds=7))
    assert hosts.gap("https://b.example.org/") == timedelta(seconds=7)
