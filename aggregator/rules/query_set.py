"""Matches many queries with one article: most need a word that it does not have, and are skipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.rules.query import ArticleFacts, Query
    from aggregator.rules.query.index_conditions import HasWords, Narrowing

__all__ = ["QuerySet"]

# The words that a query needs are the same at any time.
_AT_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class QuerySet(Mapping[str, "Query"]):
    """Queries by their names; `matching` tests them with one article, in their order.

    Of a thousand saved feeds, an article has the needed words of about ten.
    """

    def __init__(self, queries: Mapping[str, Query]) -> None:
        self._queries = dict(queries)
        self._order = {name: place for place, name in enumerate(self._queries)}
        self._always: list[str] = []
        self._by_word: dict[str, list[str]] = {}
        fields: dict[str, None] = {}
        for name, query in self._queries.items():
            needed = _needed(query.narrowing(_AT_ANY_TIME))
            if needed is None:
                self._always.append(name)
                continue
            for each in needed:
                fields |= dict.fromkeys(each.fields)
                # The longest word of a phrase is usually the rarest.
                names = self._by_word.setdefault(max(each.words, key=len), [])
                if name not in names[-1:]:
                    names.append(name)
        self._fields = tuple(fields)

    def __getitem__(self, name: str) -> Query:
        return self._queries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)

    def matching(self, facts: ArticleFacts, now: datetime) -> list[str]:
        """The names of the queries that match an article."""
        asked = {*self._always}
        for field in self._fields:
            for word in self._by_word.keys() & facts.each(field):
                asked.update(self._by_word[word])
        found = [name for name in asked if self._queries[name].matches(facts, now)]
        return sorted(found, key=self._order.__getitem__)


def _needed(narrowing: Narrowing) -> tuple[HasWords, ...] | None:
    """Words of which a matching article has at least one; None if no such words are known."""
    from aggregator.rules.query.index_conditions import AllOf, AnyOf, HasWords

    match narrowing:
        case HasWords():
            return (narrowing,)
        case AllOf(parts):
            known = [needed for part in parts if (needed := _needed(part)) is not None]
            # The fewest words, and of these the longest: those that few articles have.
            return min(known, key=lambda each: (len(each), -_length(each)), default=None)
        case AnyOf(parts):
            all_of_them = [_needed(part) for part in parts]
            if any(needed is None for needed in all_of_them):
                return None
            return tuple(each for needed in all_of_them for each in needed or ())
    return None


def _length(needed: tuple[HasWords, ...]) -> int:
    return min(max(map(len, each.words)) for each in needed)
