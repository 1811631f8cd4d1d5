"""The plain format between processes: what arrives is what was sent, and other bytes are refused."""

from __future__ import annotations

import json
import pickle
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model.article import Article, Document, Enclosure, Finding, Origin, Problem
from aggregator.model.entry import Subscription
from aggregator.model.struct import replace
from aggregator.model.wire import MAX_DEPTH, Format, dumps, is_plain
from aggregator.reading.document import Reading

ARTICLE = Article(
    source="s",
    id="1",
    title="T",
    published=datetime(2026, 1, 1, 0, 0, 0, 7, tzinfo=UTC),
    authors=("A",),
    enclosures=(Enclosure(url="https://a.example/1.mp3", length=5, duration=timedelta(seconds=3)),),
    origin=Origin(title="O", updated=datetime(1, 1, 2, tzinfo=UTC)),
    extra={"a": [{"text": "b"}], "n": 1.5, "none": None, "yes": True},
)
DOCUMENT = Document(
    source="s",
    articles=(ARTICLE, replace(ARTICLE, id="2")),
    problems=(Problem(text="p", where="1"),),
    findings=(Finding(name="title", selector="h1", count=1, of=2),),
)
READING = Reading(
    document=DOCUMENT,
    fingerprints=("f", "g"),
    hints={"ttl": "5"},
    subscriptions=(Subscription(url="https://b.example/"),),
)
READINGS = Format(Reading)
ARTICLES = Format(Article)


def with_extra(value: object) -> Article:
    """An article that carries a value of free form."""
    return replace(ARTICLE, extra={"x": value})


@pytest.mark.parametrize(
    "value",
    [
        2**63,
        2**64,
        -(2**70),
        "\ud800 alone",
        float("inf"),
        1e-300,
        "\0",
        "é文🙂",
        [],
        {},
        [[{"": [None, False, 0, ""]}]],
        {"$date": "2026-01-01T00:00:00+00:00"},
        "x" * 1_000_000,
    ],
    ids=lambda value: repr(value)[:20],
)
def test_values_of_free_form_arrive_as_they_were(value: object) -> None:
    """Also those that MessagePack has no place for: great integers and lone surrogates."""
    assert ARTICLES.loads(dumps(with_extra(value))) == with_extra(value)


def test_a_reading_arrives_as_it_was() -> None:
    """In every field of every class in it, dates in UTC to the microsecond."""
    arrived = READINGS.loads(READINGS.dumps(READING))
    assert arrived == READING
    published = arrived.document.articles[0].published
    assert published is not None
    assert published.tzinfo is UTC


def test_a_great_integer_does_not_change_the_dates_beside_it() -> None:
    """The second form gives back the same types."""
    article = replace(with_extra(2**80), title="\udfff", enclosures=ARTICLE.enclosures)
    assert ARTICLES.loads(dumps(article)) == article


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=10,
)


@given(JSON_LIKE)
def test_all_json_values_can_be_sent(value: object) -> None:
    """Whatever an article may carry."""
    assert ARTICLES.loads(dumps(with_extra(value))) == with_extra(value)
    assert is_plain(value)


def packed(value: object) -> bytes:
    """A value in the format, whether it is an article or not."""
    return b"m" + msgspec.msgpack.encode(value)


