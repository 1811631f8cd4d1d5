"""What the commands show of the sources without polling any."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aggregator.app.at_work import daemon_of
from aggregator.config.load import Config
from aggregator.config.subscriptions import joined
from aggregator.normalise.disclosure import without_logins
from aggregator.normalise.links import without_login
from aggregator.schedule.health import PollRecord, SourceHealth, judge
from aggregator.store import Lag, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveWorker:
    """A process that polls: the machine it runs on, its number there, its command, and since when."""

    machine: str
    process: int
    command: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How polling keeps up: how late the sources are, and which processes poll."""

    lag: Lag
    workers: tuple[LiveWorker, ...]


def keeping_up(config: Config, now: datetime) -> Keeping:
    """How polling keeps up at `now`; writes nothing. Raises StoreError where there is no store."""
    store = Store(config.store, reads_only=True)
    try:
        return Keeping(lag=store.queue.lag(now), workers=live_workers(config))
    finally:
        store.close()


def live_workers(config: Config) -> tuple[LiveWorker, ...]:
    """The processes that poll the sources of this store, by machine and number."""
    found = daemon_of(config.store)
    if found is None:
        return ()
    since = None
    with suppress(ValueError):
        since = datetime.strptime(found.since, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    machine = socket.gethostname()
    return (LiveWorker(machine=machine, process=found.process, command=found.command, since=since),)


def source_health(config: Config, now: datetime) -> list[SourceHealth]:
    """The health of each source of the config, ordered by name, without any login; writes nothing.

    Raises StoreError where there is no store.
    """
    store = Store(config.store, reads_only=True)
    try:
        known = {record.name: record for record in store.sources.health()}
        sources, _ = joined(config.sources, store.subscriptions.listed())
    finally:
        store.close()
    found = []
    for source in sorted(sources, key=lambda source: source.name):
        address = without_login(source.address)
        record = known.get(source.name) or PollRecord(name=source.name, address=address)
        if without_login(record.address) != address:
            # The next run polls the config's address.
            record = replace(record, moved_to=None)
        record = replace(record, address=address)
        health = judge(record, now)
        found.append(
            replace(
                health,
                moved_to=health.moved_to and without_logins(health.moved_to),
                error=health.error and without_logins(health.error),
                advice=health.advice and without_logins(health.advice),
            )
        )
    return found
