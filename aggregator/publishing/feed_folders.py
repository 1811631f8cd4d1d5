"""Renders and writes the documents of feeds into their folders, and finds files that were damaged."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

from aggregator.config.load import Config
from aggregator.errors import TemplateMistake, WriteError
from aggregator.model.struct import Struct, field
from aggregator.publishing import shown_articles
from aggregator.publishing.archives import (
    FOLDER,
    ArchiveDocuments,
    archive_look,
    archives_in,
    remove_archive,
)
from aggregator.publishing.copies_in_articles import copies_of
from aggregator.publishing.outputs import FeedOutput, channel, items_of, items_with
from aggregator.store import RecentArticles, Store
from aggregator.writers.channel import Channel, Item, Writer
from aggregator.writers.output_files import make_folder, remove, remove_leftovers, stamp, write_if_changed

__all__ = [
    *("FeedFolders", "FeedPlan", "RenderContext", "Task", "WriteResult"),
    *("damaged", "plan_of", "stamps_of"),
]


class WriteResult(Struct):
    """The result of writing: the number of feeds that were rendered and written, the files whose bytes
    changed, and the errors.
    """

    rendered: int = 0
    written: list[Path] = field(default_factory=list)
    errors: list[WriteError] = field(default_factory=list)

    def add(self, other: WriteResult) -> None:
        """Adds the result of another part of the work."""
        self.rendered += other.rendered
        self.written += other.written
        self.errors += other.errors


class RenderContext(Struct, frozen=True, kw_only=True):
    """How feeds are rendered and written.

    - `writers`: all that are installed, by the names of their formats.
    - `everything`: also renders full archives that exist already.
    - `reports_all`: also reports unchanged files as written. A process that was killed may have written files
      without reporting them.
    """

    config: Config
    writers: Mapping[str, Writer]
    version: str
    everything: bool
    reports_all: bool = False


class FeedPlan(Struct, frozen=True, kw_only=True):
    """The documents to write for a feed.

    - `full`: how many full archives there are.
    - `archives`: the numbers of those to be written.
    - `is_new`: the feed was never published; its newest entries are then written before its archives.
    """

    output: FeedOutput
    full: int = 0
    archives: tuple[int, ...] = ()
    is_new: bool = False


Task = tuple[FeedPlan, int | None]
"""A document to write: a full archive by its number; None: the feed with its open archive."""


def plan_of(output: FeedOutput, store: Store, context: RenderContext) -> FeedPlan:
    """Moves older entries of a feed into archives, and returns what is to be written. Raises WriteError."""
    feed, config = output.feed, context.config
    is_new = feed.listed is None
    if not output.archived:
        return FeedPlan(output=output, is_new=is_new)
    store.archives.file_away(feed.name, output.entries)
    full, unwritten = store.archives.count(feed.name, archive_look(output, config.publish.compress))
    whole = set() if context.everything else archives_in(config.output / output.folder) - output.damaged
    due = (number for number in range(1, full + 1) if number not in whole or number in unwritten)
    return FeedPlan(output=output, full=full, archives=tuple(due), is_new=is_new)


class FeedFolders:
    """Writes documents of feeds into their folders, in one process."""

    def __init__(self, store: Store, context: RenderContext, recent: RecentArticles | None = None) -> None:
        self._store = store
        self._config = context.config
        self._version = context.version
        self._names = [writer.file_name for writer in context.writers.values()]
        self._reports_all = context.reports_all
        self._recent = recent or RecentArticles()

    def write(self, tasks: Sequence[Task]) -> list[WriteResult]:
        """Writes documents of feeds; returns the results in the order of the tasks."""
        archived = self._archived(tasks)
        results, written = [], []
        known: dict[str, tuple[ArchiveDocuments, str]] = {}
        for plan, number in tasks:
            if number is None:
                results.append(self._write_feed(plan))
                continue
            result, output = WriteResult(), plan.output
            if output.feed.name not in known:
                look = archive_look(output, self._config.publish.compress)
                known[output.feed.name] = ArchiveDocuments(output, plan.full, self._recent), look
            documents, look = known[output.feed.name]
            place = self._config.output / output.folder / FOLDER / str(number)
            document = documents.full_one(number, archived[output.feed.name, number])
            if self._write(place, document, documents.writers(number), result) and not result.errors:
                written.append((output.feed.name, number, look))
            results.append(result)
        self._store.archives.written(written)
        return results

    def _archived(self, tasks: Sequence[Task]) -> dict[tuple[str, int], tuple[Item, ...]]:
        """Returns the entries of the full archives among these tasks; reading them together takes half the
        time.
        """
        outputs = {(plan.output.feed.name, n): plan.output for plan, n in tasks if n is not None}
        found = self._store.archives.several(outputs, self._recent)
        of_stories = {k.pk for key, kept in found.items() if outputs[key].shows_stories for k in kept}
        others = self._store.stories.others(of_stories)
        copies = copies_of(chain.from_iterable(found.values()), self._store, self._config)
        return {
            key: items_with(outputs[key], kept, others if outputs[key].shows_stories else {}, copies)
            for key, kept in found.items()
        }

    def _write_feed(self, plan: FeedPlan) -> WriteResult:
        """Writes a feed and its open archive; the archive first, so that every entry is in one of them.

        Removes archives that do not exist any more.
        """
        result, output = WriteResult(), plan.output
        store, place = self._store, self._config.output / output.folder
        try:
            newest = shown_articles.newest(output, store, self._recent)
            feed = channel(output, items_of(output, newest, store), self._version)
            present = archives_in(place)
            if output.archived:
                documents = ArchiveDocuments(output, plan.full, self._recent)
                feed, rest = documents.of_feed(feed, newest, store)
                if rest is not None:
                    number = plan.full + 1
                    if not self._write(place / FOLDER / str(number), rest, documents.writers(number), result):
                        return result
                present = {n for n in present if n > plan.full + (rest is not None)}
            if self._write(place, feed, output.writers, result):
                store.archives.written([(output.feed.name, number, "") for number in present])
                for number in sorted(present):
                    remove_archive(place / FOLDER / str(number), self._names)
                result.rendered = 1
        except WriteError as error:
            result.rendered = 0
            result.errors.append(error)
        return result

    def _write(
        self, place: Path, document: Channel, writers: Mapping[str, Writer], result: WriteResult
    ) -> bool:
        """Writes a document in each of these formats; one that cannot be written does not stop the others.

        Returns whether all of them are in place. Pages that fail because of the user's own templates do not
        count: feeds do not wait for them, and these pages stay as they were. Files of other formats are
        removed.
        """
        compress, failed = self._config.publish.compress, len(result.errors)
        bodies = []
        for writer in writers.values():
            try:
                bodies.append((writer.file_name, writer.render(document)))
            except WriteError as error:
                result.errors.append(error)
        is_new = bool(bodies) and make_folder(os.fspath(place))
        try:
            was_there = not is_new and place.is_dir()
            if was_there:
                remove_leftovers(place, below=False)
            for name, body in bodies:
                path = place / name
                try:
                    changed = write_if_changed(path, body, compress=compress, folder_is_new=is_new)
                    if changed or self._reports_all:
                        result.written.append(path)
                except WriteError as error:
                    result.errors.append(error)
            files = {writer.file_name for writer in writers.values()}
            for name in self._names if was_there else ():
                if name not in files:
                    remove(place / name)
        except WriteError as error:
            result.errors.append(error)
        return all(isinstance(error, TemplateMistake) for error in result.errors[failed:])


def damaged(
    output: FeedOutput, context: RenderContext, known_times: dict[str, tuple[int, int]]
) -> frozenset[int]:
    """Returns which documents differ from what the last publication wrote: numbers of archives, 0 for the
    feed.

    Every file is checked, unless the feed is not stale and its folder still has one of the `known_times`, at
    which an earlier check found everything in place. New times are added there.
    """
    if not output.files:
        return frozenset()
    try:
        # Paths as text: a third of the time of Path objects.
        found = os.stat(os.path.join(context.config.output, output.folder))  # noqa: PTH116, PTH118
        times = found.st_mtime_ns, found.st_ctime_ns
    except OSError:
        times = (0, 0)
    if not output.feed.is_stale and known_times.get(output.folder) == times:
        return frozenset()
    before = output.feed.listed or ""
    if (now := stamps_of(output, context)) == before:
        known_times[output.folder] = times
        return frozenset()
    if ":" not in before:  # never written, or by a version without stamps
        return frozenset({0})
    changed = set(now.split()) ^ set(before.split())
    numbers = (each.partition(":")[0] for each in changed)
    return frozenset({0, *(int(number) for number in numbers if number.isdigit())})


def stamps_of(output: FeedOutput, context: RenderContext) -> str:
    """Returns a stamp for each document of a feed, by its number; it changes if one of its files does."""
    place = os.path.join(context.config.output, output.folder)  # noqa: PTH118
    try:
        archives = archives_in(place)
    except WriteError:
        archives = set()
    folders = {0: place, **{number: f"{place}/{FOLDER}/{number}" for number in sorted(archives)}}
    compress = context.config.publish.compress
    return " ".join(
        f"{number}:{stamp([f'{folder}/{name}' for name in output.files], compress)}"
        for number, folder in folders.items()
    )
