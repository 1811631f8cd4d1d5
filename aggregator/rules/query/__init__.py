"""The language in which rules, saved feeds and searches choose articles (docs/choosing.md).

    query = parse('title:tea AND NOT tag:advert')
    query.matches(ArticleFacts(article), now)

One meaning: the predicate decides. A store narrows what it is asked of by `query.narrowing(now)`, never more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from aggregator.rules.query.conditions import Condition, Turning
from aggregator.rules.query.facts import ArticleFacts
from aggregator.rules.query.index_conditions import Narrowing
from aggregator.rules.query.relevance import relevance
from aggregator.rules.query.syntax import read
from aggregator.rules.query.terms import FIELDS, condition, regex_fields

__all__ = ["LANGUAGE_VERSION", "ArticleFacts", "Query", "parse", "parse_once"]

LANGUAGE_VERSION = 1
"""Increase it when the same query and article may give another answer: stored answers are then computed
again.
"""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; two with the same text are equal.

    `regex_fields` are the fields that its regexes search: regexes of visitors may be refused for long texts.
    """

    text: str
    regex_fields: frozenset[str] = field(compare=False, repr=False)
    _condition: Condition = field(compare=False, repr=False)
    depends_on_now: bool = field(init=False, compare=False, repr=False)
    """Whether the answer for one article may change with time alone."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "depends_on_now", bool(self._condition.date_changes))

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return parse, (self.text,)

    def matches(self, facts: ArticleFacts, now: datetime) -> bool:
        """Whether the query matches an article; `now` is aware UTC."""
        return self._condition.test(facts, now)

    def narrowing(self, now: datetime) -> Narrowing:
        """A condition for indexes that admits every article that matches at `now`, and few others."""
        return self._condition.narrowing(now)

    def relevance(self, facts: ArticleFacts) -> int:
        """How often an article contains the words that the query looks for; 0 for none of them.

        Depends on nothing else, so that an order by it changes only when the article changes.
        """
        return relevance(self._condition.wanted, facts)

    @property
    def date_changes(self) -> frozenset[Turning]:
        """When time alone changes the answer: which date of an article, and how long after it.

        Between two moments the answer can only change for articles with such a date plus its duration between
        them.
        """
        return self._condition.date_changes


@lru_cache(maxsize=4_096)
def parse(text: str) -> Query:
    """Parses a query. Raises QueryError, with the position of the mistake and what would be right."""
    return parse_once(text)


def parse_once(text: str) -> Query:
    """Like `parse` without caching the result: for visitors' queries, whose number has no limit."""
    names = tuple(name for name in FIELDS if name)
    tree = read(text, names)
    return Query(text, frozenset(regex_fields(tree)), condition(tree, text))
