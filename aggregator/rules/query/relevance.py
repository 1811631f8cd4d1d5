"""How much an article says of what a query looks for."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.rules.query.facts import ArticleFacts
from aggregator.rules.query.narrowing import HasPrefix, HasWords

__all__ = ["relevance"]

_WEIGHTS = {"title": 10, "tag": 5, "author": 5, "category": 5, "source": 5, "link": 2, "summary": 2}
MAX_COUNTED = 10
"""A word that is repeated more often says no more."""


def relevance(wanted: Iterable[HasWords | HasPrefix], facts: ArticleFacts) -> int:
    """The weight of each place in which these words stand: a title's is that of ten in the text."""
    total = 0
    for each in wanted:
        # Spaces are doubled, so that words side by side do not share the one between them.
        sought = f" {each.prefix}" if isinstance(each, HasPrefix) else f" {'  '.join(each.words)} "
        for field in each.fields:
            found = facts.words(field).joined.replace(" ", "  ").count(sought)
            total += _WEIGHTS.get(field, 1) * min(found, MAX_COUNTED)
    return total
