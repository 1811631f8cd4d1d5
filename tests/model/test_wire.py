"""Dataclasses that go from process to process: what arrives is what was sent."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aggregator.model import article
from aggregator.model.article import Article, Document, Enclosure, Finding, Origin, Problem
from aggregator.model.entry import Subscription
from aggregator.model.resource import Resource
from aggregator.model.wire import sendable
from aggregator.reading import document as reading
from aggregator.reading.document import Context, Reading

ARTICLE = Article(
    source="s",
    id="1",
    title="T",
    published=datetime(2026, 1, 1, tzinfo=UTC),
    authors=("A",),
    enclosures=(Enclosure(url="https://a.example/1.mp3", length=5, duration=timedelta(seconds=3)),),
    origin=Origin(title="O", updated=datetime(2026, 1, 2, tzinfo=UTC)),
    extra={"a": [{"text": "b"}]},
)
DOCUMENT = Document(
    source="s",
    articles=(ARTICLE, replace(ARTICLE, id="2")),
    problems=(Problem(text="p", where="1"),),
    findings=(Finding(name="title", selector="h1", count=1, of=2),),
)
SENT = [
    ARTICLE,
    DOCUMENT,
    Resource(url="https://a.example/", body=b"\x00\xff" * 50_000, number=2),
    Context(source="s", categories=("c",), known=frozenset({"f"})),
    Reading(document=DOCUMENT, hints={"ttl": "5"}, subscriptions=(Subscription(url="https://b.example/"),)),
]


@sendable
@dataclass(frozen=True, slots=True)
class Pair:
    """Two values by position."""

    first: Any
    second: Any = None


@pytest.mark.parametrize("value", SENT, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_what_arrives_equals_what_was_sent(value: object, protocol: int) -> None:
    """Of the same class, in every field, and as frozen as before."""
    arrived: Any = pickle.loads(pickle.dumps(value, protocol))
    first = fields(arrived)[0].name
    assert arrived == value
    assert type(arrived) is type(value)
    with pytest.raises(FrozenInstanceError):
        setattr(arrived, first, None)


def test_copies_are_equal_and_their_own() -> None:
    """`copy` goes the same way as pickle."""
    value = Pair([1], Pair(2))
    shallow, deep = copy.copy(value), copy.deepcopy(value)
    assert shallow == deep == value
    assert shallow.first is value.first
    assert deep.first is not value.first


def test_all_plain_data_of_reading_is_sendable() -> None:
    """None is forgotten: a dataclass's own way takes several times as long."""
    classes = [c for room in (article, reading) for c in vars(room).values() if isinstance(c, type)]
    of_reading = [
        c for c in classes if is_dataclass(c) and c.__module__ in (article.__name__, reading.__name__)
    ]
    assert {Article, Origin, Enclosure, Document, Problem, Reading, Context} <= set(of_reading)
    assert [c for c in of_reading if "__reduce__" not in vars(c)] == []


class Longer(Pair):
    """Not sendable itself."""


def test_what_would_arrive_as_something_else_is_refused() -> None:
    """A class derived from a sendable one has to say so too, and a single field needs no such help."""
    with pytest.raises(TypeError, match="Longer is not sendable"):
        pickle.dumps(Longer(1))
    with pytest.raises(AssertionError):
        sendable(dataclass(frozen=True, slots=True)(type("One", (), {"__annotations__": {"one": int}})))
