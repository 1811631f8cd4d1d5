"""The files of copies: `media/<first two>/<hash>.<type>` below the output; no other file is changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.errors import WriteError
from aggregator.model.media_copies import MEDIA, CopiedFile, is_copy
from aggregator.writers.output_files import remove_leftovers, write_if_changed

__all__ = ["damaged_files", "hash_of_file", "remove_files", "write_file"]

YOUNG = timedelta(hours=1)
"""A younger file that is not recorded may be about to be recorded: it stays."""


def hash_of_file(body: bytes) -> str:
    """The hash that a file is named by: 32 digits."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def write_file(output: Path, file: CopiedFile, body: bytes) -> None:
    """Writes a copy atomically. Raises WriteError."""
    write_if_changed(output / file.path, body)


def damaged_files(output: Path, files: Collection[CopiedFile]) -> list[CopiedFile]:
    """The files that are missing or have another size, for example after a power cut."""
    return [file for file in files if _size(output / file.path) != file.bytes]


def remove_files(output: Path, kept: Collection[str], gone: Collection[str] | None, now: datetime) -> int:
    """Removes copies without one of the hashes `kept`, and temporary files; returns how many.

    A young one is removed only if its hash is in `gone`; None: any. Raises WriteError.
    """
    removed = 0
    for folder in _folders(output):
        remove_leftovers(folder, below=False)
        try:
            for entry in [*os.scandir(folder)]:
                name = entry.name.partition(".")[0]
                if not is_copy(MEDIA, folder.name, entry.name) or name in kept:
                    continue
                age = now.timestamp() - entry.stat(follow_symlinks=False).st_mtime
                if gone is None or name in gone or age > YOUNG.total_seconds():
                    (folder / entry.name).unlink(missing_ok=True)
                    removed += 1
        except OSError as error:
            raise WriteError(f"{folder}: copies cannot be removed: {error}") from error
        with suppress(OSError):  # others are in it
            folder.rmdir()
    with suppress(OSError):
        (output / MEDIA).rmdir()
    return removed


def _folders(output: Path) -> Iterator[Path]:
    place = output / MEDIA
    try:
        names = sorted(os.listdir(place))  # noqa: PTH208 - names are looked at, not what they are
    except OSError:
        return
    for name in names:
        if len(name) == 2 and not (set(name) - set("0123456789abcdef")) and not (place / name).is_symlink():
            yield place / name


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return -1
