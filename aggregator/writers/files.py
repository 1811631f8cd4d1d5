"""Output files: written atomically, left untouched when nothing changed, and their compressed forms."""

# Paths are text here: pathlib took as long for a file as the kernel.
# ruff: noqa: PTH103, PTH105, PTH108, PTH112, PTH118, PTH120, PTH123

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import re
import secrets
import stat
import zlib
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import brotli

from aggregator.errors import WriteError

__all__ = ["holds_packed", "place", "remove", "remove_leftovers", "stamp", "write_if_changed"]

COMPRESS_FROM_BYTES = 1024  # below that a response fits into one packet anyway

_STEP_BYTES = 256
_SECOND_NS = 1_000_000_000
# A dotfile: web servers do not list or serve it, and no feed has such a name.
_LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.part")


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)  # no time and no name in it: same bytes, same file


def _brotli(body: bytes) -> bytes:
    # Beyond 7, measured on feeds: 15% smaller for twenty times the time.
    return bytes(brotli.compress(body, mode=brotli.MODE_TEXT, quality=7))


_ENCODINGS: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": (".gz", _gzip),
    "br": (".br", _brotli),
}


def holds_packed(packed: bytes, plain: bytes, encoding: str) -> bool:
    """Whether these bytes, in "gzip" or "br", decompress to `plain`; bounded by its size."""
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


def write_if_changed(path: Path, body: bytes, *, compress: Collection[str] = ()) -> bool:
    """Makes `path` hold `body`; True when it had to be written, False when it already did (its mtime stays).

    Missing folders are made. Readers see the old file or the new one, never a part: the bytes go to a
    file beside it that is then renamed. A symbolic link at `path` is replaced, not followed.

    That holds even when this process is killed. A power cut may still leave an empty or a short file: `stamp`
    finds it. Raises WriteError.

    `compress` ("gzip", "br") keeps `.gz` and `.br` beside a file of 1 KB or more, with its time of change;
    one that is no longer wanted is removed, one that does not unpack to `body` is written again. Compressed
    files always match the file: old ones are removed before it is replaced, new ones written after it.

    Each version's mtime is at least a second after the previous one's: Last-Modified has seconds (RFC 9110
    §8.8.2.2), and a client without an ETag would confuse two versions.
    """
    wanted = compress if len(body) >= COMPRESS_FROM_BYTES else ()
    name = os.fspath(path)
    try:
        before = _status(name)
        changed = not _holds(name, before, body)
        lacking = {}
        for encoding, (suffix, encode) in _ENCODINGS.items():
            beside = name + suffix
            if encoding in wanted and (changed or not _holds_packed(beside, body, encoding)):
                lacking[beside] = encode(body)
            if encoding not in wanted or changed:
                _unlink(beside)
        if changed:
            if before is None and not os.path.isdir(folder := os.path.dirname(name)):
                os.makedirs(folder, exist_ok=True)
            _replace(name, body, before)
        for beside, encoded in lacking.items():
            # Servers send the compressed file's own mtime as Last-Modified (nginx's gzip_static).
            _replace(beside, encoded, os.lstat(name), alike=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise WriteError(
            f"{path}: it cannot be written: {getattr(error, 'strerror', None) or error}"
        ) from error
    return changed


def place(path: Path, parts: Iterable[bytes], modified_ns: int) -> None:
    """Makes `path` a copy of a file that changed at that time; atomically, as above. Raises WriteError.

    What is raised as the parts are made leaves everything as it was.
    """
    name = os.fspath(path)
    try:
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with _aside(os.path.dirname(name)) as (aside, file):
            file.writelines(parts)
            file.flush()
            _set_time(aside, modified_ns)
            os.replace(aside, name)
    except (OSError, ValueError) as error:
        raise WriteError(
            f"{path}: it cannot be written: {getattr(error, 'strerror', None) or error}"
        ) from error


def stamp(names: Iterable[str], compress: Collection[str] = ()) -> str:
    """A short text made of the sizes and mtimes of these files and their compressed forms.

    It differs as soon as another program empties, truncates, changes or removes one of them.
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
    """`before` is the file that was there: the new mtime is a second later at least, or equal if `alike`."""
    with _aside(os.path.dirname(name)) as (aside, file):
        file.write(body)
        file.flush()
        if before is not None:
            second = before.st_mtime_ns // _SECOND_NS
            if alike:
                _set_time(aside, before.st_mtime_ns)
            elif os.lstat(aside).st_mtime_ns // _SECOND_NS <= second:
                _set_time(aside, (second + 1) * _SECOND_NS)
        os.replace(aside, name)


@contextmanager
def _aside(folder: str) -> Iterator[tuple[str, IO[bytes]]]:
    """A new file in this folder, locked while it is written, so that no process removes it as a leftover."""
    while True:
        aside = os.path.join(folder, f".{secrets.token_hex(8)}.part")
        # Not tempfile: it makes files that only their owner may read, and a web server is another user.
        with open(aside, "xb") as file:
            try:
                _lock(file.fileno())
                if not os.fstat(file.fileno()).st_nlink:
                    continue  # another process removed it before it was locked
                yield aside, file
            except BaseException:
                _unlink(aside)
                raise
            return


def _lock(handle: int) -> None:
    with suppress(OSError):  # a file system without locks: there no leftovers are removed
        fcntl.flock(handle, fcntl.LOCK_EX)


def _set_time(name: str, moment_ns: int) -> None:
    os.utime(name, ns=(moment_ns, moment_ns))


def _status(name: str) -> os.stat_result | None:
    """The stat of this name, of a link itself; None if there is nothing."""
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
    """Removes unfinished files of a killed process in `folder` and below; returns their number.

    `below` False: not in subfolders. Only files that `write_if_changed` named and that no process is writing
    now; symbolic links are not followed. Raises WriteError.
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
    except OSError:  # gone meanwhile, a link, or not ours to read
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
        return holds_packed(file.read(), body, encoding)
