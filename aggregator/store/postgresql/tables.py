"""The tables of the store for PostgreSQL: the same tables, with its types, text order and indexes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from aggregator.store.article_json import HasLink, OriginOf, WithoutLink
from aggregator.store.schema import metadata, sources

__all__ = ["tables"]

# A packed article has its title first, then its link, and its origin last. A quote inside a JSON text
# is escaped, so these patterns do not match inside one. PostgreSQL's JSON types refuse what other databases
# accept: NaN, NUL, half of a surrogate pair.
_TEXT = r'"(?:[^"\\]|\\.)*"'
_TO_LINK = rf'^[{{](?:"title":{_TEXT},)?"link":"'
_LINK = rf"{_TO_LINK}((?:[^\"\\]|\\.)*)"
_ORIGIN = r'.*"origin":([{].*[}])[}]$'
_WITHOUT_LINK = "revisions_without_link"
_SHORT = frozenset(
    (
        *(("settings", "name"), ("sources", "name"), ("followed", "name"), ("subscriptions", "name")),
        *(("outbox", "id"), ("posts", "folder"), ("posts", "path")),
        *(("feeds", "folder"), ("feeds", "feed_id")),
    )
)
# An index needs an IMMUTABLE function, and PostgreSQL's convert_to is not declared as one.
_DIGEST = """CREATE OR REPLACE FUNCTION aggregator_digest(text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT sha256(convert_to($1, 'UTF8')) $$"""


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
    """Returns all tables of this version.

    Text is ordered by its bytes, as in SQLite, whatever the database's collation; integers have 64 bits;
    references can be checked at the end of a transaction. Keys with texts of any length are unique by
    digests, because an index entry is limited to 2,700 bytes, and are found by hash indexes.
    """
    made = sa.MetaData()
    sa.event.listen(made, "before_create", _make_digest)
    for table in metadata.sorted_tables:
        keys = [*_keys(table)]
        primary = [] if table.primary_key in keys else [*table.primary_key.columns]
        columns = [_column(each, is_primary=each in primary) for each in table.columns]
        copy = sa.Table(table.name, made, *columns)
        for unique in table.constraints:
            if isinstance(unique, sa.UniqueConstraint) and unique not in keys:
                copy.append_constraint(sa.UniqueConstraint(*(each.name for each in unique.columns)))
        for index in table.indexes:
            _add_index(copy, index)
        if table is sources:  # workers query what is due in one shard
            sa.Index("sources_due_by_shard", copy.c.shard, copy.c.next_poll)
        for key in keys:
            _add_key(copy, [copy.c[each.name] for each in key.columns])
    return made


def _make_digest(_tables: sa.MetaData, connection: sa.Connection, **_: Any) -> None:
    connection.exec_driver_sql(_DIGEST)


def _column(column: sa.Column[Any], *, is_primary: bool) -> sa.Column[Any]:
    references = [
        sa.ForeignKey(each.target_fullname, ondelete=each.ondelete, deferrable=True)
        for each in column.foreign_keys
    ]
    default: Any = column.server_default
    return sa.Column(
        column.name,
        _type(column),
        *references,
        primary_key=is_primary,
        nullable=column.nullable,
        server_default=None if default is None else default.arg,
    )


def _type(column: sa.Column[Any]) -> sa.types.TypeEngine[Any]:
    kind = column.type.impl_instance if isinstance(column.type, sa.TypeDecorator) else column.type
    if isinstance(kind, sa.String):
        return sa.Text(collation="C")
    return sa.BigInteger() if isinstance(kind, sa.Integer) else kind


def _keys(table: sa.Table) -> Iterator[sa.PrimaryKeyConstraint | sa.UniqueConstraint]:
    """Yields keys with texts of any length; our own names, and keys that tables refer to, are short."""
    for each in table.constraints:
        if isinstance(each, sa.PrimaryKeyConstraint | sa.UniqueConstraint) and any(
            map(_is_long, each.columns)
        ):
            yield each


def _is_long(column: sa.Column[Any]) -> bool:
    """Returns whether a column has texts of any length."""
    is_short = bool(column.foreign_keys) or (column.table.name, column.name) in _SHORT
    return isinstance(_type(column), sa.String) and not is_short


def _add_key(table: sa.Table, columns: Sequence[sa.Column[Any]]) -> None:
    name = "_".join((table.name, *(column.name for column in columns)))
    is_long = [*map(_is_long, columns)]
    found_alone = [[*each.columns] for each in table.indexes]
    parts = [
        sa.func.aggregator_digest(column) if long else column
        for column, long in zip(columns, is_long, strict=True)
    ]
    sa.Index(f"{name}_key", *parts, unique=True, _table=table)
    for column, long in zip(columns, is_long, strict=True):
        if long and [column] not in found_alone:
            sa.Index(f"{table.name}_{column.name}_hash", column, postgresql_using="hash")


def _add_index(table: sa.Table, index: sa.Index) -> None:
    columns = [table.c[column.name] for column in index.columns]
    where = index.dialect_options["sqlite"]["where"]
    if index.name == _WITHOUT_LINK:
        where = sa.text(f"data !~ '{_TO_LINK}'".replace(":", r"\:"))
    # Long texts are only compared for equality.
    is_long = where is None and len(columns) == 1 and _is_long(columns[0])
    using = "hash" if is_long else None
    sa.Index(index.name, *columns, unique=index.unique, postgresql_where=where, postgresql_using=using)
