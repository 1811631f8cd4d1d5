"""Full archives of feeds (RFC 5005 §4): made once, in one transaction with what they file.

One is made of revisions, which stay as they are. It is written again only where a rule, a story, a withdrawal
or a takedown changed what it may show.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aggregator.store.columns import microseconds
from aggregator.store.database import Database
from aggregator.store.kept import Kept, Recent
from aggregator.store.rows import insert
from aggregator.store.schema import archive_entries, archives, articles, feeds, placements, revisions

_AT_ONCE = 50
_NAMES_AT_ONCE = 500

_FEED = sa.select(feeds.c.pk).where(feeds.c.name == sa.bindparam("of_feed")).scalar_subquery()
_ENTRIES = (
    sa.select(archive_entries.c.revision)
    .where(archive_entries.c.feed == _FEED, archive_entries.c.number == sa.bindparam("of_number"))
    .where(sa.not_(archive_entries.c.is_hidden))
    .order_by(archive_entries.c.position)
)
_IS_UNFILED = sa.and_(placements.c.feed == _FEED, placements.c.archived.is_(None))


class Archives:
    """The part of the store that keeps full archives; every method but `file_away` is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def file_away(self, feed: str, entries: int) -> None:
        """Files what lies beyond the newest `entries` of a feed, the oldest first, `entries` an archive.

        What does not fill one stays unfiled. Fifty archives at most are made in one transaction.
        """
        made = _AT_ONCE
        while made == _AT_ONCE:
            with self._database.snapshot() as connection:
                if len(_oldest_unfiled(connection, feed, entries, entries)) < entries:
                    return
            with self._database.transaction() as connection:
                made = _file(connection, feed, entries)

    def unfiled(self, feed: str, last: Kept, recent: Recent | None = None) -> tuple[Kept, ...]:
        """The articles of a feed that stand behind `last` and in no full archive, newest first.

        `recent` has what was read already, and keeps these.
        """
        query = (
            sa.select(articles.c.revision)
            .join(placements, placements.c.article == articles.c.pk)
            .where(_IS_UNFILED, _behind(last.published, last.uid), articles.c.revision.is_not(None))
            .order_by(placements.c.published.desc(), articles.c.uid)
        )
        with self._database.snapshot() as connection:
            numbers = connection.scalars(query, {"of_feed": feed}).all()
            return (recent or Recent()).read(connection, numbers)

    def count(self, feed: str, look: str) -> tuple[int, frozenset[int]]:
        """How many full archives a feed has, and the numbers of those not yet written in this look."""
        of_this = archives.c.feed == _FEED
        count = sa.select(sa.func.count()).where(of_this)
        unwritten = sa.select(archives.c.number).where(of_this, archives.c.look.is_distinct_from(look))
        with self._database.snapshot() as connection:
            total = connection.scalar(count, {"of_feed": feed}) or 0
            return total, frozenset(connection.scalars(unwritten, {"of_feed": feed}))

    def dates(self, names: Collection[str]) -> dict[tuple[str, int], datetime]:
        """The date of the newest entry of each full archive of these feeds, by feed and number.

        An archive whose newest entry was erased has none.
        """
        query = (
            sa.select(feeds.c.name, archives.c.number, revisions.c.published)
            .join_from(feeds, archives, archives.c.feed == feeds.c.pk)
            .join(
                archive_entries,
                sa.and_(
                    archive_entries.c.feed == archives.c.feed,
                    archive_entries.c.number == archives.c.number,
                    archive_entries.c.position == 1,
                ),
            )
            .join(revisions, revisions.c.pk == archive_entries.c.revision)
        )
        found = {}
        with self._database.snapshot() as connection:
            ordered = sorted(names)
            for start in range(0, len(ordered), _NAMES_AT_ONCE):
                some = feeds.c.name.in_(ordered[start : start + _NAMES_AT_ONCE])
                for row in connection.execute(query.where(some)):
                    found[row.name, row.number] = row.published
        return found

    def articles(self, feed: str, number: int, recent: Recent | None = None) -> tuple[Kept, ...]:
        """The articles of a full archive as they were when it was made, newest first.

        `recent` has what was read already, and keeps these.
        """
        with self._database.snapshot() as connection:
            numbers = connection.scalars(_ENTRIES, {"of_feed": feed, "of_number": number}).all()
            return (recent or Recent()).read(connection, numbers)

    def written(self, feed: str, numbers: Collection[int], look: str) -> None:
        """Records that the files of these archives are in place, in this look."""
        if not numbers:
            return
        statement = (
            archives.update()
            .where(archives.c.feed == _FEED, archives.c.number == sa.bindparam("of_number"))
            .values(look=look)
        )
        with self._database.transaction() as connection:
            connection.execute(statement, [{"of_feed": feed, "of_number": n} for n in numbers])


def _oldest_unfiled(connection: sa.Connection, feed: str, entries: int, count: int) -> list[sa.Row[Any]]:
    """The oldest articles of a feed that are in no archive, of those behind its newest `entries`."""
    newest = (
        sa.select(articles.c.published, articles.c.uid)
        .join(placements, placements.c.article == articles.c.pk)
        .where(placements.c.feed == _FEED)
        .order_by(placements.c.published.desc(), articles.c.uid)
    )
    last_shown = connection.execute(newest.offset(entries - 1).limit(1), {"of_feed": feed}).one_or_none()
    if last_shown is None:
        return []
    oldest = (
        sa.select(placements.c.article, placements.c.published, articles.c.revision)
        .join(articles, articles.c.pk == placements.c.article)
        .where(_IS_UNFILED, _behind(last_shown.published, last_shown.uid))
        .order_by(placements.c.published, articles.c.uid.desc())
    )
    return [*connection.execute(oldest.limit(count), {"of_feed": feed})]


def _file(connection: sa.Connection, feed: str, entries: int) -> int:
    """Makes up to `_AT_ONCE` archives; how many."""
    rows = _oldest_unfiled(connection, feed, entries, entries * _AT_ONCE)
    made = len(rows) // entries
    if not made:
        return 0
    pk = connection.scalar(sa.select(feeds.c.pk).where(feeds.c.name == feed))
    newest = sa.select(sa.func.max(archives.c.number)).where(archives.c.feed == pk)
    first = (connection.scalar(newest) or 0) + 1
    shown, filed = [], []
    for n, row in enumerate(rows[: made * entries]):
        number, position = first + n // entries, entries - n % entries
        shown.append((pk, number, position, row.revision))
        filed.append((number, pk, microseconds(row.published), row.article))
    insert(connection, "archives (feed, number)", [(pk, first + n) for n in range(made)])
    insert(connection, "archive_entries (feed, number, position, revision)", shown)
    connection.exec_driver_sql(
        "UPDATE placements SET archived = ? WHERE feed = ? AND published = ? AND article = ?", filed
    )
    return made


def _behind(published: object, uid: str) -> sa.ColumnElement[bool]:
    """Articles that come after this one in their feed, as `Feeds.newest` orders it."""
    date = placements.c.published
    # The first condition is for the index, which cannot use the second.
    return sa.and_(
        date <= published, sa.or_(date < published, sa.and_(date == published, articles.c.uid > uid))
    )
