"""The categories and their feeds: which are stale, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from aggregator.store.changes import Kept, kept
from aggregator.store.database import Database
from aggregator.store.records import Category
from aggregator.store.schema import archives, articles, categories, memberships

_BATCH = 500


class Feeds(Database):
    """The part of the store that publishing reads; each public method is one transaction."""

    def feeds(self) -> tuple[Category, ...]:
        """Every category that ever had an article, `all` (named "") among them, in order of appearance."""
        has_archives = sa.exists().where(archives.c.category == categories.c.name)
        query = sa.select(categories, has_archives.label("has_archives")).order_by(categories.c.position)
        with self._snapshot() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Category(
                name=row.name,
                folder=row.folder,
                feed_id=row.feed_id,
                changed=row.changed,
                generation=row.generation,
                is_stale=row.generation != row.rendered,
                has_archives=row.has_archives,
            )
            for row in rows
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

    def count(self, category: str) -> int:
        """How many articles of a category are kept."""
        query = sa.select(sa.func.count()).where(memberships.c.category == category)
        with self._snapshot() as connection:
            return connection.scalar(query) or 0

    def totals(self, names: Sequence[str]) -> dict[str, int]:
        """How many articles each of these categories has."""
        query = sa.select(memberships.c.category, sa.func.count()).group_by(memberships.c.category)
        if len(names) <= _BATCH:
            query = query.where(memberships.c.category.in_(names))
        with self._snapshot() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {name: found.get(name, 0) for name in names}

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
