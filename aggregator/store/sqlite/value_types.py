"""Finds values whose type is not that of their column: SQLite stores any type in any column."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from aggregator.store.schema import metadata

__all__ = ["wrong_types"]

_OF_OTHERS = {"TEXT": "text", "BLOB": "blob"}  # all other types that tables are declared with are of numbers


def wrong_types(connection: sa.Connection) -> Iterator[str]:
    """Yields a line for each column that has a value of another type, such as bytes for text. Raises
    SQLAlchemyError.
    """
    for table in metadata.sorted_tables:
        for column in table.columns:
            holds = _OF_OTHERS.get(column.type.compile(connection.dialect), "integer")
            allowed = (holds, "null") if column.nullable else (holds,)
            query = sa.select(sa.exists().where(sa.func.typeof(column).not_in(allowed)))
            if connection.scalar(query):
                yield f"a value of a wrong type in {table.name}.{column.name}"
