"""Reading in processes that can be killed: a document that hangs or swells harms nobody but its source."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Self

from aggregator import reading
from aggregator.errors import ReadError
from aggregator.reading import Context, Reading
from aggregator.resource import Resource

DEADLINE = timedelta(seconds=20)
MEMORY_BYTES = 1024**3
_DOCUMENTS_PER_PROCESS = 2_000  # then it is replaced: whatever a library leaks goes with it

Read = Callable[[Resource, Context], Reading]


class Workers:
    """A pool of processes that read documents; none is started before the first document.

    - `count`: how many at once, None for one a core this process may use.
    - `deadline`: how long one document may take. `memory_bytes`: how much address space a worker may
      have (not on systems without RLIMIT_AS).
    - `read`: what the workers do; a function that can be imported by its name.

    The thread that wants a document read talks to a worker itself, so that the parent does nothing else for
    it. A pool of pebble's took half as much again of the parent's time.
    """

    def __init__(
        self,
        count: int | None = None,
        *,
        deadline: timedelta = DEADLINE,
        memory_bytes: int = MEMORY_BYTES,
        read: Read = reading.read_resource,
    ) -> None:
        self._deadline = deadline
        self._workers = [_Worker(read, memory_bytes) for _ in range(count or len(os.sched_getaffinity(0)))]
        # The last that became idle is the next to work: no more are started than work at once.
        self._idle = list(self._workers)
        self._tokens: SimpleQueue[None] = SimpleQueue()
        for _ in self._idle:
            self._tokens.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops every worker, whatever it is doing; whoever waits for one gets a ReadError."""
        for worker in self._workers:
            worker.stop()

    def read(self, resource: Resource, context: Context) -> Reading:
        """`reading.read_resource` in a worker; safe to call from several threads.

        Raises ReadError, also when the worker was killed: for its deadline, for its memory, or because
        a library crashed it. The worker is replaced, and other documents are not concerned.
        """
        self._tokens.get()
        worker = self._idle.pop()
        try:
            result = worker.read(resource, context, self._deadline.total_seconds())
        finally:
            self._idle.append(worker)
            self._tokens.put(None)
        if isinstance(result, ReadError):
            raise result
        return result


class _Worker:
    """A process at the other end of a pipe, and after it the next one; used by one thread at a time."""

    def __init__(self, read: Read, memory_bytes: int) -> None:
        self._task = (read, memory_bytes)
        self._process: BaseProcess | None = None
        self._documents = 0
        self._is_stopped = False

    def read(self, resource: Resource, context: Context, seconds: float) -> Reading | ReadError:
        """The process's answer, or an error that says why there is none."""
        answer: Reading | ReadError | None = None
        reason = f"reading it took longer than {seconds:g} s"
        try:
            if self._process is None or self._documents == _DOCUMENTS_PER_PROCESS or self._connection.poll():
                self._start()  # something to be received before anything was asked is the process's end
            self._documents += 1
            self._connection.send((resource, context))
            if self._connection.poll(seconds):
                answer = self._connection.recv()
        except (EOFError, OSError):
            reason = f"{_TOO_MUCH} or crashed its worker"
        finally:
            if answer is None:  # after ^C too: the next document must not get this one's answer
                self._end()
        return answer or ReadError(_STOPPED if self._is_stopped else reason, url=resource.url)

    def stop(self) -> None:
        """Kills the process for good; may be called while another thread waits for its answer."""
        self._is_stopped = True
        self._end()

    def _start(self) -> None:
        self._end()
        with _LOCK:
            if self._is_stopped:
                raise EOFError
            self._connection, theirs = _CONTEXT.Pipe()
            with theirs:  # closed here, else nobody would notice when the process is gone
                process = _CONTEXT.Process(target=_work, args=(theirs, *self._task), daemon=True)
                process.start()
            self._process, self._documents = process, 0
        if self._connection.poll(_START_SECONDS):
            self._connection.recv()  # it is ready: its start is no part of a document's deadline

    def _end(self) -> None:
        with _LOCK:
            if self._process is not None:
                self._process.kill()
                self._process.join()
                self._process = None


_LOCK = Lock()  # multiprocessing's list of children has none, and a worker is stopped by any thread
# A fork of a process that has threads may hold a lock that nobody will ever release; a fork
# server has none, and has imported what the workers need once for all of them.
if sys.platform == "win32":
    _CONTEXT = multiprocessing.get_context("spawn")
else:
    _CONTEXT = multiprocessing.get_context("forkserver")
    _CONTEXT.set_forkserver_preload(["aggregator.reading"])
_TOO_MUCH = "reading it needed too much memory"
_START_SECONDS = 60
_STOPPED = "the workers are stopped"


def _work(connection: Connection, read: Read, memory_bytes: int) -> None:
    """What a worker does until its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is the parent's to deal with
    _limit_memory(memory_bytes)
    connection.send(None)
    with contextlib.suppress(EOFError, OSError):
        while True:
            resource, context = connection.recv()
            try:
                connection.send(_read(read, resource, context))
                continue
            except MemoryError:  # nothing was sent: an answer is pickled whole before
                pass
            connection.send(ReadError(_TOO_MUCH, url=resource.url))


def _limit_memory(memory_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(read: Read, resource: Resource, context: Context) -> Reading | ReadError:
    try:
        return read(resource, context)
    except ReadError as error:
        return error
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake of ours costs one document, never a run
        return ReadError(f"reading it failed, which is a mistake of ours: {error!r}", url=resource.url)
