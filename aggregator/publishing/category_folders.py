"""Folders of categories: each one's feed and archives, rendered, written and recorded."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from aggregator.config.load import Config
from aggregator.errors import WriteError
from aggregator.publishing.archives import FOLDER, ArchiveDocuments, archives_in, remove_archive
from aggregator.publishing.outputs import Outlet, channel
from aggregator.store import Store
from aggregator.writers.channel import Channel, Writer
from aggregator.writers.files import remove, remove_leftovers, stamp, write_if_changed

_AT_ONCE = 50
"""So many feeds are recorded in one transaction."""

_NONE = -1
"""The generation in place after a failure: no feed has it, so that one is stale until it is written."""


@dataclass(slots=True)
class Done:
    """What was done: how many feeds were rendered and written, the files whose bytes changed, what failed."""

    rendered: int = 0
    written: list[Path] = field(default_factory=list)
    errors: list[WriteError] = field(default_factory=list)

    def add(self, other: Done) -> None:
        """Takes in what somebody else did."""
        self.rendered += other.rendered
        self.written += other.written
        self.errors += other.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How folders are written: `writers` are all there are, by their formats' names.

    `everything` renders full archives too that are in place. `tells_all` counts files among the written ones
    that were found to be right: somebody else may have written them who did not come to tell it.
    """

    config: Config
    writers: Mapping[str, Writer]
    version: str
    everything: bool
    tells_all: bool = False


class Folders:
    """One run: what is `done`, and what of it the store has yet to hear."""

    def __init__(self, store: Store, manner: Manner) -> None:
        self._store = store
        self._config = manner.config
        self._output = os.path.join(manner.config.output, "")  # noqa: PTH118 - joined as text, a thousand times
        self._names = [writer.file_name for writer in manner.writers.values()]
        self._version = manner.version
        self._everything = manner.everything
        self._tells_all = manner.tells_all
        self.done = Done()
        self._listed: dict[str, str] = {}
        self._in_place: dict[str, int] = {}

    def damaged(self, outlet: Outlet, known_times: dict[str, tuple[int, int]]) -> frozenset[int]:
        """Which documents are not as the last publication left them: numbers of archives, 0 for the feed.

        Every file is looked at, unless the feed is not stale and its folder has the `known_times` at which an
        earlier look found everything in place; new times are noted there.
        """
        if not outlet.files:
            return frozenset()
        try:
            found = os.stat(f"{self._output}{outlet.folder}")  # noqa: PTH116 - as text, a third of the time
            times = found.st_mtime_ns, found.st_ctime_ns
        except OSError:
            times = (0, 0)
        if not outlet.category.is_stale and known_times.get(outlet.folder) == times:
            return frozenset()
        damaged = self._damaged(outlet)
        if not damaged:
            known_times[outlet.folder] = times
        return damaged

    def _damaged(self, outlet: Outlet) -> frozenset[int]:
        before = outlet.category.listed or ""
        if (now := self._stamps(outlet)) == before:
            return frozenset()
        if ":" not in before:  # never written, or by a version that kept no stamps
            return frozenset({0})
        found = set(now.split()) ^ set(before.split())
        return frozenset(
            {0, *(int(number) for each in found if (number := each.partition(":")[0]).isdigit())}
        )

    def _stamps(self, outlet: Outlet) -> str:
        """A stamp for each of a category's documents, by its number."""
        place = f"{self._output}{outlet.folder}"
        try:
            archives = archives_in(place)
        except WriteError:
            archives = set()
        folders = {0: place, **{number: f"{place}/{FOLDER}/{number}" for number in sorted(archives)}}
        compress = self._config.publish.compress
        return " ".join(
            f"{number}:{stamp([f'{folder}/{name}' for name in outlet.files], compress)}"
            for number, folder in folders.items()
        )

    def save(self) -> None:
        """Records what is in place; were it lost, it would be rendered again and found to be there."""
        self._store.feeds.rendered(self._in_place)
        self._store.feeds.listed(self._listed)
        self._in_place, self._listed = {}, {}

    def write(self, outlet: Outlet) -> None:
        """Writes one category: what is older first, so that no entry is ever in none of its documents."""
        store, category = self._store, outlet.category
        place = self._config.output / outlet.folder
        try:
            newest = store.feeds.newest(category.name, outlet.entries)
            feed = channel(outlet, newest, self._version)
            present = archives_in(place)
            if self._config.publish.archives and outlet.files:
                archives = ArchiveDocuments.filed(outlet, newest, store, self._config.publish.compress)
                whole = () if self._everything else present - outlet.damaged
                self._write_archives(archives, feed, place, whole)
                feed = replace(feed, chain=archives.of_feed())
                present = {number for number in present if number > (archives.open or 0)}
            self._write_folder(place, feed, outlet)
            store.archives.written(category.name, present, "")
            for number in sorted(present):
                remove_archive(place / FOLDER / str(number), self._names)
        except WriteError as error:
            self.done.errors.append(error)
            self._in_place[category.name] = _NONE
        else:
            self.done.rendered += 1
            self._in_place[category.name] = category.generation
            if outlet.files:
                self._listed[category.name] = self._stamps(outlet)
        if len(self._in_place) == _AT_ONCE:
            self.save()

    def _write_archives(
        self, archives: ArchiveDocuments, feed: Channel, place: Path, present: Collection[int]
    ) -> None:
        for document in archives.documents(feed, self._store, present):
            number = document.chain.number
            self._write_folder(place / FOLDER / str(number), document, archives.outlet)
            if number is not None and document.chain.is_full:
                self._store.archives.written(archives.outlet.category.name, [number], archives.look)

    def _write_folder(self, place: Path, document: Channel, outlet: Outlet) -> None:
        """Writes one document in each format; one that cannot be written does not stop the others."""
        remove_leftovers(place, below=False)
        compress = self._config.publish.compress
        failed = []
        for writer in outlet.writers.values():
            path = place / writer.file_name
            try:
                if write_if_changed(path, writer.render(document), compress=compress) or self._tells_all:
                    self.done.written.append(path)
            except WriteError as error:
                failed.append(error)
        for name in self._names:
            if name not in outlet.files:
                remove(place / name)
        if failed:
            self.done.errors += failed[:-1]
            raise failed[-1]
