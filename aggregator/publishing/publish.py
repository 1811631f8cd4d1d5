"""Publishes: renders and writes every stale feed and the documents of the whole site."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import partial
from itertools import chain

from aggregator.config.load import Config
from aggregator.errors import WriteError
from aggregator.model.struct import replace
from aggregator.publishing import parallel as sharing
from aggregator.publishing.feed_folders import RenderContext, WriteResult, damaged
from aggregator.publishing.logo import remove_logos, write_logo
from aggregator.publishing.member_pictures import MemberPictures
from aggregator.publishing.outputs import FeedOutput, outputs, page_writer
from aggregator.publishing.overview import SectionCache, overview
from aggregator.publishing.page_look import look_of
from aggregator.publishing.public_addresses import PublicAddresses, public_addresses_of
from aggregator.publishing.publication_result import SHOWN_SOURCES, Published, shows_polls_of
from aggregator.publishing.sources_not_loaded import count_not_loaded
from aggregator.publishing.which_articles_have_pages import pages_of
from aggregator.publishing.write_article_pages import ArticlePageFiles
from aggregator.publishing.writing_processes import WritingProcesses
from aggregator.store import ALL, Store
from aggregator.writers.channel import OutputFormat, Overview, SiteWriter, Writer, format_of, is_wanted
from aggregator.writers.output_files import remove, remove_leftovers, stamp, write_if_changed
from aggregator.writers.page_look import PageLook

__all__ = ["Published", "SectionCache", "publish"]

_NO_SITE_WRITERS: Mapping[str, tuple[SiteWriter, ...]] = {}


def publish(
    *,
    store: Store,
    config: Config,
    writers: Mapping[str, Writer],
    site_writers: Mapping[str, tuple[SiteWriter, ...]] = _NO_SITE_WRITERS,
    version: str,
    everything: bool = False,
    cache: SectionCache | None = None,
    processes: int | None = None,
    forked: WritingProcesses | None = None,
) -> Published:
    """Writes every feed that is stale, or whose files differ from what was written.

    A feed that cannot be written is in `errors` and stays stale; the others are written. Full archives are
    written once, and again with `everything` or if the config changes their look.

    - `writers`, `site_writers`: all that are installed, by the names of their formats. The config chooses
      among them; files of the others are removed.
    - `everything`: renders all feeds.
    - `cache`: kept by a caller that publishes repeatedly, to save reading.
    - `processes`: how many processes write if there is much to write; None for one per core, at most four.
    - `forked`: those processes, if `forked_writers` started them.
    """
    context = RenderContext(config=config, writers=writers, version=version, everything=everything)
    disclosure = public_addresses_of(config, store)
    of_pages = look_of(config)
    of_articles = json.dumps(pages_of(config, "").look)
    facts = (
        version,
        disclosure.mark,
        of_pages.mark,
        of_articles,
        *(["search"] if config.serve.search else []),
    )
    look = _look(config, [*writers, *site_writers], *facts)
    renew = everything or store.database.setting("look") != look
    chosen = outputs(store, config, writers, disclosure, look=of_pages)
    try:
        config.output.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise WriteError(f"{config.output}: it cannot be made: {error}") from error
    cache = cache or SectionCache()
    due = []
    for output in chosen:
        if found := damaged(output, context, cache.folder_times):
            due.append(replace(output, damaged=found))
        elif renew or output.feed.is_stale:
            due.append(output)
    writer = page_writer(config, writers)
    pages = ArticlePageFiles(store, config, writer, look, everything=everything, look=of_pages)
    before = WriteResult()
    write_logo(config, of_pages.logo, before)
    faces = MemberPictures(config, store)
    before.written += faces.write()
    if chosen:
        pages.write(disclosure, chosen[0].rules, version, before)
    cache.hold_to(look)
    formats = tuple(format_of(name, writer) for name, writer in writers.items())
    site = _Site(store, config, version, disclosure, formats, of_pages, faces)
    write_site = partial(site.write, site_writers, chosen, cache, renew=renew)
    done = sharing.write(
        due, store, context, processes, forked=forked, beside=partial(write_site, shows_new=True)
    )
    if not site.is_written:
        write_site(shows_new=done.rendered > 0)
    done.add(before)
    after = site.done
    pages.remove(after)
    faces.remove()
    remove_logos(config, of_pages.logo, after)
    if not after.errors:  # a failed feed stays stale by itself, a document of the site does not
        store.database.remember("look", look)
    done.add(after)
    done.errors += faces.errors
    return Published(
        rendered=done.rendered,
        written=tuple(done.written),
        feeds=len(chosen),
        # A mistake in a template is reported once, not for every page.
        errors=tuple({str(error): error for error in done.errors}.values()),
    )


_SHOWN = ("shown sources", "shown feeds", "files articles", "files feeds", "files sources")
"""The settings that say which documents of the whole site are in place, and what they show."""


class _Site:
    """Writes those documents of the whole site that are due; `done` says which, and what failed."""

    def __init__(
        self,
        store: Store,
        config: Config,
        version: str,
        disclosure: PublicAddresses,
        formats: tuple[OutputFormat, ...],
        look: PageLook,
        faces: MemberPictures,
    ) -> None:
        self._formats = formats
        self._look = look
        self._faces = faces
        self._store = store
        self._config = config
        self._version = version
        self._disclosure = disclosure
        self.done = WriteResult()
        self.is_written = False

    def write(
        self,
        site_writers: Mapping[str, tuple[SiteWriter, ...]],
        chosen: list[FeedOutput],
        cache: SectionCache,
        *,
        renew: bool,
        shows_new: bool,
    ) -> None:
        """Writes the documents of the whole site in which something may have changed.

        Documents that list sources are written again if the state of a source changed, else at most once in
        `POLLS_SHOWN_AFTER`: with ten thousand sources, one is polled at almost any time. `shows_new`: feeds
        were rendered.
        """
        self.is_written = True
        store, config = self._store, self._config
        formats = [name for name in site_writers if name in config.all_formats]
        writers = [w for name in formats for w in site_writers[name] if is_wanted(w, self._look)]
        files = tuple(writer.file_name for writer in writers)
        further = max(count_not_loaded(store, config)[ALL], 0)
        shown = [source.name for source in config.sources] if further else None
        seen, states = store.sources.pulse(shown)
        states += _digest([(s.name, s.address, s.categories) for s in config.sources])
        states += (f" {further}" if further else "") + self._faces.mark
        known = store.database.several(_SHOWN)
        mark = known.get(SHOWN_SOURCES, "")
        shown_states = mark.partition(" ")[2]
        is_late = seen is not None and not shows_polls_of(mark, seen)
        feeds = _digest([(output.folder, output.files) for output in chosen])
        marks = {
            "articles": (shows_new, ""),
            "feeds": (known.get("shown feeds") != feeds, feeds),
            "sources": (
                is_late or shown_states != states,
                f"{seen.isoformat() if seen else ''} {states}",
            ),
        }
        written = {}
        for shows, (differs, mark) in marks.items():
            due = [writer for writer in writers if writer.shows == shows]
            if not (renew or differs or known.get(f"files {shows}") != self._stamp(due)):
                continue
            whole = overview(
                outputs=() if shows == "sources" else chosen,
                sources=config.sources if shows == "sources" else (),
                store=store,
                config=config,
                seen=seen,
                shown=shown,
                further=further,
                files=files,
                formats=self._formats,
                version=self._version,
                disclosure=self._disclosure,
                cache=cache,
                look=self._look,
                faces=self._faces,
            )
            is_whole = self._write_documents(due, whole)
            written[f"files {shows}"] = self._stamp(due) if is_whole else ""
            if is_whole and mark:
                written[f"shown {shows}"] = mark
        store.database.remember_all(written)
        if renew:
            self._remove_documents(site_writers, files)

    def _stamp(self, writers: list[SiteWriter]) -> str:
        names = (os.path.join(self._config.output, writer.file_name) for writer in writers)  # noqa: PTH118
        return stamp(names, self._config.publish.compress)

    def _write_documents(self, writers: list[SiteWriter], whole: Overview) -> bool:
        """Writes documents; returns whether all are in place. One that fails does not stop the others."""
        failed = len(self.done.errors)
        for writer in writers:
            path = self._config.output / writer.file_name
            try:
                remove_leftovers(self._config.output, below=False)
                if write_if_changed(path, writer.render(whole), compress=self._config.publish.compress):
                    self.done.written.append(path)
            except WriteError as error:
                self.done.errors.append(error)
        return len(self.done.errors) == failed

    def _remove_documents(
        self, site_writers: Mapping[str, tuple[SiteWriter, ...]], files: tuple[str, ...]
    ) -> None:
        try:
            for writer in chain.from_iterable(site_writers.values()):
                if writer.file_name not in files:
                    remove(self._config.output / writer.file_name)
        except WriteError as error:
            self.done.errors.append(error)


def _look(config: Config, formats: list[str], *facts: str) -> str:
    """Returns a digest of everything except the articles that decides the bytes of feeds."""
    return _digest(
        [config.site.model_dump(), config.publish.model_dump(), config.entries_per_feed, formats, *facts]
    )


def _digest(facts: object) -> str:
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()
