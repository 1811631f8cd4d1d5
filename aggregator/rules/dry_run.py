"""A dry run: what rules and saved feeds would do to articles, without doing it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aggregator.model.struct import replace
from aggregator.rules.feeds_of_article import feeds_of, with_labels
from aggregator.rules.query import ArticleFacts, Query
from aggregator.rules.query_set import QuerySet
from aggregator.rules.rule import RuleSet, judge

__all__ = ["FeedTrial", "QueryTrial", "RuleTrial", "Trial", "tried", "tried_query"]

MAX_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTrial:
    """How many articles a rule's query matched, and how many the rule dropped; `examples` are titles.

    `asked`: how many are of its sources. `moved`: how many of the matched ones would be in other feeds.
    """

    name: str
    asked: int
    matched: int
    dropped: int
    moved: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTrial:
    """How many articles are in a feed before and after, and how many are added and removed.

    `gained` and `lost` are titles, some of them.
    """

    name: str
    before: int
    after: int
    joined: int
    left: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The result of a dry run: each rule in order, each feed by its name."""

    articles: int
    rules: tuple[RuleTrial, ...]
    feeds: tuple[FeedTrial, ...]

    @property
    def doubts(self) -> tuple[str, ...]:
        """A sentence for each rule that is probably a mistake: it never matches, or it drops everything."""
        if not self.articles:
            return ()
        said = [f"rule {rule.name!r} matches nothing" for rule in self.rules if not rule.matched]
        said += [
            f"rule {rule.name!r} drops everything"
            + (" of its sources" if rule.asked < self.articles else " that there is")
            for rule in self.rules
            if rule.dropped == rule.asked > 0
        ]
        return tuple(said)

    @property
    def changes(self) -> Trial:
        """The result without rules and feeds that change nothing."""
        return replace(
            self,
            rules=tuple(rule for rule in self.rules if rule.moved),
            feeds=tuple(feed for feed in self.feeds if feed.joined or feed.left),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTrial:
    """How many of `articles` a query finds, some titles, and how many of those are in each feed."""

    query: str
    articles: int
    matched: int
    examples: tuple[str, ...]
    feeds: tuple[tuple[str, int], ...]


class _Counts:
    """A number and some examples."""

    def __init__(self) -> None:
        self.before = self.after = self.joined = self.left = 0
        self.gained: list[str] = []
        self.lost: list[str] = []


def tried(
    rules: RuleSet,
    queries: QuerySet,
    articles: Iterable[tuple[ArticleFacts, frozenset[str], frozenset[str]]],
    now: datetime,
    *,
    of_source: str | None = None,
) -> Trial:
    """Applies the rules to each article, and compares the feeds that it would be in with its present ones.

    The present feeds are those that have it, and then those that show another article of its story instead.

    `queries` are those of the saved feeds, by their names; `of_source` is as in `feeds_of`.
    """
    matched = {rule.name: 0 for rule in rules.rules}
    dropped, asked, moved = dict(matched), dict(matched), dict(matched)
    examples: dict[str, list[str]] = {rule.name: [] for rule in rules.rules}
    feeds: dict[str, _Counts] = {}
    count = 0
    for facts, before, instead in articles:
        count += 1
        title = _title(facts)
        verdict = judge(rules, facts, now)
        after = feeds_of(verdict, facts, queries, now, of_source=of_source).difference(instead - before)
        for rule in rules.of_source(facts.source):
            asked[rule.name] += 1
        for name in verdict.matched:
            matched[name] += 1
            moved[name] += after != before
            if len(examples[name]) < MAX_EXAMPLES:
                examples[name].append(title)
        if verdict.dropped_by is not None:
            dropped[verdict.dropped_by] += 1
            if verdict.dropped_by not in verdict.matched:  # it drops what does not match
                moved[verdict.dropped_by] += after != before
        for name in before | after:
            counts = feeds.setdefault(name, _Counts())
            counts.before += name in before
            counts.after += name in after
            if name not in before:
                counts.joined += 1
                counts.gained += [title] * (counts.joined <= MAX_EXAMPLES)
            if name not in after:
                counts.left += 1
                counts.lost += [title] * (counts.left <= MAX_EXAMPLES)
    for name in queries:
        feeds.setdefault(name, _Counts())
    return Trial(
        articles=count,
        rules=tuple(
            RuleTrial(
                name=name,
                asked=asked[name],
                matched=matched[name],
                dropped=dropped[name],
                moved=moved[name],
                examples=tuple(examples[name]),
            )
            for name in matched
        ),
        feeds=tuple(
            FeedTrial(
                name=name,
                before=counts.before,
                after=counts.after,
                joined=counts.joined,
                left=counts.left,
                gained=tuple(counts.gained),
                lost=tuple(counts.lost),
            )
            for name, counts in sorted(feeds.items())
        ),
    )


def tried_query(
    query: Query,
    rules: RuleSet,
    articles: Iterable[tuple[ArticleFacts, frozenset[str], object]],
    now: datetime,
) -> QueryTrial:
    """The articles that a query finds, as saved feeds see them: with the tags and categories of the rules."""
    count = matched = 0
    examples: list[str] = []
    feeds: Counter[str] = Counter()
    for facts, standing, _ in articles:
        count += 1
        if query.matches(with_labels(facts, judge(rules, facts, now)), now):
            matched += 1
            examples += [_title(facts)] * (matched <= MAX_EXAMPLES)
            feeds.update(standing)
    return QueryTrial(
        query=query.text,
        articles=count,
        matched=matched,
        examples=tuple(examples),
        feeds=tuple(sorted(feeds.items())),
    )


def _title(facts: ArticleFacts) -> str:
    return facts.article.title or facts.article.link or facts.article.id
