"""Answers of workers that a document has taken over: an error for its own source, and nothing else."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import socket
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from types import FrameType
from typing import Any, NoReturn

import msgspec
import pytest

from aggregator.errors import FrontMatterError, NotAFeed, ReadError
from aggregator.model.article import Article, Document, Origin
from aggregator.model.article_json import pack_utf8
from aggregator.model.resource import Resource
from aggregator.model.struct import replace
from aggregator.model.wire import dumps
from aggregator.processes import child, one_process
from aggregator.reading.document import Context, Reading
from aggregator.reading.worker_answers import (
    MAX_TEXT_CHARS,
    Answer,
    Failure,
    answer_of,
    error_of,
    failure_of,
    reading_of,
)
from aggregator.reading.workers import Workers
from tests.support.site import feed

GOOD = Resource(url="https://good.example/feed", body=feed("a", 1, 2))
CONTEXT = Context(source="s")
ARTICLE = Article(source="s", id="1", published=datetime(2026, 1, 1, tzinfo=UTC))


class Runs:
    """Makes a folder where somebody unpickles it."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.place,)


def task_number() -> int:
    """Of the task that this worker is at."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not child.work.__code__:
        frame = frame.f_back
    return 1 if frame is None else int(frame.f_locals["number"])


def framed(payload: bytes, later: int = 0, status: int = 0, size: int | None = None) -> bytes:
    """An answer as it is sent, to the task that this process has, or to a later one."""
    number = task_number() + later
    return child.HEADER.pack(number, status, len(payload) if size is None else size) + payload


def answered(*articles: Article, text: bytes | None = None, **others: Any) -> bytes:
    """The answer with these articles; `text` in place of each packed one."""
    document = Document(source="s", articles=articles)
    answer = answer_of(replace(Reading(document=document), **others))
    if text is not None:
        answer = replace(answer, articles=tuple(replace(each, text=text) for each in answer.articles))
    return framed(dumps(answer))


def packed(value: object) -> bytes:
    """An answer of any type."""
    return framed(b"m" + msgspec.msgpack.encode(value))


HOSTILE: dict[str, tuple[Callable[[str], bytes], str]] = {
    "a pickle in place of a header": (lambda place: pickle.dumps(Runs(place)), "something else"),
    "a pickle": (lambda place: framed(pickle.dumps(Runs(place))), "no Answer"),
    "a pickle behind a mark": (lambda place: framed(b"m" + pickle.dumps(Runs(place))), "no Answer"),
    "text": (lambda _: b"HTTP/1.1 200 OK\r\n\r\nhello", "something else"),
    "zeros": (lambda _: bytes(1_000), "something else"),
    "nothing": (lambda _: framed(b""), "no Answer"),
    "a giant length": (lambda _: framed(b"m\x80", size=2**63), "too large"),
    "a length beyond the bound": (lambda _: framed(b"m", size=one_process.MAX_ANSWER_BYTES + 1), "too large"),
    "a list of four billion": (lambda _: framed(b"m\xdd\xff\xff\xff\xff"), "no Answer"),
    "deep nesting": (lambda _: framed(b"m" + b"\x91" * 5_000_000), "no Answer"),
    "deep nesting as JSON": (lambda _: framed(b"j" + b"[" * 5_000_000), "no Answer"),
    "cut short": (
        lambda _: framed(dumps(Answer(reading=Reading(document=Document(source="s"))))[:-3]),
        "no A",
    ),
    "the number of another task": (lambda _: framed(b"m\x80", later=1), "something else"),
    "the number of the start": (lambda _: framed(b"m\x80", later=-task_number()), "something else"),
    "no status": (lambda _: framed(b"m\x80", status=9), "something else"),
    "a list": (lambda _: packed([1]), "no Answer"),
    "a text for a reading": (lambda _: packed({"reading": "x"}), "no Answer"),
    "a number for a document": (lambda _: packed({"reading": {"document": 1}}), "no Answer"),
    "an empty answer": (lambda _: packed({}), "empty"),
    "an article beside the packed ones": (
        lambda _: framed(dumps(Answer(reading=Reading(document=Document(source="s", articles=(ARTICLE,)))))),
        "two places",
    ),
    "an article that names its source": (
        lambda _: packed({"reading": {"document": {"source": "s"}}, "articles": [{"source": "bank"}]}),
        "missing required field",
    ),
    "an article without an id": (lambda _: answered(replace(ARTICLE, id="")), "without an id"),
    "too few fingerprints": (lambda _: answered(ARTICLE, ARTICLE, fingerprints=("f",)), "fingerprint"),
    "a packed article that is no JSON": (
        lambda _: answered(ARTICLE, text=b"{"),
        "article that cannot be read",
    ),
    "a packed article that is not UTF-8": (
        lambda _: answered(ARTICLE, text=b'{"unknown": "\xff"}'),
        "utf-8",
    ),
    "a packed article that is a list": (
        lambda _: answered(ARTICLE, text=b"[]"),
        "article that cannot be read",
    ),
    "a packed article of wrong types": (
        lambda _: answered(ARTICLE, text=b'{"title": 1}'),
        "article that cannot be read",
    ),
    "a packed article, nested deep": (
        lambda _: answered(ARTICLE, text=b'{"extra": {"x": ' + b"[" * 500 + b"]" * 500 + b"}}"),
        "JSON-like",
    ),
    "a packed article, nested without end": (
        lambda _: answered(ARTICLE, text=b'{"extra": {"x": ' + b"[" * 1_000_000),
        "article that cannot be read",
    ),
    "another source's document": (
        lambda _: framed(dumps(Answer(reading=Reading(document=Document(source="bank"))))),
        "another source",
    ),
    "another kind's document": (
        lambda _: framed(dumps(Answer(reading=Reading(document=Document(source="s", kind="opml"))))),
        "another source",
    ),
    "an error with a false field": (
        lambda _: framed(
            dumps(Answer(failure=replace(failure_of(NotAFeed("x")), fields={"feeds": [["nested"]]})))
        ),
        "Expected `str`",
    ),
}


def take_over(resource: Resource, context: Context) -> NoReturn:
    """Sends what the document says, past everything that would have looked at it, and goes silent."""
    line = next(each for each in gc.get_objects() if type(each) is socket.socket and each.fileno() >= 0)
    name, _, place = resource.body.decode().partition("\n")
    line.sendall(HOSTILE[name][0](place))
    time.sleep(600)
    raise AssertionError


def maybe_take_over(resource: Resource, context: Context) -> Reading:
    """Reads a feed like any other."""
    from aggregator.reading.document import read_resource

    if resource.body.startswith(b"<"):
        return read_resource(resource, context)
    take_over(resource, context)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """One worker, so that each answer would be the next one's."""
    with Workers(1, deadline=timedelta(seconds=120), read=maybe_take_over) as made:
        yield made


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_response_is_an_error_of_its_source(workers: Workers, name: str, tmp_path: Any) -> None:
    """At once, with the reason; nothing of it runs, and the next document is read by another process."""
    place = tmp_path / "ran"
    bad = Resource(url="https://bad.example/feed", body=f"{name}\n{place}".encode())
    with pytest.raises(ReadError, match=HOSTILE[name][1]) as caught:
        workers.read(bad, CONTEXT)
    assert type(caught.value) is ReadError
    assert caught.value.url == bad.url
    assert len(workers.read(GOOD, CONTEXT).document.articles) == 2
    assert not place.exists()


