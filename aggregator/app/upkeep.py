"""Upkeep: prunes articles that retention does not keep, and keeps the store's file small."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import chain

from aggregator.config.load import Config, Keep
from aggregator.store import Store

__all__ = ["upkeep"]


def upkeep(store: Store, config: Config, now: datetime) -> Iterator[int]:
    """Prunes articles that the config's retention does not keep, and keeps the store's file small: once a day
    (UTC), and when retention was changed.

    Yields how many articles each step pruned. Sources that were removed from the config keep all their
    articles. For feeds that left an OPML list, retention of the list still applies, and those without
    articles are removed.
    """
    kept = {source.name: source.retention or config.retention for source in config.sources}
    of_left = {name: kept[of_list] for name, of_list in store.subscriptions.left().items() if of_list in kept}
    rules = [*kept.items(), *of_left.items()]
    # No feed shows more than this; one limit for all, because an article is in several feeds.
    shown = [feed.entries or 0 for feed in config.publish.categories.values()]
    window = max(config.entries_per_feed, *shown, 0)
    # Sources of the store that are not in memory have no retention of their own.
    further = store.sources_outside_config.count()
    facts = f"{now:%Y-%m-%d} {window} {config.retention!r} {rules!r} {further}"
    done = hashlib.blake2b(facts.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    if store.database.setting("upkeep") == done:
        return
    prune, pruned = store.articles.prune, 0
    for name, keep in chain(rules, _unlisted(store, config.retention, kept) if further else ()):
        if keep.max_age is not None or keep.max_articles is not None:
            for count in prune(keep, window, now, source=name):
                pruned += count
                yield count
    for name, most in config.retention.categories.items():
        for count in prune(Keep(max_articles=most), window, now, category=name):
            pruned += count
            yield count
    store.subscriptions.forget(now)
    if pruned:  # not otherwise: it reads every article
        store.stories.tidy()
    store.database.tidy()
    store.database.remember("upkeep", done)


def _unlisted(store: Store, keep: Keep, known: Collection[str]) -> Iterator[tuple[str, Keep]]:
    if keep.max_age is None and keep.max_articles is None:
        return
    for rows in store.sources_outside_config.batches():
        yield from ((row.name, keep) for row in rows if row.name not in known)
