"""Conditions that a store can check with its indexes before it tests a query: plain data, never too narrow.

A query's narrowing admits everything that the query matches; `admits` defines the meaning, for stores and
tests. A store may ignore any part of it by treating that part as `Everything`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from aggregator.rules.query.facts import ArticleFacts

__all__ = ["AllOf", "AnyOf", "Everything", "HasPrefix", "HasWords", "InTime", "Narrowing", "admits"]


@dataclass(frozen=True, slots=True)
class Everything:
    """Any article: no index helps."""


@dataclass(frozen=True, slots=True)
class HasWords:
    """These words (of `words.split`) are adjacent in one of the fields."""

    words: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HasPrefix:
    """A word with this prefix is in one of the fields."""

    prefix: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InTime:
    """`field` ("published", "updated" or "first_seen") is at least `low` and less than `high`.

    None is an open end. An article without such a date is not included.
    """

    field: str
    low: datetime | None
    high: datetime | None


@dataclass(frozen=True, slots=True)
class AllOf:
    """Admits what all parts admit."""

    parts: tuple[Narrowing, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Admits what any part admits."""

    parts: tuple[Narrowing, ...]


Narrowing: TypeAlias = Everything | HasWords | HasPrefix | InTime | AllOf | AnyOf


def all_of(parts: list[Narrowing]) -> Narrowing:
    """All parts, without those that admit everything."""
    kept = [part for part in parts if not isinstance(part, Everything)]
    return AllOf(tuple(kept)) if len(kept) > 1 else kept[0] if kept else Everything()


def any_of(parts: list[Narrowing]) -> Narrowing:
    """Any part; `Everything` if one part is."""
    if any(isinstance(part, Everything) for part in parts):
        return Everything()
    return AnyOf(tuple(parts)) if len(parts) > 1 else parts[0]


def admits(narrowing: Narrowing, facts: ArticleFacts) -> bool:
    """Whether the narrowing admits an article, so that its query may match."""
    match narrowing:
        case HasWords(words, fields):
            return any(facts.words(field).has(words) for field in fields)
        case HasPrefix(prefix, fields):
            return any(f" {prefix}" in facts.words(field).joined for field in fields)
        case InTime(field, low, high):
            moment: datetime | None = getattr(facts, field)
            return moment is not None and (low is None or moment >= low) and (high is None or moment < high)
        case AllOf(parts):
            return all(admits(part, facts) for part in parts)
        case AnyOf(parts):
            return any(admits(part, facts) for part in parts)
        case Everything():
            return True