class Runs:
    """Would run a command where somebody unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, ("touch /tmp/never",)


HOSTILE = {
    "nothing": b"",
    "one byte": b"m",
    "another format": b"x" + dumps(ARTICLE)[1:],
    "a pickle": pickle.dumps(ARTICLE),
    "a pickle that runs": pickle.dumps(Runs()),
    "a pickle behind the mark": b"m" + pickle.dumps(Runs()),
    "a pickle behind the other mark": b"j" + pickle.dumps(Runs()),
    "cut short": dumps(ARTICLE)[:-5],
    "cut in the middle": dumps(ARTICLE)[:40],
    "more behind it": dumps(ARTICLE) + b"\0",
    "a list of four billion": b"m\xdd\xff\xff\xff\xff",
    "a mapping of four billion": b"m\xdf\xff\xff\xff\xff",
    "a text of four billion": b"m\xdb\xff\xff\xff\xff",
    "bytes of four billion": b"m\xc6\xff\xff\xff\xff",
    "a list of four billion in a field": b"m\x82\xa2id\xa1x\xa4tags\xdd\xff\xff\xff\xff",
    "a list of four billion in free form": b"m\x82\xa2id\xa1x\xa5extra\x81\xa1x\xdd\xff\xff\xff\xff",
    "lists in lists": b"m" + b"\x91" * 1_000_000,
    "lists in lists in free form": b"m\x82\xa2id\xa1x\xa5extra\x81\xa1x" + b"\x91" * 1_000_000,
    "mappings in mappings": b"m" + b"\x81\xa1a" * 300_000,
    "lists in lists as JSON": b"j" + b"[" * 1_000_000,
    "mappings in mappings as JSON": b"j" + b'{"a":' * 300_000,
    "great numbers as JSON": b'j{"id":"x","extra":{"n":' + b"9" * 100_000 + b"}}",
    "no JSON": b"j{",
    "JSON in Latin-1": b'j{"id":"\xe9"}',
    "a list": packed([1, 2]),
    "a number": packed(7),
    "null": packed(None),
    "no id": packed({"title": "T"}),
    "a number for an id": packed({"id": 7}),
    "null for an id": packed({"id": None}),
    "bytes for a title": packed({"id": "1", "title": b"T"}),
    "a text for tags": packed({"id": "1", "tags": "news"}),
    "a number among tags": packed({"id": "1", "tags": ["a", 1]}),
    "a text for a date": packed({"id": "1", "published": "yesterday"}),
    "a number for a date": packed({"id": "1", "published": 5}),
    "a date beyond the calendar": b"m\x82\xa2id\xa1x\xa9published\xc7\x0c\xff" + struct.pack(">Iq", 0, 2**62),
    "a span over a limit": packed({"id": "1", "enclosures": [{"url": "u", "duration": "P9999999999D"}]}),
    "a text for a length": packed({"id": "1", "enclosures": [{"url": "u", "length": "5"}]}),
    "a list for an origin": packed({"id": "1", "origin": []}),
    "a list for extra": packed({"id": "1", "extra": ["x"]}),
    "a number for a key": packed({"id": "1", "extra": {7: "x"}}),
    "a mapping for a key": b"m\x82\xa2id\xa1x\xa5extra\x81\xa1x\x81\x81\x01\x01\x01",
    "no UTF-8": b"m\x81\xa2id\xa1\xff",
    "an extension of its own": b"m\x82\xa2id\xa1x\xa5title\xd4\x05\x01",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    """As ValueError, whatever they are; nothing in them runs."""
    with pytest.raises(ValueError, match="no Article"):
        ARTICLES.loads(data)


@pytest.mark.parametrize("at", range(0, len(dumps(READING)), 7))
def test_a_changed_byte_gives_another_reading_or_an_error(at: int) -> None:
    """It is another reading, or refused."""
    data = bytearray(dumps(READING))
    for change in (0x00, 0x7F, 0x80, 0x91, 0xC1, 0xC7, 0xDD, 0xFF):
        data[at] = change
        try:
            found = READINGS.loads(data)
        except ValueError:
            continue
        assert isinstance(found, Reading)


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        datetime(2026, 1, 1, tzinfo=UTC),
        {1: "x"},
        {"a": {b"k": 1}},
        [Ellipsis],
        {"x": [{2: 1}]},
        {1, 2},
    ],
    ids=repr,
)
def test_only_json_values_are_plain(value: object) -> None:
    """What JSON does not have is not plain."""
    assert not is_plain(value)


def test_values_nested_too_deeply_are_refused() -> None:
    """A hundred levels are more than any article has."""
    deep: object = "x"
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert is_plain(deep)
    assert not is_plain([deep])
    assert is_plain(json.loads("[" * 50 + "]" * 50))
