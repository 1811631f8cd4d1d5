"""Stories within one transaction: stores keys of articles, joins articles to stories, orders the members."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from aggregator.model.struct import Struct
from aggregator.store.article_states import FOUND
from aggregator.store.batched_inserts import BatchedInserts
from aggregator.store.raw_sql import fetch_rows, fetch_rows_of_each, insert_rows
from aggregator.store.schema import articles, sources, stories
from aggregator.store.stored_article import StoredArticle, from_row, of_newest

__all__ = ["EDITOR", "NO_STORIES", "SPLIT", "StoryChanges", "StoryMember", "StoryRules", "feeds_of_members"]

EDITOR, SPLIT = "editor", "split"
"""A person joined an article to a story, or split it off, so that it is not joined automatically."""

HOT = 100
"""A key that more articles have than this is too common to identify a story, and is not used."""

_BATCH = 500


class StoryMember(Struct, frozen=True, kw_only=True):
    """An article in a story.

    - `place`: its place in the order, from 0; the first is shown.
    - `is_late`: it came after places were assigned.
    - `is_standing`: it may be shown; False: it is withdrawn, or its source was removed.
    """

    article: int
    source: str
    first_seen: datetime
    place: int
    is_late: bool
    is_standing: bool = True


class StoryRules(Protocol):
    """The functions that decide about stories: pure, equal results for equal articles and config.

    `finds`: False: no stories are looked for.
    """

    finds: bool

    @property
    def most_candidates(self) -> int:
        """The largest number of articles that one article is compared with."""
        ...

    def keys(self, found: StoredArticle) -> Sequence[int]:
        """Returns the keys by which articles about the same story are found: they share at least one."""
        ...

    def join(
        self, new: StoredArticle, candidates: Sequence[tuple[StoredArticle, frozenset[str]]]
    ) -> tuple[int, str] | None:
        """Returns the number of the candidate whose story `new` joins, and why, as JSON; None: it joins none.

        Each candidate has the sources of its story's members with it.
        """
        ...

    def shows_one(self, feed: str) -> bool:
        """Returns whether a feed shows only one article of a story."""
        ...

    def anew(self, members: Sequence[StoryMember]) -> Sequence[int]:
        """Returns the members ordered by their sources' priority, then by age."""
        ...

    def in_feed(self, members: Sequence[StoryMember], feed: str) -> Sequence[int]:
        """Returns the members in a feed's order of preference."""
        ...


class _NoStories:
    finds = False
    most_candidates = 0

    def keys(self, _found: StoredArticle) -> Sequence[int]:
        return ()

    def join(self, _new: StoredArticle, _candidates: Sequence[tuple[StoredArticle, frozenset[str]]]) -> None:
        return None

    def shows_one(self, _feed: str) -> bool:
        return False

    def anew(self, members: Sequence[StoryMember]) -> Sequence[int]:
        return [member.article for member in members]

    def in_feed(self, members: Sequence[StoryMember], _feed: str) -> Sequence[int]:
        return [member.article for member in members]


NO_STORIES: StoryRules = _NoStories()
"""No stories: every article is shown."""

# Without SQLAlchemy, which is several times slower for a statement: this one runs for each new article.
_SHARING = """WITH asked (key) AS (VALUES {}),
cool (key) AS (SELECT key FROM asked WHERE NOT EXISTS
(SELECT 1 FROM story_keys WHERE story_keys.key = asked.key LIMIT 1 OFFSET {}))
SELECT story_keys.article FROM cool JOIN story_keys ON story_keys.key = cool.key
JOIN articles ON articles.pk = story_keys.article
WHERE articles.source <> ? AND articles.state = ? AND articles.pk <> ?
GROUP BY story_keys.article ORDER BY count(*) DESC, story_keys.article LIMIT ?"""
_KNOWN = """SELECT asked.column1 FROM (VALUES {}) AS asked
WHERE EXISTS (SELECT 1 FROM story_keys WHERE story_keys.key = asked.column1)"""
_KEYS = "story_keys (key, article)"
_STORY = "SELECT story FROM stories WHERE article = ?"
_MEMBERS = (
    of_newest(stories.c.place, stories.c.is_late, stories.c.why, articles.c.state, sources.c.active)
    .join(stories, stories.c.article == articles.c.pk)
    .join(sources, sources.c.name == articles.c.source)
    .where(stories.c.story == sa.bindparam("of_story"))
    .order_by(stories.c.place, stories.c.article)
)


