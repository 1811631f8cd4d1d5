"""Many queries at once: the same answers as each of them gives alone."""

from __future__ import annotations

import os
from datetime import datetime
from random import Random

import pytest

from aggregator.model.article import Article
from aggregator.rules.query import ArticleFacts, Query, parse
from aggregator.rules.query_set import QuerySet
from tests.support.queries import NOW, Made

CASES = int(os.environ.get("AGGREGATOR_QUERY_CASES", "600"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_query_set_matches_as_each_query_alone(seed: int) -> None:
    """Over random queries and articles, in the order of the queries."""
    made = Made(Random(seed))
    queries = {f"q{n}": parse(made.query()) for n in range(CASES // 3)}
    together = QuerySet(queries)
    matched = 0
    for _ in range(40):
        facts = made.facts()
        expected = [name for name, query in queries.items() if query.matches(facts, NOW)]
        assert together.matching(facts, NOW) == expected
        matched += len(expected)
    assert matched > CASES


@pytest.mark.parametrize(
    ("query", "is_asked"),
    [
        ("kettle", False),
        ("tea kettle", False),
        ("tea OR kettle", True),
        ("kettle OR teapot", False),
        ('"green kettle"', False),
        ("title:kettle OR (tea teapot)", False),
        ("NOT kettle", True),
        ("kettle*", True),
        ("/kettle/", True),
        ("age:<7d", True),
        ("age:<7d kettle", False),
        ("kettle -tea", False),
        ("*", True),
    ],
)
def test_only_queries_whose_words_are_there_are_asked(
    query: str, is_asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an article about green tea."""
    asked = []
    read = parse(query)

    def matches(self: Query, _facts: ArticleFacts, _now: datetime) -> bool:
        asked.append(self.text)
        return True

    monkeypatch.setattr(Query, "matches", matches)
    facts = ArticleFacts(Article(id="1", source="s", title="Green tea"))
    assert QuerySet({"a": read}).matching(facts, NOW) == (["a"] if is_asked else [])
    assert asked == ([query] if is_asked else [])


def test_a_query_set_is_a_mapping() -> None:
    """In the order of the queries."""
    queries = {"b": parse("tea"), "a": parse("*")}
    assert dict(QuerySet(queries)) == queries
    assert list(QuerySet(queries)) == ["b", "a"]
    assert len(QuerySet({})) == 0
    assert QuerySet({}).matching(ArticleFacts(Article(id="1", source="s")), NOW) == []
