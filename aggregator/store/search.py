"""Full-text search: an index of SQLite's FTS5 that is made by the first search, and narrows what is asked of.

It holds the folded words of each article as it is now, in a table of its own; `articles.indexed` says which
revision. What it does not hold yet is asked of the query itself. Triggers, made with it, take out of it what
is pruned, erased, withdrawn or deleted, in the very transaction; and what changes, until it is indexed again.

The words are kept in it, though only they are looked for: without them SQLite before 3.43 cannot delete.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from aggregator.errors import TookTooLong
from aggregator.rules.query import LANGUAGE_VERSION
from aggregator.rules.query.narrowing import (
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
from aggregator.rules.query.words import FTS5_TOKENIZER
from aggregator.store.database import Database, remember
from aggregator.store.kept import NEWEST_REVISION, Kept, kept, of_newest
from aggregator.store.schema import FOUND, articles, feeds, placements, revisions

__all__ = ["INDEXED_FIELDS", "SETTING", "Search", "Words"]

INDEXED_FIELDS = ("title", "author", "summary", "content", "tag", "category", "source", "link")
"""The fields of queries whose words are indexed; those of `text` are summary and content."""

Words = Callable[[Kept], Mapping[str, str]]
"""The words of each of `INDEXED_FIELDS` of an article, with a space between them, as queries see them."""

_BATCH = 250
SETTING = "search index"
"""The setting that says which index there is."""

_VERSION = f"1 {LANGUAGE_VERSION}"
_MAX_TERMS, _MAX_DEPTH = 200, 8
"""A query with more terms, or groups of it that are deeper, the index is not asked: SQLite bounds both."""

_COLUMNS = ", ".join(INDEXED_FIELDS)
_TABLE = (
    f'CREATE VIRTUAL TABLE search_index USING fts5({_COLUMNS}, columnsize=0, tokenize="{FTS5_TOKENIZER}")'
)
_TRIGGERS = (
    """CREATE TRIGGER search_index_leave AFTER UPDATE OF indexed, state ON articles
WHEN OLD.indexed IS NOT NULL AND (NEW.indexed IS NULL OR NEW.state <> 'found') BEGIN
DELETE FROM search_index WHERE rowid = OLD.pk;
UPDATE articles SET indexed = NULL WHERE pk = OLD.pk AND indexed IS NOT NULL;
END""",
    """CREATE TRIGGER search_index_delete AFTER DELETE ON articles WHEN OLD.indexed IS NOT NULL BEGIN
DELETE FROM search_index WHERE rowid = OLD.pk;
END""",
    # Rules give tags and categories, which are searched.
    """CREATE TRIGGER search_index_decided AFTER INSERT ON decisions BEGIN
UPDATE articles SET indexed = NULL WHERE pk = NEW.article AND indexed IS NOT NULL;
END""",
    """CREATE TRIGGER search_index_undecided AFTER DELETE ON decisions BEGIN
