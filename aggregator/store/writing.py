"""One transaction that writes articles: its time, the numbers of new rows, the feeds of articles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from aggregator.store.kept import Kept
from aggregator.store.placing import Placing, names_of
from aggregator.store.schema import decisions

__all__ = ["Judge", "Placement", "Writing", "by_categories"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The feeds that an article stands in; `decision` is what rules say of it, as JSON, None for nothing."""

    feeds: tuple[str, ...]
    decision: str | None = None


Judge = Callable[[Kept, datetime], Placement]
"""Decides which feeds an article stands in: pure, the same for the same article, config and moment."""


def by_categories(found: Kept, _now: datetime) -> Placement:
    """The feeds of an article where there are no rules."""
    return Placement(feeds=names_of(found.article.categories))


class Writing:
    """One transaction: its connection, its time, what places articles, and the numbers of new rows."""

    def __init__(self, connection: sa.Connection, now: datetime, judge: Judge = by_categories) -> None:
        self.connection = connection
        self.now = now
        self.judge = judge
        self.placing = Placing(connection, now)
        self._last: dict[sa.Table, int] = {}

    def number(self, table: sa.Table) -> int:
        """The number of the next new row; nobody else writes while this transaction lasts."""
        if table not in self._last:
            self._last[table] = self.connection.scalar(sa.select(sa.func.max(table.c.pk))) or 0
        self._last[table] += 1
        return self._last[table]

    def place(self, found: Kept, *, is_edited: bool = False) -> None:
        """Lets a stored article stand in the feeds that the judge says."""
        placement = self.judge(found, self.now)
        self.placing.place(found.pk, found.published, placement.feeds, is_edited=is_edited)
        self.decide(found.pk, placement.decision)

    def judge_again(self, found: Kept) -> bool:
        """The same where only what is said of an article may have changed; True: it did.

        Full archives follow: a rule takes an article out of them, and brings it back.
        """
        placement = self.judge(found, self.now)
        before = set(self.placing.names(found.pk))
        if (before, found.decision) == ({*placement.feeds}, placement.decision):
            return False
        if found.decision != placement.decision:  # it may be rendered otherwise
            self.placing.show_again(found.pk)
            self.decide(found.pk, placement.decision)
        if before != {*placement.feeds}:
            self.placing.place(found.pk, found.published, placement.feeds)
            for name in before.difference(placement.feeds):
                self.placing.hide(found.pk, name)
            for name in {*placement.feeds} - before:
                self.placing.hide(found.pk, name, is_hidden=False)
        return True

    def decide(self, pk: int, decision: str | None, *, is_new: bool = False) -> None:
        """Records what rules said of an article."""
        if not is_new:
            self.connection.execute(decisions.delete().where(decisions.c.article == pk))
        if decision is not None:
            self.connection.execute(decisions.insert().values(article=pk, data=decision))
