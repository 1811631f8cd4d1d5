"""Finds the articles that get pages in the output: those without a link, or of chosen sources."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from aggregator.store.article_json import WithoutLink
from aggregator.store.database import Database
from aggregator.store.schema import archive_entries, articles, decisions, placements, revisions
from aggregator.store.stored_article import REVISION, StoredArticle, from_row

__all__ = ["ArticlesWithPages", "ShownRevision"]

_AT_ONCE = 500

_IS_PLACED = sa.and_(
    articles.c.revision == revisions.c.pk,
    sa.exists().where(placements.c.article == articles.c.pk),
)
_IS_ARCHIVED = sa.exists().where(
    archive_entries.c.revision == revisions.c.pk, sa.not_(archive_entries.c.is_hidden)
)
_ALL = sa.select(revisions.c.pk).where(WithoutLink(revisions.c.data))
_SHOWN = (
    sa.select(articles.c.uid, revisions.c.pk, revisions.c.content_hash, decisions.c.data.label("decision"))
    .join_from(revisions, articles, articles.c.pk == revisions.c.article)
    .outerjoin(decisions, decisions.c.article == articles.c.pk)
    .where(sa.or_(_IS_PLACED, _IS_ARCHIVED))
)


@dataclass(frozen=True, slots=True)
class ShownRevision:
    """The newest revision of an article that a feed or an archive shows; `mark` changes if its page would."""

    pk: int
    mark: str


class ArticlesWithPages:
    """The part of the store that finds articles for pages; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self) -> bool:
        """Returns whether any article has no link, shown or not."""
        with self._database.snapshot() as connection:
            return connection.scalar(_ALL.limit(1)) is not None

    def shown(self, also: Collection[str] = (), without: Collection[str] = ()) -> dict[str, ShownRevision]:
        """Returns the articles to write pages for, by published id: those that a feed or an archive shows.

        - `also`: sources whose articles are included even with a link.
        - `without`: sources whose articles are left out.
        """
        theirs = sa.select(revisions.c.pk).join(articles, articles.c.pk == revisions.c.article)
        theirs = theirs.where(articles.c.source.in_(also))
        found: dict[str, ShownRevision] = {}
        with self._database.snapshot() as connection:
            # Two queries: with one, SQLite reads all articles to find those with a revision without a link.
            pks = [*connection.scalars(_ALL)]
            if also:
                pks = sorted({*pks, *connection.scalars(theirs)})
            for start in range(0, len(pks), _AT_ONCE):
                some = revisions.c.pk.in_(pks[start : start + _AT_ONCE])
                shown = _SHOWN.where(some, articles.c.source.not_in(without))
                for row in connection.execute(shown):
                    if row.uid not in found or found[row.uid].pk < row.pk:
                        # A revision that no archive shows may be overwritten, and any revision by a takedown.
                        mark = f"{row.pk} {row.content_hash} {_digest(row.decision)}"
                        found[row.uid] = ShownRevision(row.pk, mark)
        return dict(sorted(found.items()))

    def some(self, pks: Collection[int]) -> Iterator[StoredArticle]:
        """Yields the articles of these revisions."""
        ordered = sorted(pks)
        query = sa.select(*REVISION).join_from(revisions, articles, articles.c.pk == revisions.c.article)
        for start in range(0, len(ordered), _AT_ONCE):
            some = revisions.c.pk.in_(ordered[start : start + _AT_ONCE])
            with self._database.snapshot() as connection:
                rows = connection.execute(query.where(some)).all()
            yield from map(from_row, rows)


def _digest(decision: str | None) -> str:
    if decision is None:
        return ""
    return hashlib.blake2b(decision.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
