"""Work in processes that can be killed: a task that hangs, swells or crashes harms nobody but itself."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar

__all__ = ["Lost", "Processes", "Stopped", "cores"]

_Task = ParamSpec("_Task")
_Answer = TypeVar("_Answer")


class Lost(Exception):
    """A task has no answer: its text says what the task did, as the end of a sentence."""


class Stopped(Lost):
    """The processes were stopped."""


_TOO_MUCH = "needed too much memory"
_NO_MEMORY = Lost(_TOO_MUCH)


class Processes(Generic[_Task, _Answer]):
    """A pool of processes that all do one thing; none is started before the first task.

    - `do`: a function that can be imported by its name. Of what it raises only MemoryError is dealt with;
      anything else ends the process.
    - `count`: how many at once, None for one a core this process may use.
    - `memory_bytes`: how much address space one may have (not on systems without RLIMIT_AS), None for any.
    - `tasks_each`: then a process is replaced: whatever a library leaks goes with it. None for never.
    - `needs_main`: whether tasks hold something that the program which runs defines itself, as `do` may.

    The thread that wants a task done talks to a process itself, so that the parent does nothing else for
    it. A pool of pebble's took half as much again of the parent's time.
    """

    def __init__(
        self,
        do: Callable[_Task, _Answer],
        count: int | None = None,
        *,
        memory_bytes: int | None = None,
        tasks_each: int | None = None,
        needs_main: bool = False,
    ) -> None:
        hides_main = not needs_main and do.__module__ != "__main__"
        job = (do, memory_bytes)
        self._processes = [_Process(job, tasks_each, hides_main=hides_main) for _ in range(count or cores())]
        # The last that became idle is the next to work: no more are started than work at once.
        self._idle = list(self._processes)
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
        """Stops every process, whatever it is doing; whoever waits for one gets Stopped."""
        for process in self._processes:
            process.stop()

    def ask(self, seconds: float | None, /, *task: _Task.args, **named: _Task.kwargs) -> _Answer:
        """What `do` answers in a process, within so many seconds; None gives it any time.

        Safe to call from several threads. Raises Lost when the process was killed: for its time, for its
        memory, or because a library crashed it. It is replaced, and other tasks are not concerned.
        """
        self._tokens.get()
        process = self._idle.pop()
        try:
            answer: _Answer = process.ask(seconds, (task, named))
        finally:
            self._idle.append(process)
            self._tokens.put(None)
        return answer


def cores() -> int:
    """How many cores this process may use, where a system tells that; else how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Process:
    """A process at the other end of a pipe, and after it the next one; used by one thread at a time."""

    def __init__(
        self, job: tuple[Callable[..., Any], int | None], tasks_each: int | None, *, hides_main: bool
    ) -> None:
        self._job = job
        self._hides_main = hides_main
        self._process: BaseProcess | None = None
        self._tasks_each = tasks_each
        self._tasks = 0
        self._is_stopped = False

    def ask(self, seconds: float | None, task: tuple[object, object]) -> Any:
        """The process's answer."""
        answer = _NONE
        reason = f"took longer than {seconds:g} s" if seconds else ""
        try:
            if self._process is None or self._tasks == self._tasks_each or self._connection.poll():
                self._start()  # something to be received before anything was asked is the process's end
            self._tasks += 1
            self._connection.send((None if seconds is None else seconds + _GRACE_SECONDS, *task))
            if self._connection.poll(seconds):
                answer = self._connection.recv()
        except (EOFError, OSError):
            reason = f"{_TOO_MUCH} or crashed its worker"
        finally:
            if answer is _NONE:  # after ^C too: the next task must not get this one's answer
                self._end()
        if answer is _NONE:
            raise Stopped("was stopped") if self._is_stopped else Lost(reason)
        if isinstance(answer, Lost):
            raise answer
        return answer

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
            # Closed here, else nobody would notice when the process is gone.
            with theirs, _main_hidden() if self._hides_main else contextlib.nullcontext():
                process = _CONTEXT.Process(target=_work, args=(theirs, *self._job), daemon=True)
                process.start()
            self._process, self._tasks = process, 0
        if not self._connection.poll(_START_SECONDS):  # what it says later would be taken for an answer
            raise Lost(f"waited longer than {_START_SECONDS} s for a process to start")
        self._connection.recv()  # it is ready: its start is no part of a task's time

    def _end(self) -> None:
        with _LOCK:
            if self._process is not None:
                self._process.kill()
                self._process.join()
                self._process = None


@contextlib.contextmanager
def _main_hidden() -> Iterator[None]:
    """Hides what runs as `__main__`: a child would import it, which took our command line 0.1 s a process."""
    main = vars(sys.modules["__main__"])
    hidden: dict[str, Any] = {name: main[name] for name in ("__spec__", "__file__") if name in main}
    main.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        main.update(hidden)


_NONE = object()
# multiprocessing's list of children has none, and a process is stopped by any thread.
_LOCK = threading.Lock()
# A fork of a process that has threads may hold a lock that nobody will ever release; a fork
# server has none, and has imported what reading needs once for all of them.
if sys.platform == "win32":
    _CONTEXT = multiprocessing.get_context("spawn")
else:
    _CONTEXT = multiprocessing.get_context("forkserver")
    _CONTEXT.set_forkserver_preload(["aggregator.reading.document"])
_START_SECONDS = 60
_GRACE_SECONDS = 5.0
_STACK_BYTES = 256 * 1024


def _work(connection: Connection, do: Callable[..., Any], memory_bytes: int | None) -> None:
    """What a process does until its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ^C is the parent's to deal with
    if hasattr(signal, "SIGALRM"):  # not on Windows
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    threading.stack_size(_STACK_BYTES)  # the usual 8 MB, or more, would be taken from `memory_bytes`
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limit_memory(memory_bytes)
    connection.send(None)
    with contextlib.suppress(EOFError, OSError):
        while True:
            seconds, task, named = connection.recv()
            _end_after(seconds)
            is_answered = False
            try:
                connection.send(do(*task, **named))
                is_answered = True
            except MemoryError:  # nothing was sent: an answer is pickled whole before
                pass
            if not is_answered:  # not before what the error held is free
                connection.send(_NO_MEMORY)
            _end_after(None)


def _end_with_parent() -> None:
    """Ends this process, whatever it is doing, when its parent was killed: somebody else may begin anew."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _end_after(seconds: float | None) -> None:
    """The same for a task that hangs in C code, where no thread of Python's comes to its turn."""
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.setitimer(signal.ITIMER_REAL, seconds or 0)


def _limit_memory(memory_bytes: int | None) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    if memory_bytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
