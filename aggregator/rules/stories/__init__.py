"""Which articles of different sources are about the same story, and which of them is shown; pure.

A store keeps `article_keys(article)` of each, looks for articles that share one, and asks `join`:

    new = comparable(article, first_seen)
    candidates = [Lookalike(pk, comparable(other), sources), ...]   # those that share a key, most keys first
    joined = join(new, candidates)                               # whose story, and why; None: its own
    order = in_order(members, priorities)                        # the first one is shown

`judge` returns for any two articles why they are about one story, or why not.
"""

from __future__ import annotations

from aggregator.rules.stories.comparable_article import ComparableArticle, article_keys, comparable, keys
from aggregator.rules.stories.members import (
    MOST_CANDIDATES,
    Joined,
    Lookalike,
    Member,
    in_order,
    join,
    shown,
)
from aggregator.rules.stories.same_story import Why, judge, same_story

__all__ = [
    "MOST_CANDIDATES",
    "ComparableArticle",
    "Joined",
    "Lookalike",
    "Member",
    "Why",
    "article_keys",
    "comparable",
    "in_order",
    "join",
    "judge",
    "keys",
    "same_story",
    "shown",
]