def answer_twice(resource: Resource, context: Context) -> Reading:
    """Its answer, and one more for the next task."""
    line = next(each for each in gc.get_objects() if type(each) is socket.socket and each.fileno() >= 0)
    reading = Reading(document=Document(source=context.source, title=resource.url))
    line.sendall(framed(dumps(Answer(reading=reading))))
    time.sleep(0.1)  # for the parent to ask the next: what comes first then looks like its answer
    for later in range(1, 20):
        line.sendall(framed(dumps(Answer(reading=reading)), later=later))
    time.sleep(600)
    raise AssertionError


def test_an_answer_before_its_task_is_ignored() -> None:
    """What a worker says before it was asked ends it, so that no document gets another one's articles."""
    with Workers(1, deadline=timedelta(seconds=120), read=answer_twice) as workers:
        for url in ("https://a.example/", "https://b.example/", "https://c.example/"):
            with contextlib.suppress(ReadError):  # where it came after the next task was sent
                title = workers.read(Resource(url=url, body=b""), CONTEXT).document.title
                assert title == url


def send_a_part(resource: Resource, context: Context) -> NoReturn:
    """The beginning of an answer, and no more; or takes nothing that it is sent."""
    line = next(each for each in gc.get_objects() if type(each) is socket.socket and each.fileno() >= 0)
    line.sendall(framed(b"m", size=1_000_000)[: int(resource.body)])
    time.sleep(600)
    raise AssertionError


@pytest.mark.parametrize("size", [1, child.HEADER.size, child.HEADER.size + 1])
def test_an_incomplete_answer_ends_at_the_deadline(size: int) -> None:
    """The deadline holds for the whole of it."""
    with (
        Workers(1, deadline=timedelta(seconds=1), read=send_a_part) as workers,
        pytest.raises(ReadError, match="took longer than 1 s"),
    ):
        workers.read(Resource(url="https://a.example/", body=b"%d" % size), CONTEXT)


def stop_listening(resource: Resource, context: Context) -> Reading:
    """Answers, and then reads no request any more."""
    line = next(each for each in gc.get_objects() if type(each) is socket.socket and each.fileno() >= 0)
    line.sendall(framed(dumps(Answer(reading=Reading(document=Document(source="s"))))))
    time.sleep(600)
    raise AssertionError


