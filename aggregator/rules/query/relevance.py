"""How relevant an article is for a query: how often it contains the wanted words."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.rules.query.facts import ArticleFacts
from aggregator.rules.query.index_conditions import HasPrefix, HasWords

__all__ = ["relevance"]

_WEIGHTS = {"title": 10, "tag": 5, "author": 5, "category": 5, "source": 5, "link": 2, "summary": 2}
MAX_COUNTED = 10
"""Further repetitions of a word do not count."""


def relevance(wanted: Iterable[HasWords | HasPrefix], facts: ArticleFacts) -> int:
    """The sum of the weights of all places with these words: one in a title weighs as much as ten in the
    text.
    """
    total = 0
    for each in wanted:
        # Spaces are doubled, so that adjacent words do not share the space between them.
        sought = f" {each.prefix}" if isinstance(each, HasPrefix) else f" {'  '.join(each.words)} "
        for field in each.fields:
            found = facts.words(field).joined.replace(" ", "  ").count(sought)
            total += _WEIGHTS.get(field, 1) * min(found, MAX_COUNTED)
    return total
