"""What the store follows beside the sources that a run has in memory, where that is much."""

from __future__ import annotations

from collections import Counter

from aggregator.config.load import Config
from aggregator.store import ALL, Store

__all__ = ["names_shown", "unlisted"]


def unlisted(store: Store, config: Config) -> Counter[str]:
    """How many sources that the store follows itself are in each category, less those of the config."""
    counts = store.followed.per_category()
    if not counts:
        return counts
    rows = store.followed.named([source.name for source in config.sources])
    for source in config.sources:
        if source.name in rows:
            counts.subtract({ALL, *source.categories})
    return counts


def names_shown(store: Store, config: Config) -> list[str] | None:
    """The names of the sources that are shown, where there are others beside them; None: all are."""
    return [source.name for source in config.sources] if unlisted(store, config)[ALL] > 0 else None
