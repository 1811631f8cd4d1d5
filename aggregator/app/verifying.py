"""Checks the store for damage, and compares published files with it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import closing

from aggregator import __version__
from aggregator.app.bucket_output import bucket_faults
from aggregator.config.load import Config
from aggregator.errors import DamagedStore, StoreError
from aggregator.publishing.feed_folders import RenderContext, damaged
from aggregator.publishing.outputs import outputs
from aggregator.publishing.public_addresses import public_addresses_of
from aggregator.store import Store
from aggregator.store.checking import Fault, check_store
from aggregator.writers import installed

__all__ = ["Fault", "damage_of_store", "delete_search_index", "verify"]

_PUBLISH = "'aggregator publish' writes them again"
_DAMAGED = (
    "'aggregator restore' restores a backup; without one, move the store away and run 'aggregator rebuild'"
)


def verify(config: Config, advance: Callable[[int], object] = lambda _: None) -> Iterator[Fault]:
    """Yields every fault of the store and of the published files; writes nothing.

    `advance` is called with numbers of articles as they are checked. Raises StoreError if there is no store,
    or if it cannot be opened for another reason than damage.
    """
    try:
        opened = Store(config.store, reads_only=True)
    except DamagedStore as error:
        yield Fault(
            kind="a store that cannot be opened", count=1, places=(str(error.cause),), advice=_DAMAGED
        )
        return
    with closing(opened) as store:
        yield from check_store(store.database, advance)
        yield from bucket_faults(config)
        try:
            yield from _files(store, config)
        except StoreError as error:
            yield Fault(kind="feeds that cannot be read", count=1, places=(str(error),), advice=_DAMAGED)


def damage_of_store(config: Config) -> DamagedStore | None:
    """Returns damage that SQLite's checks find, as an error that says what to do; None for none."""
    try:
        with closing(Store(config.store, reads_only=True)) as store:
            found = next(iter(store.database.dialect.damage()), None)
            return None if found is None else DamagedStore(f"the store {store.database.place}", found)
    except DamagedStore as error:
        return error
    except StoreError:
        return None


def delete_search_index(config: Config) -> None:
    """Deletes the search index; the next search builds it again. Raises StoreError."""
    with closing(Store(config.store)) as store:
        store.search.drop()


def _files(store: Store, config: Config) -> Iterator[Fault]:
    """Yields published feeds and posts that differ from what the last publication wrote."""
    writers = installed(config.publish.all_formats)
    context = RenderContext(config=config, writers=writers, version=__version__, everything=False)
    folders = {
        output.folder: damaged(output, context, {})
        for output in outputs(
            store,
            config,
            writers,
            public_addresses_of(config, store),
            gives=False,
        )
    }
    places = [
        str(config.output / folder / (f"archive/{number}" if number else ""))
        for folder, numbers in folders.items()
        for number in sorted(numbers)
    ]
    if places:
        yield Fault(
            kind="published files that are missing or differ from what was written",
            count=len(places),
            places=tuple(places[:20]),
            advice=_PUBLISH,
        )
    if config.publish.media is not None:
        from aggregator.media.copy_files import damaged_files

        lost = [str(config.output / file.path) for file in damaged_files(config.output, store.media.files())]
        if lost:
            yield Fault(
                kind="copies of pictures that are missing or damaged",
                count=len(lost),
                places=tuple(lost[:20]),
                advice="'aggregator fetch' gets them again, at most a day later",
            )
    if (posts := config.publish.posts) is None:
        return
    lacking, short = [], []
    for post in store.posts.written(str(posts.folder)).values():
        place = posts.folder / post.path
        try:
            found = os.lstat(place)
        except OSError:
            lacking.append(str(place))
            continue
        size = int(post.body_hash.partition("-")[2] or 1)
        if stat.S_ISREG(found.st_mode) and found.st_size < size:
            short.append(str(place))
    if lacking:
        advice = "'aggregator publish --all' writes them again, unless they were removed on purpose"
        yield Fault(kind="posts that are gone", count=len(lacking), places=tuple(lacking[:20]), advice=advice)
    if short:
        yield Fault(
            kind="posts that were cut short", count=len(short), places=tuple(short[:20]), advice=_PUBLISH
        )
