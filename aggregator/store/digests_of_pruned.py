"""Keeps a digest of each pruned article, to recognise it if its source changes its ids."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from aggregator.store.changed_ids import Identity
from aggregator.store.known_ids import ALIASES, as_dated_by_source
from aggregator.store.raw_sql import insert_rows
from aggregator.store.schema import articles, revisions
from aggregator.store.stored_article import ERASED, NEWEST_REVISION, REVISION

__all__ = ["keep_digests"]

_BATCH = 500


def keep_digests(connection: sa.Connection, pks: Sequence[int]) -> None:
    """Stores one digest of each of these articles; call it while their revisions still exist.

    It is made of address, title and date, because a weekly post that always links to one page is a new
    article each week.
    """
    query = sa.select(*REVISION).join_from(articles, revisions, NEWEST_REVISION)
    for start in range(0, len(pks), _BATCH):
        rows = connection.execute(query.where(articles.c.pk.in_(pks[start : start + _BATCH]))).all()
        kept = [
            (row.source, f"{ERASED}{digest}", row.pk)
            for row in rows
            if (digest := Identity.of(as_dated_by_source(row)).digest)
        ]
        insert_rows(connection, ALIASES, kept, known="DO NOTHING")
