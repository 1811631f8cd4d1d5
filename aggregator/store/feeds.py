"""The categories and their feeds: which are stale, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from aggregator.store.changes import Kept, kept
from aggregator.store.database import Database
from aggregator.store.records import Category, Summary
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

    def summaries(self, names: Sequence[str], newest: int) -> dict[str, Summary]:
        """How many articles each of these categories has, and its newest few, in two queries for 500."""
        found: dict[str, Summary] = {}
        with self._snapshot() as connection:
            for start in range(0, len(names), _BATCH):
                found.update(_summaries(connection, names[start : start + _BATCH], newest))
        return found

    def rendered(self, category: str, generation: int) -> None:
        """Records that the feed of this generation is in place; a later change leaves it stale."""
        with self._transaction() as connection:
            connection.execute(
                categories.update().where(categories.c.name == category).values(rendered=generation)
            )


def _summaries(connection: sa.Connection, names: Sequence[str], newest: int) -> dict[str, Summary]:
    counts = (
        sa.select(memberships.c.category, sa.func.count().label("articles"))
        .where(memberships.c.category.in_(names))
        .group_by(memberships.c.category)
    )
    totals = {row.category: row.articles for row in connection.execute(counts)}
    # Correlated, and not a window over all memberships: it reads `newest` rows of the index a category.
    theirs = articles.alias()
    first = (
        sa.select(memberships.c.article)
        .join(theirs, theirs.c.pk == memberships.c.article)
        .where(memberships.c.category == categories.c.name)
        .order_by(memberships.c.published.desc(), theirs.c.uid)
        .limit(newest)
        .correlate(categories)
    )
    query = (
        sa.select(articles, categories.c.name.label("category"))
        .join_from(categories, articles, articles.c.pk.in_(first))
        .where(categories.c.name.in_(names))
        .order_by(articles.c.published.desc(), articles.c.uid)
    )
    made: dict[str, list[Kept]] = {name: [] for name in names}
    for row in connection.execute(query):
        made[row.category].append(kept(row))
    return {name: Summary(total=totals.get(name, 0), newest=tuple(made[name])) for name in names}
