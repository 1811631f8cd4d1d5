"""The categories and their feeds: which are stale, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from aggregator.store.changes import Kept, kept
from aggregator.store.database import Database
from aggregator.store.records import CategoryRecord
from aggregator.store.schema import articles, categories, memberships

# Built once, as a statement takes longer to build than to run. The columns of feeds are taken by position: of
# thousands, looking names up was half the time.
_FEEDS = sa.select(
    *(categories.c.name, categories.c.folder, categories.c.feed_id, categories.c.changed),
    *(categories.c.generation, categories.c.rendered, categories.c.total, categories.c.listed),
).order_by(categories.c.position)

_CATEGORY: sa.BindParameter[str] = sa.bindparam("of_category")
_NEWEST = (
    sa.select(*(articles.c[name] for name in ("uid", "data", "source", "id")))
    .add_columns(articles.c.published, articles.c.updated, articles.c.first_seen)
    .join(memberships, memberships.c.article == articles.c.pk)
    .where(memberships.c.category == _CATEGORY)
    .order_by(memberships.c.published.desc(), articles.c.uid)
    .limit(sa.bindparam("limit"))
)
_THIS = categories.update().where(categories.c.name == _CATEGORY)
_RENDERED = _THIS.values(rendered=sa.bindparam("in_place"))
_LISTED = _THIS.values(listed=sa.bindparam("times"))


class Feeds:
    """The part of the store that publishing reads; each public method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> tuple[CategoryRecord, ...]:
        """Every category that ever had an article, `all` (named "") among them, in order of appearance."""
        with self._database.snapshot() as connection:
            rows = connection.execute(_FEEDS).all()
        return tuple(
            CategoryRecord(
                name=name,
                folder=folder,
                feed_id=feed_id,
                changed=changed,
                generation=generation,
                is_stale=generation != rendered,
                total=total,
                listed=listed,
            )
            for name, folder, feed_id, changed, generation, rendered, total, listed in rows
        )

    def settle(self, given: Mapping[str, tuple[str, str]]) -> None:
        """Gives categories their folder and feed id, once and for good."""
        if not given:
            return
        statement = (
            categories.update()
            .where(categories.c.name == sa.bindparam("category"), categories.c.folder.is_(None))
            .values(folder=sa.bindparam("new_folder"), feed_id=sa.bindparam("new_id"))
        )
        rows = [
            {"category": name, "new_folder": folder, "new_id": feed_id}
            for name, (folder, feed_id) in given.items()
        ]
        with self._database.transaction() as connection:
            connection.execute(statement, rows)

    def newest(self, category: str, limit: int) -> tuple[Kept, ...]:
        """The newest `limit` articles of a category, newest first; equal dates are ordered by outward id."""
        with self._database.snapshot() as connection:
            rows = connection.execute(_NEWEST, {"of_category": category, "limit": limit}).all()
        return tuple(map(kept, rows))

    def newest_few(self, names: Sequence[str], limit: int) -> dict[str, tuple[Kept, ...]]:
        """The newest few articles of each of these categories."""
        if not names:
            return {}
        # Correlated, and not a window over all memberships: it reads `limit` rows of the index a category.
        theirs = articles.alias()
        first = (
            sa.select(memberships.c.article)
            .join(theirs, theirs.c.pk == memberships.c.article)
            .where(memberships.c.category == categories.c.name)
            .order_by(memberships.c.published.desc(), theirs.c.uid)
            .limit(limit)
            .correlate(categories)
        )
        query = (
            sa.select(articles, categories.c.name.label("category"))
            .join_from(categories, articles, articles.c.pk.in_(first))
            .where(categories.c.name.in_(names))
            .order_by(articles.c.published.desc(), articles.c.uid)
        )
        made: dict[str, list[Kept]] = {name: [] for name in names}
        with self._database.snapshot() as connection:
            for row in connection.execute(query):
                made[row.category].append(kept(row))
        return {name: tuple(found) for name, found in made.items()}

    def rendered(self, generations: Mapping[str, int]) -> None:
        """Records that these feeds are in place, each of this generation; a later change leaves it stale."""
        rows = [{"of_category": name, "in_place": generation} for name, generation in generations.items()]
        if rows:
            with self._database.transaction() as connection:
                connection.execute(_RENDERED, rows)

    def listed(self, times: Mapping[str, str]) -> None:
        """Stores the stamps of these categories' files; a later publication sees damage by them."""
        rows = [{"of_category": name, "times": found} for name, found in times.items()]
        if rows:
            with self._database.transaction() as connection:
                connection.execute(_LISTED, rows)
