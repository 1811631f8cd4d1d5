"""Adds to the config file without changing its other bytes, and replaces it in one step."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import secrets
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Item

from aggregator.config import load as config
from aggregator.errors import ConfigError

__all__ = ["add_sources", "read_config", "replace_config", "written_value"]

_CANNOT_REPLACE = frozenset(
    (errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS, errno.ETXTBSY, errno.ENAMETOOLONG)
)
"""Errors when no file can be created in the folder, or when the file cannot be replaced."""


def add_sources(file: Path, sources: Sequence[Mapping[str, object]]) -> None:
    """Appends these sources as `[[sources]]` tables to a config file: all of them, or none.

    Each maps the keys of `[[sources]]` to strings, numbers, booleans, lists and tables of these, written in
    their order; None leaves a key out. Existing bytes do not change: a `[[sources]]` table may be at the end
    of any TOML document, unless the document has them as one list, `sources = [...]`. The new text is checked
    like any config, and then replaces the file in one step; if that is not possible, such as for a file that
    is mounted into a container, it is appended. A symbolic link stays a link; owner and permissions stay.

    Raises ConfigError with every mistake, also when the file was wrong before.
    """
    before, text = read_config(file)
    added = "".join(_table(source) for source in sources)
    if not added:
        return
    _check_place(file, text)
    # The file's own line ends: otherwise a strict editor would report mixed line ends.
    newline = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    after = before + (gap + added).replace("\n", newline).encode()
    _replace(file, before, after, f"{file} with the new sources")


def read_config(file: Path) -> tuple[bytes, str]:
    """The bytes of a config file, and its text without a byte order mark. Raises ConfigError."""
    try:
        before = file.read_bytes()
        text = before.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: there is no config; create one with 'aggregator init'") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    return before, text


def replace_config(file: Path, before: bytes, after: str) -> None:
    """Replaces the content of a config file, which was `before`, in one step. Raises ConfigError."""
    mark = codecs.BOM_UTF8 if before.startswith(codecs.BOM_UTF8) else b""
    _replace(file, before, mark + after.encode(), f"{file} with the change")


def written_value(value: object) -> str:
    """A value as TOML on one line. Raises ConfigError if TOML cannot express it."""
    try:
        text = _item(value).as_string()
        text.encode()
    except (TOMLKitError, TypeError, ValueError) as error:  # ValueError: lone surrogates
        raise ConfigError(f"{value!r} cannot be written as TOML: {error}") from error
    return text


def _table(source: Mapping[str, object]) -> str:
    """One `[[sources]]` table with the blank line that follows it."""
    try:
        # Line by line: writing a whole document with tomlkit takes three times as long for a thousand
        # sources.
        lines = [
            f"{tomlkit.key(key).as_string()} = {_item(value).as_string()}\n"
            for key, value in source.items()
            if value is not None
        ]
        text = "".join(("[[sources]]\n", *lines, "\n"))
        text.encode()
    except (TOMLKitError, TypeError, ValueError) as error:  # ValueError: lone surrogates
        name = source.get("name")
        raise ConfigError(f"the new source {name!r} cannot be written as TOML: {error}") from error
    return text


def _item(value: object) -> Item:
    """The value on one line, also a table, since other sources may follow."""
    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        table.update({key: _item(each) for key, each in value.items() if each is not None})
        return table
    if isinstance(value, list | tuple):
        array = tomlkit.array()
        array.extend(_item(each) for each in value)
        return array
    return tomlkit.item(value)


def _check_place(file: Path, text: str) -> None:
    try:
        known = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: is not TOML: {error}") from error
    if "sources" in known:
        try:
            tomllib.loads(f'{text}\n[[sources]]\nname = "one more"\n')
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(
                f"{file}: sources are written as one list, `sources = [...]`, which nothing can be added to "
                "without rewriting it; write each as a separate [[sources]] table"
            ) from error


def _replace(file: Path, before: bytes, after: bytes, shown: str) -> None:
    """Writes the new content, in one step if the disk allows it. Raises ConfigError."""
    config.checked(after, file, shown)
    target = file.resolve()
    try:
        if not _is_replaced(target, after):
            _overwrite(target, before, after)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror})") from error


def _is_replaced(target: Path, after: bytes) -> bool:
    """Replaces `target` with a new file of the same owner and mode; False if that is not possible.

    It is not possible for a file that is mounted by itself into a container, or in a folder without write
    permission. A file with several names (hard links) is not replaced: its other names would keep the old
    content.
    """
    aside = target.parent / f".{secrets.token_hex(8)}.part"
    try:
        found = target.stat()
        if found.st_nlink > 1:
            return False
        with aside.open("xb") as written:
            # Before the content is written: a config may contain secrets that others must not read.
            made = os.fstat(written.fileno())
            if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
                os.fchown(written.fileno(), found.st_uid, found.st_gid)
            shutil.copymode(target, aside)
            written.write(after)
            written.flush()
            os.fsync(written.fileno())
        aside.replace(target)
    except OSError as error:
        if error.errno in _CANNOT_REPLACE:
            return False
        raise
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    return True


def _overwrite(target: Path, before: bytes, after: bytes) -> None:
    """Writes into the file itself; if the text is only appended, no existing byte is written.

    If writing fails, for example on a full disk, the old content is restored. Raises OSError.
    """
    same = len(before) if after.startswith(before) else 0
    with target.open("r+b", buffering=0) as written:
        if written.read() != before:
            raise OSError(errno.EAGAIN, "it was changed meanwhile; try again")
        try:
            _write(written, after, same)
        except BaseException:
            _write(written, before, same)
            raise


def _write(written: io.FileIO, body: bytes, start: int) -> None:
    written.seek(start)
    left = memoryview(body)[start:]
    while left:
        left = left[written.write(left) :]
    written.truncate(len(body))
    os.fsync(written.fileno())
