"""Pacing: how often, and how many at once, requests go to one publisher, over all of its sources.

A publisher is a registrable domain (publicsuffix.org): `a.example.co.uk` and `b.example.co.uk` are one,
`a.github.io` and `b.github.io` are two. An IP address, or a private host that fetch.allow names, is paced by
URL: they are the user's own services. A host with a pace of its own (`fetch.platform_limits`) is one
publisher together with all its subdomains.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from aggregator.errors import Later
from aggregator.fetch.guard import written_address

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

LONGEST_HOLD = timedelta(days=1)
"""One feed's Retry-After delays other feeds of its publisher by at most this long."""

LONGEST_WAIT = timedelta(minutes=5)
"""For a longer Retry-After nobody waits: the source is polled another time."""

_LEAST_WAIT_SECONDS = 0.1
_MAX_KNOWN = 50_000
"""For how many addresses the publisher is remembered."""


class Pace(NamedTuple):
    """How often a publisher may be requested.

    The least time between starts, and how many requests at once.
    """

    gap: timedelta = timedelta(seconds=1)
    at_once: int = 2


class _Line:
    """The queue of one publisher: next free start, end of its Retry-After, running requests, its pace.

    `gap` is in seconds: the pace's own, `usual_gap`, or a longer one from Crawl-delay in robots.txt.
    """

    __slots__ = ("at_once", "gap", "held_until", "next_start", "running", "sent", "started", "usual_gap")

    def __init__(self, pace: Pace) -> None:
        self.gap = self.usual_gap = pace.gap.total_seconds()
        self.at_once = pace.at_once
        self.started = self.sent = float("-inf")
        self.next_start = float("-inf")
        self.held_until = float("-inf")
        self.running = 0

    def is_idle(self, now: float) -> bool:
        """Whether a new line would be the same."""
        until = max(self.next_start, self.held_until, max(self.started, self.sent) + self.gap)
        return until < now and not self.running and self.gap == self.usual_gap


