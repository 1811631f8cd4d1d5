"""Output files: whole or not there at all, untouched when nothing changed, and their compressed forms."""

# Paths are text here: pathlib took as long for a file as the kernel.
# ruff: noqa: PTH105, PTH108, PTH118, PTH120, PTH123

from __future__ import annotations

import gzip
import os
import re
import secrets
import stat
import zlib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

import brotli

from aggregator.errors import WriteError

__all__ = ["holds_packed", "remove", "remove_leftovers", "write_if_changed"]

COMPRESS_FROM_BYTES = 1024  # below that a response fits into one packet anyway

_STEP_BYTES = 256
_SECOND_NS = 1_000_000_000
# A dotfile: web servers and our own do not list or serve it, and it is no feed's name.
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
    """Whether these bytes, "gzip" or "br", unpack to `plain`; never unpacks much more than that."""
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


def write_if_changed(path: Path, body: bytes, *, fsync: bool = False, compress: Collection[str] = ()) -> bool:
    """Makes `path` hold `body`; True when it had to be written, False when it already did (its mtime stays).

    Missing folders are made. Readers see the old file or the new one, never a part: the bytes go to a
    file beside it that is then renamed. A symbolic link at `path` is replaced, not followed.

    Without `fsync` that holds when this process is killed at any moment, for what it wrote is the
    kernel's by then. A power cut may still leave an empty file behind: rendering everything again
    repairs it, since the store is the truth. `fsync` guards against that too, at about three times
    the cost. Raises WriteError.

    `compress` ("gzip", "br") keeps `.gz` and `.br` beside a file of 1 KB or more, with its time of change;
    one that is no longer wanted is removed. Whatever lies there is the file's own at every moment: the old
    ones go before the file is replaced, the new ones come after it.

    A version's time of change is a whole second or more after the one before it: Last-Modified counts seconds
    (RFC 9110 §8.8.2.2), and a client that has nothing else would take one version for another.
    """
    wanted = compress if len(body) >= COMPRESS_FROM_BYTES else ()
    name = os.fspath(path)
    try:
        before = _status(name)
        changed = not _holds(name, before, body)
        lacking = {}
        for encoding, (suffix, encode) in _ENCODINGS.items():
            beside = name + suffix
            if encoding in wanted and (changed or not _is_file(_status(beside))):
                lacking[beside] = encode(body)
            if encoding not in wanted or changed:
                _unlink(beside)
        if changed:
            if before is None and not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
            _replace(name, body, before, fsync=fsync)
        for beside, encoded in lacking.items():
            # Servers tell each encoding's own time as Last-Modified (nginx's gzip_static).
            _replace(beside, encoded, os.lstat(name), fsync=fsync, alike=True)
        if fsync and (changed or lacking):
            _fsync_folder(path.parent)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise WriteError(f"{path}: it cannot be written: {error}") from error
    return changed


def _replace(
    name: str, body: bytes, before: os.stat_result | None, *, fsync: bool, alike: bool = False
) -> None:
    """`before` is what was there: the file is a second younger at least, or as old if `alike`."""
    aside = os.path.join(os.path.dirname(name), f".{secrets.token_hex(8)}.part")
    try:
        # Not tempfile: it makes files that only their owner may read, and a web server is somebody else.
        with open(aside, "xb") as file:
            file.write(body)
            if fsync:
                file.flush()
                os.fsync(file.fileno())
        if before is not None:
            second = before.st_mtime_ns // _SECOND_NS
            if alike:
                _set_time(aside, before.st_mtime_ns)
            elif os.lstat(aside).st_mtime_ns // _SECOND_NS <= second:
                _set_time(aside, (second + 1) * _SECOND_NS)
        os.replace(aside, name)
    except BaseException:
        _unlink(aside)
        raise


def _set_time(name: str, moment_ns: int) -> None:
    os.utime(name, ns=(moment_ns, moment_ns))


def _status(name: str) -> os.stat_result | None:
    """What lies there, itself and not what it links to; None for nothing."""
    try:
        return os.lstat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _unlink(name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name)


def remove(path: Path) -> None:
    """Removes a file and its compressed forms; none need be there. Raises WriteError."""
    try:
        for suffix in (*(suffix for suffix, _ in _ENCODINGS.values()), ""):
            _unlink(f"{path}{suffix}")
    except OSError as error:
        raise WriteError(f"{path}: it cannot be removed: {error}") from error


def _is_file(found: os.stat_result | None) -> bool:
    return found is not None and stat.S_ISREG(found.st_mode)


def remove_leftovers(folder: Path, *, below: bool = True) -> int:
    """Removes what a killed process left half written in `folder` and below; how many files that was.

    `below` False leaves the folders inside alone. Only files that `write_if_changed` named, and symbolic
    links are not followed. Call it while nobody else writes there: a file being written looks the same.
    Raises WriteError.
    """
    removed = 0
    try:
        for parent, _, names in os.walk(folder):
            for name in filter(_LEFTOVER.fullmatch, names):
                Path(parent, name).unlink(missing_ok=True)
                removed += 1
            if not below:
                break
    except OSError as error:
        raise WriteError(f"{folder}: leftovers cannot be removed: {error}") from error
    return removed


def _holds(name: str, found: os.stat_result | None, body: bytes) -> bool:
    if found is None or not _is_file(found) or found.st_size != len(body):
        return False
    with open(name, "rb") as file:
        return file.read() == body


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
