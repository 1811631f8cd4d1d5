"""The word index in SQLite (FTS5): a virtual table, kept up to date by triggers that are created with it.

The table also stores the words, although they are never read: without them, SQLite before 3.43 cannot delete.
"""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa

from aggregator.rules.query.words import FTS5_TOKENIZER
from aggregator.store.dialect import INDEXED_FIELDS

__all__ = ["Fts5Index"]

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
    # Rules assign tags and categories, which are in the index.
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
_INDEX = sa.table("search_index", sa.column("rowid"), sa.column("search_index"))


class Fts5Index:
    """The word index of one file."""

    def make(self, connection: sa.Connection) -> None:
        """Creates the index and its triggers."""
        for name in _TRIGGER_NAMES:
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
        connection.exec_driver_sql("DROP TABLE IF EXISTS search_index")
        for statement in (_TABLE, *_TRIGGERS):
            connection.exec_driver_sql(statement)

    def add(self, connection: sa.Connection, rows: list[tuple[int, tuple[str, ...]]]) -> None:
        """Adds or replaces the rows of articles."""
        connection.exec_driver_sql("DELETE FROM search_index WHERE rowid = ?", [(pk,) for pk, _ in rows])
        connection.exec_driver_sql(_INSERT, [(pk, *words) for pk, words in rows])

    def held(self, connection: sa.Connection) -> set[int]:
        """Returns the numbers of the articles in the index."""
        return set(connection.exec_driver_sql("SELECT rowid FROM search_index").scalars())

    def has_words(self, words: tuple[str, ...], fields: tuple[str, ...]) -> str | None:
        """Returns a query for a phrase in these columns."""
        return f'{{{_of(fields)}}} : "{" ".join(words)}"' if all(map(_is_known, words)) else None

    def has_prefix(self, prefix: str, fields: tuple[str, ...]) -> str | None:
        """Returns a query for the beginning of a word in these columns."""
        return f'{{{_of(fields)}}} : "{prefix}" *' if _is_known(prefix) else None

    def matches(self, questions: list[str], *, any_of: bool) -> sa.ScalarSelect[int]:
        """Returns a subquery that searches the index once."""
        expression = (" OR " if any_of else " AND ").join(questions)
        found = sa.select(_INDEX.c.rowid).where(_INDEX.c.search_index.op("MATCH")(expression))
        return found.scalar_subquery()


def _is_known(word: str) -> bool:
    """Returns whether every SQLite treats a text as a word: it ignores characters newer than its Unicode
    tables.
    """
    return word.isascii() or all(unicodedata.ucd_3_2_0.category(character) != "Cn" for character in word)


def _of(fields: tuple[str, ...]) -> str:
    return " ".join("summary content" if field == "text" else field for field in fields)