UPDATE articles SET indexed = NULL WHERE pk = OLD.article AND indexed IS NOT NULL;
END""",
)
_TRIGGER_NAMES = (
    "search_index_leave",
    "search_index_delete",
    "search_index_decided",
    "search_index_undecided",
)
_INSERT = f"INSERT INTO search_index (rowid, {_COLUMNS}) VALUES (?{', ?' * len(INDEXED_FIELDS)})"  # noqa: S608
_IS_LEFT = articles.c.indexed.is_distinct_from(articles.c.revision)
_LEFT = of_newest().where(_IS_LEFT, articles.c.state == FOUND)
_PUBLISHED = (
    sa.select(placements.c.article)
    .join(feeds, feeds.c.pk == placements.c.feed)
    .where(placements.c.article == articles.c.pk, feeds.c.listed.is_not(None))
    .correlate(articles)
)
_INDEX = sa.table("search_index", sa.column("rowid"), sa.column("search_index"))


class Search:
    """The part of the store that finds articles by their words."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def left(self) -> int:
        """How many articles the index does not hold as they are now."""
        query = sa.select(sa.func.count()).select_from(articles).where(articles.c.state == FOUND)
        is_any = self._is_made()
        with self._database.snapshot() as connection:
            return connection.scalar(query.where(_IS_LEFT) if is_any else query) or 0

    def index(self, words: Words) -> Iterator[int]:
        """Indexes what is left, and yields how many articles it added at each step, a transaction each."""
        self._make()
        count = _BATCH
        while count == _BATCH:
            with self._database.transaction() as connection:
                found = [kept(row) for row in connection.execute(_LEFT.order_by(articles.c.pk).limit(_BATCH))]
                rows = []
                for each in found:
                    of_fields = words(each)
                    rows.append((each.pk, *(of_fields[field] for field in INDEXED_FIELDS)))
                if rows:
                    pks = [(each.pk,) for each in found]
                    connection.exec_driver_sql("DELETE FROM search_index WHERE rowid = ?", pks)
                    connection.exec_driver_sql(_INSERT, rows)
                    connection.exec_driver_sql("UPDATE articles SET indexed = revision WHERE pk = ?", pks)
                count = len(rows)
            yield count

    def may_match(
        self,
        narrowing: Narrowing,
        published_but: Collection[str] | None = None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Iterator[Kept]:
        """The articles that a narrowing admits, and others, newest first: the query itself is to be asked.

        `published_but`: only what stands in a feed that was published, those of these names left out (`all`
        is ""). Raises TookTooLong once `is_over`.
        """
        narrowed = _usable(narrowing)
        query = sa.select(articles.c.pk).join(revisions, NEWEST_REVISION).where(articles.c.state == FOUND)
        if self._is_made() and not isinstance(narrowed, Everything):
            query = query.where(sa.or_(_condition(narrowed), _IS_LEFT))
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
                    yield kept(found[pk])

    def _is_made(self) -> bool:
        return self._database.setting(SETTING) == _VERSION

    def drop(self) -> None:
        """Has the next `index` make the index anew."""
        self._database.remember(SETTING, "")

    def _make(self) -> None:
        """Makes the index, in place of one of other words."""
        if self._is_made():
            return
        with self._database.transaction() as connection:
            for name in _TRIGGER_NAMES:
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql("DROP TABLE IF EXISTS search_index")
            connection.execute(articles.update().where(articles.c.indexed.is_not(None)).values(indexed=None))
            for statement in (_TABLE, *_TRIGGERS):
                connection.exec_driver_sql(statement)
            remember(connection, SETTING, _VERSION)


def _usable(narrowing: Narrowing) -> Narrowing:
    """The parts of a narrowing that the index can be asked."""
    return Everything() if _terms(narrowing) > _MAX_TERMS else _known(narrowing)


def _terms(narrowing: Narrowing) -> int:
    return sum(map(_terms, narrowing.parts)) if isinstance(narrowing, AllOf | AnyOf) else 1


def _known(narrowing: Narrowing, depth: int = 0) -> Narrowing:
    match narrowing:
        case HasWords(words):
            return narrowing if all(map(_is_known, words)) else Everything()
        case HasPrefix(prefix):
            return narrowing if _is_known(prefix) else Everything()
        case AllOf() | AnyOf() if depth == _MAX_DEPTH:
            return Everything()
        case AllOf(parts):
            return all_of([_known(part, depth + 1) for part in parts])
        case AnyOf(parts):
            return any_of([_known(part, depth + 1) for part in parts])
    return narrowing


def _is_known(word: str) -> bool:
    """Whether every SQLite takes a word for one: to characters newer than its tables it is blind."""
    return word.isascii() or all(unicodedata.ucd_3_2_0.category(character) != "Cn" for character in word)


def _condition(narrowing: Narrowing) -> sa.ColumnElement[bool]:
    """What SQL selects by; flat groups of words are one question to the index."""
    if (expression := _leaf(narrowing)) is not None:
        return _matches(expression)
    match narrowing:
        case InTime(field, low, high):
            column: sa.ColumnElement[Any] = {
                "published": revisions.c.published,
                "updated": revisions.c.updated,
                "first_seen": articles.c.first_seen,
            }[field]
            parts = [column >= low] if low is not None else []
            return sa.and_(sa.true(), *parts, *([column < high] if high is not None else []))
        case AllOf(parts=of_all):
            return sa.and_(*_conditions(of_all, " AND "))
        case AnyOf(parts=of_any):
            return sa.or_(*_conditions(of_any, " OR "))
    return sa.true()


def _conditions(parts: tuple[Narrowing, ...], word: str) -> Iterator[sa.ColumnElement[bool]]:
    expressions = [each for part in parts if (each := _leaf(part)) is not None]
    if expressions:
        yield _matches(word.join(expressions))
    yield from (_condition(part) for part in parts if _leaf(part) is None)


def _matches(expression: str) -> sa.ColumnElement[bool]:
    found = sa.select(_INDEX.c.rowid).where(_INDEX.c.search_index.op("MATCH")(expression))
    return articles.c.pk.in_(found)


def _leaf(narrowing: Narrowing) -> str | None:
    match narrowing:
        case HasWords(words, fields):
            return f'{{{_of(fields)}}} : "{" ".join(words)}"'
        case HasPrefix(prefix, fields):
            return f'{{{_of(fields)}}} : "{prefix}" *'
    return None


def _of(fields: tuple[str, ...]) -> str:
    return " ".join("summary content" if field == "text" else field for field in fields)
