"""The tables of the store as PostgreSQL has them: the same, with its own types, order of text and indexes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from aggregator.store.packed_text import HasLink, OriginOf, WithoutLink
from aggregator.store.schema import metadata

__all__ = ["tables"]

# An article is packed with its title first, then its link, and its origin last; in JSON a quote inside a text
# is escaped, so that none of these can be met inside one. PostgreSQL's own JSON refuses what other databases
# hold: NaN, NUL, half of a surrogate pair.
_TEXT = r'"(?:[^"\\]|\\.)*"'
_TO_LINK = rf'^[{{](?:"title":{_TEXT},)?"link":"'
_LINK = rf"{_TO_LINK}((?:[^\"\\]|\\.)*)"
_ORIGIN = r'.*"origin":([{].*[}])[}]$'
_WITHOUT_LINK = "revisions_without_link"
_MARKS = {f"followed_{mark}": sa.text(mark) for mark in ("is_special", "is_changed")}


@compiles(HasLink, "postgresql")
def _has_link(element: HasLink, compiler: Any, **_: Any) -> str:
    data, _, *spelled = (compiler.process(clause) for clause in element.clauses)
    return f"substring({data} from '{_LINK}') IN ({', '.join(spelled)})"


@compiles(WithoutLink, "postgresql")
def _without_link(element: WithoutLink, compiler: Any, **_: Any) -> str:
    (data,) = (compiler.process(clause) for clause in element.clauses)
    return f"({data} !~ '{_TO_LINK}')"


@compiles(OriginOf, "postgresql")
def _origin_of(element: OriginOf, compiler: Any, **_: Any) -> str:
    (data,) = (compiler.process(clause) for clause in element.clauses)
    return f"substring({data} from '{_ORIGIN}')"


def tables() -> sa.MetaData:
    """All tables of this version.

    Texts are in the order of their bytes, as SQLite has them, whatever the database's collation; whole
    numbers have 64 bits; references can be checked when a transaction ends.
    """
    made = sa.MetaData()
    for table in metadata.sorted_tables:
        copy = table.to_metadata(made)
        for column in copy.columns:
            kind = column.type
            stored = kind.impl_instance if isinstance(kind, sa.TypeDecorator) else kind
            if isinstance(stored, sa.String):
                column.type = sa.Text(collation="C")
            elif isinstance(stored, sa.Integer):
                column.type = sa.BigInteger()
        for reference in copy.foreign_key_constraints:
            reference.deferrable = True
        for index in copy.indexes:
            _adapt(index)
    return made


def _adapt(index: sa.Index) -> None:
    ours = index.dialect_options["postgresql"]
    ours["where"] = _MARKS.get(str(index.name), index.dialect_options["sqlite"]["where"])
    if index.name == _WITHOUT_LINK:
        ours["where"] = sa.text(f"data !~ '{_TO_LINK}'".replace(":", r"\:"))
    columns = [*index.columns]
    if len(columns) == 1 and not index.unique and isinstance(columns[0].type, sa.String):
        ours["using"] = "hash"  # of any length; others hold 2,700 bytes
