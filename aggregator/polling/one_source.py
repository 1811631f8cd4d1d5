"""Polls one source, from any process that has a config and a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from aggregator.config.load import Config, Source
from aggregator.fetch import Fetcher, user_agent
from aggregator.polling.fetcher_protocol import Fetches
from aggregator.polling.poll import Poller
from aggregator.polling.poll_result import PollResult
from aggregator.polling.read_documents import Reads
from aggregator.reading.workers import Workers
from aggregator.store import Store

__all__ = ["Services", "opened", "poll"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The objects that a poll needs: the settings, the store, the fetcher and the reader."""

    config: Config
    store: Store
    fetcher: Fetches
    read: Reads


@contextmanager
def opened(config: Config) -> Iterator[Services]:
    """Yields the services of a config, with one process that reads documents, and closes them at the end.

    Raises StoreError if the store cannot be opened.
    """
    store = Store(config.store)
    fetcher, workers = Fetcher(config.fetch, user_agent(config.fetch)), Workers(1)
    try:
        yield Services(config=config, store=store, fetcher=fetcher, read=workers.read)
    finally:
        workers.close()
        fetcher.close()
        store.close()


def poll(source: Source, services: Services, now: datetime, *, refetch: bool = False) -> PollResult:
    """Polls one source now, whether it is due or not; saves its articles and when it is polled next.

    The store must know the source already (`store.sources.adopt`). `refetch`: fetches without validators, and
    reads everything again. If the source fails, that is the `error` of the result. Raises StoreError.
    """
    polls = Poller(services.config, services.store, services.fetcher, services.read)
    return next(polls.poll_many([source], now, refetch=refetch))
