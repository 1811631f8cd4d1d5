"""The documents behind a feed: full archives, which never change, and the open one (RFC 5005 §4).

A feed holds its newest entries. What lies beyond is in numbered documents, 1 the oldest, each of as many
entries as a feed holds. The last one is open: it fills, and is full once the store says so.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from aggregator.errors import WriteError
from aggregator.publishing.outputs import Outlet, items
from aggregator.store import Kept, Store
from aggregator.writers.channel import Chain, Channel, Item
from aggregator.writers.files import remove, remove_leftovers

__all__ = ["FOLDER", "ArchiveDocuments", "archives_in", "remove_archive"]

FOLDER = "archive"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ArchiveDocuments:
    """The archive documents of one feed: `full` of them, and one that is open with `rest`.

    `look` stands for all that decides how a full one looks beside its articles; `unwritten` are the numbers
    of those that are not in place in this look, as far as the store knows.
    """

    outlet: Outlet
    look: str
    full: int
    unwritten: Collection[int]
    rest: tuple[Item, ...]

    @classmethod
    def filed(
        cls, outlet: Outlet, newest: Sequence[Kept], store: Store, compress: Sequence[str]
    ) -> ArchiveDocuments:
        """Files what lies beyond the feed, whose articles are `newest`, and tells what there is then."""
        name = outlet.category.name
        look = _look(outlet, compress)
        if not newest:
            return cls(outlet, look, *store.archives.count(name, look), ())
        store.archives.file_away(name, outlet.entries)
        rest = items(store.archives.unfiled(name, newest[-1]), outlet.disclosure)
        return cls(outlet, look, *store.archives.count(name, look), rest)

    @property
    def open(self) -> int | None:
        """The number of the open archive, None when there is none; the last full one leads to it."""
        return self.full + 1 if self.full or self.rest else None

    def of_feed(self) -> Chain:
        """Where the feed itself stands in the chain."""
        older = self.open if self.rest else self.full
        return Chain(older=f"{self.outlet.url}{FOLDER}/{older}/") if older else Chain()

    def documents(self, feed: Channel, store: Store, present: Collection[int]) -> Iterator[Channel]:
        """The documents to write, the oldest first; the full ones among `present` are in place."""
        name = self.outlet.category.name
        for number in range(1, self.full + 1):
            if number not in present or number in self.unwritten:
                yield self._document(
                    feed, number, items(store.archives.articles(name, number), self.outlet.disclosure)
                )
        if self.open is not None:
            document = self._document(feed, self.open, self.rest)
            if not self.rest:
                last = items(store.archives.articles(name, self.full), self.outlet.disclosure)
                newest = max((item.updated for item in last), default=feed.updated)
                document = replace(document, updated=newest)
            yield document

    def _document(self, feed: Channel, number: int, shown: tuple[Item, ...]) -> Channel:
        """The same feed, of these articles; nothing in it changes with time or with our version."""
        base = f"{self.outlet.url}{FOLDER}/" if self.outlet.url else "../"
        is_full = number <= self.full
        return replace(
            feed,
            items=shown,
            updated=max((item.updated for item in shown), default=feed.updated),
            self_links=self.outlet.links(f"{FOLDER}/{number}/"),
            root="../../../",
            hubs=(),
            total=len(shown),
            generator_version="",
            chain=Chain(
                number=number,
                is_full=is_full,
                older=f"{base}{number - 1}/" if number > 1 else None,
                newer=f"{base}{number + 1}/" if is_full else None,
                current=self.outlet.url or "../../",
            ),
        )


def _look(outlet: Outlet, compress: Sequence[str]) -> str:
    facts = [
        *(outlet.feed_id, outlet.url, outlet.title, outlet.description, outlet.language, outlet.image),
        *(outlet.files, compress, outlet.disclosure.mark),
    ]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def archives_in(place: Path | str) -> set[int]:
    """The numbers of the archive documents that have folders in a category's folder."""
    try:
        found = os.listdir(f"{place}/{FOLDER}")  # noqa: PTH208 - `all` may have thousands
    except (FileNotFoundError, NotADirectoryError):
        return set()
    except OSError as error:
        raise WriteError(f"{place}/{FOLDER}: it cannot be listed: {error}") from error
    return {int(name) for name in found if _NUMBER.fullmatch(name)}


def remove_archive(folder: Path, names: Collection[str]) -> None:
    """Removes files of these names from an archive's folder, and the folder unless anything else is in it."""
    remove_leftovers(folder, below=False)
    for name in names:
        remove(folder / name)
    for emptied in (folder, folder.parent):
        with suppress(OSError):
            emptied.rmdir()
