"""What differs between databases, and which module knows each: one file and one line here for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    "Turn",
    "made",
]

DIALECTS: Mapping[str, str] = {
    "": "sqlite.file:SQLite",
    "postgres": "postgresql.database:PostgreSQL",
    "postgresql": "postgresql.database:PostgreSQL",
}
"""By the scheme of an address, "" for a path: the module of this room, and the class in it."""

OPTION = "store_dialect"
"""The execution option of each connection that has its `Dialect`."""

INDEXED_FIELDS = ("title", "author", "summary", "content", "tag", "category", "source", "link")
"""The fields of queries whose words are indexed; those of `text` are summary and content."""

Check = Callable[[sa.Connection], None]
"""Is given a connection when a store opens; raises StoreError or Unreadable where it cannot be used."""


class SearchIndex(Protocol):
    """A full-text index of the words of articles, made by the first search (see `store.search`)."""

    def make(self, connection: sa.Connection) -> None:
        """Makes an empty index, in place of one that is there."""
        ...

    def add(self, connection: sa.Connection, rows: list[tuple[int, tuple[str, ...]]]) -> None:
        """Adds the words of articles, by their numbers, one text for each field in the order of
        `INDEXED_FIELDS`; what was there of them is replaced."""
        ...

    def held(self, connection: sa.Connection) -> set[int]:
        """The numbers of the articles that it holds."""
        ...

    def has_words(self, words: tuple[str, ...], fields: tuple[str, ...]) -> str | None:
        """Asks for these words side by side in one of these fields; None: it cannot be asked for them."""
        ...

    def has_prefix(self, prefix: str, fields: tuple[str, ...]) -> str | None:
        """Asks for a word that begins so; None: it cannot be asked for it."""
        ...

    def matches(self, questions: list[str], *, any_of: bool) -> sa.ColumnElement[Any]:
        """The numbers of the articles that may fulfil all of these questions, or any: a subquery for IN."""
        ...


class Turn(Protocol):
    """A lock that is let go of when its process ends; to be used in a `with` statement."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def take(self, line: str) -> bool:
        """Takes the lock for this process, where it is free; `line` says who it is."""
        ...

    def keep(self, line: str) -> bool:
        """Takes it again where it was lost, as by a restart of the server; False: another process has it."""
        ...

    def who(self) -> str | None:
        """The line of the process that has the lock; None where none has."""
        ...


class Dialect(Protocol):
    """One database, opened; `place` names it without any password.

    `engine` writes, `reading` sees one state of the database in each transaction.
    """

    place: str
    engine: sa.Engine
    reading: sa.Engine
    search: SearchIndex

    def open(self, check: Check) -> None:
        """Opens it, where it is not only read made and brought up to date. Raises StoreError."""
        ...

    def close(self) -> None:
        """Closes all connections."""
        ...

    def errors(self) -> AbstractContextManager[None]:
        """Raises StoreError for whatever goes wrong with the database meanwhile."""
        ...

    def make_tables(self, connection: sa.Connection) -> None:
        """Makes the tables of this version where there are none."""
        ...

    def columns(self, connection: sa.Connection) -> dict[str, set[str]]:
        """The columns of each table that is there."""
        ...

    def begin_alone(self, connection: sa.Connection) -> None:
        """Waits until no other transaction saves articles, and keeps others waiting until this one ends."""
        ...

    def bounded(self, connection: sa.Connection, is_over: Callable[[], bool]) -> AbstractContextManager[None]:
        """Ends what runs meanwhile by TookTooLong once `is_over`."""
        ...

    def overwriting(self, connection: sa.Connection) -> AbstractContextManager[None]:
        """What is deleted meanwhile is overwritten, where the database can do that."""
        ...

    def defer_references(self, connection: sa.Connection) -> None:
        """Lets references between rows be checked when this transaction ends."""
        ...

    def tidy(self) -> None:
        """Regular upkeep: of its size, and of what it knows about its contents."""
        ...

    def rewrite(self) -> None:
        """Rewrites everything: of what was deleted nothing can be read there any more."""
        ...

    def damage(self) -> Iterator[str]:
        """What the database itself finds damaged, a line each."""
        ...

    def orphans(self) -> list[str]:
        """Rows without what they belong to, as far as the database does not make sure of it."""
        ...

    def load(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Sequence[Any]]) -> None:
        """Inserts many rows of all columns of a table, as another database had them."""
        ...

    def count_on(self, connection: sa.Connection) -> None:
        """Lets rows that get their numbers from the database have others than those that were loaded."""
        ...

    def folder_key(self, folder: Path) -> str:
        """What a folder of posts is remembered by; `folder_of` is the way back."""
        ...

    def folder_of(self, key: str) -> Path:
        """The folder that is remembered by this."""
        ...

    def turn(self, name: str) -> Turn | None:
        """A lock of the server that processes take in turn, "run" or "work"; None: one of a file does.

        Works without `open`.
        """
        ...

    def size(self) -> int:
        """How many bytes the store takes."""
        ...


def made(address: StoreAddress, *, reads_only: bool) -> Dialect:
    """The dialect of an address, not opened yet. Raises StoreError where there is none."""
    scheme = "" if isinstance(address, Path) else address.scheme
    if scheme not in DIALECTS:
        known = ", ".join(f"{each}://" for each in DIALECTS if each)
        raise StoreError(
            f"the store {address} is of a kind that is not known; name a file, or an address of {known}"
        )
    module, _, name = DIALECTS[scheme].partition(":")
    found = getattr(import_module(f"aggregator.store.{module}"), name)
    return cast("Dialect", found(address, reads_only=reads_only))
