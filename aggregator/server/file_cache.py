"""Files of the output folder, plain and compressed, cached in memory while they do not change."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import brotli

from aggregator.model.media_copies import is_copy
from aggregator.writers.output_files import decompresses_to

__all__ = ["EncodedBody", "File", "Files", "compressed", "plain_body"]

MAX_PACKED_HERE_BYTES = 4 * 1024 * 1024
"""A larger file is compressed only when written (`publish.compress`): here it would delay the response."""

MAX_HELD_COPY_BYTES = 1024 * 1024
"""A larger copy of an enclosure or picture is read in pieces while it is sent."""

_MIN_PACKED_BYTES = 500
_SUFFIXES = {"br": ".br", "gzip": ".gz"}
# Files are compressed once per change, not per request; brotli 5 is as fast as gzip 6 and smaller.
_GZIP_LEVEL, _BROTLI_QUALITY = 6, 5

_Stamp = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class EncodedBody:
    """One encoding of a file, None for plain. `etag` is strong: a hash of these bytes."""

    data: bytes
    encoding: str | None
    etag: str


@dataclass(slots=True)
class File:
    """A file's content: its bodies by encoding ("identity" for plain), its modification time in whole
    seconds.
    """

    path: str
    stamp: _Stamp
    modified: int
    bodies: dict[str, EncodedBody] = field(default_factory=dict)

    @property
    def bytes_held(self) -> int:
        """Its size in memory."""
        return sum(len(body.data) for body in set(self.bodies.values()))


class FileSlices:
    """A large file in place of its bytes: it has a length, and slices of it are read when they are sent."""

    __slots__ = ("_handle", "_size")

    def __init__(self, handle: int, size: int) -> None:
        self._handle = handle
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, wanted: slice) -> bytes:
        first, last, _ = wanted.indices(self._size)
        return os.pread(self._handle, max(last - first, 0), first)

    def __del__(self) -> None:
        os.close(self._handle)


class Files:
    """Reads files below `root`, which need not exist yet, and caches those last requested.

    Each request does a stat and reads the file again if it changed. At most `max_bytes` are cached, or one
    file that is larger. `is_text` decides by a file's name whether to compress it.
    """

    def __init__(self, root: Path, is_text: Callable[[str], bool], max_bytes: int = 64 * 1024 * 1024) -> None:
        self._is_text = is_text
        self._root = os.fspath(root)
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, File] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._bytes = 0
        self._reading = asyncio.Lock()

    def path(self, names: Sequence[str]) -> str:
        """The path for these names; it need not exist."""
        return os.path.join(self._root, *names)  # noqa: PTH118 (a third of the time of Path)

    def is_folder(self, path: str) -> bool:
        """Whether this is a folder below the root."""
        return os.path.isdir(path) and self._is_inside(os.path.realpath(path))  # noqa: PTH112

    async def get(self, path: str) -> File | None:
        """The file as it is now; None unless it is a regular file below the root, after following links."""
        try:
            found = os.stat(path)  # noqa: PTH116
        except (OSError, ValueError):
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        if found.st_size > MAX_HELD_COPY_BYTES and is_copy(*path.rsplit(os.sep, 3)[-3:]):
            return self._streamed(path)
        kept = self._kept.get(path)
        if kept is not None and kept.stamp == _stamp(found):
            self._kept.move_to_end(path)
            return kept
        # One at a time: for a thousand clients of a new feed it is read once, and compression uses at most
        # one core.
        async with self._reading:
            kept = self._kept.get(path)
            if kept is None or kept.stamp != _stamp(found):
                kept = await asyncio.to_thread(self._read, path)
                if kept is not None:
                    self._keep(kept)
        return kept

    async def body(self, file: File, encodings: Sequence[str]) -> EncodedBody:
        """The file in the first of these encodings that is available and makes it smaller."""
        plain = file.bodies["identity"]
        if not self._is_text(file.path.rpartition("/")[2]) or len(plain.data) < _MIN_PACKED_BYTES:
            return plain
        for encoding in encodings:
            body = file.bodies.get(encoding)
            if body is None:
                async with self._reading:
                    body = file.bodies.get(encoding)
                    if body is None:
                        body = await asyncio.to_thread(self._packed, file.path, plain, encoding)
                        file.bodies[encoding] = body
                        self._keep(file)
            if body is not plain or encoding == "identity":
                return body
        return plain

    def _is_inside(self, real: str) -> bool:
        root = os.path.realpath(self._root)
        return real == root or real.startswith(root.rstrip(os.sep) + os.sep)

    def _read(self, path: str) -> File | None:
        found = self._opened(path)
        if found is None:
            return None
        data, info = found
        return File(path, _stamp(info), int(info.st_mtime), {"identity": _body(data, None)})

    def _streamed(self, path: str) -> File | None:
        """A large copy, which is neither kept in memory nor cached: each would keep a file handle."""
        handle, info = self._handle(path)
        if info is None:
            return None
        name = path.rpartition(os.sep)[2].partition(".")[0]  # the hash of its bytes
        # It has the interface that is needed of bytes here: a length, and slices.
        body = EncodedBody(cast("bytes", FileSlices(handle, info.st_size)), None, f'"{name}"')
        return File(path, _stamp(info), int(info.st_mtime), {"identity": body})

    def _opened(self, path: str, less_than_bytes: int | None = None) -> tuple[bytes, os.stat_result] | None:
        """Reads a regular file below the root, after following links; None for anything else, and for a
        larger file.
        """
        handle, found = self._handle(path)
        if found is None:
            return None
        try:
            with open(handle, "rb") as file:  # noqa: PTH123
                if less_than_bytes is not None and found.st_size >= less_than_bytes:
                    return None
                return file.read(found.st_size), found
        except (OSError, ValueError):
            return None

    def _handle(self, path: str) -> tuple[int, os.stat_result | None]:
        """Opens a regular file below the root, which the caller closes; (handle, None) if it is not one."""
        real = os.path.realpath(path)
        if not self._is_inside(real):
            return -1, None
        try:
            # Not a link or a pipe that replaced the file meanwhile.
            handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError):
            return -1, None
        try:
            found = os.fstat(handle)
            # A folder above it may have become a link since: check that it is the same file.
            is_ours = os.path.samestat(found, os.stat(os.path.realpath(path)))  # noqa: PTH116
            if stat.S_ISREG(found.st_mode) and is_ours and self._is_inside(os.path.realpath(path)):
                return handle, found
        except (OSError, ValueError):
            pass
        os.close(handle)
        return -1, None

    def _packed(self, path: str, plain: EncodedBody, encoding: str) -> EncodedBody:
        """The compressed file beside it if it matches, else compressed here; plain if that is not smaller."""
        data = self._beside(path + _SUFFIXES[encoding], plain.data, encoding)
        return compressed(plain, encoding) if data is None else _smaller(plain, data, encoding)

    def _beside(self, path: str, plain: bytes, encoding: str) -> bytes | None:
        # Decompressed to compare: times do not show which of the two was written first.
        found = self._opened(path, less_than_bytes=len(plain))
        return found[0] if found is not None and decompresses_to(found[0], plain, encoding) else None

    def _keep(self, file: File) -> None:
        self._kept[file.path] = file
        self._kept.move_to_end(file.path)
        self._bytes += file.bytes_held - self._sizes.get(file.path, 0)
        self._sizes[file.path] = file.bytes_held
        while self._bytes > self._max_bytes and len(self._kept) > 1:
            path, _ = self._kept.popitem(last=False)
            self._bytes -= self._sizes.pop(path)


def _stamp(found: os.stat_result) -> _Stamp:
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def plain_body(data: bytes) -> EncodedBody:
    """A body that is not compressed."""
    return _body(data, None)


def compressed(plain: EncodedBody, encoding: str) -> EncodedBody:
    """A body in another encoding, "br" or "gzip"; itself if it is very large, or if that is not smaller."""
    if len(plain.data) > MAX_PACKED_HERE_BYTES:
        return plain
    if encoding == "br":
        data = brotli.compress(plain.data, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY)
    else:
        data = gzip.compress(plain.data, _GZIP_LEVEL, mtime=0)
    return _smaller(plain, data, encoding)


def _smaller(plain: EncodedBody, data: bytes, encoding: str) -> EncodedBody:
    return _body(data, encoding) if len(data) < len(plain.data) else plain


def _body(data: bytes, encoding: str | None) -> EncodedBody:
    return EncodedBody(data, encoding, f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"')
