"""The SQLite dialect: opens, upgrades and shrinks one file, and reports damage."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.compiler import compiles

from aggregator.errors import DamagedStore, StoreError, TookTooLong
from aggregator.store.article_json import HasLink, OriginOf, WithoutLink
from aggregator.store.column_types import Unreadable
from aggregator.store.dialect import OPTION, Check, SearchIndex, unencodable
from aggregator.store.migrations import opening, upgrade
from aggregator.store.schema import WITHOUT_LINK, metadata
from aggregator.store.sqlite.checkpoint import Checkpoint, empty_journal
from aggregator.store.sqlite.connections import BUSY_SECONDS, prepare, setting
from aggregator.store.sqlite.index_upkeep import renew_indexes
from aggregator.store.sqlite.value_types import wrong_types

__all__ = ["SQLite", "store_errors"]

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
_MOST_LINES = 20
_STATISTICS = ("sqlite_stat1", "sqlite_stat4")
"""Tables of statistics, which earlier versions made and SQLite uses if they exist.

Those of a small store make queries read all articles once there are a million. Without statistics, every
store is read by the same indexes.
"""


class SQLite:
    """A SQLite file. With `reads_only`, neither it nor its folder must be writable."""

    engine: sa.Engine
    reading: sa.Engine
    autocommit: sa.Engine | None = None
    most_readers = 1
    """The driver releases the interpreter's lock for each row: queries of sixteen threads at once took three
    times the processor time, and more connections than the pool keeps.
    """

    def __init__(self, path: Path, *, reads_only: bool = False) -> None:
        self._path = path
        self._reads_only = reads_only
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self.checkpoint = Checkpoint()

    @property
    def place(self) -> str:
        """The path of the file."""
        return str(self._path)

    @cached_property
    def search(self) -> SearchIndex:
        """The FTS5 index."""
        from aggregator.store.sqlite.word_index import Fts5Index

        return Fts5Index()

    def open(self, check: Check) -> None:
        """Creates or upgrades the file, unless it is only read."""
        if self._path.is_dir():
            advice = "name a file in the config, such as one in it"
            raise StoreError(f"the store {self._path} is a folder; {advice}")
        if self._reads_only:
            self._open_for_reading(check)
            return
        with self.errors(), ExitStack() as after_error:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _keep_private(self._path)
            upgrade(self._path)
            self._connect(f"sqlite:///{self._path}", _prepare_sqlite, check_same_thread=False)
            after_error.callback(self.close)
            with self.engine.begin() as connection:
                self.begin(connection, reads_only=False)
                check(connection)
            after_error.pop_all()

    def _connect(self, address: str, prepare: Callable[[Any, Any], None], **arguments: Any) -> None:
        self.engine = sa.create_engine(
            address,
            connect_args={"timeout": BUSY_SECONDS, **arguments},
            execution_options={OPTION: self},
            pool_use_lifo=True,  # the one used last has the most pages in its cache
        )
        sa.event.listen(self.engine, "connect", prepare)
        self.reading = self.engine

    def _open_for_reading(self, check: Check) -> None:
        with self.errors():
            is_made = self._path.exists() and self._path.stat().st_size > 0
        if not is_made:
            raise StoreError(f"there is no store {self._path} yet; `aggregator fetch` creates it")
        try:
            self._read_from(self._path, "mode=ro", check)
        except StoreError as error:
            if not _needs_writing(error):
                raise
            self.engine.dispose()
            self._read_without_writing(check)

    def _read_without_writing(self, check: Check) -> None:
        """Reads a store that cannot be written, and that no other process uses.

        SQLite reads a file in WAL mode only if the files beside it exist or can be created. Without a
        journal, the file is complete and cannot change; with a journal, which a killed process left, a copy
        of both is read.
        """
        with self.errors():
            journal = Path(f"{self._path}-wal")
            if not journal.exists() or not journal.stat().st_size:
                self._read_from(self._path, "mode=ro&immutable=1", check)
                return
            self._copy = tempfile.TemporaryDirectory(prefix="aggregator-")
            copied = Path(self._copy.name) / self._path.name
            shutil.copyfile(self._path, copied)
            shutil.copyfile(journal, f"{copied}-wal")
        self._read_from(copied, "mode=rw", check)

    def _read_from(self, file: Path, parameters: str, check: Check) -> None:
        # The path is quoted, because SQLite interprets `?` and `%` in a URI.
        self._connect(f"sqlite:///file:{quote(str(file))}?{parameters}&uri=true", _prepare_reading)
        with opening(self._path, reads_only=True), self.errors(), self.reading.begin() as connection:
            self.begin(connection, reads_only=True)
            check(connection)

    def close(self) -> None:
        """Closes the file."""
        self.checkpoint.end()
        self.engine.dispose()
        if self._copy is not None:
            self._copy.cleanup()

    def errors(self) -> AbstractContextManager[None]:
        """Converts errors to StoreError, with SQLite's message and what to do."""
        return store_errors(self._path)

    def make_tables(self, connection: sa.Connection, there: Collection[str]) -> None:
        """Creates missing tables, and indexes of earlier versions anew. SQLAlchemy would check each table
        separately, which took half the time of opening.
        """
        if lacking := [table for table in metadata.sorted_tables if table.name not in there]:
            metadata.create_all(connection, lacking)
        renew_indexes(connection)

    def columns(self, connection: sa.Connection) -> dict[str, set[str]]:
        """Returns the columns of each existing table."""
        found: dict[str, set[str]] = {}
        for table, column in connection.execute(_COLUMNS):
            found.setdefault(table, set()).add(column)
        return found

    def begin(self, connection: sa.Connection, *, reads_only: bool) -> None:
        """Begins a transaction. An event of SQLAlchemy that did it would slow down every statement."""
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN" if reads_only else "BEGIN IMMEDIATE")

    def begin_alone(self, connection: sa.Connection) -> None:
        """Does nothing: only one transaction writes at a time in SQLite."""

    @contextmanager
    def bounded(self, connection: sa.Connection, is_over: Callable[[], bool]) -> Iterator[None]:
        """Calls `is_over` every few ms, between two steps of a statement."""
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(is_over, _STEPS_BETWEEN_LOOKS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)

    def overwriting(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Within the context, deleted content is overwritten with zeros."""
        return setting(connection, "secure_delete", "ON", "OFF")

    def unchecked(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Within the context, references are not checked, and deleted rows take no others with them."""
        return setting(connection, "foreign_keys", "OFF", "ON")

    def undoing_in_memory(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Within the context, each page that a statement changes is kept in memory, in case it fails.

        SQLite keeps them for every statement that inserts several rows with references. Written to a
        temporary file, they were a third of all writes of a first poll.
        """
        return setting(connection, "temp_store", "MEMORY", "DEFAULT")

    def defer_references(self, connection: sa.Connection) -> None:
        """Makes the database check references only when this transaction ends."""
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")

    def damage(self) -> Iterator[str]:
        """Yields the first lines of `integrity_check`, and the columns with values of wrong types."""
        with self.errors(), self.reading.begin() as connection:
            lines = [
                str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_LINES})")
            ]
            wrong = [*wrong_types(connection)]
        if lines != ["ok"]:
            yield from (line for text in lines for line in text.splitlines())
        yield from wrong

    def orphans(self) -> list[str]:
        """Returns the results of `foreign_key_check`."""
        with self.errors(), self.reading.begin() as connection:
            rows = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(10_000)
        return [f"{table} without {other}" for table, _, other, _ in rows]

    def load(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """Inserts rows with the driver's `executemany`."""
        names = ", ".join(f'"{name}"' for name in table.columns.keys())  # noqa: SIM118 - no dict
        marks = ", ".join("?" * len(table.columns))
        statement = f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - names of ours
        connection.exec_driver_sql(statement, [tuple(row) for row in rows])

    def count_on(self, connection: sa.Connection) -> None:
        """Does nothing: SQLite continues from the highest number."""

    def folder_key(self, folder: Path) -> str:
        """Returns the folder's path relative to the store, so that both can be moved together."""
        return os.path.relpath(folder, self._path.absolute().parent)

    def folder_of(self, key: str) -> Path:
        """Returns the folder of a relative path."""
        return Path(os.path.normpath(self._path.absolute().parent / key))

    def turn(self, name: str) -> None:
        """Returns None: a lock file beside the store is used."""

    def size(self) -> int:
        """Returns the size of the file in bytes."""
        return self._path.stat().st_size

    def tidy(self) -> None:
        """Does an incremental vacuum, and begins a WAL checkpoint.

        Free pages are released if they are more than a quarter of the file and more than 10 MB, in small
        steps, so that no other process waits long. A file that an earlier version created without auto-vacuum
        is rewritten once. Statistics of indexes are dropped.
        """
        with self.engine.connect() as connection:
            self._shrink(connection)
            for table in _STATISTICS:
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
        self.checkpoint.begin(self.engine)

    def save_memory(self) -> None:
        """Limits the pages of this file that each connection keeps to 4 MB, and frees those that are kept."""
        self.engine.dispose()
        sa.event.listen(self.engine, "connect", _keep_few_pages)

    def rewrite(self) -> None:
        """Rewrites the file and empties its journal, so that deleted text cannot be read in them.

        Raises StoreError if there is no space for a copy of the file, or another process is reading.
        """
        self.checkpoint.end()
        with self.engine.connect() as connection:
            if connection.exec_driver_sql(_HAS_INDEX).first():
                # A full-text index only marks words as deleted until its parts are merged.
                connection.exec_driver_sql("INSERT INTO search_index (search_index) VALUES ('optimize')")
            connection.exec_driver_sql("VACUUM")
            is_empty = empty_journal(connection)
        if not is_empty:
            raise StoreError(
                f"another process is reading the store {self._path}: its journal may still have what was "
                "deleted; run it again when that has ended"
            )

    def _shrink(self, connection: sa.Connection) -> None:
        def asked(pragma: str) -> int:
            return int(connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one())

        free = asked("freelist_count")
        is_large = free * asked("page_size") > _FREE_BYTES_THAT_PAY
        if not is_large or free <= _FREE_PART_THAT_PAYS * asked("page_count"):
            return
        if asked("auto_vacuum") != _INCREMENTAL:
            connection.exec_driver_sql("PRAGMA auto_vacuum=INCREMENTAL")
            connection.exec_driver_sql("VACUUM")
            return
        driver: Any = connection.connection.driver_connection
        for _ in range(0, free, _PAGES_AT_ONCE):
            # Not `execute`: it does one step, which frees only one page whatever the number is (measured).
            driver.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")


@compiles(HasLink, "sqlite")
def _has_link(element: HasLink, compiler: Any, **_: Any) -> str:
    # SQLite does not accept NaN as JSON, and then refuses the whole query.
    data, link, *_others = (compiler.process(clause) for clause in element.clauses)
    return f"CASE WHEN json_valid({data}) THEN json_extract({data}, '$.link') END = {link}"


@compiles(WithoutLink, "sqlite")
def _without_link(element: WithoutLink, compiler: Any, **_: Any) -> str:
    (data,) = (compiler.process(clause) for clause in element.clauses)
    return f"({WITHOUT_LINK.replace('revisions.data', data)})"


@compiles(OriginOf, "sqlite")
def _origin_of(element: OriginOf, compiler: Any, **_: Any) -> str:
    (data,) = (compiler.process(clause) for clause in element.clauses)
    return f"CASE WHEN json_valid({data}) THEN json_extract({data}, '$.origin') END"


def _keep_private(path: Path) -> None:
    """Creates the file if it is missing, readable only by its owner: it may have logins and newsletters.

    For an existing file, permissions of others than owner and group are removed. SQLite gives the files
    beside it, -wal and -shm, the permissions of the file; existing ones are treated in the same way.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            # The file of another user is not changed; SQLite reports it if it cannot be used.
            with suppress(FileNotFoundError, PermissionError):
                found = file.stat().st_mode
                # Only for a regular file: a device such as /dev/null is shared.
                if found & stat.S_IRWXO and stat.S_ISREG(found):
                    file.chmod(stat.S_IMODE(found) & ~stat.S_IRWXO)


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Converts all errors of the store at `path` within the context to StoreError."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the primary code, without the extended part
        # Errors without a code are Python's own, such as for text that is not UTF-8.
        if code in _DAMAGED or (code in (0, sqlite3.SQLITE_ERROR) and _LACKING.match(str(cause))):
            raise DamagedStore(f"the store {path}", cause) from error
        if code == sqlite3.SQLITE_INTERRUPT:
            raise TookTooLong("the store was asked for too much at once") from error
        advice = f"; {_ADVICE[code]}" if code in _ADVICE else ""
        raise StoreError(f"the store {path} cannot be used: {cause}{advice}") from error
    except OSError as error:
        raise StoreError(f"the store {path} cannot be used: {error.strerror}") from error
    except (Unreadable, UnicodeDecodeError) as error:  # messages may quote the damaged value
        raise DamagedStore(f"the store {path}", error) from error
    except UnicodeEncodeError as error:
        raise unencodable(path, error) from error


def _needs_writing(error: StoreError) -> bool:
    """Returns whether SQLite failed because it could not create or write a file beside the store."""
    cause = getattr(error.__cause__, "orig", None) or error.__cause__
    return getattr(cause, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    prepare(connection)


def _keep_few_pages(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA cache_size = -4000")


def _prepare_reading(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
