"""Puts articles into feeds within one transaction, and marks the feeds that become stale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from aggregator.store.batched_inserts import BatchedInserts
from aggregator.store.column_types import microseconds
from aggregator.store.raw_sql import insert_rows
from aggregator.store.schema import (
    ALL,
    OF_SOURCE,
    archive_entries,
    archives,
    articles,
    feeds,
    placements,
    revisions,
)

__all__ = ["PlacementWriter"]

_PK: sa.BindParameter[int] = sa.bindparam("of_article")
_PKS: sa.BindParameter[list[int]] = sa.bindparam("some_articles", expanding=True)
_PLACES = sa.select(placements.c.feed, placements.c.published, placements.c.archived).where(
    placements.c.article == _PK
)
_LEAVE = placements.delete().where(placements.c.article == _PK)
_COUNTS = (
    sa.select(placements.c.feed, sa.func.count())
    .where(placements.c.article.in_(_PKS))
    .group_by(placements.c.feed)
)
_LEAVE_SOME = placements.delete().where(placements.c.article.in_(_PKS))
_FILED = (
    sa.select(archive_entries.c.feed, sa.func.max(archive_entries.c.number))
    .join(articles, articles.c.revision == archive_entries.c.revision)
    .where(articles.c.pk == _PK, sa.not_(archive_entries.c.is_hidden))
    .group_by(archive_entries.c.feed)
)
_UNFILE = placements.update().where(placements.c.article == _PK, placements.c.archived.is_not(None))
_JOINING = "placements (feed, published, article)"
_PLACEMENTS = "placements (feed, published, article, archived)"
_STALE = (
    feeds.update()
    .where(feeds.c.pk == sa.bindparam("stale"))
    .values(
        generation=feeds.c.generation + 1,
        changed=sa.bindparam("now"),
        total=feeds.c.total + sa.bindparam("grown"),
    )
)

Row = tuple[int, datetime, Iterable[str]]
"""The number of an article, its date, and the names of its feeds."""


class PlacementWriter:
    """Puts articles into feeds and removes them within one transaction; call `save` at the end."""

    def __init__(self, pending: BatchedInserts, now: datetime) -> None:
        self._pending = pending
        self._now = now
        self._feeds: dict[str, int] | None = None
        self._joining: list[tuple[int, int, int]] = []
        # How many articles each stale feed has gained.
        self._stale: Counter[int] = Counter()

    def join(self, joining: Sequence[Row]) -> None:
        """Puts articles that are in no feed into feeds; the names of an article must be unique."""
        numbers: dict[tuple[str, ...], list[int]] = {}  # articles of a source mostly have the same feeds
        for pk, published, names in joining:
            date, key = microseconds(published), tuple(names)
            if (found := numbers.get(key)) is None:
                found = numbers[key] = [*map(self._feed, key)]
            self._joining += [(feed, date, pk) for feed in found]
            for feed in found:
                self._stale[feed] += 1

    @property
    def _connection(self) -> sa.Connection:
        """The connection, after inserting the articles that joined."""
        self._insert_joining()
        return self._pending.connection

    def _insert_joining(self) -> None:
        """Inserts in the order of the table's key, which takes half the time for many rows."""
        self._pending.insert(_JOINING, sorted(self._joining))
        self._joining.clear()

    def place(self, pk: int, published: datetime, names: Iterable[str], *, is_edited: bool = False) -> None:
        """Puts an article into these feeds and removes it from all others; all of them become stale.

        `is_edited`: it goes into a newer archive again, because full archives never change.
        """
        wanted = {self._feed(name) for name in names}
        before = {row.feed: row for row in self._connection.execute(_PLACES, {"of_article": pk})}
        if any(row.published != published for row in before.values()):
            filed = self.leave(pk)
            self._insert([(feed, microseconds(published), pk, filed.get(feed)) for feed in wanted])
            return
        for feed in before.keys() - wanted:
            of_this = (placements.c.feed == feed) & (placements.c.article == pk)
            self._connection.execute(placements.delete().where(of_this))
            self._stale[feed] -= 1
        if joining := wanted - before.keys():
            # It may have been in the feed before, and be in a full archive unchanged.
            filed = {row[0]: row[1] for row in self._connection.execute(_FILED, {"of_article": pk})}
            self._insert([(feed, microseconds(published), pk, filed.get(feed)) for feed in joining])
        self._stale.update(dict.fromkeys(before.keys() & wanted, 0))
        if is_edited and any(row.archived is not None for row in before.values()):
            self._connection.execute(_UNFILE.values(archived=None), {"of_article": pk})

    def _insert(self, rows: Sequence[tuple[int, int, int, int | None]]) -> None:
        if rows:
            insert_rows(self._connection, _PLACEMENTS, rows)
            self._stale.update(row[0] for row in rows)

    def leave(self, pk: int) -> Mapping[int, int | None]:
        """Removes an article from every feed; returns these feeds, each with the full archive that has the
        article (None: none has).
        """
        filed = {row.feed: row.archived for row in self._connection.execute(_PLACES, {"of_article": pk})}
        if filed:
            self._stale.subtract(filed.keys())
            self._connection.execute(_LEAVE, {"of_article": pk})
        return filed

    def leave_all(self, pks: Sequence[int]) -> None:
        """Removes articles from every feed."""
        for feed, count in self._connection.execute(_COUNTS, {"some_articles": pks}).all():
            self._stale[feed] -= count
        self._connection.execute(_LEAVE_SOME, {"some_articles": pks})

    def hide(self, pk: int, feed: str | None = None, *, is_hidden: bool = True) -> None:
        """Hides an article in the full archives of one feed (None: of all), or shows it there again.

        Archives that change are written again.
        """
        theirs = archive_entries.c.revision.in_(sa.select(revisions.c.pk).where(revisions.c.article == pk))
        chosen = sa.and_(theirs, archive_entries.c.is_hidden.is_not(is_hidden))
        if feed is not None:
            chosen = sa.and_(chosen, archive_entries.c.feed == self._feed(feed))
        self._write_again(chosen)
        self._connection.execute(archive_entries.update().where(chosen).values(is_hidden=is_hidden))

    def show_again(self, pk: int) -> None:
        """Marks all feeds and full archives that show an article, because it is rendered differently now."""
        self.renew_of(pk)
        theirs = archive_entries.c.revision.in_(sa.select(revisions.c.pk).where(revisions.c.article == pk))
        self._write_again(sa.and_(theirs, sa.not_(archive_entries.c.is_hidden)))

    def _write_again(self, chosen: sa.ColumnElement[bool]) -> None:
        of = (archive_entries.c.feed, archive_entries.c.number)
        for found in self._connection.execute(sa.select(*of).where(chosen).distinct()).all():
            this = (archives.c.feed == found.feed) & (archives.c.number == found.number)
            self._connection.execute(archives.update().where(this).values(look=None))
            self._stale[found.feed] += 0

    def names(self, pk: int) -> list[str]:
        """Returns the names of an article's feeds."""
        joined = sa.select(feeds.c.name).join(placements, placements.c.feed == feeds.c.pk)
        return [*self._connection.scalars(joined.where(placements.c.article == pk).order_by(feeds.c.pk))]

    def renew_of(self, pk: int) -> None:
        """Marks the feeds of an article as stale, because something in it changed."""
        places = self._connection.execute(_PLACES, {"of_article": pk})
        self._stale.update(dict.fromkeys((row.feed for row in places), 0))

    def renew(self, *found: int) -> None:
        """Marks feeds as stale, by their numbers."""
        self._stale.update(dict.fromkeys(found, 0))

    def define(self, name: str) -> None:
        """Makes a feed that of a saved query."""
        this = feeds.c.pk == self._feed(name)
        self._connection.execute(feeds.update().where(this).values(kind="query"))

    def _feed(self, name: str) -> int:
        if self._feeds is None:
            rows = self._pending.bare.execute(sa.select(feeds.c.name, feeds.c.pk))
            self._feeds = {row.name: row.pk for row in rows}
        if (found := self._feeds.get(name)) is None:
            new: dict[str, Any] = {
                "pk": max(self._feeds.values(), default=0) + 1,
                "name": name,
                "kind": "source" if name.startswith(OF_SOURCE) else "category",
                "changed": self._now,
                "generation": 0,
                "rendered": 0,
                "total": 0,
            }
            self._pending.bare.execute(feeds.insert().values(new))
            found = self._feeds[name] = new["pk"]
        return found

    def save(self) -> None:
        """Inserts what waits, and marks every feed as stale that an article joined, left or changed in."""
        connection = self._connection
        if self._stale:
            rows = [{"stale": feed, "grown": n, "now": self._now} for feed, n in self._stale.items()]
            connection.execute(_STALE, rows)
            self._stale.clear()


@lru_cache(maxsize=256)  # the articles of a source mostly have the same
def names_of(categories: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the feeds of an article by its categories alone: `all`, and one for each."""
    return (ALL, *dict.fromkeys(name for name in categories if name != ALL))
