"""Counts and names the sources that are in the store and not in memory, if there are many."""

from __future__ import annotations

from collections import Counter

from aggregator.config.load import Config
from aggregator.store import ALL, Store

__all__ = ["count_not_loaded", "names_shown"]


def count_not_loaded(store: Store, config: Config) -> Counter[str]:
    """Returns, for each category, how many sources are in the store and not in the config."""
    counts = store.sources_outside_config.per_category()
    if not counts:
        return counts
    rows = store.sources_outside_config.named([source.name for source in config.sources])
    for source in config.sources:
        if source.name in rows:
            counts.subtract({ALL, *source.categories})
    return counts


def names_shown(store: Store, config: Config) -> list[str] | None:
    """Returns the names of the sources that pages list; None: all of them."""
    return [source.name for source in config.sources] if count_not_loaded(store, config)[ALL] > 0 else None
