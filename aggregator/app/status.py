"""Collects what `status` and `sources` show, without polling."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import islice

from aggregator.app.store_lock import running_daemon
from aggregator.config.load import Config, Source
from aggregator.config.sources_outside_config import checked_source
from aggregator.config.store_address import is_there
from aggregator.config.subscriptions import with_listed
from aggregator.errors import ConfigError
from aggregator.model.struct import replace
from aggregator.normalise.links import without_login
from aggregator.normalise.secrets_in_addresses import without_logins
from aggregator.schedule.health import HubHealth, PollRecord, SourceHealth, judge
from aggregator.store import HubSubscription, Lag, MediaCounts, SourceOutsideConfig, Store
from aggregator.store.leases import LIVES

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveWorker:
    """A process that polls: its machine, process id and command, and since when it runs (None: unknown)."""

    machine: str
    process: int
    command: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PollingStatus:
    """How late the polls are, and which processes poll.

    `media`: the number of pictures with copies; None if the config wants no copies.
    """

    lag: Lag
    workers: tuple[LiveWorker, ...]
    media: MediaCounts | None = None


def polling_status(config: Config, now: datetime) -> PollingStatus:
    """Returns how late the polls are at `now`; writes nothing. Raises StoreError if there is no store."""
    store = Store(config.store, reads_only=True)
    try:
        media = store.media.counts() if config.publish.media is not None else None
        return PollingStatus(
            lag=store.due_sources.lag(now), workers=(*live_workers(config), *_sharing(store)), media=media
        )
    finally:
        store.close()


def live_workers(config: Config) -> tuple[LiveWorker, ...]:
    """Returns the processes that poll the sources of this store, ordered by machine and process id."""
    found = running_daemon(config.store)
    if found is None:
        return ()
    since = None
    with suppress(ValueError):
        since = datetime.strptime(found.since, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    machine = socket.gethostname()
    return (LiveWorker(machine=machine, process=found.process, command=found.command, since=since),)


def sources_of_store(config: Config) -> Iterator[Source]:
    """Yields the sources that are in the store and not in the config, by name; nothing if there is no store.

    One with a mistake in its settings is left out: runs report it.
    """
    if not is_there(config.store):
        return
    names = {source.name for source in config.sources}
    with closing(Store(config.store, reads_only=True)) as store:
        for row in _followed(store, names):
            with suppress(ConfigError):
                yield checked_source(row.name, row.settings, enabled=row.enabled)


def _followed(store: Store, names: Collection[str]) -> Iterator[SourceOutsideConfig]:
    for rows in store.sources_outside_config.batches() if store.sources_outside_config.count() else ():
        yield from (row for row in rows if row.name not in names)


def _sharing(store: Store) -> tuple[LiveWorker, ...]:
    """Returns the workers that share a PostgreSQL store and reported themselves in the last minutes."""
    if not store.leases.are_kept:
        return ()
    now = store.leases.database_time()
    return tuple(
        LiveWorker(
            machine=one.name.split(":")[0],
            process=int(one.name.split(":")[1]),
            command="worker",
            since=one.started,
        )
        for one in store.leases.workers()
        if now - one.seen < LIVES
    )


def source_health(config: Config, now: datetime) -> Iterator[SourceHealth]:
    """Yields the health of each source, ordered by name, without logins in addresses; writes nothing.

    Sources are read in batches. Raises StoreError if there is no store.
    """
    with closing(Store(config.store, reads_only=True)) as store:
        sources, _ = with_listed(config.sources, store.subscriptions.listed())
        held = {source.name: without_login(source.address) for source in sources}
        stored = ((row.name, str(row.settings.get("url"))) for row in _followed(store, held.keys()))
        hubs = store.hub_subscriptions.current()
        is_answered = bool(config.serve.url) and store.hub_subscriptions.is_answered(now)
        every = merge(sorted(held.items()), stored)
        while batch := dict(islice(every, _AT_ONCE)):
            known = {record.name: record for record in store.sources.health([*batch])}
            for name, address in batch.items():
                found = _health(known.get(name) or PollRecord(name=name, address=address), address, now)
                yield replace(found, websub=_hub_health(hubs.get(name), is_answered, now))


def _health(record: PollRecord, address: str, now: datetime) -> SourceHealth:
    if without_login(record.address) != address:
        # The next run polls the address in the config.
        record = replace(record, moved_to=None)
    health = judge(replace(record, address=address), now)
    return replace(
        health,
        moved_to=health.moved_to and without_logins(health.moved_to),
        error=health.error and without_logins(health.error),
        advice=health.advice and without_logins(health.advice),
    )


def _hub_health(known: HubSubscription | None, is_answered: bool, now: datetime) -> HubHealth | None:
    if known is None:
        return None
    return HubHealth(
        hub=known.hub,
        topic=known.topic,
        state=known.state.value,
        is_relied_on=is_answered and known.is_trusted(now),
        expires=known.expires,
        pinged=known.pinged,
        pings=known.pings,
        forged=known.forged,
        error=known.error and without_logins(known.error),
    )
