"""Which articles belong to a story, and which of them is shown.

A new article never replaces the shown one: it gets the last place. Places are assigned again, by the sources'
priority and then by age, only when priorities change in the config, a member is withdrawn, or a person
splits or joins stories.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.model.struct import replace
from aggregator.rules.stories.comparable_article import ComparableArticle
from aggregator.rules.stories.same_story import Why, same_story

__all__ = ["MOST_CANDIDATES", "Joined", "Lookalike", "Member", "in_order", "join", "shown"]

MOST_CANDIDATES = 20
"""How many candidates are examined: if none of those with the most common keys matches, none will."""

_STRENGTH = ("id", "link", "title", "text")


@dataclass(frozen=True, slots=True)
class Lookalike:
    """An article that shares a key with a new one.

    `article`: its key in the store. `sources`: those that its story has a member of; without a story, its
    own.
    """

    article: int
    compared: ComparableArticle
    sources: frozenset[str]


@dataclass(frozen=True, slots=True)
class Joined:
    """The article with the story that a new one joins, and the reason."""

    article: int
    why: Why


def join(new: ComparableArticle, candidates: Iterable[Lookalike]) -> Joined | None:
    """The candidate with the story that a new article joins; None when it is a new story.

    Of several the one with the strongest reason, then the one that shares most, then the earliest. Stories
    are never merged by what arrives, and never get a second article of one source.
    """
    found = [
        (_STRENGTH.index(why.code), -why.score, candidate.article, why)
        for candidate in candidates
        if new.source not in candidate.sources and (why := same_story(new, candidate.compared))
    ]
    if not found:
        return None
    _, _, article, why = min(found, key=lambda each: each[:3])
    return Joined(article, why)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a story. `place`: its position in the story, 0 is shown; None for a new one."""

    article: int
    source: str
    first_seen: datetime
    place: int | None = None


def in_order(
    members: Iterable[Member], priorities: Mapping[str, int], anew: bool = False
) -> tuple[Member, ...]:
    """The members with their places, the one to show first.

    Members with a place stay before new ones, unless `anew`. Among equals the source with the higher priority
    (0 by default) is first, then the article seen first, then the lower key: the order of `members` makes no
    difference.
    """

    def rank(member: Member) -> tuple[bool, int, int, datetime, int]:
        is_new = anew or member.place is None
        place = 0 if is_new else (member.place or 0)
        return is_new, place, -priorities.get(member.source, 0), member.first_seen, member.article

    return tuple(replace(member, place=n) for n, member in enumerate(sorted(members, key=rank)))


def shown(
    members: Iterable[Member], priorities: Mapping[str, int], among: Collection[int] | None = None
) -> Member:
    """The member that a feed shows; `among`: the articles in the feed, None for all.

    Raises ValueError if the feed has none of the members.
    """
    for member in in_order(members, priorities):
        if among is None or member.article in among:
            return member
    raise ValueError("none of the story's members stands in the feed")
