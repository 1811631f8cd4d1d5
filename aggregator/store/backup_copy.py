"""Copies the rows of a store into a new SQLite file: to make a backup, and to restore one.

Only rows of this version's tables are copied. Other content of the old file, such as triggers, views, the
search index and unused pages with deleted text, is not.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from aggregator.errors import DamagedStore, StoreError
from aggregator.store.column_types import Unreadable, version_of
from aggregator.store.migrations import upgrade
from aggregator.store.schema import VERSION, metadata
from aggregator.store.search import SETTING
from aggregator.store.sqlite.file import store_errors

__all__ = ["copy_store"]

_BUSY_SECONDS = 30
_LEFT_BEHIND = frozenset(("hub_subscriptions", "hub_pings"))
_CAREFUL = ("trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0")
"""Settings for a file that may be malicious: https://www.sqlite.org/security.html."""


def copy_store(old: Path, new: Path, *, is_foreign: bool = False) -> int:
    """Copies the store `old` into `new`, an empty or missing file; returns the number of articles.

    All rows are from one state of `old`; other processes that read or write it do not wait. `new` gets no
    indexes, because it is only kept. Subscriptions at hubs are not copied, because two stores would have the
    same callbacks.

    `is_foreign`: `old` is a backup that may come from a stranger, and only this process uses it. It is
    checked in full, refused if it has anything but tables, and `new` becomes a complete store.

    Raises StoreError, and then leaves `new` unfinished.
    """
    mode = "mode=ro&immutable=1" if is_foreign else "mode=ro"
    is_careful = is_foreign
    with store_errors(old):
        if is_foreign and _checked_version(old) < VERSION:
            upgrade(old)
            is_careful = False  # all its tables were made by this program now
    with store_errors(old), closing(_made(new)) as target:
        for pragma in _CAREFUL if is_careful else ():
            target.execute(f"PRAGMA {pragma}")
        target.execute("ATTACH ? AS old", (f"file:{quote(str(old))}?{mode}",))
        target.execute("BEGIN")
        if (found := _version(target, "old")) != VERSION:
            raise StoreError(
                f"the store {old} was made by another version (schema {found}, this one copies {VERSION})"
            )
        if is_foreign:
            _check_columns(target)
        for table in metadata.sorted_tables:
            target.execute(_ddl(CreateTable(table)))
            if table.name not in _LEFT_BEHIND:
                _copy(target, table)
        target.execute("DELETE FROM settings WHERE name = ?", (SETTING,))
        target.execute("UPDATE articles SET indexed = NULL WHERE indexed IS NOT NULL")
        if is_foreign:  # messages that waited when the backup was made were sent since, or are a stranger's
            target.execute("DELETE FROM outbox")
        # Copies of pictures are not in it: a store without them fetches them again.
        for statement in ("DELETE FROM media_uses", "DELETE FROM media"):
            target.execute(statement)
        target.execute("UPDATE articles SET illustrated = NULL WHERE illustrated IS NOT NULL")
        target.execute("COMMIT")
        target.execute("DETACH old")
        if (broken := target.execute("PRAGMA foreign_key_check").fetchone()) is not None:
            raise DamagedStore(f"the store {old}", f"a row of {broken[0]} without one of {broken[2]}")
        if is_foreign:
            _make_indexes(target)
        (count,) = target.execute("SELECT count(*) FROM articles").fetchone()
    _sync(new)
    return int(count)


def _checked_version(file: Path) -> int:
    """Returns the schema version of a stranger's store. Raises StoreError if it has anything but tables."""
    address = f"file:{quote(str(file))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        for pragma in _CAREFUL:
            connection.execute(f"PRAGMA {pragma}")
        for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
            is_virtual = kind == "table" and " ".join(str(sql).upper().split()).startswith("CREATE VIRTUAL")
            is_own = kind == "index" and sql is None  # the index of a table's key
            if not (kind == "table" or is_own) or is_virtual:
                what = "virtual table" if is_virtual else kind
                raise StoreError(
                    f"{file.name} has a {what} {str(name)[:60]!r}, which no backup has; it is not used"
                )
        if (found := connection.execute("PRAGMA integrity_check(1)").fetchone()) != ("ok",):
            raise DamagedStore(file.name, found[0])
        version = _version(connection, "main")
    if version is None:
        raise StoreError(f"{file.name} is not a store of this program; it is not used")
    return version


def _made(new: Path) -> sqlite3.Connection:
    """Creates an empty database that no other process uses before it is complete."""
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    target = sqlite3.connect(
        f"file:{quote(str(new))}?mode=rw", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )
    for pragma in ("auto_vacuum=INCREMENTAL", "journal_mode=OFF", "synchronous=OFF"):
        target.execute(f"PRAGMA {pragma}")
    return target


def _make_indexes(target: sqlite3.Connection) -> None:
    # Our indexes use json_extract, which SQLite before 3.41 refuses in an untrusted schema.
    target.execute("PRAGMA trusted_schema=ON")
    for table in metadata.sorted_tables:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            target.execute(_ddl(CreateIndex(index)))


def _ddl(statement: CreateTable | CreateIndex) -> str:
    return str(statement.compile(dialect=sqlite.dialect()))


def _copy(target: sqlite3.Connection, table: sa.Table) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    target.execute(f'INSERT INTO main."{table.name}" ({names}) SELECT {names} FROM old."{table.name}"')  # noqa: S608 - names of ours


def _version(connection: sqlite3.Connection, schema: str) -> int | None:
    known = f"SELECT type FROM {schema}.sqlite_master WHERE name = 'settings'"  # noqa: S608 - a name of ours
    if connection.execute(known).fetchone() != ("table",):
        return None
    row = connection.execute(f"SELECT value FROM {schema}.settings WHERE name = 'schema'").fetchone()  # noqa: S608 - as above
    return None if row is None else version_of(row[0])


def _check_columns(target: sqlite3.Connection) -> None:
    """Raises StoreError if a table of `old` lacks a column, or has computed columns."""
    for table in metadata.sorted_tables:
        columns = dict(
            target.execute("SELECT name, hidden FROM pragma_table_xinfo(?, 'old')", (table.name,)).fetchall()
        )
        if missing := {column.name for column in table.columns} - {*columns}:
            raise Unreadable(f"its table {table.name} has no column {min(missing)}")
        if any(columns.values()):
            raise StoreError(
                f"its table {table.name} has computed columns, which no version makes; it is not used"
            )


def _sync(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())
