"""What a store may look for by its indexes before it asks a query: plain data, and never too narrow.

Whatever a query matches, its narrowing admits; `admits` is the meaning, for stores and tests to compare with.
A store may ignore any part of it, by reading that as `Everything`.
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
    """These words (of `words.split`) stand side by side in one of the fields."""

    words: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HasPrefix:
    """A word that begins so stands in one of the fields."""

    prefix: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InTime:
    """`field` ("published", "updated" or "first_seen") is from `low` up to `high`, which is not part of it.

    None is an open end. An article without such a date is not among them.
    """

    field: str
    low: datetime | None
    high: datetime | None


@dataclass(frozen=True, slots=True)
class AllOf:
    """What all parts admit."""

    parts: tuple[Narrowing, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """What any part admits."""

    parts: tuple[Narrowing, ...]


Narrowing: TypeAlias = Everything | HasWords | HasPrefix | InTime | AllOf | AnyOf


def all_of(parts: list[Narrowing]) -> Narrowing:
    """All parts, without those that admit everything."""
    kept = [part for part in parts if not isinstance(part, Everything)]
    return AllOf(tuple(kept)) if len(kept) > 1 else kept[0] if kept else Everything()


def any_of(parts: list[Narrowing]) -> Narrowing:
    """Any part; everything when one admits that."""
    if any(isinstance(part, Everything) for part in parts):
        return Everything()
    return AnyOf(tuple(parts)) if len(parts) > 1 else parts[0]


def admits(narrowing: Narrowing, facts: ArticleFacts) -> bool:
    """Whether an article may be what the query of this narrowing looks for."""
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
