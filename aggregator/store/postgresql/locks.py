"""Locks on the server that are released when the process's connection ends, however that happens."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, Self

import psycopg

from aggregator.config.store_address import DatabaseAddress
from aggregator.store.postgresql.database import LOCK, connect, database_errors

__all__ = ["AdvisoryLock"]

_MAX_NAME = 63
_WHO = f"""SELECT a.application_name FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.granted AND l.locktype = 'advisory' AND l.objsubid = 2
AND l.classid::bigint = ({LOCK}::bigint & 4294967295) AND l.objid::bigint = %s
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"""  # noqa: S608 - ours


class AdvisoryLock:
    """A lock on a separate connection. Raises StoreError, here and in every method."""

    def __init__(self, address: DatabaseAddress, number: int) -> None:
        self._address = address
        self._number = number
        self._has = False
        self._connection = self._connected()

    def _connected(self) -> psycopg.Connection[Any]:
        with database_errors(self._address):
            made = connect(self._address)
            if made.info.server_version >= 140_000:
                made.execute("SET idle_session_timeout = 0")
            return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception):
            # The server notices the end of a connection later than the client: the next process may ask
            # before.
            if self._has:
                self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()

    def take(self, line: str) -> bool:
        """Takes the lock if it is free, and returns whether it did; `line` describes this process."""
        with database_errors(self._address):
            found = self._connection.execute(
                f"SELECT pg_try_advisory_lock({LOCK}, %s)".encode(), (self._number,)
            )
            row = found.fetchone()
            if row is None or not row[0]:
                return False
            self._has = True
            query = "SELECT set_config('application_name', %s, false)"
            self._connection.execute(query, (line.encode("ascii", "replace").decode()[:_MAX_NAME],))
            return True

    def keep(self, line: str) -> bool:
        """Checks the connection; if it was lost, takes the lock again over a new one."""
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self._connection.close()
            self._has = False
            self._connection = self._connected()
        return self._has or self.take(line)

    def who(self) -> str | None:
        """Returns the line of the process that has the lock; None if it is free."""
        with database_errors(self._address):
            row = self._connection.execute(_WHO.encode(), (self._number,)).fetchone()
            return None if row is None else str(row[0])
