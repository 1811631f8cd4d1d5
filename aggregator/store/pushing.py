"""Whether what a hub sent can be saved as it is, or only a poll can say what it means.

A hub may leave out entries that it delivered before (W3C WebSub §7), and what it sends may be late or sent
again. So what is missing in it says nothing, and what is not newer than what is kept may be older.
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
from aggregator.store.joining import NO_STORIES, StoryRules
from aggregator.store.known_ids import KnownIds
from aggregator.store.records import Saved, Update
from aggregator.store.schema import articles
from aggregator.store.writing import Judge, Writing, by_categories

__all__ = ["PushedArticles"]

_BATCH = 500
_KEPT = sa.select(articles.c.id, articles.c.fingerprint, articles.c.updated)


class PushedArticles:
    """The part of the store that takes what hubs sent."""

    def __init__(
        self, database: Database, judge: Judge = by_categories, rules: StoryRules = NO_STORIES
    ) -> None:
        self._database = database
        self._judge = judge
        self._rules = rules

    def commit(self, update: Update, now: datetime) -> Saved | None:
        """Saves the articles of a document that a hub sent, and nothing else of their source.

        None, and nothing is saved, where only a poll can say what they mean.
        """
        with suppress(_Uncertain), self._database.transaction() as connection:
            _check(connection, update.source, update.found)
            writing = Writing(connection, now, self._judge, self._rules)
            saved, _ = commit(writing, update)
            writing.placing.save()
            return saved
        return None


class _Uncertain(Exception):
    """Only a poll can say what a document means."""


def _check(connection: sa.Connection, source: str, found: Sequence[Found]) -> None:
    """Checks that each of these is new, is kept as it is, or is newer than what is kept of it.

    One that may be a kept article under another id is not certain: whether the feed still has that, only the
    whole feed says. Raises _Uncertain, which is to roll back what this may have written.
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
