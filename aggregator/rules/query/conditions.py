"""Compiled parts of queries: a predicate over facts, a narrowing, and when time alone changes the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from aggregator.rules.query import index_conditions
from aggregator.rules.query.facts import ArticleFacts
from aggregator.rules.query.index_conditions import Everything, HasPrefix, HasWords, Narrowing

__all__ = ["Condition", "Turning", "both", "either", "negated"]

Predicate: TypeAlias = Callable[[ArticleFacts, datetime], bool]
Turning: TypeAlias = tuple[str, timedelta]
"""A date of an article ("published", "updated", "first_seen") and how long after it the answer may change."""


def _everything(_now: datetime) -> Narrowing:
    return Everything()


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled part of a query; of several, the one with the lowest `cost` is tested first.

    `wanted` are the words that it looks for, without those that it excludes.
    """

    test: Predicate
    narrowing: Callable[[datetime], Narrowing] = _everything
    date_changes: frozenset[Turning] = frozenset()
    cost: int = 0
    wanted: tuple[HasWords | HasPrefix, ...] = ()


def negated(part: Condition) -> Condition:
    """Matches what `part` does not match; admits everything."""
    test = part.test
    return Condition(lambda facts, now: not test(facts, now), date_changes=part.date_changes, cost=part.cost)


def both(parts: Iterable[Condition]) -> Condition:
    """Matches what all parts match."""
    parts = sorted(parts, key=lambda part: part.cost)
    tests = tuple(part.test for part in parts)

    def test(facts: ArticleFacts, now: datetime) -> bool:
        for each in tests:  # noqa: SIM110 - a generator costs half as much again
            if not each(facts, now):
                return False
        return True

    return Condition(
        test,
        lambda now: index_conditions.all_of([part.narrowing(now) for part in parts]),
        frozenset().union(*(part.date_changes for part in parts)),
        max((part.cost for part in parts), default=0),
        tuple(wanted for part in parts for wanted in part.wanted),
    )


def either(parts: Iterable[Condition]) -> Condition:
    """Matches what any part matches."""
    parts = sorted(parts, key=lambda part: part.cost)
    tests = tuple(part.test for part in parts)

    def test(facts: ArticleFacts, now: datetime) -> bool:
        for each in tests:  # noqa: SIM110 - a generator costs half as much again
            if each(facts, now):
                return True
        return False

    return Condition(
        test,
        lambda now: index_conditions.any_of([part.narrowing(now) for part in parts]),
        frozenset().union(*(part.date_changes for part in parts)),
        max((part.cost for part in parts), default=0),
        tuple(wanted for part in parts for wanted in part.wanted),
    )
