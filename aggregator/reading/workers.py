"""Reads documents in processes that can be killed: one that hangs or uses up memory fails alone."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from functools import partial

from aggregator.adapters import kinds
from aggregator.errors import ReadError
from aggregator.model.reading import Reading
from aggregator.model.resource import Resource
from aggregator.model.struct import replace
from aggregator.processes import Died, Lost, Processes, Stopped, cores
from aggregator.reading import worker_answers
from aggregator.reading.context import Context
from aggregator.reading.early_import import expect
from aggregator.reading.worker_answers import Answer

DEADLINE = timedelta(seconds=20)
MEMORY_BYTES = 1024**3
DOCUMENTS_PER_PROCESS = 2_000
_NICENESS = 5
"""With a lower priority than the process that sends documents and saves articles. With the same, three
readers on two cores left that process too little time: it saved alone, after the last document.
"""

Read = Callable[[Resource, Context], Reading]
_log = logging.getLogger(__name__)


def read_resource(resource: Resource, context: Context) -> Reading:
    """`reading.document.read_resource`, imported by the process that reads."""
    from aggregator.reading import document

    return document.read_resource(resource, context)


class Workers(Processes[[Resource, Context], Reading]):
    """Processes that read documents. None is started before the first document; `close` stops them all.

    If the system allows it, each is confined: it cannot open sockets, start programs, or read files other
    than those of Python's packages (`aggregator.confinement`). The measures in force are logged once.

    - `count`: the number of processes; None for one more than the cores that this process may use: while one
      waits for this process to send or receive, the others keep the cores busy.
    - `deadline`: how long one document may take.
    - `memory_bytes`: the address space of a worker, in bytes (no limit on systems without RLIMIT_AS).
    - `read`: the function that workers run; it can be imported by its name.
    - `of_kinds`: the kinds of sources that are certainly read. A worker imports any other kind when it first
      reads a document of it.
    """

    def __init__(
        self,
        count: int | None = None,
        *,
        deadline: timedelta = DEADLINE,
        memory_bytes: int = MEMORY_BYTES,
        read: Read = read_resource,
        of_kinds: Iterable[str] = (),
    ) -> None:
        expect(of_kinds)
        self._deadline = deadline
        self._confinement = ""
        self.killed = 0
        """The number of workers that were killed or crashed, and were replaced."""
        super().__init__(
            partial(_answer, read),  # sent when the process starts: a confined process could not import it
            worker_answers.ANSWERS,
            cores() + 1 if count is None else count,
            take=_taken,
            memory_bytes=memory_bytes,
            tasks_each=DOCUMENTS_PER_PROCESS,
            prepare=_prepare,
            on_start=self._started,
            needs_main=read.__module__ == "__main__",
        )

    def read(self, resource: Resource, context: Context) -> Reading:
        """Runs `reading.document.read_resource` in a worker; safe to call from several threads.

        Raises ReadError, also if the worker exceeded its deadline or memory, crashed, or sent an invalid
        answer. That worker is replaced, and other documents are not affected. A document is read a second
        time if its worker ended suddenly: the system, short of memory, may have killed it for no fault of the
        document, which would be unreadable for a day. After `close`, every call raises ReadError.
        """
        try:
            try:
                return self.ask(self._deadline.total_seconds(), resource, context)
            except Died:
                self.killed += 1
                return self.ask(self._deadline.total_seconds(), resource, context)
        except Stopped:
            raise ReadError("the workers are stopped", url=resource.url) from None
        except Lost as lost:
            self.killed += 1
            raise ReadError(f"reading it {lost}", url=resource.url) from None

    def confinement(self) -> str:
        """Returns how workers are confined: which measures are in force or missing.

        Starts a worker if none has been started. Raises ReadError if none can be.
        """
        if not self._confinement:
            try:
                with suppress(ReadError):
                    self.ask(self._deadline.total_seconds(), Resource(url="", body=b""), Context())
            except Lost as lost:
                raise ReadError(f"a worker {lost}") from None
        return self._confinement

    def _started(self, measures: str) -> None:
        if measures != self._confinement:
            self._confinement = measures
            _log.info("documents are read by confined processes: %s", measures)


def _prepare() -> str:
    """Lowers this process's priority, and confines it: it can then read no files but those of Python's
    packages, where ours are too.

    Kinds of other packages, which may be elsewhere, are imported before that.
    """
    from aggregator.confinement import confine

    kinds.forget()  # the process that this one was forked from may have another path
    kinds.load_of_others()
    if hasattr(os, "nice"):  # not on Windows
        with suppress(OSError):  # a filter of system calls may refuse it
            os.nice(_NICENESS)
    return confine()


def _taken(answer: Answer, _: Resource, context: Context) -> Reading:
    return worker_answers.reading_of(answer, context)


def _answer(read: Read, resource: Resource, context: Context) -> Answer:
    try:
        return worker_answers.answer_of(_judged(read(resource, context), context))
    except ReadError as error:
        return Answer(failure=worker_answers.failure_of(error))
    except MemoryError:
        raise
    except PermissionError as error:
        return _failed(f"reading it needed something that confined processes may not do: {error}", resource)
    except Exception as error:  # noqa: BLE001 - a bug costs one document, never a run
        return _failed(f"reading it failed because of a bug in aggregator: {error!r}", resource)


def _judged(reading: Reading, context: Context) -> Reading:
    """The reading with what the rules say of its articles; as it is if there are none, or if that fails.

    Then the process that saves the articles judges them, and reports why it cannot.
    """
    articles = reading.document.articles
    if not context.rules or context.now is None or not articles:
        return reading
    try:
        from aggregator.rules.judge_in_worker import judge_articles

        return replace(reading, judged=judge_articles(articles, context.rules, context.now))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - see above
        return reading


def _failed(reason: str, resource: Resource) -> Answer:
    return Answer(failure=worker_answers.failure_of(ReadError(reason, url=resource.url)))
