"""Statements of the driver's own, for what runs for each article: SQLAlchemy takes twice as long over a
statement, and longer over the values of a row, than SQLite over storing it (measured)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa

__all__ = ["ask", "change", "insert"]

_AT_ONCE = 50
"""So many rows a statement; SQLite takes 32,766 values."""


def insert(
    connection: sa.Connection, into: str, rows: Sequence[Sequence[Any]], *, skips_known: bool = False
) -> None:
    """Inserts rows into a table; `into` is its name, with the columns in parentheses.

    `skips_known`: rows whose keys are there stay as they are.

    For each row the driver's `executemany` gives up the interpreter's lock, and waits for other threads each
    time.
    """
    driver = _driver(connection)
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        statement = _statement(into, len(some[0]), len(some))
        statement += " ON CONFLICT DO NOTHING" if skips_known else ""
        driver.execute(statement, tuple(chain.from_iterable(some)))


def ask(connection: sa.Connection, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows that a query finds, in the transaction of this connection."""
    return _driver(connection).execute(query, values).fetchall()


def change(
    connection: sa.Connection, statement: str, rows: Sequence[Sequence[Any]], values: Sequence[Any] = ()
) -> None:
    """Changes several rows in one statement, for the same reason as `insert`.

    `statement` has `{}` where rows of values stand, and before them places for `values`.
    """
    row = f"({', '.join('?' * len(rows[0]))})"
    written = statement.format(f"VALUES {', '.join([row] * len(rows))}")
    _driver(connection).execute(written, (*values, *chain.from_iterable(rows)))


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


@lru_cache(maxsize=1_000)
def _statement(into: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * rows)}"  # noqa: S608 - names of ours
