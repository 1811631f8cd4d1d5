"""Statements that bypass SQLAlchemy, for what runs for each article.

SQLAlchemy takes longer to build a statement, and to convert the values of a row, than SQLite takes to store
it (measured). Statements are written with `?` for a value, and without `%`; they are converted for drivers
that want another form.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa

__all__ = ["change_rows", "fetch_rows", "fetch_rows_of_each", "insert_rows"]

_AT_ONCE = 200
"""Rows for each statement; SQLite allows 32,766 values, PostgreSQL 65,535."""

_VALUES_AT_ONCE = 500
_FEW = 5


def insert_rows(
    connection: sa.Connection, into: str, rows: Sequence[Sequence[Any]], *, known: str = ""
) -> None:
    """Inserts rows into a table.

    - `into`: the table's name, with the columns in parentheses.
    - `rows`: a column has a `bytearray`, which is a text in UTF-8, in all rows or in none. For each None, and
      for `bytes`, SQLite's driver looks for an adapter, which takes as long as to store a small value: leave
      out a column that is None in all rows.
    - `known`: the SQL for rows whose keys exist: "DO NOTHING", or with the columns of the key "(key) DO
      UPDATE SET ..."; "": the database raises an error.

    The driver's `executemany` is not used, because it releases the interpreter's lock, and waits for other
    threads, for each row.
    """
    if connection.dialect.paramstyle != "qmark":
        rows = [[each.decode() if isinstance(each, bytearray) else each for each in row] for row in rows]
        if len(rows) > _FEW and not known:
            _copy(connection, into, rows)
            return
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        # SQLite neither decodes nor encodes what is cast.
        row = ", ".join("CAST(? AS TEXT)" if isinstance(each, bytearray) else "?" for each in some[0])
        statement = _inserting(into, row, len(some), known)
        _run(connection, statement, tuple(chain.from_iterable(some)))


def _copy(connection: sa.Connection, into: str, rows: Sequence[Sequence[Any]]) -> None:
    """Inserts with COPY, because PostgreSQL parses a statement with a thousand values again each time."""
    driver: Any = connection.connection.driver_connection
    with driver.cursor().copy(f"COPY {into} FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)


def fetch_rows(connection: sa.Connection, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Returns the rows of a query, in the transaction of this connection."""
    found: list[tuple[Any, ...]] = _run(connection, query, values).fetchall()
    return found


def fetch_rows_of_each(
    connection: sa.Connection, query: str, values: Collection[Any], mark: str = "?"
) -> list[tuple[Any, ...]]:
    """Returns the rows of a query for any of these values; its `{}` is replaced by a `mark` for each."""
    ordered, found = [*values], list[tuple[Any, ...]]()
    for start in range(0, len(ordered), _VALUES_AT_ONCE):
        some = ordered[start : start + _VALUES_AT_ONCE]
        found += fetch_rows(connection, _for_each(query, len(some), mark), some)
    return found


def change_rows(connection: sa.Connection, statement: str, values: Sequence[Any]) -> None:
    """Changes rows with one statement, in the transaction of this connection."""
    _run(connection, statement, values)


def _run(connection: sa.Connection, statement: str, values: Sequence[Any]) -> Any:
    driver: Any = connection.connection.driver_connection
    if connection.dialect.paramstyle != "qmark":
        statement = _with_percents(statement)
    return driver.execute(statement, values)


@lru_cache(maxsize=1_000)
def _with_percents(statement: str) -> str:
    return statement.replace("?", "%s")


@lru_cache(maxsize=1_000)
def _inserting(into: str, row: str, rows: int, known: str) -> str:
    conflict = f" ON CONFLICT {known}" if known else ""
    return f"INSERT INTO {into} VALUES {', '.join([f'({row})'] * rows)}{conflict}"  # noqa: S608 - ours


@lru_cache(maxsize=1_000)
def _for_each(query: str, count: int, mark: str) -> str:
    return query.format(", ".join([mark] * count))
