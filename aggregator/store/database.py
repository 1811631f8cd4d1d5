"""The SQLite file itself: connections, transactions, the schema brought up to date, upkeep of its size."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from aggregator.errors import DamagedStore, StoreError, TookTooLong
from aggregator.store.columns import Unreadable, from_json
from aggregator.store.migrations import opening, upgrade, version_of
from aggregator.store.schema import VERSION, metadata, settings

_BUSY_SECONDS = 30
_SPEED = ("cache_size=-32000", "wal_autocheckpoint=2000")
_FREE_BYTES_THAT_PAY = 10 * 1024 * 1024
_FREE_PART_THAT_PAYS = 0.25
_PAGES_AT_ONCE = 2_000
_STEPS_BETWEEN_LOOKS = 10_000
_INCREMENTAL = 2

_DAMAGED = frozenset(
    (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_MISMATCH)
)
_LACKING = re.compile("no such (?:table|column)|malformed|unrecognized token|vtable|Could not decode")
_ADVICE = {
    sqlite3.SQLITE_FULL: "free some disk space and run it again; nothing that was saved is lost",
    sqlite3.SQLITE_READONLY: "let the user who runs this write the file and its folder",
    sqlite3.SQLITE_PERM: "let the user who runs this read and write the file",
    sqlite3.SQLITE_CANTOPEN: "let the user who runs this read and write the file and its folder",
    sqlite3.SQLITE_BUSY: "another process is writing to it; run it again when that has ended",
    sqlite3.SQLITE_LOCKED: "another process is writing to it; run it again when that has ended",
    sqlite3.SQLITE_IOERR: "look at the disk and its free space",
}
_COLUMNS = sa.text(
    "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c "
    "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
)
_HAS_INDEX = "SELECT 1 FROM sqlite_master WHERE name = 'search_index'"
_SCHEMA = sa.select(settings.c.value).where(settings.c.name == "schema")


class Database:
    """One SQLite file of this version's tables. Raises StoreError when it cannot be opened.

    With `reads_only` nothing is written, nor made: another process may be at work with the file, and neither
    it nor its folder need to be ones that this user may write.
    """

    def __init__(self, path: Path, *, reads_only: bool = False) -> None:
        self._path = path
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        if path.is_dir():
            raise StoreError(f"the store {path} is a folder; name a file in the config, such as one in it")
        if reads_only:
            self._open_for_reading()
            return
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            _keep_private(path)
            upgrade(path)
            self._engine = sa.create_engine(
                f"sqlite:///{path}",
                connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
                json_deserializer=from_json,
            )
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin)
            self._reading = self._engine.execution_options(reads_only=True)
            with self._engine.begin() as connection:
                _check_tables(connection)
                metadata.create_all(connection)
                self._check_version(connection)

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def _open_for_reading(self) -> None:
        with self._errors():
            is_made = self._path.is_dir() or (self._path.exists() and self._path.stat().st_size > 0)
        if not is_made:
            raise StoreError(f"there is no store {self._path} yet; `aggregator fetch` polls and makes it")
        try:
            self._read_from(self._path, "mode=ro")
        except StoreError as error:
            if not _needs_writing(error):
                raise
            self._engine.dispose()
            self._read_without_writing()

    def _read_without_writing(self) -> None:
        """Reads a store whose file and folder cannot be written, and with which no process is at work.

        SQLite reads one in WAL mode only where it can make the files beside it, or finds them. Without a
        journal the file is whole, and cannot change; with one, which a killed process left, a copy of both
        is read.
        """
        with self._errors():
            journal = Path(f"{self._path}-wal")
            if not journal.exists() or not journal.stat().st_size:
                self._read_from(self._path, "mode=ro&immutable=1")
                return
            self._copy = tempfile.TemporaryDirectory(prefix="aggregator-")
            copied = Path(self._copy.name) / self._path.name
            shutil.copyfile(self._path, copied)
            shutil.copyfile(journal, f"{copied}-wal")
        self._read_from(copied, "mode=rw")

    def _read_from(self, file: Path, parameters: str) -> None:
        # The file, not the address, is quoted: SQLite reads `?` and `%` in an address as its own.
        self._engine = sa.create_engine(
            f"sqlite:///file:{quote(str(file))}?{parameters}&uri=true",
            connect_args={"timeout": _BUSY_SECONDS},
            json_deserializer=from_json,
        )
        sa.event.listen(self._engine, "connect", _prepare_reading)
        sa.event.listen(self._engine, "begin", _begin)
        self._reading = self._engine.execution_options(reads_only=True)
        with opening(self._path, reads_only=True), self.snapshot() as connection:
            found = version_of(connection.scalar(_SCHEMA))
            _check_tables(connection)
        if found > VERSION:
            raise self._is_of_another_version(found)
        if found < VERSION:
            raise StoreError(
                f"{self._path} was made by an earlier version; `aggregator fetch` brings it up to date"
            )

    def _is_of_another_version(self, found: int) -> StoreError:
        return StoreError(
            f"{self._path} was made by another version (schema {found}, this one reads {VERSION}); "
            "use that version, or name another store in the config"
        )

    def _check_version(self, connection: sa.Connection) -> None:
        found = connection.scalar(_SCHEMA)
        if found is None:
            connection.execute(settings.insert().values(name="schema", value=str(VERSION)))
        elif version_of(found) > VERSION:
            raise self._is_of_another_version(version_of(found))

    def close(self) -> None:
        """Closes the database; the store cannot be used afterwards."""
        self._engine.dispose()
        if self._copy is not None:
            self._copy.cleanup()

    def setting(self, name: str) -> str | None:
        """A remembered setting, None when it was never set."""
        with self.snapshot() as connection:
            return connection.scalar(sa.select(settings.c.value).where(settings.c.name == name))

    def remember(self, name: str, value: str) -> None:
        """Remembers a setting."""
        with self.transaction() as connection:
            remember(connection, name, value)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with store_errors(self._path):
            yield

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Reads that see one state of the database and block no other connection."""
        with self._errors(), self._reading.begin() as connection:
            yield connection

    @contextmanager
    def bounded(self, is_over: Callable[[], bool]) -> Iterator[sa.Connection]:
        """A snapshot whose statements end by TookTooLong once `is_over`, which is called every few ms."""
        with self.snapshot() as connection:
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(is_over, _STEPS_BETWEEN_LOOKS)
            try:
                yield connection
            finally:
                driver.set_progress_handler(None, 0)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        with self._errors(), self._engine.begin() as connection:
            yield connection

    def tidy(self) -> None:
        """Gives back what the file has long had no use for, takes in what was written aside.

        Pages are given back when more than a quarter of the file and 10 MB are free, in small steps, so
        that no other process waits long. A file made by a version that did not do so is rewritten once.
        """
        with self._errors(), self._engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            self._shrink(connection)
            connection.exec_driver_sql("PRAGMA analysis_limit = 400")  # rows of an index; else all are read
            connection.exec_driver_sql("PRAGMA optimize")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def rewrite(self) -> None:
        """Rewrites the file and empties its journal: of what was deleted nothing can be read there any more.

        Raises StoreError when there is no room for a copy of it, or another process is reading.
        """
        with self._errors(), self._engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            if connection.exec_driver_sql(_HAS_INDEX).first():
                # A full-text index only marks words as deleted until its parts are merged.
                connection.exec_driver_sql("INSERT INTO search_index (search_index) VALUES ('optimize')")
            connection.exec_driver_sql("VACUUM")
            is_busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        if is_busy:
            raise StoreError(
                f"another process is reading the store {self._path}: its journal may still hold what was "
                "deleted; run it again when that has ended"
            )

    def _shrink(self, connection: sa.Connection) -> None:
        def asked(pragma: str) -> int:
            return int(connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one())

        free = asked("freelist_count")
        pays = (
            free > _FREE_PART_THAT_PAYS * asked("page_count")
            and free * asked("page_size") > _FREE_BYTES_THAT_PAY
        )
        if not pays:
            return
        if asked("auto_vacuum") != _INCREMENTAL:
            connection.exec_driver_sql("VACUUM")
            return
        driver: Any = connection.connection.driver_connection
        for _ in range(0, free, _PAGES_AT_ONCE):
            # Not `execute`: it takes one step, which frees one page whatever the number says (measured).
            driver.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")


