"""Writes output files atomically, only if their bytes changed, together with their compressed forms."""

# Paths are strings here: pathlib took as much time for a file as the kernel did.
# ruff: noqa: PTH102, PTH103, PTH105, PTH108, PTH118, PTH120, PTH123

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import re
import stat
import zlib
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import brotli

from aggregator.errors import WriteError

__all__ = [
    *("decompresses_to", "make_folder", "place", "remove", "remove_leftovers", "stamp"),
    "write_if_changed",
]

COMPRESS_FROM_BYTES = 1024  # below that a response fits into one packet anyway

_STEP_BYTES = 256
_SECOND_NS = 1_000_000_000
# A hidden file: web servers do not list or serve it, and no feed has such a name.
_LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.part")


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)  # without time and name: equal bytes give an equal file


def _brotli(body: bytes) -> bytes:
    # Above quality 7, feeds got 15% smaller in twenty times the time (measured).
    return bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=7))


_ENCODINGS: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": (".gz", _gzip),
    "br": (".br", _brotli),
}


def decompresses_to(packed: bytes, plain: bytes, encoding: str) -> bool:
    """Returns whether these bytes, in "gzip" or "br", decompress to `plain`; reads no more than its size."""
    try:
        if encoding == "gzip":
            unpacking = zlib.decompressobj(wbits=31)
            found = unpacking.decompress(packed, len(plain) + 1)
            return found == plain and unpacking.eof and not unpacking.unused_data
        decompressor, done = brotli.Decompressor(), 0
        for start in range(0, len(packed), _STEP_BYTES):
            part = decompressor.process(packed[start : start + _STEP_BYTES])
            if part != plain[done : done + len(part)]:
                return False
            done += len(part)
        return done == len(plain) and bool(decompressor.is_finished())
    except (zlib.error, brotli.error):
        return False


