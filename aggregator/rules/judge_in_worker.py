"""Judges articles where they are read, in another process than the one that saves them.

What is found is the same as where it is saved, from the same rules, article, dates and moment; who saves it
compares these (`app.feed_membership`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from aggregator.model.article import Article
from aggregator.model.verdict import Judged
from aggregator.rules.feeds_of_article import with_labels
from aggregator.rules.query_set import QuerySet
from aggregator.rules.rule import RuleSet, judge, rule_of

if TYPE_CHECKING:
    from aggregator.rules.query import Query

__all__ = ["judge_articles", "serialised"]


def serialised(rules: RuleSet, queries: Mapping[str, Query]) -> bytes:
    """Rules and saved feeds as they are sent to another process."""
    facts = {
        "rules": [
            [rule.name, rule.when.text, json.loads(rule.then), rule.sources, rule.categories]
            for rule in rules.rules
        ],
        "queries": [[name, query.text] for name, query in queries.items()],
        "other_feeds": sorted(rules.other_feeds),
    }
    return json.dumps(facts).encode()


def judge_articles(articles: Iterable[Article], by: bytes, now: datetime) -> tuple[Judged, ...]:
    """The verdicts on new articles at `now`, by the rules that `serialised` was given.

    Dates that the source did not give are unknown here. Raises QueryError and ValueError if the rules cannot
    be read, which the process that packed them could.
    """
    from aggregator.rules.query import ArticleFacts

    rules, queries = _unpacked(by)
    found = []
    for article in articles:
        facts = ArticleFacts(article, first_seen=now)
        verdict = judge(rules, facts, now)
        is_dropped = verdict.dropped_by is not None
        saved = () if is_dropped else queries.matching(with_labels(facts, verdict), now)
        found.append(Judged(verdict=verdict, saved=tuple(saved)))
    return tuple(found)


@lru_cache(maxsize=2)  # a config, and the one after it
def _unpacked(by: bytes) -> tuple[RuleSet, QuerySet]:
    from aggregator.rules.query import parse_once

    facts = json.loads(by)
    rules = [
        rule_of(name=name, when=when, then=then, sources=sources, categories=categories)
        for name, when, then, sources, categories in facts["rules"]
    ]
    queries = QuerySet({name: parse_once(text) for name, text in facts["queries"]})
    return RuleSet(rules, facts["other_feeds"]), queries
