"""The connection of one transaction, and rows of it that are not inserted yet: many take one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa

from aggregator.store.outward_ids import is_permanent
from aggregator.store.rows import ask_each, insert

__all__ = ["Pending"]

_TAKEN = "SELECT uid FROM articles WHERE uid IN ({})"
_READ = """SELECT name FROM sources WHERE name IN ({})
AND EXISTS (SELECT 1 FROM articles WHERE articles.source = sources.name)"""


class Pending:
    """A connection that inserts what waits before it is used for anything else.

    The thread that saves waits for the interpreter's lock after each statement, as other threads poll: a
    statement for each source took longer than the database took for it. What is asked of many sources at once
    is remembered until anything else is done.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self.bare = connection
        """The connection as it is, for what looks at no articles."""
        self._rows: dict[str, list[Sequence[Any]]] = {}
        self._uids: dict[str, bool] = {}
        self._sources: dict[str, bool] = {}

    @property
    def connection(self) -> sa.Connection:
        """The connection, after everything that waited is in the database."""
        self.flush()
        return self.bare

    def flush(self) -> None:
        """Inserts what waits."""
        self._uids.clear()
        self._sources.clear()
        waiting, self._rows = self._rows, {}
        for into, rows in waiting.items():
            insert(self.bare, into, rows)

    def insert(self, into: str, rows: Sequence[Sequence[Any]]) -> None:
        """As `rows.insert`, later; tables in the order in which each was first named."""
        if rows:
            self._rows.setdefault(into, []).extend(rows)

    def enter(self, source: str, uids: Collection[str]) -> None:
        """Notes that articles with these outward ids wait to be inserted, of this source."""
        self._sources[source] = True
        self._uids.update(dict.fromkeys(uids, True))

    def look(self, found: Mapping[str, Collection[str]]) -> None:
        """Asks at once what is asked of each of these sources; `found` has the ids that each has now."""
        self._ask(_READ, [source for source, ids in found.items() if ids], self._sources)
        new = [ids for source, ids in found.items() if ids and not self._sources[source]]
        self.taken([*filter(is_permanent, chain.from_iterable(new))])

    def has_articles(self, source: str) -> bool:
        """Whether anything is kept of a source."""
        self._ask(_READ, (source,), self._sources)
        return self._sources[source]

    def taken(self, uids: Collection[str]) -> set[str]:
        """Which of these outward ids articles have already."""
        self._ask(_TAKEN, uids, self._uids)
        return {uid for uid in uids if self._uids[uid]}

    def _ask(self, query: str, names: Collection[str], known: dict[str, bool]) -> None:
        if asked := [name for name in dict.fromkeys(names) if name not in known]:
            known.update(dict.fromkeys(asked, False))
            known.update((row[0], True) for row in ask_each(self.bare, query, asked))
