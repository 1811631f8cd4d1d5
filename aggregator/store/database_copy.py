"""Copies a store into another database, such as from SQLite to PostgreSQL, and compares the rows afterwards.

An interrupted copy continues where it was. All rows are read from one state of the old store; changes between
two attempts are found by comparing. The search index is not copied: the next search builds it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aggregator.config.store_address import StoreAddress
from aggregator.errors import StoreError
from aggregator.store.database import COPYING, Database, remember
from aggregator.store.dialect import Dialect
from aggregator.store.schema import articles, metadata, posts, settings
from aggregator.store.search import SETTING

__all__ = ["CopiedTable", "move_store"]

_ROWS_AT_ONCE = 5_000
_BYTES_AT_ONCE = 16 * 1024 * 1024
_BUFFER = 500
_OF_ITS_OWN = ("schema", COPYING, SETTING)
"""Settings that are not copied, because they describe the database itself."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A table that is equal in both stores: the number of rows, and the sum of their digests in
    hexadecimal.
    """

    name: str
    rows: int
    digest: str


def move_store(
    old: StoreAddress, new: StoreAddress, advance: Callable[[str, int], object] = lambda _name, _rows: None
) -> list[CopiedTable]:
    """Copies all of `old` into `new`, an empty database or an unfinished copy of `old`.

    `advance` is called with the name of a table and the number of rows copied by a step. No other process may
    write to either. Raises StoreError if `new` has other content, or if the copies differ in the end; `old`
    is not changed.
    """
    with closing(Database(old, reads_only=True)) as source, closing(Database(new, is_copy=True)) as target:
        if source.place == target.place:
            raise StoreError(f"{source.place} cannot be copied into itself; name another place")
        _begin(source, target)
        with source.snapshot() as reading:
            copying = _Copying(source.dialect, reading, target)
            if not copying.is_sound():
                copying.clear()
            for table in metadata.sorted_tables:
                if table is not settings:
                    for count in copying.copy(table):
                        advance(table.name, count)
            with target.transaction() as connection:
                target.dialect.count_on(connection)
                copying.copy_settings(connection)
            found = [*copying.compared()]
        with target.transaction() as connection:
            connection.execute(settings.delete().where(settings.c.name == COPYING))
    return found


def _begin(source: Database, target: Database) -> None:
    before = target.setting(COPYING)
    if before is None:
        with target.snapshot() as connection:
            held = [
                table.name
                for table in metadata.sorted_tables
                if table is not settings and connection.execute(sa.select(table).limit(1)).first() is not None
            ]
        if held:
            raise StoreError(f"{target.place} is a store with other content ({held[0]}); name an empty place")
        target.remember(COPYING, source.place)
    elif before != source.place:
        raise StoreError(
            f"{target.place} is an unfinished copy of {before}, not of {source.place}; name an empty place"
        )


class _Copying:
    def __init__(self, source: Dialect, reading: sa.Connection, target: Database) -> None:
        self._source = source
        self._reading = reading
        self._target = target

    def is_sound(self) -> bool:
        """Whether the rows that an earlier attempt copied equal those of the old store."""
        with self._target.snapshot() as connection:
            for table in metadata.sorted_tables:
                last = None if table in _WHOLE else _last(connection, table)
                if last is None:
                    continue
                there = _digest(_rows(connection, table))
                if _digest(self._converted(table, _rows(self._reading, table, until=last))) != there:
                    return False
        return True

    def clear(self) -> None:
        """Deletes all copied rows."""
        with self._target.transaction() as connection:
            for table in reversed(metadata.sorted_tables):
                if table is not settings:
                    connection.execute(table.delete())

    def copy(self, table: sa.Table) -> Iterator[int]:
        """Copies the rows that are missing; yields how many rows each step copied."""
        last = None
        if table in _WHOLE:
            with self._target.transaction() as connection:
                connection.execute(table.delete())
        else:
            with self._target.snapshot() as connection:
                last = _last(connection, table)
        rows = self._converted(table, _rows(self._reading, table, after=last))
        for some in _portions(rows):
            with self._target.transaction() as connection:
                self._target.dialect.load(connection, table, some)
            yield len(some)

    def copy_settings(self, connection: sa.Connection) -> None:
        """Copies all settings except those that describe the old database itself."""
        connection.execute(settings.delete().where(settings.c.name.not_in(_OF_ITS_OWN)))
        for name, value in _settings(self._reading):
            remember(connection, name, value)

    def compared(self) -> Iterator[CopiedTable]:
        """Yields every table after comparing it. Raises StoreError for the first that differs."""
        with self._target.snapshot() as connection:
            for table in metadata.sorted_tables:
                if table is settings:
                    before, after = _digest(_settings(self._reading)), _digest(_settings(connection))
                else:
                    before = _digest(self._converted(table, _rows(self._reading, table)))
                    after = _digest(_rows(connection, table))
                if before != after:
                    raise StoreError(
                        f"the table {table.name} is not the same in {self._target.place} ({after[0]:,} rows, "
                        f"of {before[0]:,}): something else writes to it; empty it, and copy again"
                    )
                yield CopiedTable(table.name, before[0], f"{before[1]:064x}"[:16])

    def _converted(self, table: sa.Table, rows: Iterator[Row]) -> Iterator[Row]:
        """Converts rows for the new store: keys of folders depend on the store's place."""
        if table is not posts:
            return rows
        at = [*table.columns.keys()].index("folder")
        places = (self._source.folder_of, self._target.dialect.folder_key)
        return ((*row[:at], places[1](places[0](row[at])), *row[at + 1 :]) for row in rows)


