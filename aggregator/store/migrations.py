"""Upgrades a store of an earlier version to this schema.

Everything is copied into a new file beside it, which then replaces it; the old file is kept under another
name. If the process is killed, the old store is unchanged, and the next process begins again.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from aggregator.errors import StoreError
from aggregator.store.column_types import Unreadable, version_of
from aggregator.store.old_schemas import OldStore
from aggregator.store.schema import VERSION, metadata

__all__ = ["opening", "upgrade"]

_SPACE = 1.5
"""The free disk space that is needed, as a multiple of the old file's size."""

_ATTEMPTS = 300
_PAUSE_SECONDS = 0.1
_BUSY_SECONDS = 1
_BUSY = frozenset((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED))
_OF_DAMAGE = (
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError),
    *(sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError),
)
"""The errors of reading rows that no version wrote."""

_log = logging.getLogger(__name__)


def upgrade(path: Path) -> None:
    """Upgrades the store at `path` to today's schema if an earlier version made it.

    Any other file is not changed. Waits some time for other processes to end. Raises StoreError, Unreadable,
    OSError and errors of sqlite3; the store is unchanged then.
    """
    path = path.resolve()  # the file is replaced, not a link to it
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with opening(path):
                return _upgrade(path)
        except sqlite3.OperationalError as error:
            # Python's own error ("Could not decode to UTF-8") has no code.
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BUSY or attempt == _ATTEMPTS:
                raise
        time.sleep(_PAUSE_SECONDS)
    return None


@contextlib.contextmanager
def opening(path: Path, *, reads_only: bool = False) -> Iterator[None]:
    """Within this context, no other process upgrades the store.

    SQLite's own locks are not enough: they are on the file, and a process that waited for one would then use
    the file that was replaced, with the write-ahead log of the file that has its name now. Raises StoreError.
    """
    try:
        folder = os.open(path.resolve().parent, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # the error is reported when the store is opened
        yield
        return
    try:
        _lock(folder, path, fcntl.LOCK_SH if reads_only else fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _lock(folder: int, path: Path, kind: int) -> None:
    for _ in range(_ATTEMPTS):
        try:
            return fcntl.flock(folder, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)
        except OSError:
            return None  # a file system without such locks
    raise StoreError(
        f"the store {path} is being brought up to date by another process; run it again when that has ended"
    )


def _upgrade(path: Path) -> None:
    if not path.is_file() or not path.stat().st_size:
        return
    with closing(_opened(path)) as old:
        if (version := _version(old)) is None or version >= VERSION:
            return
        with _alone(old):
            _check_space(path)
            _log.warning("%s was made by an earlier version; it is brought up to date", path)
            new = Path(f"{path}.new")
            _discard(new)
            try:
                _make(new, path)
                _fill(old, version, new)
                kept = _keep(path, version)
                os.replace(new, path)  # noqa: PTH105 - atomic, as the whole
            except BaseException:
                _discard(new)
                raise
            _sync(path.parent)
            _log.warning("%s is up to date; the old file is kept as %s, and may be deleted", path, kept)


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)


def _version(old: sqlite3.Connection) -> int | None:
    """Returns the schema's version; None if there are no settings: a new file, or not a store."""
    if not old.execute("SELECT 1 FROM sqlite_master WHERE name = 'settings'").fetchone():
        return None
    row = old.execute("SELECT value FROM settings WHERE name = 'schema'").fetchone()
    return None if row is None else version_of(row[0])


@contextlib.contextmanager
def _alone(old: sqlite3.Connection) -> Iterator[None]:
    """Within this context, no other process uses the old store, and all of it is in one file."""
    if old.execute("PRAGMA journal_mode=DELETE").fetchone() != ("delete",):
        raise StoreError("the store is in use; end the other processes that have it open, and run it again")
    old.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        old.execute("ROLLBACK")


def _check_space(path: Path) -> None:
    wanted = int(path.stat().st_size * _SPACE)
    free = shutil.disk_usage(path.parent).free
    if free < wanted:
        raise StoreError(
            f"the store {path} was made by an earlier version; bringing it up to date takes "
            f"{wanted / 1e6:,.0f} MB of free disk space beside it, and {free / 1e6:,.0f} MB are free"
        )


def _make(new: Path, path: Path) -> None:
    """Creates an empty file with the permissions of `path`, never with wider ones."""
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    owner = path.stat()
    with contextlib.suppress(PermissionError):
        os.chown(new, owner.st_uid, owner.st_gid)
        new.chmod(stat.S_IMODE(owner.st_mode))


def _fill(old: sqlite3.Connection, version: int, new: Path) -> None:
    with closing(sqlite3.connect(new, isolation_level=None)) as target:
        # No other process uses it before it is complete and on disk.
        for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=OFF", "synchronous=OFF"):
            target.execute(f"PRAGMA {pragma}")
        engine = sa.create_engine("sqlite://", creator=lambda: target, poolclass=sa.pool.StaticPool)
        metadata.create_all(engine)
        target.isolation_level = None
        target.execute("BEGIN")
        try:
            for done, total in OldStore(old, version, target).copy():
                _log.warning("bringing the store up to date: %d of %d articles", done, total)
        except Unreadable:
            raise
        except _OF_DAMAGE as error:
            raise Unreadable(f"{type(error).__name__}: {error}") from error
        target.execute("INSERT OR REPLACE INTO settings VALUES ('schema', ?)", (str(VERSION),))
        target.execute("COMMIT")
        if (broken := target.execute("PRAGMA foreign_key_check").fetchone()) is not None:
            raise Unreadable(f"a row of {broken[0]} refers to a missing row of {broken[2]}")
    _sync(new)


def _keep(path: Path, version: int) -> Path:
    """Gives the old store a second name, which stays when the new file replaces the first."""
    for number in range(1, 1000):
        kept = Path(f"{path}.schema{version}" if number == 1 else f"{path}.schema{version}.{number}")
        if kept.exists():
            if kept.samefile(path):
                return kept  # made by a process that was killed
            continue
        try:
            kept.hardlink_to(path)
        except OSError:  # a file system without hard links
            part = Path(f"{kept}.part")
            _discard(part)
            _make(part, path)
            shutil.copyfile(path, part)
            _sync(part)
            part.rename(kept)
        return kept
    raise StoreError(f"there are too many old stores beside {path}; delete some")


def _discard(new: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        Path(f"{new}{suffix}").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
