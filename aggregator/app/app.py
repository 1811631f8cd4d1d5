"""Connects all rooms for one config and its store; has the steps of the main job (see `app.main_job`)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aggregator.app.clock_check import RememberedClock
from aggregator.app.feed_membership import FeedChooser
from aggregator.app.hub_reports import HubReports
from aggregator.app.nothing_due import WaitingSources, waiting_sources
from aggregator.app.notices import Notices
from aggregator.app.publication import Publication
from aggregator.app.sources_outside_config import MOST_AT_ONCE, StoreSources
from aggregator.app.stories import StoryPolicy
from aggregator.app.tombstones import merge_published
from aggregator.app.upkeep import upkeep
from aggregator.config.load import Config, Source
from aggregator.config.subscriptions import with_listed
from aggregator.model.struct import replace
from aggregator.polling import settings as polling_settings
from aggregator.publishing import websub as announcing
from aggregator.publishing.publication_result import Published
from aggregator.reading.version import READER_VERSION
from aggregator.schedule import decide as schedule
from aggregator.store import Erasable, Store, by_categories
from aggregator.writers import installed

if TYPE_CHECKING:
    from aggregator.app.bucket_output import BucketOutput
    from aggregator.fetch import Fetcher
    from aggregator.media.copying import Copying
    from aggregator.media.fetch_results import CopyReport
    from aggregator.model.article import Problem
    from aggregator.model.reading import Reading
    from aggregator.model.resource import Resource
    from aggregator.notify.delivery import Delivery
    from aggregator.polling.full_text import Completed, Completing
    from aggregator.polling.poll import Poller
    from aggregator.polling.poll_result import PollResult
    from aggregator.publishing.writing_processes import WritingProcesses
    from aggregator.reading.context import Context
    from aggregator.reading.workers import Workers
    from aggregator.schedule.clock import ServerTimes


class App:
    """A config with its open store; use it in a `with` statement.

    `config` also has, as sources, the feeds that OPML lists among its sources name. What fetches and reads is
    imported and created only when something is polled: with nothing due, a run takes a third of the time.

    `forked`: see `Publication`. Raises StoreError if the store cannot be opened, ConfigError if an output
    format of another package cannot be loaded.
    """

    def __init__(self, config: Config, now: datetime, forked: WritingProcesses | None = None) -> None:
        writers = installed(config.all_formats)
        self._configured = config
        self.config = config
        self._chooser = FeedChooser(config)
        self._story_policy = StoryPolicy(config)
        self._store = Store(
            config.store,
            judge=self._chooser if self._chooser.digest else by_categories,
            stories=self._story_policy,
        )
        self._making_workers = threading.Lock()
        self._following = threading.RLock()
        self._opened = now
        self._polled_at: datetime | None = None
        self._is_stopping = False
        self._clock = RememberedClock(self._store, self._server_times, lambda: self._made("_polls"))
        self._clock.read(now)
        self._store.resanitising.begin(READER_VERSION)
        self._followed = StoreSources(self._store, config)
        self._notices = Notices(lambda: self.config, self._store, lambda: self._fetcher)
        self._publication = Publication(
            lambda: self.config,
            self._store,
            self._chooser,
            self._story_policy,
            self._notices,
            lambda: self._copying,
            writers,
            now,
            forked,
        )
        self.follow_lists(now)
        merge_published(self._store, config, now)
        self._notices.begin(now)
        self.hubs = HubReports(self, self._store, self._followed.named, lambda: self._fetcher, self._read)
        # Before new articles arrive, so that these are placed after what is shown.
        self._publication.arrange(now)
        self._store.placements.begin(self._chooser.digest, now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops the worker processes, and closes connections and the store."""
        self.end_reading()
        if self._made("_copying"):
            self._copying.close()
        if self._made("_fetcher"):
            self._fetcher.close()
        self._store.close()

    def end_reading(self) -> None:
        """Stops the processes that read documents, to save memory; the next document starts others."""
        with self._making_workers:
            if self._made("_workers"):
                vars(self).pop("_workers").close()

    @cached_property
    def _fetcher(self) -> Fetcher:
        from aggregator.fetch import Fetcher, user_agent

        return Fetcher(self.config.fetch, user_agent(self.config.fetch))

    @cached_property
    def _workers(self) -> Workers:
        from aggregator.reading.workers import Workers

        return Workers(of_kinds={source.kind for source in self.config.sources})

    @cached_property
    def _polls(self) -> Poller:
        from aggregator.polling.poll import Poller

        return Poller(self.config, self._store, self._fetcher, self.read_polled)

    @cached_property
    def _completing(self) -> Completing:
        from aggregator.polling.full_text import Completing

        return Completing(self.config, self._store, self._fetcher, self._read)

    @cached_property
    def _bucket_output(self) -> BucketOutput:
        from aggregator.app.bucket_output import BucketOutput

        return BucketOutput(self.config, self._store)

    def is_behind(self, now: datetime) -> bool:
        """Returns whether to publish though nothing was polled: to retry a bucket, or for a due digest."""
        return (self._made("_bucket_output") and self._bucket_output.is_behind) or self._notices.is_due(now)

    @cached_property
    def _copying(self) -> Copying:
        from aggregator.media.copying import Copying
        from aggregator.publishing.member_pictures import pictures_to_copy

        return Copying(
            lambda: self.config,
            self._store,
            lambda: self._fetcher,
            lambda: pictures_to_copy(self.config, self._store),
        )

    def _read(self, resource: Resource, context: Context) -> Reading:
        with self._making_workers:  # several threads read; only the first one creates the workers
            workers = self._workers
        return workers.read(resource, context)

    def read_polled(self, resource: Resource, context: Context) -> Reading:
        """Reads a document of a poll: rules judge its new articles where they are read."""
        chooser, now = self._chooser, self._polled_at
        if chooser.packed and now is not None:
            context = replace(context, rules=chooser.packed, now=now, judged_by=chooser.mark(now))
        return self._read(resource, context)

    def take_over(self, fetcher: Fetcher, polls: Poller, workers: Workers, now: datetime) -> None:
        """Goes on with polls at `now` that began before the app was opened (see `app.early_polls`)."""
        self._fetcher, self._polls, self._polled_at = fetcher, polls, now
        vars(self)["_workers"] = workers

    @property
    def readers_killed(self) -> int:
        """How many processes that read documents were replaced because they were killed or crashed."""
        return self._workers.killed if self._made("_workers") else 0

    @property
    def store(self) -> Store:
        """The store, open until the app is closed."""
        return self._store

    @property
    def polls(self) -> Poller:
        """The object that polls sources and saves their articles."""
        return self._polls

    def _made(self, part: str) -> bool:
        return part in vars(self)

    def _server_times(self, addresses: Iterable[str], now: datetime) -> ServerTimes:
        return self._polls.server_times(addresses, now)

    def due(
        self, sources: Sequence[Source], now: datetime
    ) -> tuple[list[Source], dict[str, schedule.PollState]]:
        """Returns which of these sources may be polled now, in their order, and the state of the others.

        Sources on this machine are always due, because looking at them costs nothing.
        """
        return self._followed.ready(sources, now)

    def waiting_sources(self, now: datetime) -> WaitingSources | None:
        """Returns what the next run may rely on (see `app.nothing_due`), None for nothing."""
        return None if self._chooser.date_changes else waiting_sources(self.config, self._store, now)

    def select(self, names: Sequence[str], now: datetime) -> tuple[Source, ...]:
        """Returns the sources with these names; without, all enabled ones in memory. Raises ConfigError."""
        return self._followed.select(self.config, names, now)

    def refresh(self, now: datetime) -> None:
        """Reads which sources commands, and lists that other processes polled, changed in the store."""
        with self._following:
            if self._followed.is_changed():
                self.follow_lists(now)

    def due_names(self, now: datetime, limit: int) -> list[Source]:
        """Returns the enabled sources to poll now, at most `limit`, the longest due first."""
        return self.enabled(self._store.sources.due(now, limit), now)

    def enabled(self, names: Sequence[str], now: datetime) -> list[Source]:
        """Returns the enabled sources with these names, in the order of the names."""
        return self._followed.enabled(self.config, names, now)

    def fetch(
        self, sources: Sequence[Source], now: datetime, *, refetch: bool = False, drains: bool = False
    ) -> Iterator[PollResult]:
        """Polls these sources and saves what they give, yielding each poll when it ends.

        After these it polls the sources that an OPML list among them named for the first time, and with
        `drains` all other sources that are due.
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

    def fetch_by(self, polls: Poller, sources: Sequence[Source], now: datetime) -> Iterator[PollResult]:
        """Like `fetch`, with `polls` for a part of the sources (see `Poller.holding`)."""
        return self._fetch(sources, now, refetch=False, polls=polls)

    def _fetch(
        self, sources: Sequence[Source], now: datetime, *, refetch: bool, polls: Poller | None = None
    ) -> Iterator[PollResult]:
        # First: what stops this process meanwhile cannot stop what is not made yet.
        polls = polls or self._polls
        if self._is_stopping:
            polls.stop()
        self._polled_at = now
        known = {source.name for source in self.config.sources}
        for poll in polls.poll_many(sources, now, refetch=refetch):
            if poll.is_list:
                reported = self.follow_lists(now).get(poll.source.name, ())
                poll = replace(poll, problems=(*poll.problems, *reported))
            yield poll
        if new := [source for source in self.config.select(()) if source.name not in known]:
            yield from polls.poll_many(new, now)

    def follow_lists(self, now: datetime) -> Mapping[str, tuple[Problem, ...]]:
        """Adds the sources that OPML lists name now; returns the problems of each list, by its name."""
        with self._following:
            self._followed.load_changes(now)
            own = self._followed.with_configured(self._configured.sources, now)
            sources, reported = with_listed(own, self._store.subscriptions.listed())
            self.config = self._configured.model_copy(update={"sources": sources})
            if self._made("_polls"):
                self._polls.set_sources(sources)
            self._story_policy.set_sources(sources)
            self._store.sources.adopt((*sources, *self._notices.sources()), now)
            states = self._store.sources.schedules([source.name for source in sources])
            self._store.sources.plan(polling_settings.changed(sources, states, self._configured, now))
            return reported

    def complete(self, sources: Sequence[Source], now: datetime) -> Iterator[Completed]:
        """Replaces excerpts of these sources by the text of the articles' pages, if the config asks for it.

        If `now` is that of the polls before, what they found is completed before it is published.
        """
        if not any(source.full_text for source in sources):
            return iter(())
        completing = self._completing  # before the check: `stop` can only stop what exists
        return iter(()) if self._is_stopping else completing.complete(sources, now)

    def copy_media(self, now: datetime) -> CopyReport | None:
        """Copies pictures that published articles show, if the config asks for it; None if none was due."""
        return None if self.config.publish.media is None or self._is_stopping else self._copying.copy(now)

    def tidy_media(self, now: datetime, *, at_once: bool = False) -> None:
        """Removes copies of pictures that no article shows any more, once a day or `at_once`. Raises
        StoreError.
        """
        if self.config.publish.media is not None or self._store.media.any():
            self._copying.tidy(now, at_once=at_once)

    def forget(self, found: Sequence[Erasable], now: datetime) -> None:
        """Erases these articles from the store; the next publication removes them from the output."""
        self._notices.forget(found, now)  # first: it needs their links
        self._store.forgetting.forget(found, now)
        self._store.tombstones.record([each.pk for each in found], now)

    def recall(self, found: Sequence[Erasable], now: datetime) -> None:
        """Allows these erased articles to be stored again when their sources have them."""
        self._store.forgetting.recall(found)
        self._store.tombstones.record([each.pk for each in found], now, is_recalled=True)

    def rewrite_store(self) -> None:
        """Rewrites the store's file, so that nothing of erased articles is left in it. Raises StoreError."""
        self._store.database.rewrite()

    def stop(self) -> None:
        """Ends `fetch` and `complete` soon: responses within seconds are saved, other requests abandoned."""
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
        """Spreads over time the polls that fell due while nothing ran.

        It also creates the parts that the daemon's threads share.
        """
        _ = self._polls, self._completing
        self._clock.read(now)
        for states in self._store.due_sources.late(now):
            woken = {
                name: schedule.wake(state, now, schedule.Policy(), schedule.chance_of(name, state.polls))
                for name, state in states.items()
            }
            self._store.sources.plan({name: state for name, state in woken.items() if state != states[name]})

    def publish(
        self, now: datetime | None = None, *, everything: bool = False, takes_over: bool = False
    ) -> Published:
        """Writes posts and the feeds that are out of date or damaged, from the store alone.

        - `now`: the current time for rules; None: when the store was opened.
        - `everything`: writes all feeds.
        - `takes_over`: writes into a bucket even if another machine is publishing into it.
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
        """Queues notifications of hubs about the feeds of this publication; returns how many."""
        self._notices.published()
        return announcing.queue(self._store, published.written, self.config, now)

    def announce(self, now: datetime, is_over: Callable[[], bool]) -> Iterator[Delivery]:
        """Sends messages that are due to hubs and other receivers until `is_over`; the rest is sent later."""
        return self._notices.send(now, is_over)

    def upkeep(self, now: datetime) -> Iterator[int]:
        """Prunes and tidies once a day (see `app.upkeep`); yields how many articles each step pruned.

        While the clock is doubted (see `schedule.clock`), nothing is pruned. Dates that a wrong clock gave
        are corrected as soon as that is known.
        """
        addresses = {source.address for source in self.config.select(())}
        if self._made("_polls"):
            addresses |= self._polls.addresses
        if self._clock.may_prune(now, addresses):
            yield from upkeep(self._store, self.config, now)
        else:
            self._store.database.tidy()
