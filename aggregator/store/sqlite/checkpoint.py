"""Writes the journal into the file while this process goes on."""

from __future__ import annotations

import contextlib
import threading
import time

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from aggregator.store.sqlite.connections import BUSY_SECONDS

__all__ = ["Checkpoint", "empty_journal"]

_LOOK_SECONDS = 0.1


class Checkpoint:
    """A WAL checkpoint in a thread: SQLite waits for the disk there, and no statement waits for it.

    If it fails, the journal stays as it is, and the next commit reports why.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def begin(self, engine: sa.Engine) -> None:
        """Begins one, once that before has ended."""
        self.end()
        thread = threading.Thread(target=_write_back, args=(engine,), name="checkpoint")
        thread.start()
        self._thread = thread

    def end(self) -> None:
        """Waits until there is none."""
        if (thread := self._thread) is not None:
            thread.join()


def _write_back(engine: sa.Engine) -> None:
    with contextlib.suppress(SQLAlchemyError), engine.connect() as connection:
        # Closed afterwards: a further connection in the pool would keep another 32 MB of pages.
        connection.detach()
        # TRUNCATE would make other connections wait, and itself wait for those that read.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def empty_journal(connection: sa.Connection) -> bool:
    """Writes the journal into the file and empties it; returns False if another process was still reading.

    Waits for checkpoints of other processes, for which SQLite itself never waits, as it does for readers.
    """
    until = time.monotonic() + BUSY_SECONDS
    while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one():
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_SECONDS)
    return True
