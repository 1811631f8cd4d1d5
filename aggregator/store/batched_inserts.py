"""Collects rows of one transaction, so that many are inserted by one statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa

from aggregator.store.published_ids import is_permanent
from aggregator.store.raw_sql import fetch_rows_of_each, insert_rows

__all__ = ["BatchedInserts"]

_TAKEN = "SELECT uid FROM articles WHERE uid IN ({})"
_READ = """SELECT name FROM sources WHERE name IN ({})
AND EXISTS (SELECT 1 FROM articles WHERE articles.source = sources.name)"""


class BatchedInserts:
    """A connection with rows that wait; they are inserted before it is used for anything else.

    Other threads poll, so the saving thread waits for the interpreter's lock after each statement: statements
    for each source took longer than the database itself. Results that were queried for many sources at once
    are kept until anything is written.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self.bare = connection
        """Takes a connection; use it directly only for statements that do not read articles."""
        self._rows: dict[str, list[Sequence[Any]]] = {}
        self._uids: dict[str, bool] = {}
        self._sources: dict[str, bool] = {}

    @property
    def connection(self) -> sa.Connection:
        """The connection, after inserting everything that waits."""
        self.flush()
        return self.bare

    def flush(self) -> None:
        """Inserts everything that waits."""
        self._uids.clear()
        self._sources.clear()
        waiting, self._rows = self._rows, {}
        for into in sorted(waiting, key=_refers_to_articles):
            insert_rows(self.bare, into, waiting[into])

    def insert(self, into: str, rows: Sequence[Sequence[Any]]) -> None:
        """Like `rows.insert`, but later; articles are written before the rows that refer to them."""
        if rows:
            self._rows.setdefault(into, []).extend(rows)

    def enter(self, source: str, uids: Collection[str]) -> None:
        """Records that articles of this source with these published ids wait to be inserted."""
        self._sources[source] = True
        self._uids.update(dict.fromkeys(uids, True))

    def look(self, found: Mapping[str, Collection[str]]) -> None:
        """Queries for many sources at once what is needed of each; `found`: the ids of each source's
        articles.
        """
        self._ask(_READ, [source for source, ids in found.items() if ids], self._sources)
        new = [ids for source, ids in found.items() if ids and not self._sources[source]]
        self.taken([*filter(is_permanent, chain.from_iterable(new))])

    def has_articles(self, source: str) -> bool:
        """Returns whether the store has any article of a source."""
        self._ask(_READ, (source,), self._sources)
        return self._sources[source]

    def taken(self, uids: Collection[str]) -> set[str]:
        """Returns which of these published ids are in use."""
        self._ask(_TAKEN, uids, self._uids)
        return {uid for uid in uids if self._uids[uid]}

    def _ask(self, query: str, names: Collection[str], known: dict[str, bool]) -> None:
        if asked := [name for name in dict.fromkeys(names) if name not in known]:
            known.update(dict.fromkeys(asked, False))
            known.update((row[0], True) for row in fetch_rows_of_each(self.bare, query, asked))


def _refers_to_articles(into: str) -> bool:
    return not into.startswith("articles ")
