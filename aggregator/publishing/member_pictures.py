"""Publishes the pictures of members: copies if there are any, else local files under names made from their
content.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from aggregator.config.load import Config, Source
from aggregator.errors import WriteError
from aggregator.media.member_pictures import MemberPicture
from aggregator.publishing.local_member_pictures import LocalPicture, local_picture
from aggregator.publishing.logo import FOLDER
from aggregator.publishing.public_addresses import public_addresses_of
from aggregator.publishing.sources_not_loaded import names_shown
from aggregator.store import Store
from aggregator.writers.output_files import remove, write_if_changed

__all__ = ["MemberPictures", "pictures_to_copy"]

_OURS = re.compile(r"face-[0-9a-f]{16}\.(?:png|jpg|svg|webp)")


class MemberPictures:
    """The pictures of members in one publication; empty without a page of members."""

    def __init__(self, config: Config, store: Store) -> None:
        self._folder = config.output / FOLDER
        self._is_wanted = config.publish.pages.members
        self._local: dict[str, LocalPicture] = {}
        self.errors: list[WriteError] = []
        for source in config.sources if self._is_wanted else ():
            try:
                if (face := local_picture(source)) is not None:
                    self._local[source.name] = face
            except WriteError as error:
                self.errors.append(error)
        is_copied = self._is_wanted and config.publish.media is not None
        self._copies = store.faces.copies() if is_copied else {}

    @property
    def mark(self) -> str:
        """Returns a text that changes with any of the pictures; "" if all are loaded from their own hosts."""
        if not (self._local or self._copies):
            return ""
        facts = [
            sorted((name, face.name) for name, face in self._local.items()),
            sorted(self._copies.items()),
        ]
        return f" {hashlib.blake2b(json.dumps(facts).encode(), digest_size=8).hexdigest()}"

    def shown(self, source: Source, of_feed: str | None) -> tuple[str | None, str]:
        """Returns the address of a source's picture (None: none), and its path below the output folder ("":
        none).

        `of_feed`: the address that its feed names.
        """
        if (face := self._local.get(source.name)) is not None:
            return None, self._copies.get(face.address) or f"{FOLDER}/{face.name}"
        address = of_feed if source.image_file else source.image or of_feed
        if (path := self._copies.get(address or "")) is None:
            return address, ""
        return None, path  # a tracking pixel has no copy

    def write(self) -> list[Path]:
        """Writes local pictures that have no copy; returns the files that changed."""
        written = []
        for face in self._uncopied():
            try:
                if write_if_changed(self._folder / face.name, face.body):
                    written.append(self._folder / face.name)
            except WriteError as error:
                self.errors.append(error)
        return written

    def remove(self) -> None:
        """Removes files that are not shown any more."""
        kept = {face.name for face in self._uncopied()}
        there = [*self._folder.iterdir()] if self._folder.is_dir() else []
        found = [each for each in there if _OURS.fullmatch(each.name) and each.name not in kept]
        try:
            for each in found:
                remove(each)
        except WriteError as error:
            self.errors.append(error)
        if found:
            with suppress(OSError):  # it has other files
                self._folder.rmdir()

    def _uncopied(self) -> Iterator[LocalPicture]:
        return (face for face in self._local.values() if not self._copies.get(face.address))


def pictures_to_copy(config: Config, store: Store) -> Sequence[MemberPicture]:
    """Returns the pictures that the page of members shows; none without that page."""
    if not config.publish.pages.members:
        return ()
    names = names_shown(store, config)
    of_feeds, disclosure = store.sources.faces(names), public_addresses_of(config, store)
    wanted = []
    for source in config.sources:
        with suppress(WriteError):  # reported when it is published
            if (face := local_picture(source)) is not None:
                wanted.append(MemberPicture(source=source.name, address=face.address, file=face.file))
                continue
        address = source.image or disclosure.site(source, of_feeds.get(source.name))
        if address and not source.image_file:
            wanted.append(MemberPicture(source=source.name, address=address))
    return wanted
