"""Opens files of one folder so that no link leads out of it, even if links change meanwhile."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from aggregator.adapters.kinds import RefusedFile

__all__ = ["Folder", "RefusedFile", "stamp_of"]

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a pipe that has no writer would block.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class Folder:
    """A folder whose regular files can be read; the folder itself may be a link.

    A link in it is followed only if its target is in the folder and not hidden: cloned repositories may
    contain links to `/etc/passwd`, `../.env` and `.git/config`. The path is resolved first and then opened
    from the folder's descriptor, one component after the other, none of which may be a link: if a link is put
    there after the check, opening fails. Raises OSError when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._descriptor = os.open(self.path, _DIRECTORY)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def resolved(self, name: str) -> str:
        """The target of `name` after following links, relative to the folder. Raises RefusedFile.

        It need not exist.
        """
        real = Path(os.path.realpath(self.path / name))
        if not real.is_relative_to(self.path):
            raise RefusedFile("is a link that leads out of the folder; replace it with the file itself")
        inside = real.relative_to(self.path).as_posix()
        if inside != name and any(part.startswith(".") for part in Path(inside).parts):
            raise RefusedFile("is a link to a hidden file; replace it with the file itself")
        return inside

    def open(self, name: str) -> BinaryIO:
        """Opens a regular file. Raises RefusedFile for anything else, and OSError."""
        *folders, last = Path(self.resolved(name)).parts or (".",)
        opened = [self._descriptor]
        try:
            for part in folders:
                opened.append(os.open(part, _DIRECTORY, dir_fd=opened[-1]))
            # Opening a device may already have an effect.
            _check(os.stat(last, dir_fd=opened[-1], follow_symlinks=False))
            file = open(os.open(last, _FILE, dir_fd=opened[-1]), "rb")  # noqa: PTH123, SIM115 - a descriptor
        finally:
            for descriptor in opened[1:]:
                os.close(descriptor)
        try:
            _check(os.fstat(file.fileno()))
        except BaseException:
            file.close()
            raise
        return file


def stamp_of(found: os.stat_result) -> list[int]:
    """A file's modification time in nanoseconds, and its size: they differ after the file was written to."""
    return [found.st_mtime_ns, found.st_size]


def _check(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(0, "it is a folder")
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISLNK(found.st_mode):
        raise RefusedFile("is a device, pipe or socket; only regular files are read")
