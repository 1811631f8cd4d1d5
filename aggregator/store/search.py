"""Full-text search: the database's own index finds candidates, which the query itself then checks.

The index is created by the first search. It has the folded words of each article's newest revision;
`articles.indexed` says which revision that is. Articles that are not indexed yet are always candidates.
Triggers remove pruned, erased, withdrawn, deleted and changed articles from the index in the same
transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from aggregator.errors import TookTooLong
from aggregator.rules.query import LANGUAGE_VERSION
from aggregator.rules.query.index_conditions import (
    AllOf,
    AnyOf,
    Everything,
    HasPrefix,
    HasWords,
    InTime,
    Narrowing,
    all_of,
    any_of,
)
from aggregator.store.article_states import FOUND
from aggregator.store.database import Database, remember
from aggregator.store.dialect import INDEXED_FIELDS
from aggregator.store.schema import articles, feeds, placements, revisions
from aggregator.store.stored_article import NEWEST_REVISION, OF_ANY_SOURCE, StoredArticle, from_row, of_newest

__all__ = ["INDEXED_FIELDS", "SETTING", "Search", "Words"]

Words = Callable[[StoredArticle], Mapping[str, str]]
"""Returns the words of each of `INDEXED_FIELDS` of an article, separated by spaces, as queries see them."""

_BATCH = 250
SETTING = "search index"
"""The setting with the version of the existing index."""

_FEW = 5_000
"""The largest number of articles that are found by the index of dates: for a tenth of a large store, reading
all articles in their order takes less time.
"""

_VERSION = f"1 {LANGUAGE_VERSION}"
_MAX_TERMS, _MAX_DEPTH = 200, 8
"""The index is not used for more terms or deeper groups, because SQLite limits both."""

_IS_LEFT = articles.c.indexed.is_distinct_from(articles.c.revision)
_LEFT = of_newest().where(_IS_LEFT, articles.c.state == FOUND)
# Instead of the condition alone, for which SQLite reads all articles; these have an index.
_IS_IN_LEFT = articles.c.pk.in_(sa.select(articles.c.pk).where(_IS_LEFT).correlate(None))
_PUBLISHED = (
    sa.select(placements.c.article)
    .join(feeds, feeds.c.pk == placements.c.feed)
    .where(placements.c.article == articles.c.pk, feeds.c.listed.is_not(None))
    .correlate(articles)
)


class Search:
    """The part of the store that finds articles by words."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._index = database.dialect.search

    def left(self) -> int:
        """Returns how many articles are not in the index with their newest revision."""
        query = sa.select(sa.func.count()).select_from(articles).where(articles.c.state == FOUND)
        is_any = self._is_made()
        with self._database.snapshot() as connection:
            return connection.scalar(query.where(_IS_LEFT) if is_any else query) or 0

    def index(self, words: Words) -> Iterator[int]:
        """Indexes the remaining articles, and yields how many each step added; each step is one
        transaction.
        """
        self._make()
        count = _BATCH
        while count == _BATCH:
            with self._database.transaction() as connection:
                found = [
                    from_row(row) for row in connection.execute(_LEFT.order_by(articles.c.pk).limit(_BATCH))
                ]
                rows = []
                for each in found:
                    of_fields = words(each)
                    rows.append((each.pk, tuple(of_fields[field] for field in INDEXED_FIELDS)))
                if rows:
                    self._index.add(connection, rows)
                    these = articles.c.pk.in_([each.pk for each in found])
                    connection.execute(articles.update().where(these).values(indexed=articles.c.revision))
                count = len(rows)
            yield count

    def may_match(
        self,
        narrowing: Narrowing,
        published_but: Collection[str] | None = None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Iterator[StoredArticle]:
        """Yields candidates, newest first: articles that a narrowing admits, and perhaps others.

        `published_but`: only articles in a published feed, without the feeds of these names (`all` is "").
        Raises TookTooLong once `is_over` returns True.
        """
        narrowed = self._usable(narrowing)
        query = sa.select(articles.c.pk).join(revisions, NEWEST_REVISION).where(articles.c.state == FOUND)
        if self._is_made() and not isinstance(narrowed, Everything):
            condition = self._condition(narrowed)
            if _is_of_dates_alone(narrowed):
                dated = sa.and_(OF_ANY_SOURCE, condition)
                with self._database.bounded(is_over) as connection:
                    some = connection.scalars(sa.select(articles.c.pk).where(dated).limit(_FEW + 1)).all()
                condition = condition if len(some) > _FEW else dated
            query = query.where(sa.or_(condition, _IS_IN_LEFT))
        if published_but is not None:
            query = query.where(sa.exists(_PUBLISHED.where(feeds.c.name.not_in(published_but))))
        with self._database.bounded(is_over) as connection:
            pks = connection.scalars(query.order_by(articles.c.published.desc(), articles.c.uid)).all()
        for start in range(0, len(pks), _BATCH):
            some = pks[start : start + _BATCH]
            with self._database.snapshot() as connection:
                rows = connection.execute(of_newest().where(articles.c.pk.in_(some))).all()
            found = {row.pk: row for row in rows}
            for pk in some:
                if is_over():
                    raise TookTooLong("the search took too long")
                if pk in found:
                    yield from_row(found[pk])

    def _is_made(self) -> bool:
        return self._database.setting(SETTING) == _VERSION

    def drop(self) -> None:
        """Deletes the index; the next `index` builds it again."""
        self._database.remember(SETTING, "")

    def _make(self) -> None:
        """Creates the index, in place of one of another version."""
        if self._is_made():
            return
        with self._database.transaction() as connection:
            self._index.make(connection)
            connection.execute(articles.update().where(articles.c.indexed.is_not(None)).values(indexed=None))
            remember(connection, SETTING, _VERSION)

    def _usable(self, narrowing: Narrowing) -> Narrowing:
        """Returns the parts of a narrowing that the index can answer."""
        return Everything() if _terms(narrowing) > _MAX_TERMS else self._known(narrowing)

    def _known(self, narrowing: Narrowing, depth: int = 0) -> Narrowing:
        match narrowing:
            case HasWords() | HasPrefix():
                return narrowing if self._question(narrowing) is not None else Everything()
            case AllOf() | AnyOf() if depth == _MAX_DEPTH:
                return Everything()
            case AllOf(parts):
                return all_of([self._known(part, depth + 1) for part in parts])
            case AnyOf(parts):
                return any_of([self._known(part, depth + 1) for part in parts])
        return narrowing

    def _condition(self, narrowing: Narrowing) -> sa.ColumnElement[bool]:
        """Returns the SQL condition; flat groups of words become one query of the index."""
        if (question := self._question(narrowing)) is not None:
            return articles.c.pk.in_(self._index.matches([question], any_of=False))
        match narrowing:
            case InTime(field, low, high):
                column: sa.ColumnElement[Any] = {
                    "published": articles.c.published,
                    "updated": revisions.c.updated,
                    "first_seen": articles.c.first_seen,
                }[field]
                parts = [column >= low] if low is not None else []
                return sa.and_(sa.true(), *parts, *([column < high] if high is not None else []))
            case AllOf(parts=of_all):
                return sa.and_(*self._conditions(of_all, any_of=False))
            case AnyOf(parts=of_any):
                return sa.or_(*self._conditions(of_any, any_of=True))
        return sa.true()

    def _conditions(self, parts: tuple[Narrowing, ...], *, any_of: bool) -> Iterator[sa.ColumnElement[bool]]:
        questions = [each for part in parts if (each := self._question(part)) is not None]
        if questions:
            yield articles.c.pk.in_(self._index.matches(questions, any_of=any_of))
        yield from (self._condition(part) for part in parts if self._question(part) is None)

    def _question(self, narrowing: Narrowing) -> str | None:
        match narrowing:
            case HasWords(words, fields):
                return self._index.has_words(words, fields)
            case HasPrefix(prefix, fields):
                return self._index.has_prefix(prefix, fields)
        return None


def _is_of_dates_alone(narrowing: Narrowing) -> bool:
    """Returns whether dates of publication alone narrow a search."""
    if isinstance(narrowing, AllOf):
        return all(map(_is_of_dates_alone, narrowing.parts))
    return isinstance(narrowing, InTime) and narrowing.field == "published"


def _terms(narrowing: Narrowing) -> int:
    return sum(map(_terms, narrowing.parts)) if isinstance(narrowing, AllOf | AnyOf) else 1
