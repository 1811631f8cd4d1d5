"""Decides in which feeds an article is, by its categories, the rules, and the queries of saved feeds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.model.verdict import Verdict

if TYPE_CHECKING:
    from aggregator.rules.query import ArticleFacts
    from aggregator.rules.query_set import QuerySet

__all__ = ["feeds_after_rules", "feeds_of", "with_labels"]

ALL = "all"


def with_labels(facts: ArticleFacts, verdict: Verdict) -> ArticleFacts:
    """The article with the categories and tags after the rules, as saved feeds and searches see it."""
    categories, tags = verdict.categories(facts.categories), verdict.all_tags(facts.tags)
    return facts if (categories, tags) == (facts.categories, facts.tags) else facts.labelled(categories, tags)


def feeds_of(
    verdict: Verdict, facts: ArticleFacts, queries: QuerySet, now: datetime, *, of_source: str | None = None
) -> frozenset[str]:
    """The names of the feeds that an article is in; none if a rule dropped it.

    `facts` are as it was found, `queries` those of the saved feeds by their names. The feed of everything is
    named "all". `of_source` begins the name of each source's own feed, in which an article is that is in any
    other; None: sources have none.
    """
    if verdict.dropped_by is not None:
        return frozenset()
    seen = with_labels(facts, verdict)
    matching = queries.matching(seen, now)
    return feeds_after_rules(verdict, seen.categories, matching, facts.source, of_source=of_source)


def feeds_after_rules(
    verdict: Verdict,
    categories: Iterable[str],
    matching: Iterable[str],
    source: str,
    *,
    of_source: str | None = None,
) -> frozenset[str]:
    """The same for an article with these categories after the rules, which these saved feeds match."""
    if verdict.dropped_by is not None:
        return frozenset()
    standing = {ALL, *categories, *matching}
    standing.difference_update(verdict.removed)
    if of_source is not None and standing and source:
        standing.add(of_source + source)
    return frozenset(standing)
