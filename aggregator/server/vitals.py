"""Health and metrics: whether the service is ready, and numbers for Prometheus."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from aggregator import __version__
from aggregator.config.load import Config
from aggregator.errors import AggregatorError
from aggregator.schedule.health import STATES, judge
from aggregator.store import Store
from aggregator.writers import formats

__all__ = ["MAX_SILENCE_SECONDS", "Vitals"]

MAX_SILENCE_SECONDS = 300
"""A daemon without a beat for so long hangs: each tick and each poll gives one."""


class Vitals:
    """Counters of one process, filled by the daemon. Safe to use from several threads.

    `beat` None: this process does not poll, so no beat is expected.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._polls: Counter[str] = Counter()
        self._published: datetime | None = None
        self._beat: float | None = None
        self._store: Store | None = None

    def close(self) -> None:
        """Closes the store, if it was opened."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def beat(self) -> None:
        """Records that the poller is alive."""
        self._beat = time.monotonic()

    def polled(self, outcome: str) -> None:
        """Counts a poll; `outcome` is "read", "unchanged" or an error's label."""
        with self._lock:
            self._polls[outcome] += 1
        self.beat()

    def published(self, now: datetime) -> None:
        """Records that files were written."""
        self._published = now

    def missing(self, config: Config) -> str | None:
        """Why the service is not ready, None when it is. Reads the store and the output folder."""
        if self._beat is not None and time.monotonic() - self._beat > MAX_SILENCE_SECONDS:
            return f"no sign of polling for {MAX_SILENCE_SECONDS} s"
        if config.store.exists():
            try:
                self._opened(config.store).database.setting("schema")
            except AggregatorError:
                # Its message has paths, which must not be public.
                return "the store cannot be read"
        elif config.bucket is None:  # whoever serves a copy of a bucket needs none
            return "there is no store yet"
        return None if _has_feeds(config.output) else "no feed has been published yet"

    def metrics(self, config: Config, answered: Mapping[int, int], now: datetime) -> str:
        """Prometheus' text format, version 0.0.4, without its last line break.

        No metric has a label for the source, as their number is not bounded.
        """
        lines = [
            *_metric("info", "gauge", "The program's version.", {f'version="{__version__}"': 1}),
            *_metric(
                "http_requests_total",
                "counter",
                "Requests answered, by status.",
                {f'status="{status}"': count for status, count in sorted(answered.items())},
            ),
        ]
        with self._lock:
            polls = sorted(self._polls.items())
        if self._beat is not None:
            by_outcome = {f'outcome="{outcome}"': count for outcome, count in polls}
            lines += _metric("polls_total", "counter", "Polls since the start, by outcome.", by_outcome)
        if self._published is not None:
            text = "When files were last written."
            lines += _metric(
                "last_publication_timestamp_seconds", "gauge", text, {"": _seconds(self._published)}
            )
        if config.store.exists():
            with suppress(AggregatorError):
                lines += _of_the_store(self._opened(config.store), now)
        return "\n".join(lines)

    def _opened(self, store: Path) -> Store:
        with self._lock:
            if self._store is None:
                self._store = Store(store, reads_only=True)
            return self._store


def _of_the_store(store: Store, now: datetime) -> Iterable[str]:
    sources = store.sources.health()
    states = Counter(judge(health, now).state for health in sources)
    changed = max((_seconds(feed.changed) for feed in store.feeds.all()), default=0.0)
    yield from _metric(
        "sources",
        "gauge",
        "Sources by state of their polls.",
        {f'state="{name}"': states[name] for name in STATES},
    )
    yield from _metric("articles", "gauge", "Articles kept.", {"": sum(s.articles for s in sources)})
    if changed:
        yield from _metric(
            "last_change_timestamp_seconds", "gauge", "When an article last changed.", {"": changed}
        )


def _metric(name: str, kind: str, description: str, values: Mapping[str, float]) -> Iterable[str]:
    """One metric: `values` by their labels, "" for none."""
    yield f"# HELP aggregator_{name} {description}"
    yield f"# TYPE aggregator_{name} {kind}"
    for labels, value in values.items():
        yield f"aggregator_{name}{{{labels}}} {value}" if labels else f"aggregator_{name} {value}"


def _seconds(moment: datetime) -> float:
    return round(moment.timestamp(), 3)


def _has_feeds(output: Path) -> bool:
    """Whether any category's folder has a feed; other files in the output folder do not matter."""
    names = [one.file_name for one in formats() if one.is_feed]
    try:
        with os.scandir(output) as folders:
            return any(_is_file(os.path.join(folder.path, name)) for folder in folders for name in names)  # noqa: PTH118
    except OSError:
        return False


def _is_file(path: str) -> bool:
    """False also for circular links, a file in place of the folder, and missing permissions."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
    except OSError:
        return False
