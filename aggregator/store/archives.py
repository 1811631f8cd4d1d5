"""Full archives of feeds (RFC 5005 §4).

An archive is made once, of revisions, which do not change. Its files are written again only if a rule, a
story, a withdrawal or a takedown changed what it may show.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import chain
from typing import Any

import sqlalchemy as sa

from aggregator.store.column_types import microseconds
from aggregator.store.database import Database
from aggregator.store.raw_sql import fetch_rows
from aggregator.store.schema import archive_entries, archives, articles, feeds, placements, revisions
from aggregator.store.stored_article import RecentArticles, StoredArticle

_ROWS_AT_ONCE = 10_000
_NAMES_AT_ONCE = 500

_FEED = sa.select(feeds.c.pk).where(feeds.c.name == sa.bindparam("of_feed")).scalar_subquery()
_ENTRIES = """
    SELECT revision FROM archive_entries
    WHERE feed = (SELECT pk FROM feeds WHERE name = ?) AND number = ? AND NOT is_hidden ORDER BY position
"""
_WRITTEN = (
    archives.update()
    .where(archives.c.feed == _FEED, archives.c.number == sa.bindparam("of_number"))
    .values(look=sa.bindparam("now"))
)
_DATE = placements.c.published
_LAST = sa.bindparam("last_published", type_=_DATE.type)
_OF_LAST = sa.bindparam("last_uid", type_=articles.c.uid.type)
# The articles after a given one, in the order of `Feeds.newest`; the first condition uses the index.
_IS_BEHIND = sa.and_(
    _DATE <= _LAST, sa.or_(_DATE < _LAST, sa.and_(_DATE == _LAST, articles.c.uid > _OF_LAST))
)
_UNFILED = (
    sa.select(articles.c.revision)
    .join(placements, placements.c.article == articles.c.pk)
    .where(placements.c.feed == _FEED, placements.c.archived.is_(None), articles.c.revision.is_not(None))
    .where(_IS_BEHIND)
    .order_by(_DATE.desc(), articles.c.uid)
)
_LAST_SHOWN = (
    sa.select(placements.c.feed, _DATE, articles.c.uid)
    .join(placements, placements.c.article == articles.c.pk)
    .where(placements.c.feed == _FEED)
    .order_by(_DATE.desc(), articles.c.uid)
    .offset(sa.bindparam("before"))
    .limit(1)
)


class Archives:
    """The part of the store that keeps full archives; every method except `file_away` is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def file_away(self, feed: str, entries: int) -> None:
        """Moves articles older than the newest `entries` of a feed into archives of `entries` each, oldest
        first.

        Articles that do not fill an archive stay outside. Each transaction files at most 10,000 articles, or
        one archive.
        """
        made = at_once = max(_ROWS_AT_ONCE // entries, 1)
        while made == at_once:
            with self._database.snapshot() as connection:
                if _unfiled_count(connection, feed, entries) < entries:
                    return
            with self._database.unchecked_transaction() as connection:
                made = _file(connection, feed, entries, at_once)

    def unfiled(
        self, feed: str, last: StoredArticle, recent: RecentArticles | None = None
    ) -> tuple[StoredArticle, ...]:
        """Returns the articles of a feed that are older than `last` and in no full archive, newest first.

        `recent`: a cache of articles that were read before; these are added.
        """
        asked = {"of_feed": feed, "last_published": last.published, "last_uid": last.uid}
        with self._database.snapshot() as connection:
            numbers = connection.scalars(_UNFILED, asked).all()
            return (recent or RecentArticles()).read(connection, numbers)

    def count(self, feed: str, look: str) -> tuple[int, frozenset[int]]:
        """Returns how many full archives a feed has, and the numbers of those not written yet with this
        `look`.
        """
        of_this = archives.c.feed == _FEED
        count = sa.select(sa.func.count()).where(of_this)
        unwritten = sa.select(archives.c.number).where(of_this, archives.c.look.is_distinct_from(look))
        with self._database.snapshot() as connection:
            total = connection.scalar(count, {"of_feed": feed}) or 0
            return total, frozenset(connection.scalars(unwritten, {"of_feed": feed}))

    def dates(self, names: Collection[str]) -> dict[tuple[str, int], datetime]:
        """Returns the date of the newest entry of each full archive of these feeds, by feed and number.

        An archive whose newest entry was erased is missing.
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

    def articles(self, feed: str, number: int) -> tuple[StoredArticle, ...]:
        """Returns the articles of a full archive as they were when it was made, newest first."""
        return self.several([(feed, number)], RecentArticles())[feed, number]

    def several(
        self, wanted: Collection[tuple[str, int]], recent: RecentArticles
    ) -> dict[tuple[str, int], tuple[StoredArticle, ...]]:
        """Returns the articles of several full archives, by feed and number.

        `recent`: a cache of articles that were read before; these are added.
        """
        with self._database.snapshot() as connection:
            numbers = {
                archive: [revision for (revision,) in fetch_rows(connection, _ENTRIES, archive)]
                for archive in wanted
            }
            found = recent.read(connection, [*chain.from_iterable(numbers.values())])
        of = {kept.revision: kept for kept in found}
        return {archive: tuple(map(of.__getitem__, shown)) for archive, shown in numbers.items()}

    def written(self, marks: Collection[tuple[str, int, str]]) -> None:
        """Records that the files of archives are written: each by feed and number, with the look."""
        if not marks:
            return
        rows = [{"of_feed": feed, "of_number": number, "now": look} for feed, number, look in marks]
        with self._database.row_transaction() as connection:
            connection.execute(_WRITTEN, rows)


# In SQL only: transferring 50,000 rows to Python and back took most of the time. The database numbers rows as
# they are inserted, from 1: a window function took a third of the time.
_MAKE = "CREATE TEMPORARY TABLE filing (place {}, published BIGINT, article BIGINT, revision BIGINT)"
_PLACES = {"sqlite": "INTEGER PRIMARY KEY", "postgresql": "BIGINT GENERATED ALWAYS AS IDENTITY"}
_FILING = sa.text("""
    INSERT INTO filing (published, article, revision)
    SELECT p.published, p.article, a.revision
    FROM placements AS p JOIN articles AS a ON a.pk = p.article
    WHERE p.feed = :feed AND p.archived IS NULL
        AND p.published <= :published AND (p.published < :published OR a.uid > :uid)
    ORDER BY p.published, a.uid DESC LIMIT :limit
""")
_REST = sa.text("DELETE FROM filing WHERE place > :made * :entries")
_ARCHIVES = sa.text(
    "INSERT INTO archives (feed, number) "
    "SELECT CAST(:feed AS BIGINT), :first + (place - 1) / :entries FROM filing WHERE place % :entries = 0"
)
_SHOWN = sa.text("""
    INSERT INTO archive_entries (feed, number, position, revision)
    SELECT :feed, :first + (place - 1) / :entries, :entries - (place - 1) % :entries, revision FROM filing
    ORDER BY 2, 3
""")
_PLACED = sa.text("""
    INSERT INTO placements (feed, published, article, archived)
    SELECT :feed, published, article, :first + (place - 1) / :entries FROM filing WHERE true
    ON CONFLICT (feed, published, article) DO UPDATE SET archived = excluded.archived
""")


def _last_shown(connection: sa.Connection, feed: str, entries: int) -> Any:
    """Returns the last of the newest `entries` articles; None if there are fewer."""
    return connection.execute(_LAST_SHOWN, {"of_feed": feed, "before": entries - 1}).one_or_none()


def _unfiled_count(connection: sa.Connection, feed: str, entries: int) -> int:
    """Returns how many articles after the newest `entries` of a feed are in no archive; at most `entries`."""
    if (last := _last_shown(connection, feed, entries)) is None:
        return 0
    asked = {"of_feed": feed, "last_published": last.published, "last_uid": last.uid, "most": entries}
    return len(connection.scalars(_UNFILED.limit(sa.bindparam("most")), asked).all())


def _file(connection: sa.Connection, feed: str, entries: int, at_once: int) -> int:
    """Makes at most `at_once` archives of articles after the newest entries, oldest first; returns how
    many.
    """
    if (last := _last_shown(connection, feed, entries)) is None:
        return 0
    newest = sa.select(sa.func.max(archives.c.number)).where(archives.c.feed == last.feed)
    values = {
        "feed": last.feed,
        "published": microseconds(last.published),
        "uid": last.uid,
        "entries": entries,
        "limit": entries * at_once,
        "first": (connection.scalar(newest) or 0) + 1,
    }
    connection.exec_driver_sql("DROP TABLE IF EXISTS filing")
    connection.exec_driver_sql(_MAKE.format(_PLACES[connection.dialect.name]))
    connection.execute(_FILING, values)
    made: int = connection.exec_driver_sql("SELECT count(*) FROM filing").scalar_one() // entries
    for statement in (_REST, _ARCHIVES, _SHOWN, _PLACED):
        connection.execute(statement, {**values, "made": made})
    connection.exec_driver_sql("DROP TABLE filing")
    return made
