"""The database of the store, SQLite or PostgreSQL: its transactions, settings and checks when it opens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import sqlalchemy as sa

from aggregator.config.store_address import StoreAddress
from aggregator.errors import StoreError
from aggregator.store.column_types import Unreadable, version_of
from aggregator.store.dialect import Dialect, dialect_of
from aggregator.store.raw_sql import insert_rows
from aggregator.store.schema import VERSION, metadata, settings

__all__ = ["COPYING", "Database", "remember"]

_SETTING = "settings (name, value)"
_KNOWN = "(name) DO UPDATE SET value = excluded.value"
COPYING = "copying"
"""The setting of a store that is being copied into; its value names the store that is copied."""

_COPYING = sa.select(settings.c.value).where(settings.c.name == COPYING)
_VALUE = sa.select(settings.c.value).where(settings.c.name == sa.bindparam("wanted"))
_VALUES = sa.select(settings.c.name, settings.c.value).where(
    settings.c.name.in_(sa.bindparam("wanted", expanding=True))
)
_SCHEMA = sa.select(settings.c.value).where(settings.c.name == "schema")


class Database:
    """One database with this version's tables. Raises StoreError if it cannot be opened.

    - `address`: a SQLite file, or the address of a database on a server (see `store.dialect`).
    - `reads_only`: nothing is written or created; another process may be using it.
    - `is_copy`: the database may be an unfinished copy (see `store.database_copy`), refused otherwise.
    """

    def __init__(self, address: StoreAddress, *, reads_only: bool = False, is_copy: bool = False) -> None:
        self._is_copy = is_copy
        self.dialect: Dialect = dialect_of(address, reads_only=reads_only)
        self.dialect.open(self._check_for_reading if reads_only else self._check)

    @property
    def place(self) -> str:
        """The file or the address, without a password."""
        return self.dialect.place

    def _check(self, connection: sa.Connection) -> None:
        columns = self.dialect.columns(connection)
        _check_tables(columns, connection)
        self.dialect.make_tables(connection, columns)
        found = connection.scalar(_SCHEMA)
        if found is None:
            connection.execute(settings.insert().values(name="schema", value=str(VERSION)))
        elif version_of(found) > VERSION:
            raise self._is_of_another_version(version_of(found))
        self._check_whole(connection)

    def _check_for_reading(self, connection: sa.Connection) -> None:
        columns = self.dialect.columns(connection)
        if not columns:
            raise StoreError(f"there is no store {self.place} yet; `aggregator fetch` creates it")
        found = version_of(connection.scalar(_SCHEMA)) if settings.name in columns else 0
        _check_tables(columns, connection)
        if found > VERSION:
            raise self._is_of_another_version(found)
        if found < VERSION:
            raise StoreError(
                f"{self.place} was made by an earlier version; `aggregator fetch` brings it up to date"
            )
        self._check_whole(connection)

    def _check_whole(self, connection: sa.Connection) -> None:
        if not self._is_copy and (before := connection.scalar(_COPYING)) is not None:
            raise StoreError(
                f"{self.place} is a copy of {before} that is not finished; run 'aggregator store copy' again"
            )

    def _is_of_another_version(self, found: int) -> StoreError:
        return StoreError(
            f"{self.place} was made by another version (schema {found}, this one reads {VERSION}); "
            "use that version, or name another store in the config"
        )

    def close(self) -> None:
        """Closes the database; the store cannot be used afterwards."""
        self.dialect.close()

    def setting(self, name: str) -> str | None:
        """Returns a stored setting; None if it was never set."""
        with self.single() as connection:
            return connection.scalar(_VALUE, {"wanted": name})

    def several(self, names: Collection[str]) -> dict[str, str]:
        """Returns the stored settings among these."""
        with self.single() as connection:
            rows = connection.execute(_VALUES, {"wanted": [*names]})
            return {row.name: row.value for row in rows}

    def remember(self, name: str, value: str) -> None:
        """Stores a setting."""
        self.remember_all({name: value})

    def remember_all(self, values: Mapping[str, str]) -> None:
        """Stores settings."""
        if values:
            with self.row_transaction() as connection:
                insert_rows(connection, _SETTING, [*values.items()], known=_KNOWN)

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Yields a connection that reads one state of the database and blocks no other connection."""
        with self.dialect.errors(), self.dialect.reading.connect() as connection, connection.begin():
            self.dialect.begin(connection, reads_only=True)
            yield connection

    @contextmanager
    def single(self, *, writes: bool = False) -> Iterator[sa.Connection]:
        """Yields a connection for single statements, each of which is a transaction by itself on PostgreSQL.

        There, a transaction takes three round trips instead of one; on SQLite it takes none, and the
        statements are one transaction.
        """
        if self.dialect.autocommit is None:
            with self.row_transaction() if writes else self.snapshot() as connection:
                yield connection
            return
        with self.dialect.errors(), self.dialect.autocommit.begin() as connection:
            yield connection

    @contextmanager
    def bounded(self, is_over: Callable[[], bool]) -> Iterator[sa.Connection]:
        """Yields a snapshot; its statements raise TookTooLong once `is_over`, which is called repeatedly,
        is True.
        """
        with self.snapshot() as connection, self.dialect.bounded(connection, is_over):
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Yields the connection of a transaction that saves articles; only one such transaction runs at a
        time.

        So numbers of rows, ids, stories and the feeds of articles are decided by one process at a time.
        """
        with self._saving(lambda _: nullcontext()) as connection:
            yield connection

    @contextmanager
    def brief_transaction(self) -> Iterator[sa.Connection]:
        """Like `transaction`, for statements that change at most some hundred rows each."""
        with self._saving(self.dialect.undoing_in_memory) as connection:
            yield connection

    @contextmanager
    def row_transaction(self) -> Iterator[sa.Connection]:
        """Yields the connection of a transaction that changes no article; on PostgreSQL it waits only for
        locks of its rows.
        """
        with self.dialect.errors(), self.dialect.engine.connect() as connection, connection.begin():
            self.dialect.begin(connection, reads_only=False)
            yield connection

    @contextmanager
    def unchecked_transaction(self) -> Iterator[sa.Connection]:
        """Like `transaction`, for inserting rows that refer to what the same statement read.

        SQLite does not check that these references exist, for which it would read a page of each. Rows that
        others refer to must not be deleted.
        """
        with self._saving(self.dialect.unchecked) as connection:
            yield connection

    @contextmanager
    def _saving(
        self, prepared: Callable[[sa.Connection], AbstractContextManager[None]]
    ) -> Iterator[sa.Connection]:
        with (
            self.dialect.errors(),
            self.dialect.engine.connect() as connection,
            prepared(connection),
            connection.begin(),
        ):
            self.dialect.begin(connection, reads_only=False)
            self.dialect.begin_alone(connection)
            yield connection

    def tidy(self) -> None:
        """Does the database's upkeep: incremental vacuum and WAL checkpoint on SQLite."""
        with self.dialect.errors():
            self.dialect.tidy()

    def save_memory(self) -> None:
        """Keeps little of the database in memory from now on, for a process that reads articles once."""
        self.dialect.save_memory()

    def rewrite(self) -> None:
        """Rewrites the whole database, so that deleted text cannot be read in its files. Raises
        StoreError.
        """
        with self.dialect.errors():
            self.dialect.rewrite()


def remember(connection: sa.Connection, name: str, value: str) -> None:
    """Stores a setting within a transaction."""
    insert_rows(connection, _SETTING, [(name, value)], known=_KNOWN)


def _check_tables(found: dict[str, set[str]], connection: sa.Connection) -> None:
    """Raises Unreadable if a table or column of the store's version is missing.

    If it were created again, it would be empty, and the loss of its content would not be noticed.
    """
    if not found:
        return
    version = version_of(connection.scalar(_SCHEMA)) if settings.name in found else 0
    if version == 0:
        raise Unreadable("it does not say which version made it")
    if version > VERSION:
        return
    if version < VERSION:
        return  # read only: code that needs a missing table reports it
    for name, table in metadata.tables.items():
        if name not in found:
            raise Unreadable(f"it has no table {name}")
        if missing := {*table.columns.keys()} - found[name]:
            raise Unreadable(f"its table {name} has no column {min(missing)}")
