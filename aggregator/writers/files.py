"""Output files: whole or not there at all, and untouched when nothing changed."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from aggregator.errors import WriteError

__all__ = ["remove_leftovers", "write_if_changed"]

# A dotfile: web servers and our own do not list or serve it, and it is no feed's name.
_LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.part")


def write_if_changed(path: Path, body: bytes, *, fsync: bool = False) -> bool:
    """Makes `path` hold `body`; True when it had to be written, False when it already did (its mtime stays).

    Missing folders are made. Readers see the old file or the new one, never a part: the bytes go to a
    file beside it that is then renamed. A symbolic link at `path` is replaced, not followed.

    Without `fsync` that holds when this process is killed at any moment, for what it wrote is the
    kernel's by then. A power cut may still leave an empty file behind: rendering everything again
    repairs it, since the store is the truth. `fsync` guards against that too, at about three times
    the cost. Raises WriteError.
    """
    try:
        if _holds(path, body):
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.parent / f".{secrets.token_hex(8)}.part"
        try:
            # Not tempfile: it makes files that only their owner may read, and a web server is somebody else.
            with aside.open("xb") as file:
                file.write(body)
                if fsync:
                    file.flush()
                    os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        if fsync:
            _fsync_folder(path.parent)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise WriteError(f"{path}: it cannot be written: {error}") from error
    return True


def remove_leftovers(folder: Path) -> int:
    """Removes what a killed process left half written in `folder` and below; how many files that was.

    Only files that `write_if_changed` named, and symbolic links are not followed. Call it while nobody
    else writes there: a file being written looks the same. Raises WriteError.
    """
    removed = 0
    try:
        for parent, _, names in os.walk(folder):
            for name in filter(_LEFTOVER.fullmatch, names):
                Path(parent, name).unlink(missing_ok=True)
                removed += 1
    except OSError as error:
        raise WriteError(f"{folder}: leftovers cannot be removed: {error}") from error
    return removed


def _holds(path: Path, body: bytes) -> bool:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == len(body) and path.read_bytes() == body


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
