"""Brings indexes of a SQLite store up to date whose conditions an earlier version wrote differently."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, DropIndex

from aggregator.store.schema import REVISIONS_WITHOUT_LINK

__all__ = ["renew_indexes"]

_log = logging.getLogger(__name__)
_MADE = sa.text("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = :name")


def renew_indexes(connection: sa.Connection) -> None:
    """Makes an index anew if its condition differs from that of this version: SQLite would not use it."""
    index = REVISIONS_WITHOUT_LINK
    made = CreateIndex(index)
    if connection.scalar(_MADE, {"name": index.name}) == str(made.compile(connection)):
        return
    _log.info(
        "the store's index %s is made anew; this takes some seconds for each million articles", index.name
    )
    connection.execute(DropIndex(index, if_exists=True))
    connection.execute(made)