class Hosts:
    """When each URL may be requested; safe to use from several threads, never sleeps with a lock held.

    Times are seconds of a monotonic clock. A scheduler takes a place in the queue with `reserve`, does other
    work until then, and calls `start` when the time has come:

        at = hosts.reserve(url, now)
        ...
        again_at = hosts.start(url, now)    # None: go; else come back then
        try: hosts.keep_gap(url), fetch     # in the thread that fetches
        finally: hosts.finish(url)

    A caller that may wait writes `with hosts.turn(url):`.

    `paces` are by host, each with its subdomains; the longest name that matches decides.
    """

    def __init__(
        self,
        *,
        at_once: int = 2,
        gap: timedelta = timedelta(seconds=1),
        paces: Mapping[str, Pace] | None = None,
        is_own: Callable[[str], bool] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pace = Pace(gap, at_once)
        self._paces = paces or {}
        self._is_own = is_own or (lambda _: False)
        self._monotonic = monotonic
        self._sleep = sleep
        self._most = _MAX_KNOWN
        self._lines: dict[str, _Line] = {}
        self._publishers: dict[str, str] = {}
        self._lock = threading.Lock()

    def publisher(self, url: str) -> str:
        """The key of what is paced together: the registrable domain of the URL's host, or the URL itself."""
        # Called four times a request, and it may call the system's resolver: with the lock held, every thread
        # waited.
        if (known := self._publishers.get(url)) is not None:
            return known
        if len(self._publishers) >= _MAX_KNOWN:
            self._publishers.clear()
        found = self._publishers[url] = self._publisher_of(url)
        return found

    def _publisher_of(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").rstrip(".") if parts.scheme in ("http", "https") else ""
        except ValueError:
            return url
        if not host:
            return url
        written = written_address(host)
        for name in written or enclosing(host):
            if name in self._paces:
                return name
        return url if written or self._is_own(host) else registrable(host)

    def places(self, url: str, now: float, within: timedelta) -> int:
        """How many requests could start within that time, at most a thousand; reserves none."""
        publisher = self.publisher(url)
        with self._lock:
            line = self._line(publisher)
            left = now + within.total_seconds() - max(now, line.next_start, line.held_until)
            if left < 0:
                return 0
            return min(int(left / line.gap) + 1, 1_000) if line.gap else 1_000

    def reserve(self, url: str, now: float) -> float:
        """Takes the next place in the queue; returns when it starts, `now` or later."""
        publisher = self.publisher(url)
        with self._lock:
            return self._reserve(self._line(publisher), now)

    def start(self, url: str, now: float) -> float | None:
        """Starts what was reserved: returns None if the request may start (call `finish` after it).

        Otherwise returns the time of a new place in the queue: a Retry-After arrived meanwhile, or too many
        requests are running.
        """
        publisher = self.publisher(url)
        with self._lock:
            line = self._line(publisher)
            if now < line.held_until:
                return self._reserve(line, now)
            if line.running >= line.at_once:
                return self._reserve(line, now + max(line.gap, _LEAST_WAIT_SECONDS))
            # The one before may have begun late, or the gap be longer now. Reserving anew would delay others.
            if now < line.started + line.gap:
                return line.started + line.gap
            line.running += 1
            line.started = now
            return None

    def keep_gap(self, url: str) -> None:
        """Sleeps until the gap since the publisher's last request has passed, right before a request is sent.

        A thread may begin long after `start` allowed its request, and just before the next one's.
        """
        publisher = self.publisher(url)
        with self._lock:
            line = self._line(publisher)
            moment = self._monotonic()
            line.sent = max(moment, line.sent + line.gap)
            wait = line.sent - moment
        if wait > 0:
            self._sleep(wait)

    def held_for(self, url: str, now: float) -> float:
        """The seconds that are left of the publisher's Retry-After; 0 without one."""
        publisher = self.publisher(url)
        with self._lock:
            line = self._lines.get(publisher)
            return max(line.held_until - now, 0.0) if line else 0.0

    def refusal(self, url: str, now: float) -> Later | None:
        """The error if the publisher's Retry-After is too long to wait for; else None."""
        held = timedelta(seconds=self.held_for(url, now))
        if held <= LONGEST_WAIT:
            return None
        reason = "its publisher asked us to wait (Retry-After)"
        return Later(reason, status=429, retry_after=held, url=url)

    def finish(self, url: str) -> None:
        """Records that a request that `start` allowed has ended."""
        publisher = self.publisher(url)
        with self._lock:
            line = self._line(publisher)
            line.running = max(line.running - 1, 0)

    def hold(self, url: str, wait: timedelta, now: float) -> None:
        """Delays every URL of the publisher by `wait`, which Retry-After asked for."""
        self.hold_publisher(self.publisher(url), wait, now)

    def gap(self, url: str) -> timedelta:
        """The least time between two requests to the URL's publisher, as far as it is known."""
        publisher = self.publisher(url)
        with self._lock:
            return timedelta(seconds=self._line(publisher).gap)

    def most_at_once(self, url: str) -> int:
        """How many requests to the URL's publisher may run at a time."""
        publisher = self.publisher(url)
        with self._lock:
            return self._line(publisher).at_once

    def holds(self, publishers: Iterable[str], now: float) -> dict[str, timedelta]:
        """How long these publishers, by name, are still not to be asked at all, as Retry-After wants it."""
        with self._lock:
            lines = {name: self._lines[name] for name in publishers if name in self._lines}
            left = {name: line.held_until - now for name, line in lines.items()}
        return {name: timedelta(seconds=seconds) for name, seconds in left.items() if seconds > 0}

    def hold_publisher(self, publisher: str, wait: timedelta, now: float) -> None:
        """Like `hold`, by a publisher's name: for a Retry-After that another process received."""
        with self._lock:
            line = self._line(publisher)
            line.held_until = max(line.held_until, now + min(wait, LONGEST_HOLD).total_seconds())

    def slow(self, url: str, gap: timedelta) -> None:
        """Leaves at least this time between two requests to the publisher (Crawl-delay)."""
        publisher = self.publisher(url)
        with self._lock:
            line = self._line(publisher)
            line.gap = max(line.usual_gap, gap.total_seconds())

    @contextlib.contextmanager
    def turn(self, url: str, *, within: str = "") -> Iterator[None]:
        """Waits until the URL may be requested, however long the queue is.

        Raises Later, before or after the wait, for a Retry-After of more than five minutes. `within` is an
        address for which the caller has a turn already: for the same publisher that turn is used, because
        waiting for another would be a deadlock.
        """
        self._heed(url)
        first = self.reserve(url, self._monotonic())
        if within and self.publisher(within) == self.publisher(url):
            self._sleep(max(first - self._monotonic(), 0))
            yield
            return
        at: float | None = first
        while at is not None:
            self._sleep(max(at - self._monotonic(), 0))
            self._heed(url)
            at = self.start(url, max(at, self._monotonic()))
        try:
            self.keep_gap(url)
            yield
        finally:
            self.finish(url)

    def _heed(self, url: str) -> None:
        if refusal := self.refusal(url, self._monotonic()):
            raise refusal

    def _line(self, publisher: str) -> _Line:
        if (line := self._lines.get(publisher)) is None:
            if len(self._lines) >= self._most:
                self._forget()
            line = self._lines[publisher] = _Line(self._paces.get(publisher, self._pace))
        return line

    def _forget(self) -> None:
        """Forgets publishers of which nothing holds any more but the usual pace."""
        now = self._monotonic()
        self._lines = {name: line for name, line in self._lines.items() if not line.is_idle(now)}
        self._most = max(_MAX_KNOWN, 2 * len(self._lines))

    def _reserve(self, line: _Line, now: float) -> float:
        start = max(now, line.next_start, line.held_until)
        line.next_start = start + line.gap
        return start


def enclosing(host: str) -> Iterator[str]:
    """A host's name in ASCII, and the domains around it, the longest first."""
    with contextlib.suppress(UnicodeError):
        host = host.encode("idna").decode()
    while host:
        yield host
        host = host.partition(".")[2]


@lru_cache(maxsize=20_000)
def registrable(host: str) -> str:
    """The registrable domain of a host's name."""
    # A public suffix itself, and a name without dots, have no registrable domain: each counts as one.
    return _suffixes().privatesuffix(host) or host


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    # Loaded at first use (50 ms) from the list that is part of the package: no network.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
