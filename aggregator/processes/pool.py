"""A pool of processes that all do one thing."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar

from aggregator.processes.fork_server import can_fork
from aggregator.processes.one_process import Asked, Lost, OneProcess

__all__ = ["AnswerFormat", "Processes", "cores"]

_Task = ParamSpec("_Task")
_Answer = TypeVar("_Answer")
_Received = TypeVar("_Received", covariant=True)


class AnswerFormat(Protocol[_Received]):
    """How answers cross, such as `aggregator.model.wire.Format`."""

    @property
    def dumps(self) -> Callable[[Any], bytes]:
        """The function that writes them, importable by its name."""
        ...

    def loads(self, data: bytearray) -> _Received:
        """Decodes an answer, which may be hostile. Raises ValueError for bytes that are not valid."""
        ...


class Processes(Generic[_Task, _Answer]):
    """A pool of processes that all do one thing; none is started before the first task.

    - `do`: a function that can be imported by its name. Of its exceptions only MemoryError is
      handled; any other ends the process.
    - `answers`: the plain format of its results. `take`: converts an answer, given with its task, to the
      result of `ask`; raises ValueError for an impossible one. None: the answer itself.
    - `count`: how many processes, None for one for each core that this process may use.
    - `memory_bytes`: how much address space one may have (not on systems without RLIMIT_AS), None for any.
    - `tasks_each`: a process is replaced after this many tasks, because libraries leak memory. None: never.
    - `prepare`: a function that can be imported by its name, called once in each process before its first
      task, while it has one thread only; `on_start` gets the text that it returns, in the thread that asks.
    - `needs_main`: whether tasks contain objects that the main program defines, as `do` may.

    The thread that gives a task communicates with the process itself. The library pebble, which uses further
    threads, took 1.5 times the parent's time. While all processes work, each gets the next task in advance:
    until the threads of this process have taken turns to receive its answer and to send the next task, it
    would have nothing to do.
    """

    def __init__(
        self,
        do: Callable[_Task, object],
        answers: AnswerFormat[Any],
        count: int | None = None,
        *,
        take: Callable[Concatenate[Any, _Task], _Answer] | None = None,
        memory_bytes: int | None = None,
        tasks_each: int | None = None,
        prepare: Callable[[], str] = str,
        on_start: Callable[[str], object] = str,
        needs_main: bool = False,
    ) -> None:
        self._answers = answers
        self._take = take
        hides_main = not needs_main and do.__module__ != "__main__"
        job = (do, answers.dumps, memory_bytes, prepare)
        self._processes = [
            OneProcess(job, tasks_each, on_start, hides_main=hides_main) for _ in range(count or cores())
        ]
        # The process that became idle last works next: no more are started than work at the same time.
        self._idle = list(self._processes)
        self._waiting: deque[Asked] = deque()
        # Not a Condition: after ^C at its `with`, which is Python code, its lock may stay locked.
        self._changing = threading.Lock()
        self._returned = threading.Condition(self._changing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fork(self) -> None:
        """Starts every process now, as a fork of this one: it imports nothing again.

        To be called before this process has threads, or files that a fork must not share, such as an SQLite
        database. Does nothing where forks are not safe, or not possible; each process is then started when it
        is needed.
        """
        if can_fork():
            with contextlib.suppress(OSError):  # no memory, or too many processes
                for process in self._processes:
                    process.fork()

    def close(self) -> None:
        """Stops every process, whatever it is doing; threads that wait for an answer get Stopped."""
        for process in self._processes:
            process.stop()
        with self._changing:
            while len(self._idle) < len(self._processes):
                self._returned.wait()
            for process in self._processes:
                process.hang_up()

    def ask(self, seconds: float | None, /, *task: _Task.args, **named: _Task.kwargs) -> _Answer:
        """Calls `do` in a process and returns its answer, within `seconds`; None sets no limit.

        Safe to call from several threads. Raises Lost when the process was killed: for its time, for its
        memory, because a library crashed it or because it answered something else. It is replaced, and other
        tasks are not concerned.
        """
        asked = Asked(seconds, (task, named))
        is_answered = False
        try:
            process = self._process_for(asked)
            received = process.ask(asked, lambda: self._next_after(asked))
            try:
                answer = self._answers.loads(received)
                taken = answer if self._take is None else self._take(answer, *task, **named)
            except ValueError as error:
                raise Lost(f"gave an answer that is not valid: {error}") from error
            is_answered = True
            return taken
        finally:
            try:
                self._give_back(asked, is_answered=is_answered)
            except BaseException:  # ^C, maybe before anything was done
                self._give_back(asked, is_answered=is_answered)
                raise

    def _process_for(self, asked: Asked) -> OneProcess:
        """Waits for a process, which may have been sent the task already."""
        with self._changing:
            # Not `pop`: ^C could come before its result is stored.
            if self._idle:
                asked.process = self._idle[-1]
                del self._idle[-1]
            else:
                self._waiting.append(asked)
        if asked.process is None:
            asked.turn.acquire()
        assert asked.process is not None, "it was passed on"
        return asked.process

    def _next_after(self, asked: Asked) -> Asked | None:
        with self._changing:
            if self._waiting:
                asked.following = self._waiting[0]
                del self._waiting[0]
        return asked.following

    def _give_back(self, asked: Asked, *, is_answered: bool) -> None:
        """Gives the process to the thread of the next task; without one it is idle."""
        with self._changing:
            if asked.process is None:  # ^C came before its turn, or after all was done
                asked.is_given_up = True
                if asked in self._waiting:
                    self._waiting.remove(asked)
                return
            process, following = asked.process, asked.following
            is_given_up = following is not None and following.is_given_up
            if is_given_up or not is_answered:
                process.end()  # it may be doing one of them
            if (following is None or is_given_up) and self._waiting:
                following = self._waiting[0]
                del self._waiting[0]
            elif is_given_up:
                following = None
            asked.process = None
            if following is None:
                self._idle.append(process)
                self._returned.notify_all()
            else:
                following.process = process
                following.turn.release()


def cores() -> int:
    """The number of cores that this process may use, or where the system does not say, that there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
