"""Runs tasks in processes that can be killed: one that hangs, uses up memory or crashes fails alone.

A document may take over the process that reads it. So answers are plain data, never pickles; each is limited
in size and time, and has the number of the task that it answers.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import secrets
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar

__all__ = ["AnswerFormat", "Lost", "Processes", "Stopped", "cores", "import_early", "preload"]

_Task = ParamSpec("_Task")
_Answer = TypeVar("_Answer")
_Received = TypeVar("_Received", covariant=True)

MAX_ANSWER_BYTES = 64 * 1024 * 1024


class AnswerFormat(Protocol[_Received]):
    """How answers cross, such as `aggregator.model.wire.Format`."""

    @property
    def dumps(self) -> Callable[[Any], bytes]:
        """The function that writes them, importable by its name."""
        ...

    def loads(self, data: bytearray) -> _Received:
        """Decodes an answer, which may be hostile. Raises ValueError for bytes that are not valid."""
        ...


class Lost(Exception):
    """A task gave no answer; the text says why, as the end of a sentence: "took longer than 5 s"."""


class Stopped(Lost):
    """The processes were stopped."""


_TOO_MUCH = "needed too much memory"


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
    threads, took 1.5 times the parent's time.
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
            _Process(job, tasks_each, on_start, hides_main=hides_main) for _ in range(count or cores())
        ]
        # The process that became idle last works next: no more are started than work at the same time.
        self._idle = list(self._processes)
        self._closing = threading.Lock()
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
        """Stops every process, whatever it is doing; threads that wait for an answer get Stopped."""
        for process in self._processes:
            process.stop()
        with self._closing:
            for _ in self._processes:
                self._tokens.get()  # waits until no thread uses any of them
            for process in self._processes:
                process.hang_up()
                self._tokens.put(None)

    def ask(self, seconds: float | None, /, *task: _Task.args, **named: _Task.kwargs) -> _Answer:
        """Calls `do` in a process and returns its answer, within `seconds`; None sets no limit.

        Safe to call from several threads. Raises Lost when the process was killed: for its time, for its
        memory, because a library crashed it or because it answered something else. It is replaced, and other
        tasks are not concerned.
        """
        self._tokens.get()
        process = self._idle.pop()
        try:
            received = process.ask(seconds, (task, named))
            try:
                answer = self._answers.loads(received)
                return answer if self._take is None else self._take(answer, *task, **named)
            except ValueError as error:
                process.end()
                raise Lost(f"gave an answer that is not valid: {error}") from error
        finally:
            self._idle.append(process)
            self._tokens.put(None)


def cores() -> int:
    """The number of cores that this process may use, or where the system does not say, that there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def preload(*modules: str) -> None:
    """Imports only these, once for all processes, where they are forked; call it before the first starts."""
    if _CONTEXT.get_start_method() == "forkserver":
        _CONTEXT.set_forkserver_preload([*modules])


def import_early() -> None:
    """Starts the process that imports what `preload` named, and does not wait for it."""
    if _CONTEXT.get_start_method() == "forkserver":
        from multiprocessing import forkserver

        with contextlib.suppress(OSError):  # tried again, and reported, when the first process is needed
            forkserver.ensure_running()


