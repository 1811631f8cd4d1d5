"""Rules in their order, and how they are applied to an article."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from aggregator.model.verdict import Verdict

if TYPE_CHECKING:
    from aggregator.model.article import Article
    from aggregator.rules.actions.action import Action
    from aggregator.rules.query import ArticleFacts, Query
    from aggregator.rules.rewrites import Rewrite

# Publishing needs the rules of each config, and most have none: the query language, the actions and the HTML
# code are imported with the first rule.

__all__ = ["RULES_VERSION", "Rule", "RuleSet", "judge", "rule_of"]

RULES_VERSION = 1
"""Increase it when the same rules may give another result for the same article."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: `actions` are applied to articles that `when` matches, or does not match (`keep-only`).

    `sources` and `categories` limit it; empty means all. `then` is its value in the config, as JSON.
    """

    name: str
    when: Query
    actions: tuple[Action, ...]
    sources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    then: str = ""
    acts_otherwise: bool = field(init=False, repr=False)
    """Whether any action is for articles that `when` does not match."""

    def __post_init__(self) -> None:
        is_any = any(action.on != "match" for action in self.actions)
        object.__setattr__(self, "acts_otherwise", is_any)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return _made_again, (self.name, self.when.text, self.then, self.sources, self.categories)


def rule_of(
    *, name: str, when: str, then: object, sources: Iterable[str] = (), categories: Iterable[str] = ()
) -> Rule:
    """Makes a rule from its settings. Raises QueryError, and ValueError for an invalid `then`."""
    from aggregator.rules import actions
    from aggregator.rules.query import parse

    return Rule(
        name=name,
        when=parse(when),
        actions=actions.parse(then),
        sources=tuple(sources),
        categories=tuple(categories),
        then=json.dumps(then, ensure_ascii=False, sort_keys=False, default=str),
    )


@lru_cache(maxsize=1_000)  # processes that write feeds are sent them again with each of their tasks
def _made_again(
    name: str, when: str, then: str, sources: tuple[str, ...], categories: tuple[str, ...]
) -> Rule:
    """Makes a rule from the values that are sent to other processes: its actions are functions, which cannot
    be.
    """
    return rule_of(name=name, when=when, then=json.loads(then), sources=sources, categories=categories)


class RuleSet:
    """All rules in their order; names of rules are unique.

    `other_feeds` are the feeds that are not categories: `all`, and saved feeds.
    """

    def __init__(self, rules: Iterable[Rule] = (), other_feeds: Iterable[str] = ()) -> None:
        self.rules = tuple(rules)
        self.other_feeds: Set[str] = frozenset(("all", *other_feeds))
        self._of_source: dict[str, tuple[Rule, ...]] = {}
        self._rewrites = {
            rule.name: tuple(action.rewrite for action in rule.actions if action.rewrite is not None)
            for rule in self.rules
        }

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return RuleSet, (self.rules, self.other_feeds)

    def of_source(self, source: str) -> tuple[Rule, ...]:
        """The rules that apply to articles of a source."""
        if (found := self._of_source.get(source)) is None:
            found = tuple(rule for rule in self.rules if not rule.sources or source in rule.sources)
            self._of_source[source] = found
        return found

    @cached_property
    def digest(self) -> str:
        """A digest that is equal for rules with equal effects, in every process; "" without rules."""
        if not self.rules:
            return ""
        from aggregator.rules.query import LANGUAGE_VERSION

        said = [[rule.name, rule.when.text, rule.then, rule.sources, rule.categories] for rule in self.rules]
        text = json.dumps([RULES_VERSION, LANGUAGE_VERSION, said], ensure_ascii=False)
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def depends_on_now(self) -> bool:
        """Whether the result of any rule depends on the present time."""
        return any(rule.when.depends_on_now for rule in self.rules)

    def rewrites(self, verdict: Verdict, feed: str) -> tuple[Rewrite, ...]:
        """The rewrites of an article when it is rendered in a feed."""
        return tuple(
            rewrite
            for each in verdict.rewritings
            if not each.feeds or feed in each.feeds
            for rewrite in self._rewrites.get(each.rule, ())
        )

    def rewritten(self, article: Article, verdict: Verdict, feed: str) -> Article:
        """The article as a feed shows it; the same object if nothing is rewritten."""
        rewrites = self.rewrites(verdict, feed)
        if not rewrites:
            return article
        from aggregator.rules.rewrites import apply_rewrites

        return apply_rewrites(article, rewrites)


def judge(rules: RuleSet, facts: ArticleFacts, now: datetime) -> Verdict:
    """Applies the rules to an article as it was found; `now` is aware UTC.

    Each query sees the categories and tags after the rules before it. If several rules concern the same feed,
    the last decides; after a rule that drops the article from all feeds, no further rule applies.
    """
    from aggregator.rules.verdict_draft import Draft

    draft = Draft(facts, rules.other_feeds)
    depends_on_now = False
    for rule in rules.of_source(facts.source):
        is_there = not rule.categories or not set(rule.categories).isdisjoint(draft.facts.categories)
        if not is_there and not any(action.is_of_feeds for action in rule.actions):
            continue
        depends_on_now |= rule.when.depends_on_now
        is_match = rule.when.matches(draft.facts, now)
        if not is_match and not rule.acts_otherwise:
            continue
        draft.rule, draft.feeds = rule.name, rule.categories
        if is_match:
            draft.match()
        for action in rule.actions:
            if (action.on == "match") is is_match and (is_there or action.is_of_feeds):
                action.act(draft)
        if draft.is_stopped:
            break
    return draft.verdict(depends_on_now=depends_on_now)
