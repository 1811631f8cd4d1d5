"""Polls before the app is opened, when the last run left nothing to do but polls.

If all documents are unchanged, which is usual, the app is not opened at all. To save anything else opens it:
articles, failures and moves are saved by the whole store, and the rest of the run follows. Documents that
changed are read before that. If some of the others did not change, the app is imported while the first one
waits for the process that reads it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

from aggregator.app.nothing_due import SettledStore, WaitingSources
from aggregator.fetch import Fetched, Fetcher, NotModified, Validators, user_agent
from aggregator.polling.poll import Poller
from aggregator.publishing.publication_result import SHOWN_SOURCES, shows_polls_of
from aggregator.schedule.state import PollState
from aggregator.store.sqlite.polls import PolledFile

if TYPE_CHECKING:
    from aggregator.app.app import App
    from aggregator.app.main_job import RunWatcher
    from aggregator.config.load import Config, Source
    from aggregator.model.reading import Reading
    from aggregator.model.resource import Resource
    from aggregator.reading.context import Context
    from aggregator.reading.workers import Workers
    from aggregator.store import Store

__all__ = ["EarlyPolls"]


class _Fetcher(Fetcher):
    """Calls `on_unchanged` after each poll that is answered by a 304."""

    on_unchanged: Callable[[], object] = bool

    def fetch(self, source: Source, validators: Validators, now: datetime) -> Fetched | NotModified:
        """Fetches the documents of a source, if they have changed."""
        found = super().fetch(source, validators, now)
        if isinstance(found, NotModified):
            self.on_unchanged()
        return found


class EarlyPolls:
    """The polls of a run with a settled store; use it in a `with` statement.

    `app` is None until something else than an unchanged document was found.
    """

    def __init__(
        self,
        config: Config,
        store: PolledFile,
        settled: SettledStore,
        now: datetime,
        load_config: Callable[[], Config],
    ) -> None:
        self.app: App | None = None
        self.config = config
        self.settled = settled
        self._now = now
        self._load_config = load_config
        self._store = store
        self._is_over = False
        self._may_import = threading.Event()
        self._importing = threading.Thread(target=self._import_app, name="import", daemon=True)
        self._fetcher = _Fetcher(config.fetch, user_agent(config.fetch))
        self._fetcher.on_unchanged = self._may_import.set
        self._poller = Poller(config, cast("Store", store), self._fetcher, self._read)
        self._making = threading.Lock()

    @classmethod
    def of(
        cls,
        config: Config,
        settled: SettledStore | None,
        now: datetime,
        load_config: Callable[[], Config],
    ) -> EarlyPolls | None:
        """Returns the polls of a run; None if the app must be opened first.

        - `config`: may be that of the last run (see `nothing_due.recorded_config`); if the app is opened, it
          gets the one that `load_config` returns.
        - `settled`: None if the last run may have left something to do.
        """
        if settled is None or not isinstance(config.store, Path):
            return None
        if any(source.kind != "feed" or not source.url or source.is_local for source in config.sources):
            return None
        made: list[EarlyPolls] = []
        try:
            store = PolledFile(config.store, lambda: made[0]._opened().store)
        except sqlite3.Error:
            return None
        try:
            is_sufficient = store.is_sufficient() and shows_polls_of(store.setting(SHOWN_SOURCES) or "", now)
        except sqlite3.Error:
            is_sufficient = False
        if not is_sufficient:
            store.close()
            return None
        made.append(cls(config, store, settled, now, load_config))
        return made[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.close()
        if self.app is None:
            self._fetcher.close()
            if "_workers" in vars(self):
                self._workers.close()
                self._is_over = True
                self._may_import.set()
                self._importing.join()  # Python does not end well in the middle of an import
        else:
            self.app.close()

    def _opened(self) -> App:
        from aggregator.app.app import App

        self.config = self._load_config()
        app = App(self.config, self._now)
        app.take_over(self._fetcher, self._poller, self._readers(), self._now)
        self.app = app
        return app

    @cached_property
    def _workers(self) -> Workers:
        from aggregator.reading.early_import import import_readers

        import_readers(())  # in another process, while more is imported here
        from aggregator.reading.workers import Workers

        workers = Workers()
        self._importing.start()
        return workers

    def _import_app(self) -> None:
        """Imports what is needed if a document has news, while the first one waits for a reader.

        If every document has changed, there is probably no news: then it would delay reading.
        """
        self._may_import.wait()
        if not self._is_over:
            with suppress(Exception):  # raised again where the app is needed
                import_module("aggregator.app.app")

    def _readers(self) -> Workers:
        with self._making:  # several threads read; only the first one creates the workers
            return self._workers

    def _read(self, resource: Resource, context: Context) -> Reading:
        if self.app is None:
            workers = self._readers()
            if not (self.config.rules or self.config.feeds):
                return workers.read(resource, context)
            self._store.whole()  # its rules judge the articles
        assert self.app is not None, "the whole store is the app's"
        return self.app.read_polled(resource, context)

    def select(self, names: Sequence[str], now: datetime) -> tuple[Source, ...]:
        """Returns the sources with these names; without names, all enabled ones. Raises ConfigError."""
        return self.config.select(names)

    def due(self, sources: Sequence[Source], now: datetime) -> tuple[list[Source], dict[str, PollState]]:
        """Returns which of these sources may be polled now, and the state of the others."""
        states = self._store.schedules()
        waiting = {
            source.name: PollState.remembered(states[source.name][0])
            for source in sources
            if source.name in states and not _is_due(states[source.name][1], now)
        }
        return [source for source in sources if source.name not in waiting], waiting

    def poll(self, sources: Sequence[Source], watcher: RunWatcher) -> None:
        """Polls these sources, and saves what they give."""
        for poll in self._poller.poll_many(sources, self._now):
            watcher.polled(poll)

    def stop(self) -> None:
        """Ends `poll` soon: responses within seconds are saved."""
        self._poller.stop()
        if self.app is not None:
            self.app.stop()

    def waiting_sources(self, now: datetime) -> WaitingSources | None:
        """Returns what the next run may rely on, as `App.waiting_sources`, if the app was not opened."""
        states = self._store.schedules()
        names = [source.name for source in self.config.select(())]
        if not states.keys() >= {*names} or any(_is_due(due, now) for _, due in states.values()):
            return None
        polls = [due for _, due in states.values() if due is not None]
        return WaitingSources(
            waiting={name: states[name][0] for name in names}, until=min(polls, default=None)
        )


def _is_due(due: datetime | None, now: datetime) -> bool:
    return due is None or due <= now
