"""The PostgreSQL dialect, through psycopg 3 (the extra `postgres`)."""

from __future__ import annotations

import re
import select
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

import aggregator.store.postgresql.tables  # noqa: F401 - registers how expressions of ours are written there
from aggregator.config.store_address import DatabaseAddress
from aggregator.errors import DamagedStore, StoreError, TookTooLong
from aggregator.store.column_types import Unreadable, version_of
from aggregator.store.dialect import OPTION, Check, ServerLock, unencodable
from aggregator.store.postgresql.word_index import WordIndex
from aggregator.store.schema import VERSION, metadata, settings

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
    from psycopg.types.string import StrDumperUnknown
except ImportError as error:
    raise StoreError(
        "a store in PostgreSQL needs psycopg: pip install 'aggregator-republisher[postgres]'"
    ) from error

__all__ = ["LOCK", "PostgreSQL", "connect", "database_errors", "is_closed"]

_ARTICLES, _SCHEMA = 1, 2
_TURNS = {"run": 3, "work": 4}
"""The second number of advisory locks: for saving articles, for the tables, for a daemon, for polling and
publishing.
"""

LOCK = "hashtext('aggregator' || current_schema())"
"""The first number of each advisory lock, as SQL."""

_DEFAULTS = {
    "application_name": "aggregator",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
# A transaction waits as long as on SQLite; that of a paused process does not block others without end. Data
# other than articles is not flushed to disk: a server that crashes may lose the last seconds of it, as if
# those polls had not been made.
_SESSION = (
    "SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '10min'; "
    "SET client_encoding = 'UTF8'; SET jit = off; "
    "SELECT set_config('aggregator.lasting', current_setting('synchronous_commit'), false); "
    "SET synchronous_commit = off"
)
_LOOK_SECONDS = 0.05
_LASTING = "set_config('synchronous_commit', current_setting('aggregator.lasting'), true)"
_ALONE = sa.text(f"SELECT pg_advisory_xact_lock({LOCK}, {_ARTICLES}), {_LASTING}")
_MAKING = sa.text(f"SELECT pg_advisory_xact_lock({LOCK}, {_SCHEMA}), {_LASTING}")
_ENCODING = sa.text("SELECT current_setting('server_encoding'), current_schema()")
_COLUMNS = sa.text(
    "SELECT c.relname, a.attname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a"
    " ON a.attrelid = c.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
)
_SIZE = sa.text(
    "SELECT coalesce(sum(pg_total_relation_size(to_regclass(each))), 0)"
    " FROM unnest(CAST(:names AS text[])) AS each"
)
_SEQUENCE = sa.select(
    sa.func.pg_get_serial_sequence(
        sa.bindparam("of_table", type_=sa.Text), sa.bindparam("of_column", type_=sa.Text)
    )
)
_COUNT_ON = sa.text("SELECT setval(CAST(CAST(:sequence AS text) AS regclass), :next, false)")
_VERSION = sa.select(settings.c.value).where(settings.c.name == "schema")

_AWAY = "is the server running, and reachable from here? nothing that was saved is lost"
_WRITING = "another process is writing to it; run it again when that has ended"
_LOGIN = "set user and password right: in ~/.pgpass, in PGPASSWORD, or in the variable that the config names"
_ADVICE = {
    "08": _AWAY,
    "57P": _AWAY,
    "28": _LOGIN,
    "3D000": "create it first (createdb), owned by the user who runs this",
    "25006": "it can only be read; name the server that takes writes (target_session_attrs=read-write)",
    "42501": "let this user create and write tables in the database",
    "3F000": "let the user's search_path name a schema that is there",
    "53100": "free some disk space on the server and run it again; nothing that was saved is lost",
    "53300": "raise max_connections of the server, or run fewer workers",
    "53": "the server lacks memory or disk space; nothing that was saved is lost",
    "54": "a value is too long for the server",
    "55P03": _WRITING,
    "40": "it and another process waited for each other; run it again",
    "58": "look at the server's disk and its log",
}
# Refused connections have no error code in the client; most servers send English messages.
_REFUSALS = (
    (re.compile(r"password|authentication|role .* does not exist|pg_hba\.conf"), _LOGIN),
    (re.compile(r"database .* does not exist"), _ADVICE["3D000"]),
    (re.compile(r"too many (?:clients|connections)|connection slots"), _ADVICE["53300"]),
)
_DAMAGED = frozenset(("XX001", "XX002", "42P01", "42703"))
_RESTORE = (
    "bring the database back from a backup of the server (pg_dump, pg_basebackup), or name an empty one: the "
    "next fetch fills it, and articles keep their ids, but what sources no longer list, earlier versions and "
    "archives are lost"
)


class _Cleaned(StrDumperUnknown):
    """Removes NUL from text, because PostgreSQL refuses it."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\x00", "\ufffd") if "\x00" in obj else obj)


def connect(address: DatabaseAddress, **arguments: str) -> psycopg.Connection[Any]:
    """Opens a separate connection in autocommit mode. Raises psycopg's errors and StoreError."""
    try:
        given = conninfo_to_dict(address.url.replace("postgres://", "postgresql://", 1))
    except psycopg.ProgrammingError:
        # psycopg's message repeats parts of the address, perhaps the password.
        raise StoreError(
            f"the store {address} cannot be used: its address cannot be read; write it as "
            "postgresql://user@host:5432/database, special characters as %40"
        ) from None
    known: dict[str, Any] = {**_DEFAULTS, **given, **arguments}
    made = psycopg.connect(make_conninfo(**known), autocommit=True)
    made.execute(_SESSION)
    made.adapters.register_dumper(str, _Cleaned)
    return made


class PostgreSQL:
    """A PostgreSQL database; its tables are in the first schema of the user's `search_path`."""

    engine: sa.Engine
    reading: sa.Engine
    autocommit: sa.Engine | None
    most_readers = 30

    def __init__(self, address: DatabaseAddress, *, reads_only: bool = False) -> None:
        self._address = address
        self._reads_only = reads_only
        self.place = str(address)
        self.search = WordIndex()

    def open(self, check: Check) -> None:
        """Connects, and creates or upgrades the tables unless the store is only read."""
        self.engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=self._connected,
            # All are kept: the server starts a process for each new one. The last used one is used first.
            pool_size=self.most_readers,
            max_overflow=0,
            pool_use_lifo=True,
            execution_options={OPTION: self},
            use_native_hstore=False,
        )
        sa.event.listen(self.engine, "checkout", _refuse_cut)
        self.reading = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self.autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        try:
            with self.errors(), (self.reading if self._reads_only else self.engine).begin() as connection:
                self._check_place(connection)
                check(connection)
        except BaseException:
            self.close()
            raise

    def _connected(self) -> psycopg.Connection[Any]:
        made = connect(self._address)
        made.autocommit = False
        return made

    def _check_place(self, connection: sa.Connection) -> None:
        encoding, schema = connection.execute(_ENCODING).one()
        if encoding != "UTF8":
            raise StoreError(
                f"the database {self.place} has the encoding {encoding}; create one with createdb -E UTF8"
            )
        if schema is None:
            raise StoreError(
                f"the database {self.place} has no schema for tables; create that of search_path"
            )

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()

    def errors(self) -> Any:
        """Converts errors to StoreError, with the server's message and what to do."""
        return database_errors(self._address)

    def make_tables(self, connection: sa.Connection, there: Collection[str]) -> None:
        """Upgrades the tables to this version, one process at a time; newer tables are not changed."""
        if self._version(connection) < VERSION:
            connection.execute(_MAKING)
            if self._version(connection) < VERSION:
                from aggregator.store.postgresql.migrations import migrate

                migrate(connection)

    def _version(self, connection: sa.Connection) -> int:
        if settings.name not in self.columns(connection):
            return 0
        return version_of(connection.scalar(_VERSION))

    def columns(self, connection: sa.Connection) -> dict[str, set[str]]:
        """Returns the columns of each existing table of the store; the schema may have other tables."""
        found: dict[str, set[str]] = {}
        for table, column in connection.execute(_COLUMNS):
            if table in metadata.tables:
                found.setdefault(table, set()).add(column)
        return found

    def begin(self, connection: sa.Connection, *, reads_only: bool) -> None:
        """Does nothing: the driver begins a transaction before the first statement."""

    def begin_alone(self, connection: sa.Connection) -> None:
        """Takes a lock that ends with the transaction, which is then flushed to disk."""
        connection.execute(_ALONE)

    @contextmanager
    def bounded(self, connection: sa.Connection, is_over: Callable[[], bool]) -> Iterator[None]:
        """Starts a thread that calls `is_over`, and cancels the running statement."""
        driver: Any = connection.connection.driver_connection
        has_ended = threading.Event()

        def watch() -> None:
            while not has_ended.wait(_LOOK_SECONDS):
                if is_over():
                    driver.cancel()

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        try:
            yield
        finally:
            has_ended.set()
            watching.join()

    @contextmanager
    def overwriting(self, connection: sa.Connection) -> Iterator[None]:
        """Does nothing: the server does not overwrite deleted content; `rewrite` removes it from the
        files.
        """
        yield

    @contextmanager
    def unchecked(self, connection: sa.Connection) -> Iterator[None]:
        """Does nothing: only a superuser may switch checks off."""
        yield

    @contextmanager
    def undoing_in_memory(self, connection: sa.Connection) -> Iterator[None]:
        """Does nothing: a statement that fails ends the transaction."""
        yield

    def defer_references(self, connection: sa.Connection) -> None:
        """Makes the database check references only when this transaction ends."""
        connection.exec_driver_sql("SET CONSTRAINTS ALL DEFERRED")

    def tidy(self) -> None:
        """Does nothing: the server's autovacuum does the upkeep."""

    def save_memory(self) -> None:
        """Does nothing: the server has the pages."""

    def rewrite(self) -> None:
        """Rewrites every table; old segments of the server's write-ahead log are replaced over time."""
        with connect(self._address) as direct:
            direct.execute("SET lock_timeout = '5min'")
            for name in [*metadata.tables, "search_index"]:
                if direct.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,):
                    direct.execute(f'VACUUM (FULL, ANALYZE) "{name}"'.encode())

    def damage(self) -> Iterator[str]:
        """Yields nothing: the server's own tools check its pages (pg_amcheck)."""
        yield from ()

    def orphans(self) -> list[str]:
        """Returns nothing: the server prevents them."""
        return []

    def load(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """Inserts rows with COPY."""
        driver: Any = connection.connection.driver_connection
        names = ", ".join(f'"{name}"' for name in table.columns.keys())  # noqa: SIM118 - no dict
        with driver.cursor().copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copying:
            for row in rows:
                copying.write_row(row)

    def count_on(self, connection: sa.Connection) -> None:
        """Sets the sequence of each table to its highest number."""
        for table in metadata.sorted_tables:
            for column in table.columns:
                asked = {"of_table": table.name, "of_column": column.name}
                if (sequence := connection.scalar(_SEQUENCE, asked)) is not None:
                    highest = connection.scalar(sa.select(sa.func.max(column))) or 0
                    connection.execute(_COUNT_ON, {"sequence": sequence, "next": highest + 1})

    def folder_key(self, folder: Path) -> str:
        """Returns the folder's path, because there is no store file that it could be relative to."""
        return str(folder.absolute())

    def folder_of(self, key: str) -> Path:
        """Returns the folder of this path."""
        return Path(key)

    def turn(self, name: str) -> ServerLock:
        """Returns an advisory lock on a separate connection."""
        from aggregator.store.postgresql.locks import AdvisoryLock

        return AdvisoryLock(self._address, _TURNS[name])

    def size(self) -> int:
        """Returns the size of all tables with their indexes, in bytes."""
        with self.errors(), self.reading.begin() as connection:
            return int(connection.scalar(_SIZE, {"names": [*metadata.tables, "search_index"]}) or 0)


def _refuse_cut(connection: Any, _record: object, _proxy: object) -> None:
    """Raises DisconnectionError for a connection that a restart closed, so that it is replaced."""
    if is_closed(connection.fileno()):
        raise DisconnectionError


def is_closed(number: int) -> bool:
    """Returns whether the server closed an idle connection; `number`: its file descriptor.

    The server is not asked: if data waits on an idle connection, it is the message that the connection was
    closed.
    """
    looking = select.poll()
    looking.register(number, select.POLLIN)
    return bool(looking.poll(0))


@contextmanager
def database_errors(address: DatabaseAddress) -> Iterator[None]:
    """Converts all errors of this database within the context to StoreError."""
    try:
        yield
    except (SQLAlchemyError, psycopg.Error) as error:
        cause = getattr(error, "orig", None) or error
        code = str(getattr(cause, "sqlstate", None) or "")
        if code == "57014":
            raise TookTooLong("the store was asked for too much at once") from error
        if code in _DAMAGED:
            raise DamagedStore(f"the store {address}", _said(cause), _RESTORE) from error
        advice = _advice(code)
        if not code and isinstance(cause, psycopg.OperationalError):
            advice = next((what for words, what in _REFUSALS if words.search(str(cause))), _AWAY)
        what = f"the store {address} cannot be used: {_said(cause)}"
        raise StoreError(f"{what}; {advice}" if advice else what) from error
    except Unreadable as error:
        raise DamagedStore(f"the store {address}", error, _RESTORE) from error
    except UnicodeEncodeError as error:
        raise unencodable(address, error) from error
    except OSError as error:
        raise StoreError(f"the store {address} cannot be used: {error.strerror or error}") from error


def _advice(code: str) -> str:
    return next((_ADVICE[code[:size]] for size in (5, 3, 2) if code[:size] in _ADVICE), "")


def _said(cause: BaseException) -> str:
    """Returns the server's message, without rows or statements."""
    if isinstance(cause, psycopg.Error) and cause.diag.message_primary:
        return cause.diag.message_primary
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    return lines[0].rpartition("FATAL:")[2].strip()
