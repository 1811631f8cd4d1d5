"""Archive documents of a feed: full archives, which never change, and the open one (RFC 5005 §4).

A feed has its newest entries. Older ones are in numbered documents, 1 the oldest, each with as many entries
as the feed has. The last one is open: it grows until the store says that it is full.

Each is written in the formats that the config chooses for archives. A full archive that was written in other
formats keeps these if the config leaves the choice to us, so that links to it, and readers that follow the
chain, do not break.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from aggregator.errors import WriteError
from aggregator.model.struct import replace
from aggregator.publishing.outputs import FeedOutput, channel, description_of_only_source, items_of
from aggregator.store import RecentArticles, Store, StoredArticle
from aggregator.writers.channel import Chain, Channel, Item, Writer
from aggregator.writers.output_files import remove, remove_leftovers

__all__ = ["FOLDER", "ArchiveDocuments", "archive_look", "archives_in", "remove_archive"]

FOLDER = "archive"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True)
class ArchiveDocuments:
    """The archive documents of one feed: `full` full ones, and perhaps one that is open."""

    output: FeedOutput
    full: int
    recent: RecentArticles
    _writers: dict[int, Mapping[str, Writer]] = field(default_factory=dict, init=False)

    def writers(self, number: int) -> Mapping[str, Writer]:
        """Returns the formats in which an archive is written, by their names; looked up once."""
        if (known := self._writers.get(number)) is not None:
            return known
        output, chosen = self.output, self._archived
        folder = f"{output.config.output}/{output.folder}/{FOLDER}/{number}"
        stays = output.config.publish.archives is True and os.path.isdir(folder)  # noqa: PTH112
        self._writers[number] = found = {
            name: writer
            for name, writer in output.writers.items()
            if name in chosen or (stays and os.path.isfile(f"{folder}/{writer.file_name}"))  # noqa: PTH113
        }
        return found

    @cached_property
    def _archived(self) -> Mapping[str, Writer]:
        return self.output.archived

    @cached_property
    def _empty(self) -> Channel:
        return channel(self.output, (), "")

    def full_one(self, number: int, shown: tuple[Item, ...]) -> Channel:
        """Returns a full archive, by its number. It does not depend on the time or on our version."""
        return self._document(number, shown)

    def of_feed(
        self, feed: Channel, newest: Sequence[StoredArticle], store: Store
    ) -> tuple[Channel, Channel | None]:
        """Returns the feed, linked to its archives, and the open archive, if there is one."""
        rest = self._rest(newest, store)
        older = self.full + 1 if rest else self.full
        chained = replace(
            feed, chain=Chain(older=f"{self.output.url}{FOLDER}/{older}/") if older else Chain()
        )
        if not (self.full or rest):
            return chained, None
        document = self._document(self.full + 1, rest)
        if not rest:
            last = store.archives.articles(self.output.feed.name, self.full)
            updated = max((kept.updated.replace(microsecond=0) for kept in last), default=feed.updated)
            document = replace(document, updated=updated)
        return chained, document

    def _rest(self, newest: Sequence[StoredArticle], store: Store) -> tuple[Item, ...]:
        if not newest:
            return ()
        unfiled = store.archives.unfiled(self.output.feed.name, newest[-1], self.recent)
        return items_of(self.output, unfiled, store)

    def _document(self, number: int, shown: tuple[Item, ...]) -> Channel:
        base = f"{self.output.url}{FOLDER}/" if self.output.url else "../"
        is_full = number <= self.full
        feed = self._empty
        return replace(
            feed,
            items=shown,
            updated=max((item.updated for item in shown), default=feed.updated),
            self_links=self.output.links(
                [writer.file_name for writer in self.writers(number).values()], f"{FOLDER}/{number}/"
            ),
            root="../../../",
            hubs=(),
            search="",  # a full archive never changes
            total=len(shown),
            extra=description_of_only_source(shown, self.output),
            chain=Chain(
                number=number,
                is_full=is_full,
                older=f"{base}{number - 1}/" if number > 1 else None,
                newer=f"{base}{number + 1}/" if is_full else None,
                current=self.output.url or "../../",
            ),
        )


def archive_look(output: FeedOutput, compress: Sequence[str]) -> str:
    """Returns a text that changes with everything that decides the bytes of a full archive."""
    facts = [
        *(output.feed_id, output.url, output.title, output.description, output.language, output.image),
        *(output.files, compress, output.disclosure.mark, output.config.publish.archives),
        *([] if output.pages is None else output.pages.look),
        *([output.look.mark] if output.look.mark else []),
        *(["media"] if output.config.publish.media else []),  # without the setting, copies are removed
    ]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def archives_in(place: Path | str) -> set[int]:
    """Returns the numbers of the archives that have folders in a feed's folder."""
    try:
        found = os.listdir(f"{place}/{FOLDER}")  # noqa: PTH208 - `all` may have thousands
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise WriteError(f"{place}/{FOLDER}: it cannot be listed: {error}") from error
    return {int(name) for name in found if _NUMBER.fullmatch(name)}


def remove_archive(folder: Path, names: Collection[str]) -> None:
    """Removes files with these names from an archive's folder, and the folder if it is then empty."""
    remove_leftovers(folder, below=False)
    for name in names:
        remove(folder / name)
    for emptied in (folder, folder.parent):
        with suppress(OSError):
            emptied.rmdir()
