"""What the commands show of the sources without polling any."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aggregator.config.load import Config
from aggregator.config.subscriptions import joined
from aggregator.normalise.disclosure import without_logins
from aggregator.normalise.links import without_login
from aggregator.schedule.health import PollRecord, SourceHealth, judge
from aggregator.store import Store


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
