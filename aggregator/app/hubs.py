"""Hubs that report changes of sources (WebSub): what a run, and a daemon, have to do with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from aggregator.config.load import Config, Source
from aggregator.store import Store

if TYPE_CHECKING:
    from aggregator.fetch import Fetcher
    from aggregator.polling.gather import Reads
    from aggregator.polling.pings import PingReader
    from aggregator.polling.poll import Poll
    from aggregator.polling.subscribing import HubRequest, HubSubscriber

__all__ = ["HubReports"]


class HasConfig(Protocol):
    """What has a config, which may be another one later."""

    @property
    def config(self) -> Config: ...


class HubReports:
    """The hubs of the sources of `app`, whose config holds, and of those that the store follows (`named`).

    What asks hubs, and reads what they send, is imported and made when it is needed.
    """

    def __init__(
        self,
        app: HasConfig,
        store: Store,
        named: Callable[[Collection[str], datetime], Mapping[str, Source]],
        fetcher: Callable[[], Fetcher],
        read: Reads,
    ) -> None:
        self._app = app
        self._named = named
        self._store = store
        self._fetcher = fetcher
        self._read = read
        self._is_stopping = False

    @cached_property
    def _pings(self) -> PingReader:
        from aggregator.polling.pings import PingReader

        return PingReader(self._store, self._read)

    @cached_property
    def _subscriber(self) -> HubSubscriber:
        from aggregator.polling.subscribing import HubSubscriber

        return HubSubscriber(self._store, self._fetcher(), self._read)

    def plan(self, now: datetime) -> None:
        """Lets sources be due whose hubs said that they changed."""
        if self._app.config.serve.url:
            self._pings.plan(self._sources(now), now)

    def read(self, now: datetime) -> Iterator[Poll]:
        """Reads what hubs sent of sources that changed, and saves it, yielding a poll for each."""
        if not self._is_stopping and self._app.config.serve.url and self._store.hub_pings.are_there():
            yield from self._pings.read(self._app.config, self._sources(now), now)

    def ask(self, now: datetime) -> Iterator[HubRequest]:
        """Asks hubs to report changes of sources, and keeps that up: for a process that goes on."""
        if self._is_stopping:
            return iter(())
        return self._subscriber.run(self._app.config, self._sources(now), now)

    def _sources(self, now: datetime) -> Callable[[Collection[str]], Mapping[str, Source]]:
        def of(names: Collection[str]) -> Mapping[str, Source]:
            wanted = frozenset(names)
            own = {source.name: source for source in self._app.config.sources if source.name in wanted}
            return {**self._named(wanted - own.keys(), now), **own}

        return of

    def stop(self) -> None:
        """Ends `read` and `ask` soon."""
        self._is_stopping = True
        for part in ("_pings", "_subscriber"):
            if (made := vars(self).get(part)) is not None:
                made.stop()
