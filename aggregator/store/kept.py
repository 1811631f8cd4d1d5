"""An article as the store gives it out, and the queries that read one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aggregator.errors import DamagedStore
from aggregator.model.article import Article
from aggregator.model.packed import Unreadable, unpack
from aggregator.store.schema import articles, decisions, revisions

__all__ = ["NEWEST_REVISION", "REVISION", "Kept", "kept", "of_newest", "unpacked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An article as the store keeps it: its outward id, its fixed dates, and when it was first seen.

    `pk` and `revision` number it, and what it is now, inside the store. `decision` is what rules say of it,
    as JSON. `is_dated`: its source itself gave a date of publication.
    """

    uid: str
    article: Article
    published: datetime
    updated: datetime
    first_seen: datetime
    pk: int = 0
    revision: int = 0
    decision: str | None = None
    is_dated: bool = True


_DECISION = sa.select(decisions.c.data).where(decisions.c.article == articles.c.pk).scalar_subquery()
REVISION: tuple[sa.ColumnElement[Any], ...] = (
    *(articles.c.pk, articles.c.uid, articles.c.source, articles.c.id, articles.c.first_seen),
    articles.c.given,
    *(revisions.c.pk.label("revision"), revisions.c.published, revisions.c.updated, revisions.c.data),
    _DECISION.label("decision"),
)
"""What `kept` takes of an article and one of its revisions."""

NEWEST_REVISION = revisions.c.pk == articles.c.revision
"""Joins an article with what it is now."""


def of_newest(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """A query for articles as they are now, with these columns besides; pruned ones have none."""
    return sa.select(*REVISION, *columns).join_from(articles, revisions, NEWEST_REVISION)


def kept(row: sa.Row[Any]) -> Kept:
    """A row of `REVISION` as the store gives it out. Raises DamagedStore."""
    return Kept(
        pk=row.pk,
        revision=row.revision,
        uid=row.uid,
        article=unpacked(row),
        published=row.published,
        updated=row.updated,
        first_seen=row.first_seen,
        decision=row.decision,
        is_dated='"published": null' not in (row.given or ""),
    )


def unpacked(row: sa.Row[Any]) -> Article:
    """The article of such a row. Raises DamagedStore."""
    try:
        return unpack(row.data, source=row.source, id=row.id, published=row.published, updated=row.updated)
    except Unreadable as error:
        raise DamagedStore(f"the article {row.id!r} of source {row.source!r} in the store", error) from error
