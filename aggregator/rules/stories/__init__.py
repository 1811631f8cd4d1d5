"""Which articles of different sources are about the same story, and which of them is shown; pure.

A store keeps `article_keys(article)` of each, looks for articles that share one, and asks `join`:

    new = telling(article, first_seen)
    candidates = [Lookalike(pk, telling(other), sources), ...]   # those that share a key, most keys first
    joined = join(new, candidates)                               # whose story, and why; None: its own
    order = in_order(members, priorities)                        # the first one is shown

`judge` tells for any two articles why they are one story, or why not.
"""

from __future__ import annotations

from aggregator.rules.stories.judge import TEXT_WINDOW, TITLE_WINDOW, Why, judge, same_story
from aggregator.rules.stories.members import (
    MOST_CANDIDATES,
    Joined,
    Lookalike,
    Member,
    in_order,
    join,
    shown,
)
from aggregator.rules.stories.telling import Telling, article_keys, keys, telling

__all__ = [
    "MOST_CANDIDATES",
    "TEXT_WINDOW",
    "TITLE_WINDOW",
    "Joined",
    "Lookalike",
    "Member",
    "Telling",
    "Why",
    "article_keys",
    "in_order",
    "join",
    "judge",
    "keys",
    "same_story",
    "shown",
    "telling",
]
