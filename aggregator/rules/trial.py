"""A dry run: what rules and saved feeds would do to articles, without doing it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.rules.query import ArticleFacts, Query
from aggregator.rules.rule import RuleSet, judge
from aggregator.rules.standing import feeds_of

__all__ = ["FeedTrial", "RuleTrial", "Trial", "tried"]

MAX_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTrial:
    """How many articles a rule's query matched, and how many the rule dropped; `examples` are titles."""

    name: str
    matched: int
    dropped: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTrial:
    """How many articles stand in a feed before and after; `gained` and `lost` are titles, some of them."""

    name: str
    before: int
    after: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a dry run found: each rule in its order, each feed by its name."""

    articles: int
    rules: tuple[RuleTrial, ...]
    feeds: tuple[FeedTrial, ...]

    @property
    def doubts(self) -> tuple[str, ...]:
        """A sentence for each rule that is seldom meant so: it never matches, or it drops everything."""
        if not self.articles:
            return ()
        said = [f"rule {rule.name!r} matches nothing" for rule in self.rules if not rule.matched]
        said += [
            f"rule {rule.name!r} drops everything that there is"
            for rule in self.rules
            if rule.dropped == self.articles
        ]
        return tuple(said)


class _Counts:
    """Numbers and some examples."""

    def __init__(self) -> None:
        self.before = self.after = 0
        self.gained: list[str] = []
        self.lost: list[str] = []


def tried(
    rules: RuleSet,
    queries: Mapping[str, Query],
    articles: Iterable[tuple[ArticleFacts, frozenset[str]]],
    now: datetime,
) -> Trial:
    """Judges each article, and compares the feeds in which it would stand with those given beside it.

    `queries` are those of the saved feeds, by their names.
    """
    matched = {rule.name: 0 for rule in rules.rules}
    dropped = dict(matched)
    examples: dict[str, list[str]] = {rule.name: [] for rule in rules.rules}
    feeds: dict[str, _Counts] = {}
    count = 0
    for facts, before in articles:
        count += 1
        title = facts.article.title or facts.article.link or facts.article.id
        verdict = judge(rules, facts, now)
        for name in verdict.matched:
            matched[name] += 1
            if len(examples[name]) < MAX_EXAMPLES:
                examples[name].append(title)
        if verdict.dropped_by is not None:
            dropped[verdict.dropped_by] += 1
        after = feeds_of(verdict, facts, queries, now)
        for name in before | after:
            counts = feeds.setdefault(name, _Counts())
            counts.before += name in before
            counts.after += name in after
            if name not in before and len(counts.gained) < MAX_EXAMPLES:
                counts.gained.append(title)
            if name not in after and len(counts.lost) < MAX_EXAMPLES:
                counts.lost.append(title)
    for name in queries:
        feeds.setdefault(name, _Counts())
    return Trial(
        articles=count,
        rules=tuple(
            RuleTrial(name=name, matched=matched[name], dropped=dropped[name], examples=tuple(examples[name]))
            for name in matched
        ),
        feeds=tuple(
            FeedTrial(
                name=name,
                before=counts.before,
                after=counts.after,
                gained=tuple(counts.gained),
                lost=tuple(counts.lost),
            )
            for name, counts in sorted(feeds.items())
        ),
    )
