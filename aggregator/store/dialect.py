"""The interface of a database, and the module for each: another database needs one module and one line
here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, cast

import sqlalchemy as sa

from aggregator.config.store_address import StoreAddress
from aggregator.errors import StoreError

__all__ = [
    "DIALECTS",
    "INDEXED_FIELDS",
    "OPTION",
    "Check",
    "Dialect",
    "SearchIndex",
    "ServerLock",
    "dialect_of",
    "unencodable",
]

DIALECTS: Mapping[str, str] = {
    "": "sqlite.file:SQLite",
    "postgres": "postgresql.database:PostgreSQL",
    "postgresql": "postgresql.database:PostgreSQL",
}
"""The module in this package and its class, by the scheme of an address; "" for a path."""

OPTION = "store_dialect"
"""The execution option by which each connection names its `Dialect`."""

INDEXED_FIELDS = ("title", "author", "summary", "content", "tag", "category", "source", "link")
"""The fields of queries whose words are indexed. The field `text` is summary and content together."""

Check = Callable[[sa.Connection], None]
"""Called with a connection when a store opens; raises StoreError or Unreadable if it cannot be used."""


class SearchIndex(Protocol):
    """A full-text index of the words of articles, created by the first search (see `store.search`)."""

    def make(self, connection: sa.Connection) -> None:
        """Creates an empty index, in place of an existing one."""
        ...

    def add(self, connection: sa.Connection, rows: list[tuple[int, tuple[str, ...]]]) -> None:
        """Adds or replaces the words of articles.

        `rows`: the number of each article, with one text for each field, in the order of `INDEXED_FIELDS`.
        """
        ...

    def held(self, connection: sa.Connection) -> set[int]:
        """Returns the numbers of the articles in the index."""
        ...

    def has_words(self, words: tuple[str, ...], fields: tuple[str, ...]) -> str | None:
        """Returns an index query for these words side by side in one of these fields; None: impossible."""
        ...

    def has_prefix(self, prefix: str, fields: tuple[str, ...]) -> str | None:
        """Returns an index query for a word with this prefix; None: impossible."""
        ...

    def matches(self, questions: list[str], *, any_of: bool) -> sa.ColumnElement[Any]:
        """Returns a subquery for IN: the numbers of articles that may match all of these queries, or any."""
        ...


class ServerLock(Protocol):
    """A lock that is released when its process ends; use it in a `with` statement."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def take(self, line: str) -> bool:
        """Takes the lock if it is free, and returns whether it did; `line` describes this process."""
        ...

    def keep(self, line: str) -> bool:
        """Takes the lock again if it was lost, such as by a restart of the server; returns False if
        another process has it.
        """
        ...

    def who(self) -> str | None:
        """Returns the line of the process that has the lock; None if it is free."""
        ...


class Dialect(Protocol):
    """One database.

    - `place`: its name for messages, without a password.
    - `engine`: for writing.
    - `reading`: for reading one state of the database in each transaction.
    - `autocommit`: for single statements without a transaction around them; None where that saves nothing.
    - `most_readers`: how many threads should read at once what is read in less than a millisecond.
    """

    place: str
    engine: sa.Engine
    reading: sa.Engine
    autocommit: sa.Engine | None
    most_readers: int
    search: SearchIndex

    def open(self, check: Check) -> None:
        """Opens the database; unless it is only read, creates its tables and updates them. Raises
        StoreError.
        """
        ...

    def close(self) -> None:
        """Closes all connections."""
        ...

    def errors(self) -> AbstractContextManager[None]:
        """Converts all errors of the database within the context to StoreError."""
        ...

    def make_tables(self, connection: sa.Connection, there: Collection[str]) -> None:
        """Creates the tables of this version that are missing; `there`: those that exist."""
        ...

    def columns(self, connection: sa.Connection) -> dict[str, set[str]]:
        """Returns the columns of each existing table."""
        ...

    def begin(self, connection: sa.Connection, *, reads_only: bool) -> None:
        """Begins a transaction of the database, if its driver does not."""
        ...

    def begin_alone(self, connection: sa.Connection) -> None:
        """Waits until no other transaction saves articles; others then wait until this one ends."""
        ...

    def bounded(self, connection: sa.Connection, is_over: Callable[[], bool]) -> AbstractContextManager[None]:
        """Within the context, statements raise TookTooLong once `is_over` returns True."""
        ...

    def overwriting(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Within the context, deleted content is overwritten, if the database can do that."""
        ...

    def unchecked(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Within the context, in which a transaction begins and ends, the database need not check references
        between rows.
        """
        ...

    def undoing_in_memory(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """Within the context, in which a transaction begins and ends, no statement changes many rows."""
        ...

    def defer_references(self, connection: sa.Connection) -> None:
        """Makes the database check references between rows only when this transaction ends."""
        ...

    def tidy(self) -> None:
        """Does regular upkeep of the size and statistics of the database."""
        ...

    def save_memory(self) -> None:
        """Keeps little of the database in this process's memory from now on."""
        ...

    def rewrite(self) -> None:
        """Rewrites the whole database, so that deleted text cannot be read in its files."""
        ...

    def damage(self) -> Iterator[str]:
        """Yields damage that the database's own checks find, a line each."""
        ...

    def orphans(self) -> list[str]:
        """Returns rows that refer to missing rows, if the database does not prevent them."""
        ...

    def load(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """Inserts many rows with all columns of a table, as another database returned them."""
        ...

    def count_on(self, connection: sa.Connection) -> None:
        """Sets the counters for new rows' numbers to above those of the loaded rows."""
        ...

    def folder_key(self, folder: Path) -> str:
        """Returns the key under which a folder of posts is stored; `folder_of` is the inverse."""
        ...

    def folder_of(self, key: str) -> Path:
        """Returns the folder of a key."""
        ...

    def turn(self, name: str) -> ServerLock | None:
        """Returns a lock on the server, "run" or "work"; None: a lock file is used instead.

        Works without `open`.
        """
        ...

    def size(self) -> int:
        """Returns the size of the store in bytes."""
        ...


def unencodable(store: object, error: UnicodeEncodeError) -> StoreError:
    """Returns the error for a text that no store can keep; `store`: its address, as messages have it."""
    what = "half a character (a lone surrogate)"
    return StoreError(f"the store {store} cannot keep {what}: {error.object[:40]!r}")


def dialect_of(address: StoreAddress, *, reads_only: bool) -> Dialect:
    """Returns the dialect of an address, not opened yet. Raises StoreError if there is none."""
    scheme = "" if isinstance(address, Path) else address.scheme
    if scheme not in DIALECTS:
        known = ", ".join(f"{each}://" for each in DIALECTS if each)
        raise StoreError(f"the store {address} is of an unknown kind; name a file, or an address of {known}")
    module, _, name = DIALECTS[scheme].partition(":")
    found = getattr(import_module(f"aggregator.store.{module}"), name)
    return cast("Dialect", found(address, reads_only=reads_only))