def test_a_worker_that_reads_no_request_ends_at_the_deadline() -> None:
    """The deadline holds for sending too: the document is larger than what the system keeps in between."""
    large = Resource(url="https://a.example/", body=bytes(10_000_000))
    with Workers(1, deadline=timedelta(seconds=2), read=stop_listening) as workers:
        assert workers.read(Resource(url="", body=b""), CONTEXT).document.source == "s"
        with pytest.raises(ReadError, match="took longer than 2 s"):
            workers.read(large, CONTEXT)


FORGED = {
    "a date without a zone": replace(ARTICLE, published=datetime(2026, 1, 1)),  # noqa: DTZ001
    "a date of another zone": replace(
        ARTICLE, updated=datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    ),
    "a feed's date without a zone": replace(ARTICLE, origin=Origin(updated=datetime(2026, 1, 1))),  # noqa: DTZ001
    "a date in extra": replace(ARTICLE, extra={"x": datetime(2026, 1, 1, tzinfo=UTC)}),
}


@pytest.mark.parametrize("article", FORGED.values(), ids=FORGED)
def test_articles_in_an_answer_are_checked(article: Article) -> None:
    """What the format alone lets pass."""
    answer = answer_of(Reading(document=Document(source="s", articles=(article,))))
    with pytest.raises(ValueError, match="it has"):
        reading_of(answer, CONTEXT)


def test_an_article_comes_back_as_it_was_with_what_is_stored_of_it() -> None:
    """Packed once, by the worker."""
    made = replace(ARTICLE, title="A", content="<p>b</p>", extra={"x": [1, None, {"y": "\ud800"}]})
    reading = reading_of(answer_of(Reading(document=Document(source="s", articles=(made,)))), CONTEXT)
    assert reading.document.articles == (made,)
    assert reading.packed == (pack_utf8(made),)


# --- errors


class Paywalled(ReadError):
    """A kind of error that another package defines."""

    label = "paywall"
    advice = "subscribe"
    price: float
    plans: tuple[str, ...]

    def __init__(self, price: float, plans: tuple[str, ...]) -> None:
        super().__init__(f"it costs {price}")
        self.price = price
        self.plans = plans
        self.secret = object()


class Misannotated(ReadError):
    """Its annotations are of no use at run time."""

    label = "odd"
    of: NoSuchType  # type: ignore[name-defined]  # noqa: F821
    other: socket.socket


ERRORS = [
    ReadError("r", url="u"),
    ReadError("r", advice="do this"),
    NotAFeed("r", feeds=("f", "g"), url="u"),
    FrontMatterError("r", line=7, url="u"),
    Paywalled(3.5, ("year", "month")),
    Misannotated("r", url="u"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_arrives_as_it_was(error: ReadError) -> None:
    """Its class, its text, and the fields that its class annotates; those of other packages too."""
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(failure_of(error)), type=Failure)
    back = error_of(sent)
    assert type(back) is type(error)
    assert (str(back), back.url, back.label, back.advice) == (
        str(error),
        error.url,
        error.label,
        error.advice,
    )
    assert {n: v for n, v in vars(error).items() if n != "secret"} == vars(back)


def test_an_error_of_an_unknown_class_keeps_its_label() -> None:
    """It is a ReadError; nothing is imported for it."""
    failure = replace(failure_of(Paywalled(1, ())), kind="nowhere.at.all:Paywalled")
    back = error_of(failure)
    assert (type(back), back.label, back.reason) == (ReadError, "paywall", "it costs 1")


@pytest.mark.parametrize(
    "kind",
    ["os:system", "builtins:SystemExit", "aggregator.errors:StoreError", "aggregator.errors:Gone", "", ":"],
)
def test_only_read_errors_are_made_from_an_answer(kind: str) -> None:
    """Only kinds of ReadError."""
    assert type(error_of(replace(failure_of(ReadError("r")), kind=kind))) is ReadError


def test_texts_of_errors_are_bounded() -> None:
    """A megabyte of explanation is of no use."""
    long = Failure(kind="", label="x" * 10**6, reason="x" * 10**6, url="x" * 10**6, advice="x" * 10**6)
    assert len(str(error_of(long))) < 4 * MAX_TEXT_CHARS
    assert len(error_of(long).label) <= 30


@pytest.mark.parametrize(
    "fields", [{"feeds": "one"}, {"feeds": [1]}, {"feeds": None}, {"feeds": [[]]}, {"feeds": {"a": 1}}]
)
def test_fields_of_errors_have_their_types(fields: dict[str, Any]) -> None:
    """Else the answer is none; what the class does not annotate is passed over."""
    failure = replace(failure_of(NotAFeed("r")), fields={"reason": 5, "__class__": 1, **fields})
    with pytest.raises(ValueError, match="Expected"):
        error_of(failure)
