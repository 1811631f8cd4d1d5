"""The jobs of a worker: poll the sources of a shard, complete articles, publish, notify hubs, prune."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from aggregator.app.app import App
from aggregator.app.log import log_request
from aggregator.app.main_job import RunWatcher, publish
from aggregator.config.load import Source
from aggregator.machines.job_engine import Queued, Task
from aggregator.machines.shards import shard_of, shards_of
from aggregator.machines.shared_clock import SharedClock
from aggregator.polling.poll import Poller
from aggregator.store import Claim, Hold, WorkerRecord

__all__ = ["Work"]

LONGEST_JOB = timedelta(minutes=1)
"""How long one job polls a shard. It is limited because other publishers of the shard may wait meanwhile."""

AHEAD = timedelta(minutes=1)
"""A shard whose next source is due later than this has no job yet; `missing` queues one in time."""

LEAST_WAIT = timedelta(minutes=1)
"""The least time between two jobs of a shard: the more sources one job polls, the less each poll costs."""

PUBLISH_AFTER = timedelta(seconds=5)
HUBS_EVERY = timedelta(seconds=5)
UPKEEP_EVERY = timedelta(hours=1)
_SOURCES_AT_ONCE = 200


class Work:
    """The jobs of one worker.

    - `name`: the worker's name, unique over all machines.
    - `config`: a digest of the worker's config.
    - `watcher`: called with each result, from several threads.
    """

    def __init__(self, app: App, name: str, config: str, queues: Iterable[str], watcher: RunWatcher) -> None:
        self._app = app
        self._name = name
        self._config = config
        self._queues = tuple(queues)
        self._watcher = watcher
        self._leases = app.store.leases
        # Created here, because several threads could otherwise each create one at first use.
        self._polls, self._hosts = app.polls, app.polls.hosts
        self._holding: set[Poller] = set()
        self._started = self._leases.database_time()
        self._clock = SharedClock(self._started)
        self._polled = 0
        self._is_stopping = False
        self._upkept: datetime | None = None

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All kinds of jobs, also those of queues that other workers run."""
        return (
            Task(name="shard", queue="poll", job=self.poll),
            Task(name="complete", queue="poll", job=self.complete),
            Task(name="hubs", queue="poll", job=self.serve_hubs),
            Task(name="media", queue="publish", job=self.copy_media),
            Task(name="publish", queue="publish", job=self.publish),
            Task(name="announce", queue="publish", job=self.announce),
            Task(name="upkeep", queue="upkeep", job=self.upkeep),
        )

    def stop(self) -> None:
        """Stops polling: responses that arrive within seconds are saved, other requests are abandoned."""
        self._is_stopping = True
        self._app.stop()
        for polls in [*self._holding]:
            polls.stop()

    def missing(self) -> Iterator[Queued]:
        """Yields the jobs that must be queued, if they are not yet; called once a minute on one worker."""
        now = self._set_clock()
        while new := self._leases.unassigned():
            self._leases.assign(shards_of(new, self._hosts.publisher))
        for shard, at in sorted(self._leases.due_shards(now + AHEAD).items()):
            yield Queued(task="shard", number=shard, at=at)
        if any(source.full_text for source in self._app.config.sources):
            yield Queued(task="complete")
        if self._app.config.serve.url:
            yield Queued(task="hubs")
        if self._app.config.publish.media is not None:
            yield Queued(task="media")
        yield Queued(task="publish")
        yield Queued(task="announce")
        yield Queued(task="upkeep")

    def report(self) -> None:
        """Records in the store that this worker runs."""
        self._leases.report(
            WorkerRecord(
                name=self._name,
                jobs=" ".join(self._queues),
                config=self._config,
                started=self._started,
                seen=self._set_clock(),
                polls=self._polled,
            )
        )

    def poll(self, shard: int | None) -> Iterable[Queued]:
        """Polls the due sources of a shard for at most a minute, within each publisher's request rate."""
        assert shard is not None, "a job of this task has a number"
        if self._is_stopping:
            return
        claim = self._leases.claim(shard, self._name)
        self._clock.set(claim.at)
        now, until, has_new, completes = claim.at, claim.at + LONGEST_JOB, False, False
        sources = self._due(shard, now)
        following = now if sources else self._leases.next_due(shard)
        asked = {*claim.holds}
        # All sources of a publisher are in this shard, so all requests that it allows at once are made here.
        threads = max((self._hosts.most_at_once(source.address) for source in sources), default=1)
        with self._holding_for(claim.hold, threads, asked) as polls:
            self._wait_for_rate(claim, sources, now)
            while sources and not self._is_stopping:
                for poll in self._app.fetch_by(polls, sources, now):
                    self._polled += 1
                    self._watcher.polled(poll)
                    asked.add(self._hosts.publisher(poll.source.address))
                    has_new |= bool(poll.saved.new or poll.saved.changed or poll.is_list)
                    completes |= poll.source.full_text is not None
                following, now = self._leases.next_due(shard), self._clock.read()
                if following is None or not following <= now < until:
                    break
                sources = self._due(shard, now)
        now = self._clock.read()
        if has_new:
            yield Queued(task="complete") if completes else Queued(task="publish", at=now + PUBLISH_AFTER)
        if following is not None and following <= now + AHEAD:
            yield Queued(task="shard", number=shard, at=max(following, now + LEAST_WAIT))

    def complete(self, _number: int | None) -> Iterable[Queued]:
        """Completes articles with the text of their pages, then publishes, even if none was completed."""
        for completed in self._app.complete(self._app.config.select(()), self._clock.read()):
            self._watcher.completed(completed)
        return [Queued(task="publish", at=self._clock.read() + PUBLISH_AFTER)]

    def serve_hubs(self, _number: int | None) -> Iterable[Queued]:
        """Reads what hubs sent for sources, and requests subscriptions at hubs; runs every few seconds."""
        now = self._clock.read()
        has_new = False
        self._app.hubs.plan(now)
        for poll in self._app.hubs.read(now):
            self._watcher.polled(poll)
            has_new |= bool(poll.saved.new or poll.saved.changed)
        for request in self._app.hubs.ask(now):
            log_request(request)
        if has_new:
            yield Queued(task="publish")
        yield Queued(task="hubs", at=self._clock.read() + HUBS_EVERY)

    def copy_media(self, _number: int | None) -> Iterable[Queued]:
        """Copies pictures that published articles show, and removes copies that nothing shows."""
        now = self._clock.read()
        copied = self._app.copy_media(now)
        if copied is not None:
            self._watcher.copied(copied)
        self._app.tidy_media(now)
        return [Queued(task="publish")] if copied is not None and copied.has_changed else []

    def publish(self, _number: int | None) -> Iterable[Queued]:
        """Writes the feeds and posts that changed."""
        if self._is_stopping:
            return []
        now = self._clock.read()
        self._app.refresh(now)
        # No other worker publishes at the same time: the one that wrote to the bucket before has ended.
        published = publish(self._app, now, self._watcher, takes_over=True)
        return [Queued(task="announce")] if published.written else []

    def announce(self, _number: int | None) -> Iterable[Queued]:
        """Notifies hubs of feeds that changed."""
        for notification in self._app.announce(self._clock.read(), lambda: self._is_stopping):
            self._watcher.announced(notification)
        return []

    def upkeep(self, _number: int | None) -> Iterable[Queued]:
        """Prunes the articles that retention no longer keeps, once an hour."""
        now = self._clock.read()
        if self._upkept is None or now - self._upkept >= UPKEEP_EVERY:
            self._upkept = now
            for count in self._app.upkeep(now):
                self._watcher.pruned(count)
                if self._is_stopping:
                    break
        return []

    @contextmanager
    def _holding_for(self, hold: Hold, threads: int, asked: Collection[str]) -> Iterator[Poller]:
        """Yields what polls a shard, for a minute; afterwards releases the shard.

        `asked`: the publishers that requests were made to. Until when they asked us to wait is stored with
        the shard, for the worker that polls it next.
        """
        polls = self._polls.holding(self._app.store.holding(hold), threads)
        self._holding.add(polls)
        timer = threading.Timer(LONGEST_JOB.total_seconds(), polls.stop)
        timer.daemon = True
        timer.start()
        try:
            yield polls
        finally:
            timer.cancel()
            self._holding.discard(polls)
            now = self._clock.read()
            holds = self._hosts.holds(asked, time.monotonic()).items()
            self._leases.release(
                hold, now, {name: now + left for name, left in holds if shard_of(name) == hold.shard}
            )

    def _wait_for_rate(self, claim: Claim, sources: Iterable[Source], now: datetime) -> None:
        """Waits until the publishers' request rates allow requests after those of another worker."""
        for name, until in claim.holds.items():
            self._hosts.hold_publisher(name, until - now, time.monotonic())
        if claim.is_ours or claim.is_first:
            return
        gap = max((self._hosts.gap(source.address) for source in sources), default=timedelta(0))
        rested = timedelta(0) if claim.rested is None else now - claim.rested
        time.sleep(max(gap - rested, timedelta(0)).total_seconds())

    def _due(self, shard: int, now: datetime) -> list[Source]:
        """Returns the sources of a shard that are due, the longest due first."""
        return self._sources(self._leases.due(shard, now, _SOURCES_AT_ONCE), now)

    def _sources(self, names: Sequence[str], now: datetime) -> list[Source]:
        """Returns the enabled sources with these names, including those that OPML lists added since."""
        known = self._app.enabled(names, now)
        if len(known) < len(names):
            self._app.refresh(now)
            known = self._app.enabled(names, now)
        return known

    def _set_clock(self) -> datetime:
        """Queries the database's time and sets the clock to it."""
        now = self._leases.database_time()
        self._clock.set(now)
        return now
