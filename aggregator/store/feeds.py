"""The categories and their feeds: which are stale, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from aggregator.store.changes import Kept, kept
from aggregator.store.database import Database
from aggregator.store.records import Category
from aggregator.store.schema import archives, articles, categories, memberships

# Taken apart by position: of thousands of categories, looking names up was half the time.
_FEEDS = sa.select(
    *(categories.c.name, categories.c.folder, categories.c.feed_id, categories.c.changed),
    *(categories.c.generation, categories.c.rendered, categories.c.total, categories.c.listed),
    sa.exists().where(archives.c.category == categories.c.name),
).order_by(categories.c.position)


class Feeds(Database):
    """The part of the store that publishing reads; each public method is one transaction."""

    def feeds(self) -> tuple[Category, ...]:
        """Every category that ever had an article, `all` (named "") among them, in order of appearance."""
        with self._snapshot() as connection:
            rows = connection.execute(_FEEDS).all()
        return tuple(
            Category(
                name=name,
                folder=folder,
                feed_id=feed_id,
                changed=changed,
                generation=generation,
                is_stale=generation != rendered,
                total=total,
                listed=listed,
                has_archives=has_archives,
            )
            for name, folder, feed_id, changed, generation, rendered, total, listed, has_archives in rows
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
        with self._transaction() as connection:
            connection.execute(statement, rows)

    def newest(self, category: str, limit: int) -> tuple[Kept, ...]:
        """The newest `limit` articles of a category, newest first; equal dates are ordered by outward id."""
        query = (
            sa.select(articles)
            .join(memberships, memberships.c.article == articles.c.pk)
            .where(memberships.c.category == category)
            .order_by(memberships.c.published.desc(), articles.c.uid)
            .limit(limit)
        )
        with self._snapshot() as connection:
            rows = connection.execute(query).all()
        return tuple(kept(row) for row in rows)

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
        with self._snapshot() as connection:
            for row in connection.execute(query):
                made[row.category].append(kept(row))
        return {name: tuple(found) for name, found in made.items()}

    def rendered(self, category: str, generation: int) -> None:
        """Records that the feed of this generation is in place; a later change leaves it stale."""
        with self._transaction() as connection:
            connection.execute(
                categories.update().where(categories.c.name == category).values(rendered=generation)
            )

    def listed(self, times: Mapping[str, str]) -> None:
        """Records what stands for the folders of these categories, all of whose files were seen in them."""
        if not times:
            return
        statement = categories.update().where(categories.c.name == sa.bindparam("category"))
        rows = [{"category": name, "times": found} for name, found in times.items()]
        with self._transaction() as connection:
            connection.execute(statement.values(listed=sa.bindparam("times")), rows)
