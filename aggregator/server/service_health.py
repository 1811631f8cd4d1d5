"""Health and metrics: whether the service is ready, and numbers for Prometheus."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.config.load import Config
from aggregator.config.store_address import StoreAddress, is_there
from aggregator.errors import AggregatorError
from aggregator.schedule.health import STATES, judge
from aggregator.server.metric_counts import Counts, StoreFacts
from aggregator.store import Store
from aggregator.writers import formats

if TYPE_CHECKING:
    from aggregator.publishing.publication_result import Published
    from aggregator.store import Saved

__all__ = ["MAX_SILENCE_SECONDS", "ServiceHealth"]

MAX_SILENCE_SECONDS = 300
"""A daemon that reports no activity for this long hangs: each tick and each poll reports some."""

_REST = 20


class ServiceHealth:
    """The health of one process, recorded by the daemon. Safe to use from several threads.

    `beat` is the time of its last activity; None: this process does not poll, so none is expected.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = Counts()
        self._published: datetime | None = None
        self._beat: float | None = None
        self._store: Store | None = None
        self._readers_killed: Callable[[], int] = int
        self._seen: tuple[float, StoreFacts | None] = (0.0, None)

    def close(self) -> None:
        """Closes the store, if it was opened."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def beat(self) -> None:
        """Records that the poller is alive."""
        self._beat = time.monotonic()

    def polled(self, outcome: str, size: int = 0, lag: timedelta | None = None) -> None:
        """Counts a poll; `outcome` is "read", "unchanged" or an error's label."""
        self._counts.polled(outcome, size, lag)
        self.beat()

    def saved(self, saved: Saved) -> None:
        """Counts the articles that a poll saved."""
        found = saved.new + saved.changed + saved.unchanged
        self._counts.add(articles_found=found, articles_new=saved.new, articles_edited=saved.changed)

    def pruned(self, count: int) -> None:
        """Counts articles that upkeep pruned."""
        self._counts.add(articles_pruned=count)

    def published(self, now: datetime, published: Published) -> None:
        """Counts a publication, and records when files were written."""
        self._counts.published(published.seconds)
        self._counts.add(feeds_written=published.rendered, files_written=len(published.written))
        if published.written:
            self._published = now

    def announced(self, channel: str, *, is_done: bool) -> None:
        """Counts a message to a hub, or to a receiver of another channel."""
        self._counts.notified(channel, "accepted" if is_done else "failed")

    def count_readers(self, killed: Callable[[], int]) -> None:
        """`killed` returns how many processes that read documents have been killed."""
        self._readers_killed = killed

    def missing(self, config: Config) -> str | None:
        """Why the service is not ready, None when it is. Reads the store and the output folder."""
        if self._beat is not None and time.monotonic() - self._beat > MAX_SILENCE_SECONDS:
            return f"no sign of polling for {MAX_SILENCE_SECONDS} s"
        if is_there(config.store):
            try:
                self._opened(config.store).database.setting("schema")
            except AggregatorError:
                # Its message has paths, which must not be public.
                return "the store cannot be read"
        elif config.bucket is None:  # a server of a bucket's copy needs no store
            return "there is no store yet"
        return None if _has_feeds(config.output) else "no feed has been published yet"

    def metrics(self, config: Config, answered: Mapping[int, int], now: datetime) -> bytes | None:
        """Prometheus' text format, version 0.0.4; None if prometheus-client is not installed.

        No metric has a label for the source, as the number of sources is not limited.
        """
        if find_spec("prometheus_client") is None:
            return None
        from aggregator.server.metrics import ProcessFacts, exposition

        facts = ProcessFacts(
            answered=answered,
            counts=None if self._beat is None else self._counts,
            published=self._published,
            readers_killed=self._readers_killed(),
            store=self._of_the_store(config, now),
        )
        return exposition(facts)

    def _of_the_store(self, config: Config, now: datetime) -> StoreFacts | None:
        """The numbers of the store, cached for twenty times as long as reading took: of a million sources it
        takes seconds. None without a store that can be read."""
        until, facts = self._seen
        began = time.monotonic()
        if facts is not None and began < until:
            return facts
        facts = None
        if is_there(config.store):
            with suppress(AggregatorError):
                facts = facts_of(self._opened(config.store), now)
        ended = time.monotonic()
        self._seen = (ended + _REST * (ended - began), facts)
        return facts

    def _opened(self, store: StoreAddress) -> Store:
        with self._lock:
            if self._store is None:
                self._store = Store(store, reads_only=True)
            return self._store


def facts_of(store: Store, now: datetime) -> StoreFacts:
    """The numbers of a store at `now`. Raises StoreError."""
    states: Counter[str] = Counter()
    articles = 0
    for names in store.due_sources.names():
        sources = store.sources.health(names)
        states.update(judge(health, now).state for health in sources)
        articles += sum(source.articles for source in sources)
    return StoreFacts(
        states={name: states[name] for name in STATES},
        due=store.due_sources.lag(now).due,
        articles=articles,
        changed=max((feed.changed for feed in store.feeds.all()), default=None),
    )


def _has_feeds(output: Path) -> bool:
    """Whether any category's folder has a feed; other files in the output folder do not matter."""
    names = [one.file_name for one in formats() if one.is_feed]
    try:
        with os.scandir(output) as folders:
            return any(_is_file(os.path.join(folder.path, name)) for folder in folders for name in names)  # noqa: PTH118
    except OSError:
        return False


def _is_file(path: str) -> bool:
    """Whether it is a regular file; False for circular links, a file as a folder, and missing permissions."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
    except OSError:
        return False
