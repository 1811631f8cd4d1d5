"""One SQLite file: connections, transactions, and what the database's own errors become."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from aggregator.errors import StoreError
from aggregator.store.schema import VERSION, metadata, settings

_BUSY_SECONDS = 30


class Database:
    """Opens the file and makes its tables. Raises StoreError when the database refuses, here and later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(
                f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}
            )
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin)
            with self._engine.begin() as connection:
                metadata.create_all(connection)
                found = connection.scalar(sa.select(settings.c.value).where(settings.c.name == "schema"))
                if found is None:
                    connection.execute(settings.insert().values(name="schema", value=str(VERSION)))
                elif int(found) != VERSION:
                    raise StoreError(
                        f"{path} was made by another version (schema {found}, this one reads {VERSION}); "
                        "use that version, or name another store in the config"
                    )

    def close(self) -> None:
        """Closes the database; the store cannot be used afterwards."""
        self._engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise StoreError(f"the store {self._path} cannot be used: {cause}") from error
        except OSError as error:
            raise StoreError(f"the store {self._path} cannot be used: {error.strerror}") from error

    @contextmanager
    def _snapshot(self) -> Iterator[sa.Connection]:
        """Reads that see one state of the database and hold nobody up."""
        with self._errors(), self._engine.execution_options(reads_only=True).begin() as connection:
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._errors(), self._engine.begin() as connection:
            yield connection

    def tidy(self) -> None:
        """Takes what SQLite has written aside into the database file, and lets it look after its indexes."""
        with self._errors(), self._engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA optimize")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # Transactions are ours to begin: the driver's own begin only before the first write, so that two
    # processes could both read, and then one of them fail to write.
    connection.isolation_level = None
    cursor = connection.cursor()
    # WAL: a reader never waits for the writer. NORMAL keeps every commit through a killed process, and
    # a whole database, short of its last commits, through a power cut; those are then fetched again,
    # as their validators went with them.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
