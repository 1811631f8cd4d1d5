"""What the commands show of the sources without polling any."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from aggregator.config.load import Config
from aggregator.config.subscriptions import joined
from aggregator.schedule.health import PollRecord, SourceHealth, judge
from aggregator.store import Store
from aggregator.store.subscriptions import listed


def source_health(config: Config, now: datetime) -> list[SourceHealth]:
    """The health of each source of the config, ordered by name; writes nothing.

    Raises StoreError where there is no store.
    """
    store = Store(config.store, reads_only=True)
    try:
        known = {record.name: record for record in store.health()}
        sources, _ = joined(config.sources, listed(store))
    finally:
        store.close()
    found = []
    for source in sorted(sources, key=lambda source: source.name):
        record = known.get(source.name) or PollRecord(name=source.name, address=source.address)
        if record.address != source.address:
            # The next run polls the config's address.
            record = replace(record, address=source.address, moved_to=None)
        found.append(judge(record, now))
    return found