def _keep_private(path: Path) -> None:
    """Makes the file where there is none, for its owner alone: it holds logins and newsletters.

    An existing file is taken from others than its owner and group. SQLite gives the files beside it, -wal and
    -shm, the permissions of the file itself; those that are there already are treated like it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            # Another's file stays as it is; SQLite itself says when it cannot be used.
            with contextlib.suppress(FileNotFoundError, PermissionError):
                found = file.stat().st_mode
                # Of a regular file alone: a device, such as /dev/null, belongs to everybody.
                if found & stat.S_IRWXO and stat.S_ISREG(found):
                    file.chmod(stat.S_IMODE(found) & ~stat.S_IRWXO)


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Raises StoreError for whatever goes wrong meanwhile with the store at `path`."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the rest is a detail of it
        # Without a code: Python's own, such as of text that is not UTF-8.
        if code in _DAMAGED or (code in (0, sqlite3.SQLITE_ERROR) and _LACKING.match(str(cause))):
            raise DamagedStore(f"the store {path}", cause) from error
        if code == sqlite3.SQLITE_INTERRUPT:
            raise TookTooLong("the store was asked for too much at once") from error
        advice = f"; {_ADVICE[code]}" if code in _ADVICE else ""
        raise StoreError(f"the store {path} cannot be used: {cause}{advice}") from error
    except OSError as error:
        raise StoreError(f"the store {path} cannot be used: {error.strerror}") from error
    except (Unreadable, UnicodeDecodeError) as error:  # SQLite's own messages quote what is damaged
        raise DamagedStore(f"the store {path}", error) from error


def remember(connection: sa.Connection, name: str, value: str) -> None:
    """Stores a setting in a transaction that does more."""
    connection.execute(settings.delete().where(settings.c.name == name))
    connection.execute(settings.insert().values(name=name, value=value))


def permissions(path: Path) -> int:
    """The permission bits of a store's file; 0 where there is none, or it cannot be looked at."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _needs_writing(error: StoreError) -> bool:
    """Whether SQLite refused because it could not make or write a file beside the store."""
    cause = getattr(error.__cause__, "orig", None) or error.__cause__
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def _check_tables(connection: sa.Connection) -> None:
    """Raises Unreadable when a table or column that a store of its version has is missing.

    Made anew, it would be empty, and all that was in it lost without a word.
    """
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(_COLUMNS):
        found.setdefault(table, set()).add(column)
    if not found:
        return
    version = version_of(connection.scalar(_SCHEMA)) if settings.name in found else 0
    if version == 0:
        raise Unreadable("it does not say which version made it")
    if version > VERSION:
        return
    if version < VERSION:
        return  # only to be read; what cannot read it says so
    for name, table in metadata.tables.items():
        if name not in found:
            raise Unreadable(f"it has no table {name}")
        if missing := {*table.columns.keys()} - found[name]:
            raise Unreadable(f"its table {name} has no column {min(missing)}")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are ours to begin: the driver's own begin only before the first write, so that two
    # processes could both read, and then one of them fail to write.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL: a reader never waits for the writer. NORMAL keeps every commit through a killed process, and
    # a whole database, short of its last commits, through a power cut; those are then fetched again,
    # as their validators went with them.
    # auto_vacuum stands first: it counts in a new file alone, before anything is written to it.
    for pragma in (
        "auto_vacuum=INCREMENTAL",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        *_SPEED,
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_reading(connection: Any, _record: Any) -> None:
    connection.isolation_level = None


def _begin(connection: sa.Connection) -> None:
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
