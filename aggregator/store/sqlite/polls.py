"""The parts of a SQLite store that polls need until more than unchanged sources is saved, without SQLAlchemy.

Most polls find nothing new. Importing SQLAlchemy with all statements of the store, and opening the store,
took a third of a run of a thousand such polls (measured).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aggregator.schedule.state import PollState
from aggregator.store.instants import EPOCH, microseconds
from aggregator.store.poll_rows import row_of, statements
from aggregator.store.polled_articles import OF_SOURCE, from_rows
from aggregator.store.records import PolledArticles, SourceRecord, Update
from aggregator.store.sqlite.connections import BUSY_SECONDS, prepare

if TYPE_CHECKING:
    from aggregator.store.store import Store

__all__ = ["PolledFile", "has_more_to_poll"]

# With failed sources the status page changes, and with hubs the schedule.
_NEEDS_MORE = """SELECT EXISTS (SELECT 1 FROM hub_subscriptions)
OR EXISTS (SELECT 1 FROM sources WHERE active AND (error IS NOT NULL OR is_gone))"""
_MORE = """SELECT EXISTS (SELECT 1 FROM followed) OR EXISTS (SELECT 1 FROM sources
WHERE (next_poll IS NULL OR next_poll < ?) AND active AND is_enabled AND NOT is_gone)"""
_SCHEDULES = "SELECT name, schedule, next_poll FROM sources WHERE active AND is_enabled AND NOT is_gone"
_STATES = """SELECT name, validators, body_hash, identity, schedule, succeeded, reader_version, moved_to,
EXISTS (SELECT 1 FROM articles WHERE articles.source = sources.name) FROM sources"""
_NEVER = 2**63 - 1
_DAMAGED = (sqlite3.Error, ValueError, TypeError, OverflowError, RecursionError)
"""Exceptions for values that no version has stored."""


def has_more_to_poll(path: Path, until: datetime | None) -> bool:
    """Returns whether a store file has sources that are due before this time (None: ever), or sources outside
    the config; True if it cannot be read.
    """
    before = _NEVER if until is None else microseconds(until)
    try:
        with closing(sqlite3.connect(_address(path), uri=True, timeout=BUSY_SECONDS)) as connection:
            return bool(connection.execute(_MORE, (before,)).fetchone()[0])
    except sqlite3.Error:
        return True


class PolledFile:
    """A store for a `Poller`: it knows states of sources and saves unchanged ones by itself.

    `open_store` opens the whole store, for everything else; it is called once. The methods of this class are
    for one thread; those of `articles` and of the whole store are for all.
    """

    def __init__(self, path: Path, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self._opening = threading.Lock()
        self._whole: Store | None = None
        address = _address(path)
        self._connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        prepare(self._connection)
        self.sources = _Sources(self, self._connection)
        self.articles = _Articles(self, address)
        self.hub_subscriptions = _HubSubscriptions(self)

    def __getattr__(self, part: str) -> Any:
        return getattr(self.whole(), part)

    @property
    def is_open(self) -> bool:
        """Whether the whole store was opened."""
        return self._whole is not None

    def whole(self) -> Store:
        """Returns the whole store."""
        with self._opening:
            if self._whole is None:
                self._whole = self._open_store()
            return self._whole

    def close(self) -> None:
        """Closes the file; the whole store is not closed."""
        self._connection.close()
        self.articles.close()

    def is_sufficient(self) -> bool:
        """Returns whether polls that find nothing new change nothing but the rows of their sources."""
        (needs_more,) = self._connection.execute(_NEEDS_MORE).fetchone()
        return not needs_more

    def setting(self, name: str) -> str | None:
        """Returns a stored setting; None if it was never set."""
        row = self._connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def schedules(self) -> dict[str, tuple[str, datetime | None]]:
        """Returns the stored poll states of all sources that are polled, and their next polls."""
        rows = self._connection.execute(_SCHEDULES)
        return {name: (text, None if due is None else _moment(due)) for name, text, due in rows}


class _Sources:
    """The part of the store that knows sources."""

    def __init__(self, file: PolledFile, connection: sqlite3.Connection) -> None:
        self._file = file
        self._connection = connection

    def __getattr__(self, method: str) -> Any:
        return getattr(self._file.whole().sources, method)

    def successes(self) -> Mapping[str, datetime]:
        """See `store.sources`."""
        return self._file.whole().sources.successes()

    def states(self, names: Collection[str]) -> dict[str, SourceRecord]:
        """See `store.sources`."""
        wanted = {*names}
        try:
            rows = self._connection.execute(_STATES).fetchall()
            return {row[0]: _record(*row[1:]) for row in rows if row[0] in wanted}
        except _DAMAGED:
            return self._file.whole().sources.states(names)  # it reports what is wrong

    def commit_unchanged(self, updates: Sequence[Update], now: datetime) -> None:
        """See `store.sources`."""
        if self._file.is_open:
            self._file.whole().sources.commit_unchanged(updates, now)
            return
        rows = [row_of(update, now, update.reader_version) for update in updates]
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                for statement, values in statements(rows):
                    self._connection.execute(statement, values)
        except sqlite3.Error:
            self._file.whole().sources.commit_unchanged(updates, now)  # it reports what is wrong


class _Articles:
    """The part of the store that knows articles: a connection of its own, which threads use in turn."""

    def __init__(self, file: PolledFile, address: str) -> None:
        self._file = file
        self._using = threading.Lock()
        self._connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    def __getattr__(self, method: str) -> Any:
        return getattr(self._file.whole().articles, method)

    def close(self) -> None:
        self._connection.close()

    def going_by(self, source: str, reader_version: int = 1, *, dates: int = 0) -> PolledArticles:
        """See `store.articles`."""
        try:
            with self._using:
                rows = self._connection.execute(OF_SOURCE, (source,)).fetchall()
            return from_rows(rows, reader_version, dates, _moment)
        except _DAMAGED:
            # It reports what is wrong.
            return self._file.whole().articles.going_by(source, reader_version, dates=dates)


class _HubSubscriptions:
    """The subscriptions at hubs: there are none."""

    def __init__(self, file: PolledFile) -> None:
        self._file = file

    def __getattr__(self, method: str) -> Any:
        return getattr(self._file.whole().hub_subscriptions, method)

    def current(self, _names: Sequence[str]) -> dict[str, Any]:
        """See `store.hub_subscriptions`."""
        return {}


def _record(
    validators: str,
    body_hash: str | None,
    identity: str | None,
    schedule: str,
    succeeded: int | None,
    reader_version: int,
    moved_to: str | None,
    has_articles: int,
) -> SourceRecord:
    known = json.loads(validators)
    if not isinstance(known, dict):
        raise TypeError("not an object")
    if not all(text is None or isinstance(text, str) for text in (body_hash, identity, moved_to)):
        raise TypeError("not a text")
    return SourceRecord(
        validators=known,
        body_hash=body_hash,
        identity=identity,
        schedule=PollState.remembered(schedule),
        succeeded=None if succeeded is None else _moment(succeeded),
        reader_version=reader_version,
        moved_to=moved_to,
        has_articles=bool(has_articles),
    )


def _address(path: Path) -> str:
    return f"file:{quote(str(path))}?mode=rw"


def _moment(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)