class StoryChanges:
    """Changes stories within one transaction; does nothing if the rules do not look for stories."""

    def __init__(self, pending: BatchedInserts, rules: StoryRules) -> None:
        self._pending = pending
        self.rules = rules

    @property
    def _connection(self) -> sa.Connection:
        return self._pending.connection

    def enter(self, new: Iterable[StoredArticle]) -> dict[int, int]:
        """Saves the keys of new articles, and joins them to known stories; returns the story of each that
        joined.

        Articles of one source never join each other, so those of one poll need not be compared.
        """
        if not self.rules.finds:
            return {}
        keys_of = [(found, self.rules.keys(found)) for found in new]
        known = self._known({key for _, keys in keys_of for key in keys})
        joined, rows = {}, list[tuple[int, int]]()
        for found, keys in keys_of:
            if (story := self._joined(found, [key for key in keys if key in known])) is not None:
                joined[found.pk] = story
            rows += [(key, found.pk) for key in keys]
        if rows:
            # A deleted article may have had the same number, and left its keys.
            insert_rows(self._connection, _KEYS, rows, known="DO NOTHING")
        return joined

    def enter_again(self, found: StoredArticle, *, joins: bool = True) -> int | None:
        """Adds the keys that an article has now, and joins it to a story; returns its story, None for
        none.
        """
        story = self.of(found.pk)
        if story is None and joins:
            return self.enter([found]).get(found.pk)
        keys = [(key, found.pk) for key in self.rules.keys(found)]
        insert_rows(self._connection, _KEYS, keys, known="DO NOTHING")
        return story

    def _known(self, keys: Collection[int]) -> set[int]:
        """Returns which of these keys any article has: for most new articles none, which saves the next
        query.
        """
        if not keys:
            return set()
        return {row[0] for row in fetch_rows_of_each(self._connection, _KNOWN, keys, mark="(?)")}

    def _joined(self, found: StoredArticle, keys: Sequence[int]) -> int | None:
        if not keys:
            return None
        asked = _SHARING.format(", ".join(["(?)"] * len(keys)), HOT)
        facts = (*keys, found.article.source, FOUND, found.pk, self.rules.most_candidates)
        pks = [row[0] for row in fetch_rows(self._connection, asked, facts)]
        if not pks:
            return None
        known = {
            row.article: row
            for row in self._connection.execute(sa.select(stories).where(stories.c.article.in_(pks)))
        }
        split = {pk for pk, row in known.items() if is_split(row.why)}
        rows = {row.pk: row for row in self._connection.execute(of_newest().where(articles.c.pk.in_(pks)))}
        sources_of = self._sources({row.story for row in known.values()})
        candidates = [
            (from_row(row), sources_of[known[pk].story] if pk in known else frozenset((row.source,)))
            for pk in pks
            if pk not in split and (row := rows.get(pk)) is not None
        ]
        if (join := self.rules.join(found, candidates)) is None:
            return None
        candidate, why = join
        story = known[candidate].story if candidate in known else self.begin(candidate)
        self.add(found.pk, story, why)
        return story

    def _sources(self, numbers: Collection[int]) -> Mapping[int, frozenset[str]]:
        query = sa.select(stories.c.story, articles.c.source).join(
            articles, articles.c.pk == stories.c.article
        )
        found: dict[int, set[str]] = {number: set() for number in numbers}
        for row in self._connection.execute(query.where(stories.c.story.in_(numbers))):
            found[row.story].add(row.source)
        return {number: frozenset(names) for number, names in found.items()}

    def begin(self, article: int, why: str = "") -> int:
        """Begins a story with this article; returns the number of the story."""
        story = article
        if self._connection.scalar(sa.select(sa.exists().where(stories.c.story == story))):
            story = (self._connection.scalar(sa.select(sa.func.max(stories.c.story))) or 0) + 1
        row = {"article": article, "story": story, "place": 0, "is_late": False, "why": why}
        self._connection.execute(stories.insert().values(row))
        return story

    def add(self, article: int, story: int, why: str) -> None:
        """Adds an article to a story, in the last place."""
        last = sa.select(sa.func.max(stories.c.place)).where(stories.c.story == story)
        place = (self._connection.scalar(last) or 0) + 1
        row = {"article": article, "story": story, "place": place, "is_late": True, "why": why}
        self._connection.execute(stories.insert().values(row))

    def remove(self, article: int) -> None:
        """Removes an article from its story."""
        self._connection.execute(stories.delete().where(stories.c.article == article))

    def of(self, article: int) -> int | None:
        """Returns the story of an article; None if it is in none."""
        if not self.rules.finds:
            return None
        found = fetch_rows(self._connection, _STORY, (article,))
        return int(found[0][0]) if found else None

    def of_any(self, pks: Sequence[int]) -> set[int]:
        """Returns the stories of these articles."""
        found: set[int] = set()
        for start in range(0, len(pks) if self.rules.finds else 0, _BATCH):
            some = stories.c.article.in_(pks[start : start + _BATCH])
            found.update(self._connection.scalars(sa.select(stories.c.story).where(some)))
        return found

    def members(self, story: int) -> list[tuple[StoryMember, StoredArticle]]:
        """Returns the members of a story, the one to show first; deletes a story that has only one member."""
        rows = self._connection.execute(_MEMBERS, {"of_story": story}).all()
        if len(rows) == 1 and not is_split(rows[0].why):
            self.remove(rows[0].pk)
        return [(_member(row), from_row(row)) for row in rows]

    def arrange(self, members: Sequence[StoryMember]) -> list[StoryMember]:
        """Assigns new places to the members of a story."""
        found = {member.article: member for member in members}
        arranged = []
        for place, pk in enumerate(self.rules.anew(members)):
            old = found[pk]
            new = StoryMember(
                article=pk,
                source=old.source,
                first_seen=old.first_seen,
                place=place,
                is_late=False,
                is_standing=old.is_standing,
            )
            arranged.append(new)
            if new != old:
                this = stories.update().where(stories.c.article == pk)
                self._connection.execute(this.values(place=place, is_late=False))
        return arranged


def feeds_of_members(
    members: Sequence[StoryMember], wanted: Mapping[int, Sequence[str]], rules: StoryRules
) -> dict[int, tuple[str, ...]]:
    """Returns the feeds of each member of a story, from `wanted`: its feeds if there were no stories."""
    feeds = dict.fromkeys(name for names in wanted.values() for name in names)
    first = {
        feed: next(pk for pk in rules.in_feed(members, feed) if feed in wanted.get(pk, ()))
        for feed in feeds
        if rules.shows_one(feed)
    }
    return {pk: tuple(name for name in names if first.get(name, pk) == pk) for pk, names in wanted.items()}


def is_split(why: str) -> bool:
    """Returns whether a person split an article off, so that it is not joined automatically."""
    return bool(why) and read_why(why).get("code") == SPLIT


def read_why(why: str) -> dict[str, Any]:
    """Parses why an article joined its story; empty for the first article."""
    try:
        found = json.loads(why) if why else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _member(row: sa.Row[Any]) -> StoryMember:
    return StoryMember(
        article=row.pk,
        source=row.source,
        first_seen=row.first_seen,
        place=row.place,
        is_late=row.is_late,
        is_standing=row.state == FOUND and row.active,
    )