class _Process:
    """One process and the socket to it; replaced when it ends. Used by one thread at a time."""

    def __init__(
        self,
        job: tuple[Callable[..., Any], Callable[[Any], bytes], int | None, Callable[[], str]],
        tasks_each: int | None,
        on_start: Callable[[str], object],
        *,
        hides_main: bool,
    ) -> None:
        self._job = job
        self._hides_main = hides_main
        self._process: BaseProcess | None = None
        self._socket = socket.socket()
        self._socket.close()
        self._tasks_each = tasks_each
        self._on_start = on_start
        self._tasks = 0
        self._is_stopped = False
        self._first = bytearray(_FIRST_BYTES)

    def ask(self, seconds: float | None, task: tuple[object, object]) -> bytearray:
        """The process's answer, as the bytes that it sent."""
        answer: bytearray | None = None
        reason = ""
        try:
            if self._process is None or self._tasks == self._tasks_each or self._has_something():
                self._start()  # data before any request, or the end of the stream
            self._tasks += 1
            request = pickle.dumps((None if seconds is None else seconds + _GRACE_SECONDS, *task), -1)
            ends = None if seconds is None else time.monotonic() + seconds
            self._wait_until(ends)
            number = secrets.randbits(64)  # random: a process cannot answer a task before it has it
            self._socket.sendall(_HEADER.pack(number, _DONE, len(request)) + request)
            answer = self._received(number, ends, MAX_ANSWER_BYTES)
        except TimeoutError:
            reason = f"took longer than {seconds:g} s"
        except _BadAnswer as bad:
            reason = str(bad)
        except OSError:
            reason = f"{_TOO_MUCH} or crashed its worker"
        finally:
            if answer is None:  # after ^C too: the next task must not get this one's answer
                self.end()
                self.hang_up()
        if answer is None:
            raise Stopped("was stopped") if self._is_stopped else Lost(reason)
        return answer

    def stop(self) -> None:
        """Kills the process; may be called while another thread waits for its answer."""
        self._is_stopped = True
        self.end()

    def end(self) -> None:
        """Kills the process; the next task gets another one."""
        with _LOCK:
            if self._process is not None:
                self._process.kill()
                self._process.join()
                self._process = None

    def hang_up(self) -> None:
        """Closes this side's socket: for the thread that has this process to itself."""
        self._socket.close()

    def _start(self) -> None:
        self.end()
        self.hang_up()
        with _LOCK:
            if self._is_stopped:
                raise OSError("stopped")
            self._socket, theirs = socket.socketpair()
            # Closed here, or the end of the process would not end the stream.
            with theirs, _main_hidden() if self._hides_main else contextlib.nullcontext():
                process = _CONTEXT.Process(target=_work, args=(theirs, *self._job), daemon=True)
                process.start()
            self._process, self._tasks = process, 0
        try:  # waits until it is ready: starting does not count for a task's deadline
            said = self._received(0, time.monotonic() + _START_SECONDS, _MAX_START_BYTES)
        except TimeoutError:
            raise _BadAnswer(f"waited longer than {_START_SECONDS} s for a process to start") from None
        self._on_start(said.decode(errors="replace"))

    def _has_something(self) -> bool:
        self._socket.setblocking(False)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _wait_until(self, ends: float | None) -> None:
        left = None if ends is None else ends - time.monotonic()
        if left is not None and left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def _received(self, task: int, ends: float | None, max_bytes: int) -> bytearray:
        """The answer to a task. Raises TimeoutError, _BadAnswer, and OSError when the process is gone."""
        first = self._first
        count = self._fill(memoryview(first), _HEADER.size, ends)
        number, status, size = _HEADER.unpack_from(first)
        if number != task or status not in (_DONE, _NO_MEMORY):
            raise _BadAnswer("gave an answer to something else")
        if size > max_bytes:
            raise _BadAnswer(f"gave an answer of {size} bytes, which is too large")
        if status == _NO_MEMORY:
            raise _BadAnswer(_TOO_MUCH)
        if (more := count - _HEADER.size) > size:
            raise _BadAnswer("gave more than an answer")
        if more == size:
            return first[_HEADER.size : count]
        received = bytearray(size)
        received[:more] = first[_HEADER.size : count]
        self._fill(memoryview(received)[more:], size - more, ends)
        return received

    def _fill(self, place: memoryview, least: int, ends: float | None) -> int:
        """Receives `least` bytes, and what came with them that has room; returns how many."""
        count = 0
        while count < least:
            self._wait_until(ends)
            size = self._socket.recv_into(place[count:])
            if not size:
                raise OSError("the process is gone")
            count += size
        return count


class _BadAnswer(Exception):
    """A process did something other than answering; the text ends the sentence of `Lost`."""


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


# The number of the task, 0 for the start, how it ended, and how many bytes follow.
_HEADER = struct.Struct("=QBQ")
_DONE, _NO_MEMORY = 0, 1
_MAX_START_BYTES = 1000
# Most answers come whole: after each part the thread that asked waits for the interpreter's lock, while the
# process has nothing to do.
_FIRST_BYTES = 256 * 1024
# multiprocessing's list of children has none, and a process is stopped by any thread.
_LOCK = threading.Lock()
# A fork of a process with threads may inherit a lock that is never released. A fork server has no threads,
# and has imported what reading needs once for all processes.
if sys.platform == "win32":
    _CONTEXT = multiprocessing.get_context("spawn")
else:
    _CONTEXT = multiprocessing.get_context("forkserver")
_START_SECONDS = 60
_GRACE_SECONDS = 5.0
_STACK_BYTES = 256 * 1024


def _work(
    parent: socket.socket,
    do: Callable[..., Any],
    dumps: Callable[[Any], bytes],
    memory_bytes: int | None,
    prepare: Callable[[], str],
) -> None:
    """The main loop of a process, until its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles ^C
    if hasattr(signal, "SIGALRM"):  # not on Windows
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    threading.stack_size(_STACK_BYTES)  # the usual 8 MB, or more, would be taken from `memory_bytes`
    _limit_memory(memory_bytes)
    said = prepare()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    parent.setblocking(True)
    received = parent.makefile("rb")
    with contextlib.suppress(OSError):
        _send(parent, 0, _DONE, said.encode()[:_MAX_START_BYTES])
        while header := received.read(_HEADER.size):
            number, _, size = _HEADER.unpack(header)
            seconds, task, named = pickle.loads(received.read(size))  # noqa: S301 - the parent's own
            _end_after(seconds)
            answer = None
            with contextlib.suppress(MemoryError):
                answer = dumps(do(*task, **named))
            if answer is None:  # sent only after the memory of the failed task is free
                _send(parent, number, _NO_MEMORY, b"")
            else:
                _send(parent, number, _DONE, answer)
            _end_after(None)


def _send(parent: socket.socket, number: int, status: int, answer: bytes) -> None:
    header = _HEADER.pack(number, status, len(answer))
    if len(answer) < _FIRST_BYTES:
        parent.sendall(header + answer)
    else:
        parent.sendall(header)
        parent.sendall(answer)


def _end_with_parent() -> None:
    """Ends this process as soon as its parent is gone, whatever it is doing."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _end_after(seconds: float | None) -> None:
    """Ends this process after its deadline, also inside C code, where no Python thread can run."""
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
