"""Workers: real processes, killed for real."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import NoReturn

import pytest

from aggregator import confinement
from aggregator.errors import FrontMatterError, NotAFeed, ReadError
from aggregator.model.article import Document
from aggregator.model.retrieved import Resource
from aggregator.model.struct import replace
from aggregator.processes.one_process import Asked, OneProcess
from aggregator.reading import document as reading
from aggregator.reading import workers as reading_workers
from aggregator.reading.document import Context, Reading
from aggregator.reading.workers import Workers
from tests.support.site import feed

GOOD = Resource(url="https://example.org/feed", body=feed("a", 1, 2))


def misbehave(resource: Resource, context: Context) -> Reading:
    """Does what the document says; reads it when it says nothing of the kind."""
    if resource.body == b"hang":
        time.sleep(600)
    if resource.body == b"die":
        os.kill(os.getpid(), signal.SIGKILL)
    if resource.body == b"swell":
        swell()
    if resource.body == b"bug":
        raise KeyError("a mistake of ours")
    return reading.read_resource(resource, context)


def tell_process(resource: Resource, context: Context) -> Reading:
    """A document whose title is the number of the process that read it."""
    return Reading(document=Document(title=str(os.getpid())))


def wait_in_one(resource: Resource, context: Context) -> Reading:
    """Never ends in the process whose number the document is; in others it ends at once."""
    if resource.body == str(os.getpid()).encode():
        time.sleep(600)
    return tell_process(resource, context)


def process_lives(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def swell() -> NoReturn:
    """Takes memory until there is none."""
    held = []
    while True:
        held.append(bytearray(64 * 1024 * 1024))


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """Two workers that can be reported to misbehave."""
    with Workers(2, deadline=timedelta(seconds=120), read=misbehave) as made:
        yield made


def resource(body: bytes) -> Resource:
    """A document of this body."""
    return Resource(url="https://example.org/bad", body=body)


def test_a_worker_reads_as_the_caller_would(workers: Workers) -> None:
    """The same document, the same result; only that the articles are packed as well."""
    found = workers.read(GOOD, Context(source="s"))
    assert replace(found, packed=()) == reading.read_resource(GOOD, Context(source="s"))


def test_an_error_arrives_with_all_its_fields(workers: Workers) -> None:
    """Its class, its reason, its URL, and what is special to it."""
    page = b"<html><head><link rel=alternate type=application/atom+xml href=/atom></head></html>"
    with pytest.raises(NotAFeed, match="a web page") as caught:
        workers.read(resource(page), Context())
    assert caught.value.feeds == ("https://example.org/atom",)
    assert caught.value.url == "https://example.org/bad"
    with pytest.raises(FrontMatterError, match="line 1: ") as refused:
        workers.read(resource(b"---\ntitle: never closed\n"), Context(kind="articles"))
    assert refused.value.line == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"die", "crashed its worker"),
        (b"swell", "too much memory"),
        (b"bug", "bug in aggregator: KeyError"),
    ],
    ids=["die", "swell", "bug"],
)
def test_a_document_that_harms_its_worker_is_its_own_failure(
    workers: Workers, body: bytes, reason: str
) -> None:
    """One clear error; others read at the same time are not concerned; the worker is replaced."""
    with ThreadPoolExecutor(6) as threads:
        bad = threads.submit(workers.read, resource(body), Context())
        good = [threads.submit(workers.read, GOOD, Context()) for _ in range(20)]
        with pytest.raises(ReadError, match=reason):
            bad.result()
        assert {len(future.result().document.articles) for future in good} == {2}
    assert len(workers.read(GOOD, Context()).document.articles) == 2


def test_a_process_that_died_between_documents_is_replaced() -> None:
    """Another takes its place before the next document is sent."""
    with Workers(1, read=tell_process) as unlucky:
        process = int(unlucky.read(GOOD, Context()).document.title)
        os.kill(process, signal.SIGKILL)
        while process_lives(process):
            time.sleep(0.01)
        assert int(unlucky.read(GOOD, Context()).document.title) != process


def test_a_document_whose_worker_was_killed_is_read_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a system short of memory kills it: no fault of the document, which is read, not refused."""
    sent: list[int] = []
    send = OneProcess._send

    def send_and_kill(self: OneProcess, asked: Asked) -> None:
        send(self, asked)
        if not sent:
            sent.append(first)
            os.kill(first, signal.SIGKILL)

    with Workers(1, read=wait_in_one) as unlucky:
        first = int(unlucky.read(GOOD, Context()).document.title)
        monkeypatch.setattr(OneProcess, "_send", send_and_kill)
        assert int(unlucky.read(resource(str(first).encode()), Context()).document.title) != first
        assert unlucky.killed == len(sent) == 1


def test_a_document_that_kills_its_worker_twice_is_given_up() -> None:
    """It is not tried a third time."""
    with Workers(1, read=misbehave) as unlucky:
        with pytest.raises(ReadError, match="crashed its worker"):
            unlucky.read(resource(b"die"), Context())
        assert unlucky.killed == 2


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="this system has no niceness")
def test_a_reader_gives_way_to_the_process_that_saves() -> None:
    """Its priority is lower than that of the process that started it."""
    with Workers(1, read=tell_process) as made:
        reader = int(made.read(GOOD, Context()).document.title)
        assert os.getpriority(os.PRIO_PROCESS, reader) == min(os.getpriority(os.PRIO_PROCESS, 0) + 5, 19)


def test_a_reader_starts_where_priorities_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filters of system calls, such as systemd's, may refuse it; what confines the reader still comes."""

    def refuse(_: int) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "nice", refuse, raising=False)
    monkeypatch.setattr(confinement, "confine", lambda: "confined")
    assert reading_workers._prepare() == "confined"


def test_closing_ends_those_who_wait() -> None:
    """One waits for a worker's answer, one for the worker: both are reported, no thread reads any more."""
    stopped = Workers(1, read=misbehave)
    assert len(stopped.read(GOOD, Context()).document.articles) == 2
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(stopped.read, resource(b"hang"), Context()) for _ in range(2)]
        stopped.close()
        for future in waiting:
            with pytest.raises(ReadError, match="the workers are stopped"):
                future.result()
    with pytest.raises(ReadError, match="the workers are stopped"):
        stopped.read(GOOD, Context())


def test_a_process_is_replaced_after_a_number_of_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a library leaks goes with it; no document notices."""
    monkeypatch.setattr("aggregator.reading.workers.DOCUMENTS_PER_PROCESS", 2)
    with Workers(1, read=tell_process) as short_lived:
        processes = [short_lived.read(GOOD, Context()).document.title for _ in range(5)]
    assert processes[0] == processes[1] != processes[2] == processes[3] != processes[4]


def test_a_document_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker is killed and replaced; the next document is read."""
    with Workers(1, deadline=timedelta(seconds=0.2), read=misbehave) as strict:
        with pytest.raises(ReadError, match=r"took longer than 0\.2 s"):
            strict.read(resource(b"hang"), Context())
        monkeypatch.setattr(strict, "_deadline", timedelta(seconds=60))  # for slow machines
        assert len(strict.read(GOOD, Context()).document.articles) == 2
