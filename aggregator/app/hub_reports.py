"""The steps of a run that concern hubs (WebSub): read what they sent, and renew subscriptions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from aggregator.config.load import Config, Source
from aggregator.store import Store

if TYPE_CHECKING:
    from aggregator.fetch import Fetcher
    from aggregator.polling.hub_pings import PingReader
    from aggregator.polling.hub_subscribing import HubRequest, HubSubscriber
    from aggregator.polling.poll_result import PollResult
    from aggregator.polling.read_documents import Reads

__all__ = ["HubReports"]


class HasConfig(Protocol):
    """An object with a config, which may be replaced."""

    @property
    def config(self) -> Config: ...


class HubReports:
    """Reads what hubs sent and asks hubs, for the sources of `app`'s config and those of the store (`named`).

    The modules that do this are imported only when they are needed.
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
        from aggregator.polling.hub_pings import PingReader

        return PingReader(self._store, self._read)

    @cached_property
    def _subscriber(self) -> HubSubscriber:
        from aggregator.polling.hub_subscribing import HubSubscriber

        return HubSubscriber(self._store, self._fetcher(), self._read)

    def plan(self, now: datetime) -> None:
        """Makes sources due whose hubs reported a change."""
        if self._app.config.serve.url:
            self._pings.plan(self._sources(now), now)

    def read(self, now: datetime) -> Iterator[PollResult]:
        """Reads and saves documents that hubs sent; yields a poll for each source."""
        if not self._is_stopping and self._app.config.serve.url and self._store.hub_pings.are_there():
            yield from self._pings.read(self._app.config, self._sources(now), now)

    def ask(self, now: datetime) -> Iterator[HubRequest]:
        """Subscribes to sources at their hubs and renews subscriptions; for a process that keeps running."""
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
