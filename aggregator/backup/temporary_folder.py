"""A temporary folder for work, removed with the process, or by the next process that works there."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["sync", "working_folder"]

_NAME = re.compile(r"\.aggregator-[0-9a-f]{16}\.part")


@contextmanager
def working_folder(parent: Path) -> Iterator[Path]:
    """Makes an empty folder in `parent` for this process and user only, and removes it with its content.

    Folders of killed processes are removed too. Raises OSError.
    """
    _sweep(parent)
    folder, handle = _locked(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _locked(parent: Path) -> tuple[Path, int]:
    while True:
        folder = parent / f".aggregator-{secrets.token_hex(8)}.part"
        folder.mkdir(0o700)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with suppress(OSError):  # a file system without locks: nothing is removed there
            fcntl.flock(handle, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder, handle
        os.close(handle)  # another process removed it before it was locked


def _sweep(parent: Path) -> None:
    """Removes such folders of this user that no process uses."""
    for place in [each for each in parent.iterdir() if _NAME.fullmatch(each.name)]:
        with suppress(OSError):
            handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                found = os.fstat(handle)
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
                    shutil.rmtree(place, ignore_errors=True)
            finally:
                os.close(handle)


def sync(place: Path) -> None:
    """Flushes a file, or the entries of a folder, to the disk."""
    handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
