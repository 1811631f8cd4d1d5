"""Publishing: every stale feed is rendered and written. Knows protocols, no concrete writers."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path

from aggregator.config import Config
from aggregator.errors import WriteError
from aggregator.publishing.archives import FOLDER, Archives, archives_in, remove_archive
from aggregator.publishing.channels import Outlet, channel, outlets
from aggregator.publishing.overview import Recall, overview
from aggregator.store import Store
from aggregator.writers.channel import Channel, Overview, SiteWriter, Writer
from aggregator.writers.files import remove, remove_leftovers, write_if_changed

__all__ = ["Published", "Recall", "publish"]

POLLS_SHOWN_AFTER = timedelta(minutes=15)
"""How late what shows sources may be in showing that they were polled, and nothing else."""

_AT_ONCE = 50
"""So many feeds are recorded in one transaction."""

_NO_SITE_WRITERS: Mapping[str, tuple[SiteWriter, ...]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a publication did: how many feeds were rendered, the files whose bytes changed, what failed."""

    rendered: int = 0
    written: tuple[Path, ...] = ()
    feeds: int = 0
    errors: tuple[WriteError, ...] = ()


def publish(
    *,
    store: Store,
    config: Config,
    writers: Mapping[str, Writer],
    site_writers: Mapping[str, tuple[SiteWriter, ...]] = _NO_SITE_WRITERS,
    version: str,
    everything: bool = False,
    recall: Recall | None = None,
) -> Published:
    """Writes every feed that is stale, or whose files are missing; `everything` renders all of them.

    `writers` and `site_writers` are all there are, by their formats' names; the config chooses among them,
    and the files of those it does not choose are removed. A feed that cannot be written is told in `errors`
    and stays stale; the others are written. Full archives are written once, and again when `everything` or
    the config wants them otherwise. `recall` spares one who publishes again some reading.
    """
    publication = _Publication(store, config, writers, version, everything)
    look = _look(config, [*writers, *site_writers], version)
    renew = everything or store.setting("look") != look
    chosen = outlets(store, config, writers)
    try:
        config.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"{config.output}: it cannot be made: {error}") from error
    for outlet in chosen:
        if renew or outlet.category.is_stale or publication.lacks_files(outlet):
            publication.write(outlet)
    publication.save()
    recall = recall or Recall()
    recall.hold_to(look)
    publication.write_site(site_writers, chosen, recall, renew=renew)
    if not publication.errors:
        store.remember("look", look)
    return Published(
        rendered=publication.rendered,
        written=tuple(publication.written),
        feeds=len(chosen),
        errors=tuple(publication.errors),
    )


