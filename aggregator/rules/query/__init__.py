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
from aggregator.rules.query.narrowing import Narrowing
from aggregator.rules.query.relevance import relevance
from aggregator.rules.query.syntax import read
from aggregator.rules.query.terms import FIELDS, condition, regex_fields

__all__ = ["LANGUAGE_VERSION", "ArticleFacts", "Query", "parse", "parse_once"]

LANGUAGE_VERSION = 1
"""Raised when the same query and article may give another answer: stored answers are then asked for again."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read; two of the same text are equal.

    `regex_fields` are the fields that its regexes look at: those of strangers may be refused over long texts.
    """

    text: str
    regex_fields: frozenset[str] = field(compare=False, repr=False)
    _condition: Condition = field(compare=False, repr=False)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return parse, (self.text,)

    def matches(self, facts: ArticleFacts, now: datetime) -> bool:
        """Whether an article is what the query looks for; `now` is aware UTC."""
        return self._condition.test(facts, now)

    def narrowing(self, now: datetime) -> Narrowing:
        """What admits every article that matches at `now`, and few others."""
        return self._condition.narrowing(now)

    def relevance(self, facts: ArticleFacts) -> int:
        """How much an article says of the words that the query looks for; 0 for none of them.

        Depends on nothing but the two, so that an order by it changes with the article alone.
        """
        return relevance(self._condition.wanted, facts)

    @property
    def turnings(self) -> frozenset[Turning]:
        """When time alone changes the answer: which date of an article, and how long after it.

        Between two moments the answer can differ only for articles of which such a date plus its duration
        is between them.
        """
        return self._condition.turnings

    @property
    def depends_on_now(self) -> bool:
        """Whether the answer for one article may change with time alone."""
        return bool(self._condition.turnings)


@lru_cache(maxsize=4_096)
def parse(text: str) -> Query:
    """Reads a query. Raises QueryError, with the place of the mistake and what would be right."""
    return parse_once(text)


def parse_once(text: str) -> Query:
    """The same without keeping the result: for what strangers ask, whose queries have no end."""
    names = tuple(name for name in FIELDS if name)
    tree = read(text, names)
    return Query(text, frozenset(regex_fields(tree)), condition(tree, text))
