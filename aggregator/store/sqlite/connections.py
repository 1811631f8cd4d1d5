"""How connections to a SQLite file are set up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["BUSY_SECONDS", "prepare", "setting"]

BUSY_SECONDS = 30
_CACHE_BYTES = 32_000 * 1024
_PAGE_BYTES = 8192
"""The page size of a new file. With 4 KB, a page has one article, and four trees are a level deeper."""
_JOURNAL_BYTES = 64 * 1024 * 1024
"""The size at which the journal is written into the file, which waits for the disk. With 8 MB, a first poll
spent half of its time on that.
"""
_EMPTY_JOURNAL_BYTES = 4 * 1024 * 1024
"""The largest size that the journal's file keeps once all of it is in the file."""


def prepare(connection: sqlite3.Connection) -> None:
    """Sets up a new connection that reads and writes; if that fails, it is closed."""
    try:
        _set_up(connection)
    except BaseException:
        connection.close()
        raise


def _set_up(connection: sqlite3.Connection) -> None:
    # We begin transactions ourselves: the driver begins them only before the first write, so that two
    # processes could both read, and one of them would then fail to write.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL: a reader never waits for the writer. NORMAL keeps every commit through a killed process, and
    # an intact database, without its last commits, through a power cut; those are then fetched again,
    # because their validators are lost too.
    # The page size and auto_vacuum only have an effect in a new file, before anything is written to it. In
    # any other one, auto_vacuum would begin a transaction that writes, and wait for that of other processes.
    (pages,) = cursor.execute("PRAGMA page_count").fetchone()
    for pragma in (
        *((f"page_size={_PAGE_BYTES}", "auto_vacuum=INCREMENTAL") if not pages else ()),
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        f"cache_size={-_CACHE_BYTES // 1024}",
        f"journal_size_limit={_EMPTY_JOURNAL_BYTES}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    (page_bytes,) = cursor.execute("PRAGMA page_size").fetchone()
    cursor.execute(f"PRAGMA wal_autocheckpoint={_JOURNAL_BYTES // page_bytes}")
    cursor.close()


@contextmanager
def setting(connection: sa.Connection, pragma: str, within: str, after: str) -> Iterator[None]:
    """Sets a PRAGMA of a connection within the context, in which a transaction may begin and end."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA {pragma}={within}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA {pragma}={after}")
