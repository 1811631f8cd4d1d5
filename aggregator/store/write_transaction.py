"""One transaction that writes articles: numbers new rows, and puts articles into feeds and stories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from aggregator.model.struct import Struct, replace
from aggregator.store.batched_inserts import BatchedInserts
from aggregator.store.raw_sql import fetch_rows
from aggregator.store.schema import decisions
from aggregator.store.stored_article import StoredArticle
from aggregator.store.story_changes import NO_STORIES, StoryChanges, StoryRules, feeds_of_members
from aggregator.store.write_placements import PlacementWriter, names_of

__all__ = ["Judge", "Placement", "WriteTransaction", "by_categories"]


class Placement(Struct, frozen=True, kw_only=True):
    """The feeds of an article; `decision`: the results of rules for it, as JSON; None: no rule matched."""

    feeds: tuple[str, ...]
    decision: str | None = None


_DECIDED = "decisions (article, data)"
_SETTING = "SELECT value FROM settings WHERE name = ?"

Judge = Callable[[StoredArticle, datetime], Placement]
"""Decides the feeds of an article: pure, equal results for equal article, config and time."""


def by_categories(found: StoredArticle, _now: datetime) -> Placement:
    """Returns the feeds of an article if there are no rules."""
    return Placement(feeds=names_of(tuple(found.article.categories)))


class WriteTransaction:
    """One transaction that writes articles."""

    def __init__(
        self,
        connection: sa.Connection,
        now: datetime,
        judge: Judge = by_categories,
        rules: StoryRules = NO_STORIES,
    ) -> None:
        self.pending = BatchedInserts(connection)
        self.now = now
        self.judge = judge
        self.placing = PlacementWriter(self.pending, now)
        self.stories = StoryChanges(self.pending, rules)
        self._last: dict[sa.Table, int] = {}
        self._settings: dict[str, str | None] = {}
        self._judged_again: set[int] = set()

    @property
    def connection(self) -> sa.Connection:
        """The connection, after inserting everything that waits."""
        return self.pending.connection

    def number(self, table: sa.Table) -> int:
        """Returns the number for the next new row of a table; no other process inserts during this
        transaction.
        """
        return self.numbers(table, 1)[0]

    def numbers(self, table: sa.Table, count: int) -> range:
        """Returns the numbers for the next new rows of a table."""
        if table not in self._last:
            self._last[table] = self.pending.bare.scalar(sa.select(sa.func.max(table.c.pk))) or 0
        first = self._last[table] + 1
        self._last[table] += count
        return range(first, first + count)

    def setting(self, name: str) -> str | None:
        """Returns a stored setting (None: never set), read once, because this transaction sets none."""
        if name not in self._settings:
            found = fetch_rows(self.pending.bare, _SETTING, (name,))
            self._settings[name] = found[0][0] if found else None
        return self._settings[name]

    def enter(self, new: Sequence[StoredArticle]) -> None:
        """Puts new articles, all of one source, into the feeds that `judge` decides.

        Those about a known story join it, and go into the feeds in which it is not shown already.
        """
        joined = self.stories.enter(new)
        placed, decided = [], []
        for found in new:
            if found.pk not in joined:
                placement = self.judge(found, self.now)
                placed.append((found.pk, found.published, placement.feeds))
                if placement.decision is not None:
                    decided.append((found.pk, placement.decision))
        self.placing.join(placed)
        self.pending.insert(_DECIDED, decided)
        self.settle(joined.values())

    def place(self, found: StoredArticle, *, is_edited: bool = False) -> None:
        """Puts a stored article into the feeds that `judge` decides.

        An edited article gets new story keys, but it can join a story only in the run that first found it.
        """
        if is_edited and self.stories.rules.finds:
            story = self.stories.enter_again(found, joins=found.first_seen == self.now)
        else:
            story = self.stories.of(found.pk)
        if story is not None:
            self._settle(story, placed=found.pk, is_edited=is_edited)
            return
        placement = self.judge(found, self.now)
        self.placing.place(found.pk, found.published, placement.feeds, is_edited=is_edited)
        self.decide(found.pk, placement.decision)

    def settle(self, numbers: Iterable[int], *, anew: bool = False) -> None:
        """Decides the feeds of the members of stories again, after a story changed.

        `anew`: members get new places, by priority and age. That is also so if all of them were first seen in
        this run, because none was shown yet.
        """
        for number in dict.fromkeys(numbers):
            self._settle(number, anew=anew)

    def judge_again(self, found: StoredArticle) -> bool:
        """Decides the feeds of an article again after rules changed; returns whether anything changed.

        Full archives follow: a rule hides an article in them, and shows it again.
        """
        if (story := self.stories.of(found.pk)) is None:
            return self._stand(found, self.judge(found, self.now))
        if story in self._judged_again:
            return False
        self._judged_again.add(story)
        return self._settle(story, is_changed=False)

    def _settle(
        self,
        number: int,
        *,
        anew: bool = False,
        is_changed: bool = True,
        placed: int | None = None,
        is_edited: bool = False,
    ) -> bool:
        found = self.stories.members(number)
        members = [member for member, _ in found]
        if anew or all(member.first_seen == self.now for member in members):
            members = self.stories.arrange(members)
        standing = {member.article for member in members if member.is_standing}
        judged = {one.pk: self.judge(one, self.now) for _, one in found if one.pk in standing}
        wanted = {pk: placement.feeds for pk, placement in judged.items()}
        feeds = feeds_of_members(members, wanted, self.stories.rules)
        ours = [one for _, one in found if one.pk in standing]
        for one in ours:
            for name in {*wanted[one.pk]}.difference(feeds[one.pk]):
                self.placing.hide(one.pk, name)
            placement = replace(judged[one.pk], feeds=feeds[one.pk])
            is_changed |= self._stand(one, placement, is_edited=is_edited and one.pk == placed)
        if is_changed:
            for one in ours:  # each lists the others
                self.placing.show_again(one.pk)
        return is_changed

    def _stand(self, found: StoredArticle, placement: Placement, *, is_edited: bool = False) -> bool:
        before = set(self.placing.names(found.pk))
        if (before, found.decision) == ({*placement.feeds}, placement.decision) and not is_edited:
            return False
        if found.decision != placement.decision:  # it may be rendered differently
            self.placing.show_again(found.pk)
            self.decide(found.pk, placement.decision)
        for name in {*placement.feeds} - before:
            self.placing.hide(found.pk, name, is_hidden=False)
        self.placing.place(found.pk, found.published, placement.feeds, is_edited=is_edited)
        for name in before.difference(placement.feeds):
            self.placing.hide(found.pk, name)
        return True

    def decide(self, pk: int, decision: str | None) -> None:
        """Records what rules said of an article, in place of what they said before."""
        self.connection.execute(decisions.delete().where(decisions.c.article == pk))
        if decision is not None:
            self.connection.execute(decisions.insert().values(article=pk, data=decision))
