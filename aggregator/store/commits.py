"""Saves polls, in one transaction for all threads that have something to save at the same time.

Only one transaction of all processes saves articles at a time. A worker polls many shards at once: when each
saved by itself, all waited for their turn, most of them with a connection, and for the interpreter's lock,
until nothing was polled any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress
from typing import Any

from aggregator.errors import LeaseLost
from aggregator.store import subscriptions
from aggregator.store.article_changes import ArticleChanges
from aggregator.store.database import Database
from aggregator.store.group_commit import GroupCommit
from aggregator.store.leases import Hold, held
from aggregator.store.page_requests import PageRequests
from aggregator.store.poll_rows import row_of, statements
from aggregator.store.raw_sql import change_rows
from aggregator.store.rebuilding import claim
from aggregator.store.records import Saved, Update
from aggregator.store.story_changes import StoryRules
from aggregator.store.tombstones import insert_forgotten
from aggregator.store.write_transaction import Judge, WriteTransaction

__all__ = ["PollCommits", "commit"]

_MOST_AT_ONCE = 1_000
"""The largest number of sources and articles in a transaction, which must end within a second for others."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The updates that one thread wants to save; `hold`: its claim of their shard, None if it needs none."""

    updates: Sequence[Update]
    now: datetime
    hold: Hold | None


class PollCommits:
    """Saves the polls of many threads; `judge` and `rules`: see `Store`."""

    def __init__(self, database: Database, judge: Judge, rules: StoryRules) -> None:
        self._database = database
        self._judge = judge
        self._rules = rules
        self._together = GroupCommit[_Wanted, "list[Saved]"](self._save, weigh=_weigh, most=_MOST_AT_ONCE)

    def save(self, updates: Sequence[Update], now: datetime, hold: Hold | None) -> list[Saved]:
        """Saves all of these updates, or none; returns the result of each. Raises LeaseLost if `hold` was
        lost.
        """
        return self._together(_Wanted(updates, now, hold))

    def _save(self, wanted: Sequence[_Wanted]) -> list[list[Saved] | Exception]:
        with self._database.brief_transaction() as connection:
            ours = held(connection, [each.hold for each in wanted if each.hold is not None])
            is_ours = [each.hold is None or each.hold in ours for each in wanted]
            writing = WriteTransaction(connection, max(each.now for each in wanted), self._judge, self._rules)
            updates = [update for each in compress(wanted, is_ours) for update in each.updates]
            writing.pending.look({each.source: [f.article.id for f in each.found] for each in updates})
            given: list[list[Saved] | Exception] = []
            rows: list[tuple[Any, ...]] = []
            for each in wanted:
                if each.hold is not None and each.hold not in ours:
                    given.append(LeaseLost(each.hold.shard))
                    continue
                writing.now = each.now
                saved = [commit(writing, update) for update in each.updates]
                given.append([what for what, _ in saved])
                rows += [row for _, row in saved]
            for statement, values in statements(rows):
                change_rows(connection, statement, values)
            writing.placing.save()
        return given


def _weigh(wanted: _Wanted) -> int:
    return sum(1 + len(update.found) for update in wanted.updates)


def commit(writing: WriteTransaction, update: Update) -> tuple[Saved, tuple[Any, ...]]:
    """Saves the articles of one poll; returns how many, and the row of its source for `poll_rows`."""
    wanted = None
    if update.pages:
        wanted = PageRequests(writing.connection, update.source, writing.now, update.pages)
    changes = ArticleChanges(writing, update.source, wanted)
    claim(writing, update.source, update.found)
    insert_forgotten(writing, update.source, update.found)
    changes.delete(update.refused)
    changes.withdraw(update.withdrawn)
    moving_to = update.schedule.moved_to if update.schedule else None
    changes.take(update.found, update.present, moving_to)
    update = subscriptions.save_lists(writing.pending.bare, update)
    saved = Saved(new=changes.new, changed=changes.changed, unchanged=changes.unchanged + update.unchanged)
    return saved, row_of(update, writing.now, update.reader_version or 1)
