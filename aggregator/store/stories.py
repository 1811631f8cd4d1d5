"""The stored stories: lists and arranges them, splits and joins them for a person, and rebuilds them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from aggregator.errors import DamagedStore
from aggregator.model.struct import Struct
from aggregator.store.article_states import FOUND, WITHDRAWN
from aggregator.store.database import Database, remember
from aggregator.store.raw_sql import fetch_rows_of_each
from aggregator.store.schema import articles, feeds, placements, sources, stories, story_keys
from aggregator.store.stored_article import StoredArticle, from_row, of_newest
from aggregator.store.story_changes import EDITOR, NO_STORIES, SPLIT, StoryRules, read_why
from aggregator.store.write_transaction import Judge, WriteTransaction, by_categories

__all__ = ["Stories", "StoryArticle", "StoryRecord"]

_BATCH = 200
_ARRANGED, _REBUILT = "stories arranged", "stories rebuilt"
_STANDING = sa.and_(articles.c.state == FOUND, sources.c.active)
_OF_SOURCE = sources.c.name == articles.c.source
_IN_A_STORY = "SELECT article FROM stories WHERE article IN ({}) ORDER BY article"
_MINE = stories.alias()
_OTHERS = (
    of_newest(_MINE.c.article.label("asked"))
    .join(stories, stories.c.article == articles.c.pk)
    .join(_MINE, sa.and_(_MINE.c.story == stories.c.story, _MINE.c.article != stories.c.article))
    .join(sources, _OF_SOURCE)
    .where(_STANDING, _MINE.c.article.in_(sa.bindparam("asked", expanding=True)))
    .order_by(stories.c.place, articles.c.pk)
)


class StoryArticle(Struct, frozen=True, kw_only=True):
    """An article of a story.

    - `code`: why it is in it: "" for the first, "split" for one that stays alone.
    - `score`: how much of its text it shares with the article `joins`, 0 to 1.
    - `joins`: the published id of the article because of which it joined.
    - `feeds`: those that show it; `all` is "".
    - `is_standing`: it may be shown; False: it is withdrawn, or its source was removed.
    """

    stored: StoredArticle
    code: str = ""
    score: float = 1.0
    joins: str = ""
    feeds: tuple[str, ...] = ()
    is_standing: bool = True


class StoryRecord(Struct, frozen=True, kw_only=True):
    """A story and its articles, the one to show first."""

    number: int
    members: tuple[StoryArticle, ...]


class Stories:
    """The part of the store that keeps stories; each step of a method is one transaction."""

    def __init__(
        self, database: Database, judge: Judge = by_categories, rules: StoryRules = NO_STORIES
    ) -> None:
        self._database = database
        self._judge = judge
        self._rules = rules

    def _writing(self, connection: sa.Connection, now: datetime) -> WriteTransaction:
        return WriteTransaction(connection, now, self._judge, self._rules)

    def arrange(self, shows: str, order: str, now: datetime) -> int:
        """Applies settings about stories, once for each change; returns how many stories were checked.

        - `shows`: changes if other feeds show only one article of a story.
        - `order`: changes if priorities do; then members get new places.

        An interrupted run continues where it was.
        """
        place, is_anew = self._place_of(shows, order)
        looked = 0
        while place is not None:
            with self._database.transaction() as connection:
                query = sa.select(stories.c.story).distinct().where(stories.c.story > place)
                numbers = connection.scalars(query.order_by(stories.c.story).limit(_BATCH)).all()
                writing = self._writing(connection, now)
                writing.settle(numbers, anew=is_anew)
                writing.placing.save()
                looked += len(numbers)
                place = numbers[-1] if len(numbers) == _BATCH else None
                done = [shows, order if place is None or not is_anew else "", place]
                remember(connection, _ARRANGED, json.dumps(done))
        return looked

    def _place_of(self, shows: str, order: str) -> tuple[int | None, bool]:
        """Returns the story to continue after (None: nothing to do), and whether members get new places."""
        try:
            found, known_order, place = json.loads(self._database.setting(_ARRANGED) or '["", "", 0]')
            if (found, known_order) == (shows, order):
                return (None if place is None else int(place)), False
            is_resumed = found == shows and known_order == "" and place is not None
            return (int(place) if is_resumed else 0), known_order != order
        except (ValueError, TypeError) as error:
            raise DamagedStore("how stories were arranged", error) from error

    def all(self) -> Iterator[StoryRecord]:
        """Yields every story, the earliest first, also articles that a person split off."""
        joined = of_newest(stories.c.story, stories.c.why, _STANDING.label("is_standing"))
        query = (
            joined.join(stories, stories.c.article == articles.c.pk)
            .join(sources, _OF_SOURCE)
            .order_by(stories.c.story, stories.c.place, articles.c.pk)
        )
        placed = sa.select(placements.c.article, feeds.c.name).join(feeds, feeds.c.pk == placements.c.feed)
        placed = placed.where(placements.c.article.in_(sa.select(stories.c.article))).order_by(feeds.c.pk)
        with self._database.snapshot() as connection:
            shown_in: dict[int, list[str]] = {}
            for row in connection.execute(placed):
                shown_in.setdefault(row.article, []).append(row.name)
            for number, rows in groupby(connection.execute(query).all(), key=lambda row: int(row.story)):
                several: list[Any] = [*rows]
                uids = {row.pk: row.uid for row in several}
                members = []
                for row in several:
                    why = read_why(row.why)
                    members.append(
                        StoryArticle(
                            stored=from_row(row),
                            code=str(why.get("code", "")),
                            score=float(why.get("score", 1.0)),
                            joins=uids.get(why.get("with"), ""),
                            feeds=tuple(shown_in.get(row.pk, ())),
                            is_standing=bool(row.is_standing),
                        )
                    )
                yield StoryRecord(number=number, members=tuple(members))

    def others(self, pks: Collection[int]) -> Mapping[int, tuple[StoredArticle, ...]]:
        """Returns, for each of these articles that is in a story, the other articles of the story."""
        if not pks:
            return {}
        found: dict[int, list[StoredArticle]] = {}
        with self._database.snapshot() as connection:
            # Most articles are in no story, and the query for the others takes five times as long as this.
            asked = [pk for (pk,) in fetch_rows_of_each(connection, _IN_A_STORY, sorted(pks))]
            for start in range(0, len(asked), _BATCH):
                for row in connection.execute(_OTHERS, {"asked": asked[start : start + _BATCH]}):
                    found.setdefault(row.asked, []).append(from_row(row))
        return {pk: tuple(each) for pk, each in found.items()}

    def split(self, pks: Sequence[int], now: datetime) -> None:
        """Removes articles from their stories permanently: only a person can join them again."""
        with self._database.transaction() as connection:
            writing = self._writing(connection, now)
            touched = _numbers(connection, pks)
            for pk in dict.fromkeys(pks):
                writing.stories.remove(pk)
                touched.append(writing.stories.begin(pk, json.dumps({"code": SPLIT})))
            writing.settle(touched, anew=True)
            writing.placing.save()

    def join(self, pks: Sequence[int], now: datetime) -> None:
        """Joins articles, with the stories that they are in, into one story, whatever their sources."""
        first, *others = dict.fromkeys(pks)
        why = json.dumps({"code": EDITOR, "with": first})
        with self._database.transaction() as connection:
            writing = self._writing(connection, now)
            known = _numbers(connection, [first])
            target = known[0] if known else writing.stories.begin(first)
            this = stories.c.article == first
            if connection.scalar(sa.select(stories.c.why).where(this, stories.c.why.contains(SPLIT))):
                connection.execute(stories.update().where(this).values(why=""))
            for pk in others:
                if (number := next(iter(_numbers(connection, [pk])), target)) != target:
                    moved = stories.update().where(stories.c.story == number)
                    connection.execute(moved.values(story=target, is_late=True))
                writing.stories.remove(pk)
                writing.stories.add(pk, target, why)
            writing.settle([target], anew=True)
            writing.placing.save()

    def tidy(self) -> None:
        """Deletes the keys of articles that were pruned or deleted."""
        living = sa.select(articles.c.pk).where(articles.c.state.in_((FOUND, WITHDRAWN)))
        with self._database.transaction() as connection:
            connection.execute(story_keys.delete().where(story_keys.c.article.not_in(living)))

    def rebuild(self, now: datetime) -> Iterator[tuple[int, int, int]]:
        """Looks for stories among all stored articles, the earliest first.

        Yields how many articles each step checked and joined, and how many there are. Existing stories, and
        articles that a person split off, stay. An interrupted run continues where it was.
        """
        place = int(self._database.setting(_REBUILT) or 0)
        query = of_newest().join(sources, _OF_SOURCE).where(_STANDING).order_by(articles.c.pk).limit(_BATCH)
        with self._database.snapshot() as connection:
            total = connection.scalar(sa.select(sa.func.count()).select_from(articles)) or 0
        is_done = False
        while not is_done:
            with self._database.transaction() as connection:
                rows = connection.execute(query.where(articles.c.pk > place)).all()
                writing = self._writing(connection, now)
                joined = set()
                for row in rows:
                    was = writing.stories.of(row.pk)
                    story = writing.stories.enter_again(from_row(row))
                    if was is None and story is not None:
                        joined.add(row.pk)
                        writing.settle([story], anew=True)
                writing.placing.save()
                is_done = len(rows) < _BATCH
                place = 0 if is_done else rows[-1].pk
                remember(connection, _REBUILT, str(place))
            yield len(rows), len(joined), total


def _numbers(connection: sa.Connection, pks: Sequence[int]) -> list[int]:
    query = sa.select(stories.c.story).distinct().where(stories.c.article.in_(pks))
    return [*connection.scalars(query.order_by(stories.c.story))]