class _Publication:
    """One run: what was written, and what failed."""

    def __init__(
        self, store: Store, config: Config, writers: Mapping[str, Writer], version: str, everything: bool
    ) -> None:
        self._store = store
        self._config = config
        self._output = os.path.join(config.output, "")  # noqa: PTH118 - joined as text, a thousand times
        self._names = [writer.file_name for writer in writers.values()]
        self._version = version
        self._everything = everything
        self.written: list[Path] = []
        self.errors: list[WriteError] = []
        self.rendered = 0
        self._listed: dict[str, str] = {}
        self._in_place: dict[str, int] = {}

    def lacks_files(self, outlet: Outlet) -> bool:
        """Whether somebody removed what was written; archives are looked at as one."""
        if not outlet.files:
            return False
        place = f"{self._output}{outlet.folder}"
        try:
            # A folder has other times as soon as anything is put in, renamed or taken out.
            found = os.stat(place)  # noqa: PTH116 - as text, a third of the time
            times = f"{found.st_mtime_ns} {found.st_ctime_ns}"
            if times == outlet.category.listed:
                return False
            present = set(os.listdir(place))  # noqa: PTH208
        except OSError:
            return True
        has_archives = outlet.category.has_archives and self._config.publish.archives
        lacks = not present.issuperset(outlet.files) or (has_archives and FOLDER not in present)
        if not lacks:
            self._listed[outlet.category.name] = times
        return lacks

    def save(self) -> None:
        """Records what is in place; were it lost, it would be rendered again and found to be there."""
        self._store.rendered(self._in_place)
        self._store.listed(self._listed)
        self._in_place, self._listed = {}, {}

    def write(self, outlet: Outlet) -> None:
        """Writes one category: what is older first, so that no entry is ever in none of its documents."""
        self.rendered += 1
        store, category = self._store, outlet.category
        place = self._config.output / outlet.folder
        try:
            newest = store.newest(category.name, outlet.entries)
            feed = channel(outlet, newest, self._version)
            present = archives_in(place)
            if self._config.publish.archives and outlet.files:
                archives = Archives.filed(outlet, newest, store, self._config.publish.compress)
                self._write_archives(archives, feed, place, () if self._everything else present)
                feed = replace(feed, chain=archives.of_feed())
                present = {number for number in present if number > (archives.open or 0)}
            self._write_folder(place, feed, outlet)
            store.archives_written(category.name, present, "")
            for number in sorted(present):
                remove_archive(place / FOLDER / str(number), self._names)
        except WriteError as error:
            self.errors.append(error)
        else:
            self._in_place[category.name] = category.generation
            if len(self._in_place) == _AT_ONCE:
                self.save()

    def _write_archives(
        self, archives: Archives, feed: Channel, place: Path, present: Collection[int]
    ) -> None:
        for document in archives.documents(feed, self._store, present):
            number = document.chain.number
            self._write_folder(place / FOLDER / str(number), document, archives.outlet)
            if number is not None and document.chain.is_full:
                self._store.archives_written(archives.outlet.category.name, [number], archives.look)

    def _write_folder(self, place: Path, document: Channel, outlet: Outlet) -> None:
        remove_leftovers(place, below=False)
        for writer in outlet.writers.values():
            self._write_file(place / writer.file_name, writer.render(document))
        for name in self._names:
            if name not in outlet.files:
                remove(place / name)

    def _write_file(self, path: Path, body: bytes) -> None:
        if write_if_changed(path, body, compress=self._config.publish.compress):
            self.written.append(path)

    def write_site(
        self,
        site_writers: Mapping[str, tuple[SiteWriter, ...]],
        chosen: list[Outlet],
        recall: Recall,
        *,
        renew: bool,
    ) -> None:
        """Writes the documents of the whole site in which anything may have changed.

        What shows sources is written anew when one fares otherwise, else not more often than once in
        `POLLS_SHOWN_AFTER`: with ten thousand sources, somebody is polled all the time.
        """
        store, config = self._store, self._config
        formats = [name for name in site_writers if name in config.publish.all_formats]
        writers = [writer for name in formats for writer in site_writers[name]]
        files = tuple(writer.file_name for writer in writers)
        seen, states = store.pulse()
        states += _digest([(s.name, s.address, s.categories) for s in config.sources])
        last, _, shown_states = (store.setting("shown sources") or "").partition(" ")
        is_late = seen is not None and (not last or seen - POLLS_SHOWN_AFTER >= datetime.fromisoformat(last))
        feeds = _digest([(outlet.folder, outlet.files) for outlet in chosen])
        marks = {
            "articles": (self.rendered > 0, ""),
            "feeds": (store.setting("shown feeds") != feeds, feeds),
            "sources": (
                is_late or shown_states != states,
                f"{seen.isoformat() if seen else ''} {states}",
            ),
        }
        for shows, (differs, mark) in marks.items():
            due = [writer for writer in writers if writer.shows == shows]
            if not (renew or differs or _any_lacks([config.output / w.file_name for w in due])):
                continue
            try:
                self._write_documents(
                    due,
                    overview(
                        outlets=() if shows == "sources" else chosen,
                        sources=config.sources if shows == "sources" else (),
                        store=store,
                        config=config,
                        seen=seen,
                        files=files,
                        version=self._version,
                        recall=recall,
                    ),
                )
            except WriteError as error:
                self.errors.append(error)
                continue
            if mark:
                store.remember(f"shown {shows}", mark)
        if renew:
            self._remove_documents(site_writers, files)

    def _write_documents(self, writers: list[SiteWriter], whole: Overview) -> None:
        remove_leftovers(self._config.output, below=False)
        for writer in writers:
            self._write_file(self._config.output / writer.file_name, writer.render(whole))

    def _remove_documents(
        self, site_writers: Mapping[str, tuple[SiteWriter, ...]], files: tuple[str, ...]
    ) -> None:
        try:
            for writer in chain.from_iterable(site_writers.values()):
                if writer.file_name not in files:
                    remove(self._config.output / writer.file_name)
        except WriteError as error:
            self.errors.append(error)


def _any_lacks(places: list[Path]) -> bool:
    return not all(place.exists() for place in places)


def _look(config: Config, formats: list[str], version: str) -> str:
    """Stands for everything beside the articles that decides how feeds look."""
    return _digest(
        [config.site.model_dump(), config.publish.model_dump(), config.entries_per_feed, formats, version]
    )


def _digest(facts: object) -> str:
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()