def write_if_changed(
    path: Path, body: bytes, *, compress: Collection[str] = (), folder_is_new: bool = False
) -> bool:
    """Writes `body` to `path` if it differs; returns whether it did (if not, the mtime stays).

    Missing folders are created. Readers see the old file or the new one, never a part: the bytes go into a
    file beside it, which is then renamed. A symbolic link at `path` is replaced, not followed. This holds
    even if the process is killed. A power cut may leave an empty or short file, which `stamp` finds. Raises
    WriteError.

    `compress` ("gzip", "br"): keeps `.gz` and `.br` beside a file of 1 KB or more, with its mtime. A
    compressed file that is not wanted any more is removed, one that does not decompress to `body` is written
    again. Compressed files never contradict the file: old ones are removed before it is replaced, new ones
    written after.

    `folder_is_new`: this process has just made the folder, so nothing is looked for in it, which took a third
    of the time.

    The mtime of each version is at least a second after that of the one before: Last-Modified has whole
    seconds (RFC 9110 §8.8.2.2), and a client without ETags would confuse two versions.
    """
    wanted = compress if len(body) >= COMPRESS_FROM_BYTES else ()
    name = os.fspath(path)
    try:
        before = None if folder_is_new else _status(name)
        changed = not _holds(name, before, body)
        lacking = {}
        for encoding, (suffix, encode) in _ENCODINGS.items():
            beside = name + suffix
            if encoding in wanted and (changed or not _holds_packed(beside, body, encoding)):
                lacking[beside] = encode(body)
            if not folder_is_new and (encoding not in wanted or changed):
                _unlink(beside)
        if changed:
            _replace(name, body, before)
        for beside, encoded in lacking.items():
            # Servers send the compressed file's own mtime as Last-Modified (nginx's gzip_static).
            _replace(beside, encoded, os.lstat(name), alike=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise WriteError(
            f"{path}: it cannot be written: {getattr(error, 'strerror', None) or error}"
        ) from error
    return changed


def make_folder(path: str) -> bool:
    """Makes a folder, with those above it; returns whether it did. If it cannot be made, writing a file into
    it raises the error.

    One call of the kernel for most new folders; to look for it first, and to miss it, takes five.
    """
    try:
        try:
            os.mkdir(path)
        except FileNotFoundError:
            os.makedirs(path)
    except (OSError, ValueError):
        return False
    return True


def place(path: Path, parts: Iterable[bytes], modified_ns: int) -> None:
    """Writes the `parts` to `path`, with the mtime `modified_ns`, atomically as above. Raises WriteError.

    If iterating over the parts raises an error, nothing is changed.
    """
    name = os.fspath(path)
    try:
        with _aside(os.path.dirname(name)) as (aside, handle):
            for part in parts:
                _write(handle, part)
            _set_time(aside, modified_ns)
            os.replace(aside, name)
    except (OSError, ValueError) as error:
        raise WriteError(
            f"{path}: it cannot be written: {getattr(error, 'strerror', None) or error}"
        ) from error


def stamp(names: Iterable[str], compress: Collection[str] = ()) -> str:
    """Returns a short text made of the sizes and mtimes of these files and their compressed forms.

    It changes if another program empties, truncates, changes or removes one of them.
    """
    suffixes = ("", *(_ENCODINGS[encoding][0] for encoding in compress))
    facts = array("q")
    for name in names:
        for suffix in suffixes:
            try:
                found = os.lstat(name + suffix)
            except (OSError, ValueError):
                facts.append(-1)
            else:
                facts.extend((found.st_mode, found.st_size, found.st_mtime_ns))
    return hashlib.blake2b(facts.tobytes(), digest_size=6).hexdigest()


def _replace(name: str, body: bytes, before: os.stat_result | None, *, alike: bool = False) -> None:
    """Replaces a file; the new mtime is at least a second after that of `before`, or equal to it if
    `alike`.
    """
    with _aside(os.path.dirname(name)) as (aside, handle):
        _write(handle, body)
        if before is not None:
            second = before.st_mtime_ns // _SECOND_NS
            if alike:
                _set_time(aside, before.st_mtime_ns)
            elif os.lstat(aside).st_mtime_ns // _SECOND_NS <= second:
                _set_time(aside, (second + 1) * _SECOND_NS)
        os.replace(aside, name)


@contextmanager
def _aside(folder: str) -> Iterator[tuple[str, int]]:
    """Yields a new file in this folder, which is made if it is missing, and its descriptor; locked while it
    is written so that no process removes it as a leftover.
    """
    while True:
        aside = os.path.join(folder, f".{os.urandom(8).hex()}.part")
        handle = _opened(aside)
        try:
            _lock(handle)
            if not os.fstat(handle).st_nlink:
                continue  # another process removed it before it was locked
            yield aside, handle
        except BaseException:
            _unlink(aside)
            raise
        finally:
            os.close(handle)
        return


def _opened(aside: str) -> int:
    # Not tempfile: its files are readable only by their owner, and a web server is another user. Not `open`:
    # its file object takes as long as all calls of the kernel for an empty file.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return os.open(aside, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(aside), exist_ok=True)
        return os.open(aside, flags, 0o666)


def _write(handle: int, data: bytes) -> None:
    while (written := os.write(handle, data)) < len(data):  # a disk that is nearly full
        data = data[written:]


def _lock(handle: int) -> None:
    with suppress(OSError):  # a file system without locks: leftovers are not removed there
        fcntl.flock(handle, fcntl.LOCK_EX)


def _set_time(name: str, moment_ns: int) -> None:
    os.utime(name, ns=(moment_ns, moment_ns))


def _status(name: str) -> os.stat_result | None:
    """Returns the stat of this path (of a link, not its target); None if there is nothing."""
    try:
        return os.lstat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _unlink(name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name)


def remove(path: Path) -> None:
    """Removes a file and its compressed forms, if they exist. Raises WriteError."""
    try:
        for suffix in (*(suffix for suffix, _ in _ENCODINGS.values()), ""):
            _unlink(f"{path}{suffix}")
    except OSError as error:
        raise WriteError(f"{path}: it cannot be removed: {error.strerror or error}") from error


def _is_file(found: os.stat_result | None) -> bool:
    return found is not None and stat.S_ISREG(found.st_mode)


def remove_leftovers(folder: Path, *, below: bool = True) -> int:
    """Removes unfinished files of a killed process in `folder` and below; returns how many.

    `below` False: not in subfolders. Removes only files that `write_if_changed` named and that no process is
    writing; symbolic links are not followed. Raises WriteError.
    """
    removed = 0
    try:
        for parent, _, names in os.walk(folder):
            for name in filter(_LEFTOVER.fullmatch, names):
                removed += _sweep(os.path.join(parent, name))
            if not below:
                break
    except OSError as error:
        raise WriteError(
            f"{folder}: files of an interrupted run cannot be removed: {error.strerror or error}"
        ) from error
    return removed


def _sweep(name: str) -> bool:
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # gone meanwhile, a link, or not readable
        return False
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # it is being written, or the file system has no locks and it may be
            return False
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        _unlink(name)
        return True
    finally:
        os.close(handle)


def _holds(name: str, found: os.stat_result | None, body: bytes) -> bool:
    if found is None or not _is_file(found) or found.st_size != len(body):
        return False
    with open(name, "rb") as file:
        return file.read() == body


def _holds_packed(name: str, body: bytes, encoding: str) -> bool:
    found = _status(name)
    if found is None or not _is_file(found) or found.st_size > 2 * len(body):
        return False
    with open(name, "rb") as file:
        return decompresses_to(file.read(), body, encoding)
