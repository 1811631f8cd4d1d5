"""Articles that were read back from published files: each source gets its own when it is polled.

A published file has the published id of an article, and not always its source or its id there. Both are known
once its source is polled, because the published id is made from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from aggregator.store.database import Database, remember
from aggregator.store.edits import Found
from aggregator.store.published_ids import uuid_of
from aggregator.store.schema import articles, sources
from aggregator.store.write_transaction import WriteTransaction

__all__ = ["REBUILT", "REBUILT_READER", "begin", "claim"]

REBUILT = "(rebuilt)"
"""The source of articles whose real source is not known yet; it is not in the config, but they are shown."""

REBUILT_READER = 0
"""The `reader_version` of an article that was read back; a difference to its source is not an edit."""

_SETTING = "rebuilt"
_BATCH = 200
_SOME: sa.BindParameter[list[str]] = sa.bindparam("some", expanding=True)
# Built once, because each poll of such a store runs it.
_IS_REBUILT = articles.c.reader_version == REBUILT_READER
_READ_BACK = sa.select(articles.c.pk, articles.c.uid, articles.c.source).where(
    articles.c.uid.in_(_SOME), _IS_REBUILT
)
_KNOWN = sa.select(articles.c.id).where(
    articles.c.source == sa.bindparam("of_source"), articles.c.id.in_(_SOME)
)


def begin(database: Database, now: datetime) -> None:
    """Creates the source of articles whose source is not known yet."""
    with database.transaction() as connection:
        known = set(connection.scalars(sa.select(sources.c.name)))
        if REBUILT not in known:
            row = {"name": REBUILT, "address": "", "active": True, "categories": [], "validators": {}}
            connection.execute(sources.insert().values(**row, title="", schedule=None, is_gone=True))
        remember(connection, _SETTING, now.isoformat())


def claim(writing: WriteTransaction, source: str, found: Sequence[Found]) -> None:
    """Gives articles that were read back, and are now found at a source, that source and their ids there."""
    if not found or writing.setting(_SETTING) is None:
        return
    connection = writing.connection
    for start in range(0, len(found), _BATCH):
        some = found[start : start + _BATCH]
        own = {uuid_of(source, each.article.id): each.article.id for each in some}
        plain = {each.article.id for each in some}
        known = set(connection.scalars(_KNOWN, {"of_source": source, "some": [*plain]}))
        rows = connection.execute(_READ_BACK, {"some": [*own, *plain]}).all()
        # A published id that was made from source and id proves both; an address may be that of another
        # source.
        made = {own[row.uid]: row.pk for row in rows if row.uid in own}
        given = {row.uid: row.pk for row in rows if row.uid in plain and row.source in (source, REBUILT)}
        for id_, pk in {**given, **made}.items():
            if id_ not in known:
                connection.execute(articles.update().where(articles.c.pk == pk).values(source=source, id=id_))
