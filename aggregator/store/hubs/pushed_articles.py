"""Saves articles that a hub sent, if they can be understood without the whole feed.

A hub may leave out entries that it delivered before (W3C WebSub §7), and what it sends may be late or
repeated. So a missing entry means nothing, and an entry that is not newer than the stored one may be older.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aggregator.store.commits import commit
from aggregator.store.database import Database
from aggregator.store.edits import Found
from aggregator.store.known_ids import KnownIds
from aggregator.store.records import Saved, Update
from aggregator.store.schema import articles
from aggregator.store.story_changes import NO_STORIES, StoryRules
from aggregator.store.write_transaction import Judge, WriteTransaction, by_categories

__all__ = ["PushedArticles"]

_BATCH = 500
_KEPT = sa.select(articles.c.id, articles.c.fingerprint, articles.c.updated)


class PushedArticles:
    """The part of the store that saves articles which hubs sent."""

    def __init__(
        self, database: Database, judge: Judge = by_categories, rules: StoryRules = NO_STORIES
    ) -> None:
        self._database = database
        self._judge = judge
        self._rules = rules

    def commit(self, update: Update, now: datetime) -> Saved | None:
        """Saves the articles of a document that a hub sent, and nothing else of their source.

        Returns None, and saves nothing, if a poll of the whole feed is needed to understand them.
        """
        with suppress(_Uncertain), self._database.transaction() as connection:
            _check(connection, update.source, update.found)
            writing = WriteTransaction(connection, now, self._judge, self._rules)
            saved, _ = commit(writing, update)
            writing.placing.save()
            return saved
        return None


class _Uncertain(Exception):
    """A poll of the whole feed is needed to understand a document."""


def _check(connection: sa.Connection, source: str, found: Sequence[Found]) -> None:
    """Checks that each article is new, is stored unchanged, or is newer than the stored one.

    An article that may be a stored one with a new id is uncertain, because only the whole feed shows whether
    it still has the stored one. Raises _Uncertain; the caller rolls back what this may have written.
    """
    kept: dict[str, sa.Row[Any]] = {}
    for start in range(0, len(found), _BATCH):
        ids = [f.article.id for f in found[start : start + _BATCH]]
        query = _KEPT.where(articles.c.source == source, articles.c.id.in_(ids))
        kept |= {row.id: row for row in connection.execute(query)}
    for f in found:
        row = kept.get(f.article.id)
        if row is not None and row.fingerprint != f.fingerprint:
            updated = f.article.updated or f.article.published
            if updated is None or updated <= row.updated:
                raise _Uncertain
    new = [f for f in found if f.article.id not in kept]
    known = KnownIds(connection, source, found)
    if new and (known.rows(new) or known.renamed(new)):
        raise _Uncertain
