"""The parts put together over one config and its store: the steps of the main job (see `app.main_job`)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aggregator.app.choosing import Chooser
from aggregator.app.clock import KeptClock
from aggregator.app.followed import MOST_AT_ONCE, StoreSources
from aggregator.app.hubs import HubReports
from aggregator.app.notices import Notices
from aggregator.app.publication import Publication
from aggregator.app.settled import Rest, rest_of
from aggregator.app.stories import Storyteller
from aggregator.app.tombstones import merge_published
from aggregator.app.upkeep import upkeep
from aggregator.config.load import Config, Source
from aggregator.config.subscriptions import joined
from aggregator.polling import settings as polling_settings
from aggregator.publishing import websub as announcing
from aggregator.publishing.published import Published
from aggregator.reading.version import READER_VERSION
from aggregator.schedule import decide as schedule
from aggregator.store import Erasable, Store, by_categories
from aggregator.writers import installed

if TYPE_CHECKING:
    from aggregator.app.bucket import BucketOutput
    from aggregator.fetch import Fetcher
    from aggregator.media.copying import Copying
    from aggregator.media.outcomes import CopyReport
    from aggregator.model.article import Problem
    from aggregator.model.reading import Reading
    from aggregator.model.resource import Resource
    from aggregator.notify.delivery import Delivery
    from aggregator.polling.full_text import Completed, Completing
    from aggregator.polling.poll import Poll, Polls
    from aggregator.reading.context import Context
    from aggregator.reading.workers import Workers
    from aggregator.schedule.clock import Testimony

_log = logging.getLogger("aggregator")


class App:
    """A config with its store open; use it in a `with` statement.

    Raises StoreError when it cannot open, ConfigError when a format of another package cannot be loaded.
    `config` has the feeds of the lists among its sources as sources too.
    What fetches and reads is imported and made when something is polled: a run that finds nothing due takes a
    third of the time without.
    """

    def __init__(self, config: Config, now: datetime) -> None:
        writers = installed(config.all_formats)
        self._configured = config
        self.config = config
        self._chooser = Chooser(config)
        self._storyteller = Storyteller(config)
        self._store = Store(
            config.store,
            judge=self._chooser if self._chooser.digest else by_categories,
            stories=self._storyteller,
        )
        self._making_workers = threading.Lock()
        self._following = threading.RLock()
        self._opened = now
        self._is_stopping = False
        self._clock = KeptClock(self._store, self._testify, lambda: self._made("_polls"))
        self._clock.read(now)
        self._store.mending.begin(READER_VERSION)
        self._followed = StoreSources(self._store, config)
        self._notices = Notices(lambda: self.config, self._store, lambda: self._fetcher)
        self._publication = Publication(
            lambda: self.config,
            self._store,
            self._chooser,
            self._storyteller,
            self._notices,
            lambda: self._copying,
            writers,
            now,
        )
        self.follow_lists(now)
        merge_published(self._store, config, now)
        self._notices.begin(now)
        self.hubs = HubReports(self, self._store, self._followed.named, lambda: self._fetcher, self._read)
        self._publication.arrange(now)  # before anything arrives, which then stands behind what is there

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the workers, and closes connections and the store."""
        if self._made("_workers"):
            self._workers.close()
        if self._made("_copying"):
            self._copying.close()
        if self._made("_fetcher"):
            self._fetcher.close()
        self._store.close()

    @cached_property
    def _fetcher(self) -> Fetcher:
        from aggregator.fetch import Fetcher, user_agent

        return Fetcher(self.config.fetch, user_agent(self.config.fetch))

    @cached_property
    def _workers(self) -> Workers:
        from aggregator.reading.workers import Workers

        return Workers()

    @cached_property
    def _polls(self) -> Polls:
        from aggregator.polling.poll import Polls

        return Polls(self.config, self._store, self._fetcher, self._read)

    @cached_property
    def _completing(self) -> Completing:
        from aggregator.polling.full_text import Completing

        return Completing(self.config, self._store, self._fetcher, self._read)

    @cached_property
    def _bucket_output(self) -> BucketOutput:
        from aggregator.app.bucket import BucketOutput

        return BucketOutput(self.config, self._store)

    def is_behind(self, now: datetime) -> bool:
        """Whether to publish although nothing was polled: a bucket is to be tried again, a digest is due."""
        return (self._made("_bucket_output") and self._bucket_output.is_behind) or self._notices.is_due(now)

    @cached_property
    def _copying(self) -> Copying:
        from aggregator.media.copying import Copying

        return Copying(lambda: self.config, self._store, lambda: self._fetcher)

    def _read(self, resource: Resource, context: Context) -> Reading:
        with self._making_workers:  # of sixteen threads the first one makes them
            workers = self._workers
        return workers.read(resource, context)

    @property
    def readers_killed(self) -> int:
        """How many processes that read documents were killed, or crashed, and were replaced."""
        return self._workers.killed if self._made("_workers") else 0

    @property
    def store(self) -> Store:
        """The store, open until the app is closed."""
        return self._store

    @property
    def polls(self) -> Polls:
        """What polls, and saves what that gives."""
        return self._polls

    def _made(self, part: str) -> bool:
        return part in vars(self)

    def _testify(self, addresses: Iterable[str], now: datetime) -> Testimony:
        return self._polls.testify(addresses, now)

    def due(
        self, sources: Sequence[Source], now: datetime
    ) -> tuple[list[Source], dict[str, schedule.PollState]]:
        """Which of these may be polled now, in their order, and the state of those that may not yet.

        What is on this machine is always due: looking costs nothing.
        """
        return self._followed.ready(sources, now)

    def rest(self, now: datetime) -> Rest | None:
        """What a run leaves that ends with nothing due, and nothing that time alone may change; else None."""
        return None if self._chooser.turnings else rest_of(self.config, self._store, now)

    def select(self, names: Sequence[str], now: datetime) -> tuple[Source, ...]:
        """The sources of these names; without names all enabled ones in memory. Raises ConfigError."""
        return self._followed.select(self.config, names, now)

    def refresh(self, now: datetime) -> None:
        """Takes note of what commands, and the lists that other processes polled, changed in the store."""
        with self._following:
            if self._followed.is_changed():
                self.follow_lists(now)

    def due_names(self, now: datetime, limit: int) -> list[Source]:
        """The enabled sources to poll now, at most `limit`, the longest due first."""
        return self.enabled(self._store.sources.due(now, limit), now)

    def enabled(self, names: Sequence[str], now: datetime) -> list[Source]:
        """The enabled sources of these names, in their order."""
        return self._followed.enabled(self.config, names, now)

    def fetch(
        self, sources: Sequence[Source], now: datetime, *, refetch: bool = False, drains: bool = False
    ) -> Iterator[Poll]:
        """Polls these sources and saves what they give, yielding each poll when it ends.

        Then what a list among them listed for the first time, and with `drains` all else that is due.
        """
        if sources:
            yield from self._fetch(sources, now, refetch=refetch)
        before: set[str] = set()
        while drains and not self._is_stopping:
            due = [each for each in self.due_names(now, MOST_AT_ONCE) if each.name not in before]
            if not due:
                return
            before = {source.name for source in due}
            yield from self._fetch(due, now, refetch=False)

    def fetch_by(self, polls: Polls, sources: Sequence[Source], now: datetime) -> Iterator[Poll]:
        """As `fetch`, by what polls a part of the sources (see `Polls.holding`)."""
        return self._fetch(sources, now, refetch=False, polls=polls)

    def _fetch(
        self, sources: Sequence[Source], now: datetime, *, refetch: bool, polls: Polls | None = None
    ) -> Iterator[Poll]:
        polls = (
            polls or self._polls
        )  # first: what stops this process meanwhile cannot stop what is not made yet
        if self._is_stopping:
            polls.stop()
        known = {source.name for source in self.config.sources}
        for poll in polls.poll_many(sources, now, refetch=refetch):
            if poll.is_list:
                reported = self.follow_lists(now).get(poll.source.name, ())
                poll = replace(poll, problems=(*poll.problems, *reported))
            yield poll
        if new := [source for source in self.config.select(()) if source.name not in known]:
            yield from polls.poll_many(new, now)

    def follow_lists(self, now: datetime) -> Mapping[str, tuple[Problem, ...]]:
        """Adds the sources that the lists among them name now; the problems of each list, by its name."""
        with self._following:
            self._followed.catch_up(now)
            own = self._followed.beside(self._configured.sources, now)
            sources, reported = joined(own, self._store.subscriptions.listed())
            self.config = self._configured.model_copy(update={"sources": sources})
            if self._made("_polls"):
                self._polls.know(sources)
            self._storyteller.know(sources)
            self._store.sources.adopt((*sources, *self._notices.sources()), now)
            states = self._store.sources.schedules([source.name for source in sources])
            self._store.sources.plan(polling_settings.changed(sources, states, self._configured, now))
            return reported

    def complete(self, sources: Sequence[Source], now: datetime) -> Iterator[Completed]:
        """Completes articles of these sources by their pages, where the config wants that.

        With the `now` of the polls before it, what these found is completed before it is published.
        """
        if not any(source.full_text for source in sources):
            return iter(())
        completing = self._completing  # first, as above
        return iter(()) if self._is_stopping else completing.complete(sources, now)

    def copy_media(self, now: datetime) -> CopyReport | None:
        """Copies what published articles show, where the config wants that; None where nothing was due."""
        return None if self.config.publish.media is None or self._is_stopping else self._copying.copy(now)

    def tidy_media(self, now: datetime, *, at_once: bool = False) -> None:
        """Removes copies of what nothing shows any more, once a day or `at_once`. Raises StoreError."""
        if self.config.publish.media is not None or self._store.media.any():
            self._copying.tidy(now, at_once=at_once)

    def forget(self, found: Sequence[Erasable], now: datetime) -> None:
        """Erases these articles from the store; a publication then erases them from what is published."""
        self._notices.forget(found, now)  # first: it needs their links
        self._store.forgetting.forget(found, now)
        self._store.tombstones.record([each.pk for each in found], now)

    def recall(self, found: Sequence[Erasable], now: datetime) -> None:
        """Lets their sources bring these articles again."""
        self._store.forgetting.recall(found)
        self._store.tombstones.record([each.pk for each in found], now, is_recalled=True)

    def rewrite_store(self) -> None:
        """Leaves nothing in the store's file of what was erased. Raises StoreError."""
        self._store.database.rewrite()

    def stop(self) -> None:
        """Ends `fetch` and `complete` soon: what comes within seconds is saved, the rest left."""
        self._is_stopping = True
        self.hubs.stop()
        self._publication.stop()
        if self._made("_polls"):
            self._polls.stop()
        if self._made("_completing"):
            self._completing.stop()
        if self._made("_copying"):
            self._copying.stop()

    def wake(self, now: datetime) -> None:
        """Spreads what fell due while nothing ran. All is made that the threads of a daemon will ask for."""
        _ = self._polls, self._completing
        self._clock.read(now)
        for states in self._store.queue.late(now):
            woken = {
                name: schedule.wake(state, now, schedule.Policy(), schedule.chance_of(name, state.polls))
                for name, state in states.items()
            }
            self._store.sources.plan({name: state for name, state in woken.items() if state != states[name]})

    def publish(
        self, now: datetime | None = None, *, everything: bool = False, takes_over: bool = False
    ) -> Published:
        """Writes the feeds that are stale or damaged, or all of them, and posts, from the store alone.

        `now` is what rules take for now; None for when the store was opened. `takes_over`: also into a bucket
        that another machine publishes into now.
        """
        if self.config.bucket is None:
            return self._publication.publish(now or self._opened, everything=everything)
        now = now or self._opened
        return self._bucket_output.published(
            lambda: self._publication.publish(now, everything=everything),
            lambda: merge_published(self._store, self.config, now),
            now,
            everything=everything,
            takes_over=takes_over,
        )

    def index_words(self) -> None:
        """Brings the search index up to date, where the pages have a search. Raises StoreError."""
        self._publication.index_words()

    def queue_announcements(self, published: Published, now: datetime) -> int:
        """Stores which hubs are to be notified of which feeds of this publication; how many notifications."""
        self._notices.published()
        return announcing.queue(self._store, published.written, self.config, now)

    def announce(self, now: datetime, is_over: Callable[[], bool]) -> Iterator[Delivery]:
        """Sends to hubs and others what is due, until `is_over`; the rest is sent another time."""
        return self._notices.send(now, is_over)

    def upkeep(self, now: datetime) -> Iterator[int]:
        """Prunes and tidies once a day (see `app.upkeep`); yields how many articles each step pruned.

        While the clock is not believed (see `schedule.clock`) nothing is pruned; what a wrong clock stamped
        is corrected as soon as it is known.
        """
        addresses = {source.address for source in self.config.select(())}
        if self._made("_polls"):
            addresses |= self._polls.addresses
        if self._clock.may_prune(now, addresses):
            yield from upkeep(self._store, self.config, now)
        else:
            self._store.database.tidy()
