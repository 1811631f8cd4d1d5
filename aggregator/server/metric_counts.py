"""Numbers for the metrics: what one process did since its start, and what a store contains."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Counts", "Histogram", "StoreFacts"]

_LAG_BOUNDS = (1, 5, 15, 60, 300, 900, 3_600, 4 * 3_600, 24 * 3_600)
_PUBLICATION_BOUNDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFacts:
    """The numbers of a store: its sources by state and how many are due, its articles, the newest change."""

    states: Mapping[str, int]
    due: int
    articles: int
    changed: datetime | None


class Histogram:
    """A histogram of seconds: how many values are in each interval."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Counts one value."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self.seconds += seconds

    def cumulative(self) -> list[tuple[float, int]]:
        """Each upper bound, infinity last, and how many values are at most that."""
        found, total = [], 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            total += count
            found.append((bound, total))
        return found


class Counts:
    """The numbers of a process that polls and publishes. Safe to use from several threads.

    `polls` are by outcome: "read", "unchanged" or an error's label. `totals`: sums by name, such as
    "articles_new". `lag`: how late each source was polled, in seconds. `publications`: how many seconds each
    took.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.polls: Counter[str] = Counter()
        self.totals: Counter[str] = Counter()
        self.notifications: Counter[tuple[str, str]] = Counter()
        self.lag = Histogram(_LAG_BOUNDS)
        self.publications = Histogram(_PUBLICATION_BOUNDS)

    def polled(self, outcome: str, size: int, lag: timedelta | None) -> None:
        """Counts a poll that fetched `size` bytes; `lag` None: the source was not due."""
        with self.lock:
            self.polls[outcome] += 1
            self.totals["fetched_bytes"] += size
            if lag is not None:
                self.lag.observe(lag.total_seconds())

    def published(self, seconds: float) -> None:
        """Counts a publication."""
        with self.lock:
            self.publications.observe(seconds)

    def notified(self, channel: str, outcome: str) -> None:
        """Counts a message that was "accepted" or "failed"."""
        with self.lock:
            self.notifications[channel, outcome] += 1

    def add(self, **totals: int) -> None:
        """Adds to some of the sums."""
        with self.lock:
            self.totals.update(totals)