_WHOLE = (posts, settings)
"""Tables that are copied in one step, because their keys differ in the new store."""


def _rows(
    connection: sa.Connection, table: sa.Table, *, after: Row | None = None, until: Row | None = None
) -> Iterator[Row]:
    """Yields rows as the database returns them, ordered by key; booleans are converted."""
    key = [*table.primary_key.columns]
    truths = [isinstance(column.type, sa.Boolean) for column in table.columns]
    # Without column types: values are copied as stored, without interpreting them.
    plain = [
        sa.null().label(column.name)
        if column is articles.c.indexed
        else sa.type_coerce(column, column.type if truth else sa.types.NullType()).label(column.name)
        for column, truth in zip(table.columns, truths, strict=True)
    ]
    query = sa.select(*plain).order_by(*key)
    if after is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*after))
    if until is not None:
        query = query.where(sa.tuple_(*key) <= sa.tuple_(*until))
    streamed = connection.execution_options(stream_results=True, max_row_buffer=_BUFFER)
    with streamed.execute(query) as found:
        for row in found:
            yield tuple(row)


def _last(connection: sa.Connection, table: sa.Table) -> Row | None:
    key = [*table.primary_key.columns]
    plain = [sa.type_coerce(column, sa.types.NullType()).label(column.name) for column in key]
    row = connection.execute(sa.select(*plain).order_by(*(each.desc() for each in key)).limit(1)).first()
    return None if row is None else tuple(row)


def _settings(connection: sa.Connection) -> Iterator[Row]:
    query = sa.select(settings.c.name, settings.c.value).where(settings.c.name.not_in(_OF_ITS_OWN))
    yield from map(tuple, connection.execute(query.order_by(settings.c.name)).all())


def _portions(rows: Iterator[Row]) -> Iterator[list[Row]]:
    some: list[Row] = []
    size = 0
    for row in rows:
        some.append(row)
        size += sum(len(value) for value in row if isinstance(value, str))
        if len(some) >= _ROWS_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _digest(rows: Iterator[Sequence[Any]]) -> tuple[int, int]:
    """Returns the number of rows, and the sum of their digests, which does not depend on the order."""
    count = total = 0
    for row in rows:
        text = repr(row).replace("\\x00", "\ufffd")  # PostgreSQL keeps no NUL
        count += 1
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        total += int.from_bytes(digest, "big")
    return count, total % (1 << 256)
