"""The word index in PostgreSQL: one `tsvector` for each article; each word is prefixed with the number of its
field.

We fold and split the words ourselves (see `rules.query.words`), without PostgreSQL's dictionaries. Positions
are not stored: the query itself checks which articles have words side by side.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY

from aggregator.store.dialect import INDEXED_FIELDS

__all__ = ["WordIndex"]

_MOST_BYTES = 400
"""Only this much of a longer word is indexed; PostgreSQL allows 2,046 bytes for a word."""

_MOST_IN_ALL = 900_000
"""An article with more is not indexed, and every search reads it; PostgreSQL allows 1,048,576 bytes."""

_ANY = "*"
_NUMBERS = {field: str(number) for number, field in enumerate(INDEXED_FIELDS)}
_INSERT = (
    "INSERT INTO search_index (pk, words) VALUES (%s, array_to_tsvector(CAST(%s AS text[]))) "
    "ON CONFLICT (pk) DO UPDATE SET words = excluded.words"
)
_STATEMENTS = (
    "DROP TABLE IF EXISTS search_index",
    """CREATE TABLE search_index (
pk bigint PRIMARY KEY REFERENCES articles ON DELETE CASCADE, words tsvector NOT NULL)""",
    "CREATE INDEX search_index_words ON search_index USING gin (words)",
    """CREATE OR REPLACE FUNCTION search_index_leave() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
DELETE FROM search_index WHERE pk = OLD.pk;
UPDATE articles SET indexed = NULL WHERE pk = OLD.pk AND indexed IS NOT NULL;
RETURN NULL;
END $$""",
    """CREATE OR REPLACE FUNCTION search_index_decided() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
IF TG_OP <> 'DELETE' THEN
UPDATE articles SET indexed = NULL WHERE pk = NEW.article AND indexed IS NOT NULL;
ELSE
UPDATE articles SET indexed = NULL WHERE pk = OLD.article AND indexed IS NOT NULL;
END IF;
RETURN NULL;
END $$""",
    "DROP TRIGGER IF EXISTS search_index_leave ON articles",
    """CREATE TRIGGER search_index_leave AFTER UPDATE OF indexed, state ON articles FOR EACH ROW
WHEN (OLD.indexed IS NOT NULL AND (NEW.indexed IS NULL OR NEW.state <> 'found'))
EXECUTE FUNCTION search_index_leave()""",
    "DROP TRIGGER IF EXISTS search_index_decided ON decisions",
    # Rules assign tags and categories, which are in the index.
    """CREATE TRIGGER search_index_decided AFTER INSERT OR DELETE ON decisions FOR EACH ROW
EXECUTE FUNCTION search_index_decided()""",
)
_INDEX = sa.table("search_index", sa.column("pk", sa.BigInteger), sa.column("words"))


class WordIndex:
    """The word index of one database."""

    def make(self, connection: sa.Connection) -> None:
        """Creates the index and its triggers."""
        for statement in _STATEMENTS:
            connection.exec_driver_sql(statement)

    def add(self, connection: sa.Connection, rows: list[tuple[int, tuple[str, ...]]]) -> None:
        """Adds or replaces the words of articles."""
        connection.exec_driver_sql(_INSERT, [(pk, _words(texts)) for pk, texts in rows])

    def held(self, connection: sa.Connection) -> set[int]:
        """Returns the numbers of the articles in the index."""
        return set(connection.scalars(sa.select(_INDEX.c.pk)))

    def has_words(self, words: tuple[str, ...], fields: tuple[str, ...]) -> str | None:
        """Returns a query for all words in one field, in any order."""
        each = (
            " & ".join(_quoted(f"{_NUMBERS[name]}{_cut(word)}") for word in words) for name in _of(fields)
        )
        return f"({' | '.join(f'({field})' for field in each)} | '{_ANY}')"

    def has_prefix(self, prefix: str, fields: tuple[str, ...]) -> str | None:
        """Returns a query for the beginning of a word in one of the fields."""
        each = (f"{_quoted(f'{_NUMBERS[name]}{_cut(prefix)}')}:*" for name in _of(fields))
        return f"({' | '.join(each)} | '{_ANY}')"

    def matches(self, questions: list[str], *, any_of: bool) -> sa.ScalarSelect[int]:
        """Returns a subquery that searches the index once."""
        asked = sa.literal((" | " if any_of else " & ").join(questions), sa.Text)
        is_found = _INDEX.c.words.op("@@")(sa.cast(asked, TSQUERY))
        return sa.select(_INDEX.c.pk).where(is_found).scalar_subquery()


def _words(texts: tuple[str, ...]) -> list[str]:
    found = {
        f"{number}{_cut(word)}"
        for number, text in enumerate(texts)
        for word in text.split()
        if word != "\x1f"
    }
    # A tsvector stores the length and position of each word too.
    if sum(len(word.encode()) for word in found) > _MOST_IN_ALL:
        return [_ANY]
    return sorted(found)


def _cut(word: str) -> str:
    if len(word) * 4 <= _MOST_BYTES:
        return word
    return word.encode()[:_MOST_BYTES].decode(errors="ignore")


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _of(fields: tuple[str, ...]) -> list[str]:
    return [each for field in fields for each in (("summary", "content") if field == "text" else (field,))]
