"""A store that narrows what a query is asked of finds what it would find in everything.

`AGGREGATOR_QUERY_CASES=100000 pytest tests/rules/query/test_index_conditions.py` tries so many queries;
each is asked of thirty articles.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.rules.query import ArticleFacts, parse
from aggregator.rules.query.index_conditions import (
    AllOf,
    AnyOf,
    Everything,
    HasPrefix,
    HasWords,
    InTime,
    Narrowing,
    admits,
)
from aggregator.rules.query.words import FTS5_TOKENIZER
from tests.support.queries import NOW, Made

CASES = int(os.environ.get("AGGREGATOR_QUERY_CASES", "200"))
INDEXED = ("title", "author", "tag", "text", "content", "summary", "category", "source", "link")
SEEDS = st.integers(min_value=0, max_value=2**63)


@given(SEEDS)
@settings(max_examples=CASES)
def test_a_narrowing_admits_all_matching_articles(seed: int) -> None:
    """Over random queries and articles."""
    made = Made(Random(seed))
    query = parse(made.query())
    articles = [made.facts() for _ in range(30)]
    narrowed = [facts for facts in articles if admits(query.narrowing(NOW), facts)]
    matching = [facts for facts in articles if query.matches(facts, NOW)]
    assert [facts for facts in narrowed if query.matches(facts, NOW)] == matching, query.text


@given(SEEDS)
@settings(max_examples=CASES // 5)
def test_an_index_of_sqlite_finds_whatever_matches(seed: int) -> None:
    """With a column for each field, and phrases of FTS5."""
    made = Made(Random(seed))
    query = parse(made.query())
    articles = [made.facts() for _ in range(30)]
    connection = sqlite3.connect(":memory:")
    columns = ", ".join(INDEXED)
    connection.execute(f'CREATE VIRTUAL TABLE found USING fts5({columns}, tokenize="{FTS5_TOKENIZER}")')
    for number, facts in enumerate(articles):
        values = [number, *(facts.words(field).joined for field in INDEXED)]
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO found (rowid, {columns}) VALUES ({marks})", values)
    expression = as_fts5(query.narrowing(NOW))
    rows = (
        range(len(articles))
        if expression is None
        else [n for (n,) in connection.execute("SELECT rowid FROM found WHERE found MATCH ?", (expression,))]
    )
    connection.close()
    matching = {n for n, facts in enumerate(articles) if query.matches(facts, NOW)}
    assert {n for n in rows if query.matches(articles[n], NOW)} == matching, (query.text, expression)


def as_fts5(narrowing: Narrowing) -> str | None:
    """A narrowing as FTS5's MATCH has it; None where it does not help."""
    match narrowing:
        case HasWords(words, fields):
            return f'{{{" ".join(fields)}}} : "{" ".join(words)}"'
        case HasPrefix(prefix, fields):
            return f'{{{" ".join(fields)}}} : "{prefix}" *'
        case AllOf(parts):
            known = [f"({found})" for part in parts if (found := as_fts5(part)) is not None]
            return " AND ".join(known) or None
        case AnyOf(parts):
            each_part = [as_fts5(part) for part in parts]
            return None if None in each_part else " OR ".join(f"({each})" for each in each_part)
    return None


@given(SEEDS, st.integers(min_value=0, max_value=200))
@settings(max_examples=CASES // 5)
def test_time_changes_an_answer_only_at_the_reported_moments(seed: int, hours: int) -> None:
    """Between two moments only for articles of which a date and its duration are between them."""
    made = Made(Random(seed))
    query = parse(made.query())
    later = NOW + timedelta(hours=hours)
    for facts in (made.facts() for _ in range(20)):
        if query.matches(facts, NOW) != query.matches(facts, later):
            moments = [(getattr(facts, field), away) for field, away in query.date_changes]
            assert any(moment and NOW <= moment + away <= later for moment, away in moments), query.text


@pytest.mark.parametrize(
    ("query", "narrowing"),
    [
        ("title:tea", HasWords(("tea",), ("title",))),
        ("数据", HasWords(("数", "据"), ("title", "author", "tag", "text"))),
        ("tag:tea*", HasPrefix("tea", ("tag",))),
        ("*tea", Everything()),
        ("title:tea -pot", HasWords(("tea",), ("title",))),
        ("title:tea OR -pot", Everything()),
        ("title:tea OR title:pot", AnyOf((HasWords(("tea",), ("title",)), HasWords(("pot",), ("title",))))),
        (
            "title:tea title:/x/ tag:pot",
            AllOf((HasWords(("tea",), ("title",)), HasWords(("pot",), ("tag",)))),
        ),
        ("age:<=1d", InTime("published", NOW - timedelta(days=1), None)),
        ("host:example.org", HasWords(("example", "org"), ("link",))),
    ],
)
def test_a_narrowing_is_plain_data(query: str, narrowing: Narrowing) -> None:
    """Which a store can make SQL of."""
    assert parse(query).narrowing(NOW) == narrowing


def test_all_facts_of_the_generator_are_used() -> None:
    """A generator whose queries never match would prove nothing."""
    made = Made(Random(1))
    answers = [parse(made.query()).matches(made.facts(), NOW) for _ in range(500)]
    assert 100 < sum(answers) < 400
    assert isinstance(made.facts(), ArticleFacts)
