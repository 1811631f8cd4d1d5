"""The feeds that are published: which are stale, and which articles are in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from aggregator.store.database import Database
from aggregator.store.records import FeedRecord
from aggregator.store.schema import articles, feeds, placements
from aggregator.store.stored_article import RecentArticles, StoredArticle, from_row, of_newest

# Built once: a statement takes longer to build than to run. Columns of feeds are read by position: for
# thousands of feeds, access by name took half of the time.
_FEEDS = sa.select(
    *(feeds.c.name, feeds.c.kind, feeds.c.folder, feeds.c.feed_id, feeds.c.changed),
    *(feeds.c.generation, feeds.c.rendered, feeds.c.total, feeds.c.listed),
).order_by(feeds.c.pk)

_FEED = sa.select(feeds.c.pk).where(feeds.c.name == sa.bindparam("of_feed")).scalar_subquery()
_NEWEST = (
    sa.select(articles.c.revision)
    .join(placements, placements.c.article == articles.c.pk)
    .where(placements.c.feed == _FEED, articles.c.revision.is_not(None))
    .order_by(placements.c.published.desc(), articles.c.uid)
    .limit(sa.bindparam("limit"))
)
_THIS = feeds.update().where(feeds.c.name == sa.bindparam("of_feed"))
_RENDERED = _THIS.values(rendered=sa.bindparam("in_place"))
_LISTED = _THIS.values(listed=sa.bindparam("times"))


class Feeds:
    """The part of the store that publishing reads; each public method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[FeedRecord, ...]:
        """Returns every feed that ever had an article, in order of appearance; `all` is named ""."""
        with self._database.snapshot() as connection:
            rows = connection.execute(_FEEDS).all()
        return tuple(
            FeedRecord(
                name=name,
                kind=kind,
                folder=folder,
                feed_id=feed_id,
                changed=changed,
                generation=generation,
                is_stale=generation != rendered,
                total=total,
                listed=listed,
            )
            for name, kind, folder, feed_id, changed, generation, rendered, total, listed in rows
        )

    def settle(self, given: Mapping[str, tuple[str, str]]) -> None:
        """Sets the folder and feed id of feeds, by name; they never change afterwards."""
        if not given:
            return
        statement = (
            feeds.update()
            .where(feeds.c.name == sa.bindparam("of_name"), feeds.c.folder.is_(None))
            .values(folder=sa.bindparam("new_folder"), feed_id=sa.bindparam("new_id"))
        )
        rows = [
            {"of_name": name, "new_folder": folder, "new_id": feed_id}
            for name, (folder, feed_id) in given.items()
        ]
        with self._database.row_transaction() as connection:
            connection.execute(statement, rows)

    def newest(
        self, feed: str, limit: int, recent: RecentArticles | None = None
    ) -> tuple[StoredArticle, ...]:
        """Returns the newest `limit` articles of a feed, newest first; equal dates are ordered by published
        id.

        `recent`: a cache of articles that were read before; these are added.
        """
        with self._database.snapshot() as connection:
            numbers = connection.scalars(_NEWEST, {"of_feed": feed, "limit": limit}).all()
            return (recent or RecentArticles()).read(connection, numbers)

    def newest_few(self, names: Sequence[str], limit: int) -> dict[str, tuple[StoredArticle, ...]]:
        """Returns the newest `limit` articles of each of these feeds, by name."""
        if not names:
            return {}
        # A correlated subquery reads `limit` rows of the index for each feed; a window function would read
        # all.
        theirs = articles.alias()
        first = (
            sa.select(placements.c.article)
            .join(theirs, theirs.c.pk == placements.c.article)
            .where(placements.c.feed == feeds.c.pk)
            .order_by(placements.c.published.desc(), theirs.c.uid)
            .limit(limit)
            .correlate(feeds)
        )
        query = (
            of_newest(feeds.c.name.label("feed"))
            .join(feeds, articles.c.pk.in_(first))
            .where(feeds.c.name.in_(names))
            .order_by(articles.c.published.desc(), articles.c.uid)
        )
        made: dict[str, list[StoredArticle]] = {name: [] for name in names}
        with self._database.snapshot() as connection:
            for row in connection.execute(query):
                made[row.feed].append(from_row(row))
        return {name: tuple(found) for name, found in made.items()}

    def rendered(self, generations: Mapping[str, int], stamps: Mapping[str, str] = {}) -> None:
        """Records which generation of these feeds is written; a feed with a newer generation is stale.

        `stamps`: of their files, by which a later publication finds damage.
        """
        rows = [{"of_feed": name, "in_place": generation} for name, generation in generations.items()]
        listed = [{"of_feed": name, "times": found} for name, found in stamps.items()]
        if rows:
            with self._database.row_transaction() as connection:
                connection.execute(_RENDERED, rows)
                if listed:
                    connection.execute(_LISTED, listed)
