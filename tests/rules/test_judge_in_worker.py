"""Articles that are judged where they are read: with the same result as where they are saved."""

from __future__ import annotations

from random import Random

import pytest

from aggregator.errors import QueryError
from aggregator.model.verdict import Judged
from aggregator.model.wire import Format
from aggregator.rules.feeds_of_article import with_labels
from aggregator.rules.judge_in_worker import judge_articles, serialised
from aggregator.rules.query import ArticleFacts, parse
from aggregator.rules.query_set import QuerySet
from aggregator.rules.rule import RuleSet, judge, rule_of
from tests.support.queries import NAMES, NOW, Made

FORMAT = Format(Judged)


def actions(random: Random) -> object:
    """Any action, or several."""
    some = (
        *("drop", "keep-only", "stop"),
        *({name: [random.choice(NAMES)]} for name in ("tag", "file-under", "remove-from")),
        {"rewrite": {"title": {"pattern": "tea", "with": "TEA"}}},
    )
    return random.sample(some, k=random.randint(1, 2))


def query(made_here: Made) -> str:
    """A query that can be read."""
    while True:
        text = made_here.query()
        try:
            parse(text)
        except QueryError:
            continue
        return text


@pytest.mark.parametrize("seed", range(300))
def test_a_worker_judges_as_the_parent_would(seed: int) -> None:
    """Sent to another process and back, for any rules, saved feeds and articles."""
    random = Random(seed)
    made_here = Made(random)
    rules = RuleSet(
        [
            rule_of(
                name=f"{n}",
                when=query(made_here),
                then=actions(random),
                sources=made_here.names(1),
                categories=made_here.names(1),
            )
            for n in range(random.randint(0, 6))
        ],
        ("Saved 0", "Saved 1", "Saved 2"),
    )
    queries = QuerySet({f"Saved {n}": parse(query(made_here)) for n in range(3)})
    articles = [made_here.facts().article for _ in range(5)]
    found = judge_articles(articles, serialised(rules, queries), NOW)
    assert len(found) == len(articles)
    for article, one in zip(articles, found, strict=True):
        facts = ArticleFacts(article, first_seen=NOW)
        verdict = judge(rules, facts, NOW)
        matching = [] if verdict.dropped_by else queries.matching(with_labels(facts, verdict), NOW)
        again = FORMAT.loads(FORMAT.dumps(one))
        assert (again.verdict, again.saved) == (verdict, tuple(matching))
