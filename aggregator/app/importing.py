"""Imports many feeds into the store as sources, a thousand at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urlsplit

from aggregator.app.changing_sources import new_source_of
from aggregator.config.load import Config
from aggregator.config.subscriptions import address_key
from aggregator.errors import ConfigError
from aggregator.model.article import Problem
from aggregator.model.entry import Subscription
from aggregator.normalise.links import without_login
from aggregator.store import NewSource, Store

__all__ = ["Imported", "import_feeds"]

MAX_NAME = 200
MAX_PROBLEMS = 100
_AT_ONCE = 1_000


@dataclass(slots=True)
class Imported:
    """The progress of an import.

    - `found`, `added`: the number of feeds in the list, and of those that were added.
    - `refused`: the number of feeds that were not added, and `problems`: the reasons, at most a hundred.
    """

    found: int = 0
    added: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, text: str, where: str) -> None:
        """Counts a feed that is not added, and records the reason."""
        self.refused += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(text=text, where=without_login(where)))


def import_feeds(
    config: Config, feeds: Iterable[Subscription], *, dry_run: bool = False
) -> Iterator[Imported]:
    """Adds the feeds that are not followed yet to the store; yields the progress after each thousand.

    Each thousand is saved at once, so that an import that was stopped continues when it is run again. If a
    name is in use, the address or a digest of it is appended. Raises StoreError.
    """
    done = Imported()
    known = {address_key(source.url): source.name for source in config.sources if source.url}
    names: dict[str, str | None] = {source.name: None for source in config.sources}
    left = iter(feeds)
    with closing(Store(config.store)) as store:
        listed = store.subscriptions.listed()
        known |= {address_key(each.subscription.url): each.name for each in listed}
        names |= {each.name: None for each in listed}
        while batch := [*islice(left, _AT_ONCE)]:
            new = _new(batch, known, names, store, done)
            if not dry_run:
                store.sources_outside_config.add(new)
            done.added += len(new)
            yield done


def _new(
    batch: Collection[Subscription],
    known: Mapping[str, str],
    names: Mapping[str, str | None],
    store: Store,
    done: Imported,
) -> list[NewSource]:
    done.found += len(batch)
    by_key: dict[str, Subscription] = {}
    for each in batch:
        by_key.setdefault(address_key(each.url), each)
    done.refused += len(batch) - len(by_key)
    followed = store.sources_outside_config.by_key(by_key)
    candidates = {of_feed: [*_names(each, of_feed)] for of_feed, each in by_key.items()}
    taken = store.sources_outside_config.taken({name for some in candidates.values() for name in some})
    taken |= names
    found = []
    for of_feed, each in by_key.items():
        if (name := followed.get(of_feed) or known.get(of_feed)) is not None:
            done.refuse(f"is followed already, as {name!r}", each.url)
            continue
        # A source that was removed and is added again gets its name and its articles back.
        name = next(
            (n for n in candidates[of_feed] if address_key(taken.get(n, each.url) or "") == of_feed), None
        )
        if name is None:
            done.refuse("has the name and the address of a source that was followed before", each.url)
            continue
        table = {"name": name, "url": each.url, "link": each.link, "categories": [*each.categories]}
        try:
            found.append(new_source_of(table))
        except ConfigError as error:
            done.refuse(error.mistakes[0].removeprefix(f"source {name!r}: "), each.url)
            continue
        taken[name] = None
    return found


def _names(each: Subscription, of_feed: str) -> Iterator[str]:
    """Yields names to try for a feed; the last one is unique."""
    title = (each.title or urlsplit(each.url).hostname or "feed")[:MAX_NAME]
    mark = hashlib.blake2b(of_feed.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    yield title
    if len(both := f"{title} ({of_feed})") <= MAX_NAME:
        yield both
    yield f"{title[: MAX_NAME - 15]} ({mark})"
