"""One process and the socket to it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from typing import Any

from aggregator.processes.child import DONE, FIRST_BYTES, HEADER, MAX_START_BYTES, NO_MEMORY, work
from aggregator.processes.fork_server import CONTEXT, start_server, without_ctrl_c

__all__ = ["Asked", "Died", "Lost", "OneProcess", "Stopped"]

MAX_ANSWER_BYTES = 64 * 1024 * 1024
START_SECONDS = 60
GRACE_SECONDS = 5.0
_LATEST = 1.1
"""A task may take a tenth longer than it has: to set a timeout is a system call, after which a thread waits
for the interpreter's lock, and three were set for each task.
"""

# multiprocessing's list of children has none, and a process is stopped by any thread.
_LOCK = threading.Lock()
_TOO_MUCH = "needed too much memory"


class Lost(Exception):
    """A task gave no answer; the text says why, as the end of a sentence: "took longer than 5 s"."""


class Stopped(Lost):
    """The processes were stopped."""


class Died(Lost):
    """The process ended before it answered: it crashed, or another program killed it."""


class Asked:
    """A task that a thread wants to be done, and its way to a process.

    - `turn`: released when `process` is the thread's own.
    - `is_given_up`: the thread does not wait any more.
    - `following`: the task of another thread that was sent after this one.
    """

    __slots__ = ("_ahead", "ends", "following", "is_given_up", "number", "process", "seconds", "task", "turn")

    def __init__(self, seconds: float | None, task: tuple[object, object]) -> None:
        self.seconds = seconds
        self.task = task
        self.turn = threading.Lock()
        self.turn.acquire()
        self.process: OneProcess | None = None
        self.following: Asked | None = None
        self.is_given_up = False
        self.number = 0
        self.ends: float | None = None
        self._ahead: tuple[BaseProcess, memoryview] | None = None

    def begin(self) -> None:
        """Starts the time that the task has."""
        self.ends = None if self.seconds is None else time.monotonic() + self.seconds

    def request(self) -> bytes:
        """Returns the task as it is sent, with a new number."""
        seconds = None if self.seconds is None else self.seconds + GRACE_SECONDS
        request = pickle.dumps((seconds, *self.task), -1)
        self.number = secrets.randbits(64)  # random: a process cannot answer a task before it has it
        return HEADER.pack(self.number, DONE, len(request)) + request

    def is_sent_to(self, process: BaseProcess, left: memoryview) -> None:
        """Records that a process has the beginning of the request, all but `left`."""
        self._ahead = process, left

    def left_for(self, process: BaseProcess | None) -> memoryview | None:
        """Returns what is left to be sent to a process that has the beginning; None if it has none."""
        return self._ahead[1] if self._ahead is not None and self._ahead[0] is process else None


class OneProcess:
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
        self._is_ready = False
        self._is_stopped = False
        self._first = bytearray(FIRST_BYTES)
        self._kept = 0

    def ask(self, asked: Asked, following: Callable[[], Asked | None]) -> bytearray:
        """Returns the process's answer, as the bytes that it sent.

        `following`: returns the task that is sent while this one is done, so that the process goes on with it
        at once; None for none.
        """
        answer: bytearray | None = None
        lost = Lost("gave no answer")
        try:
            self._send(asked)
            is_alone = self._tasks == self._tasks_each or not self._send_ahead(following())
            answer = self._received(asked.number, asked.ends, MAX_ANSWER_BYTES, is_alone=is_alone)
        except _BadAnswer as bad:
            lost = Lost(str(bad))
        except OSError:
            # Whichever clock was the first, this one or its own, the task is late then.
            is_late = asked.ends is not None and time.monotonic() >= asked.ends
            lost = (
                Lost(f"took longer than {asked.seconds:g} s")
                if is_late
                else Died(f"{_TOO_MUCH} or crashed its worker")
            )
        finally:
            if answer is None:  # after ^C too: the next task must not get this one's answer
                self.end()
                self.hang_up()
        if answer is None:
            raise Stopped("was stopped") if self._is_stopped else lost
        return answer

    def fork(self) -> None:
        """Starts the process as a fork of this one, which must have no other thread; does not wait for it."""
        with without_ctrl_c():  # the fork would end with a traceback before it ignores the signal
            self._begin(multiprocessing.get_context("fork").Process)

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

    def _send(self, asked: Asked) -> None:
        """Sends a task, or the rest of one that was sent ahead."""
        rest = asked.left_for(self._process)
        if rest is None:
            if self._process is not None and not self._is_ready:
                with contextlib.suppress(OSError, _BadAnswer):  # then another one is started
                    self._await_start()
            if (
                self._process is None
                or not self._is_ready
                or self._tasks == self._tasks_each
                or self._has_something()
            ):
                self._start()  # data before any request, or the end of the stream
            self._tasks += 1
            rest = memoryview(asked.request())
        asked.begin()
        if rest:
            self._wait_until(asked.ends)
            self._socket.sendall(rest)

    def _send_ahead(self, asked: Asked | None) -> bool:
        """Sends as much of a task as can be sent without waiting; returns whether any of it was sent.

        It must not wait: the process may be sending its answer, and read nothing until that is received.
        """
        if asked is None or (process := self._process) is None:
            return False
        if self._socket.gettimeout() is None:
            return False
        request = memoryview(asked.request())
        try:
            # With a timeout, Python waits for a socket by itself, and the system never does.
            sent = os.write(self._socket.fileno(), request)
        except OSError:  # there is no room, the process is gone, or sockets are no files here (Windows)
            return False
        self._tasks += 1
        asked.is_sent_to(process, request[sent:])
        return True

    def _start(self) -> None:
        self.end()
        self.hang_up()
        with _LOCK:
            if self._is_stopped:
                raise OSError("stopped")
            start_server()
            with _main_hidden() if self._hides_main else contextlib.nullcontext():
                self._begin(CONTEXT.Process)
        self._await_start()

    def _begin(self, make: type[BaseProcess]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:  # closed here, or the end of the process would not end the stream
            process = make(target=work, args=(theirs, *self._job), daemon=True)
            process.start()
        self._process, self._tasks, self._kept, self._is_ready = process, 0, 0, False

    def _await_start(self) -> None:
        """Waits until the process is ready: starting does not count for a task's deadline."""
        try:
            said = self._received(0, time.monotonic() + START_SECONDS, MAX_START_BYTES)
        except TimeoutError:
            raise _BadAnswer(f"waited longer than {START_SECONDS} s for a process to start") from None
        self._is_ready = True
        self._on_start(said.decode(errors="replace"))

    def _has_something(self) -> bool:
        if self._kept:
            return True
        self._socket.setblocking(False)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _wait_until(self, ends: float | None) -> None:
        if ends is None:
            self._socket.settimeout(None)
            return
        if (left := ends - time.monotonic()) <= 0:
            raise TimeoutError
        now = self._socket.gettimeout()
        if now is None or not left <= now <= _LATEST * left:
            self._socket.settimeout(_LATEST * left)

    def _received(self, task: int, ends: float | None, max_bytes: int, *, is_alone: bool = True) -> bytearray:
        """Returns the answer to a task; `is_alone`: nothing may follow it, as no further task was sent.

        Raises TimeoutError, _BadAnswer, and OSError when the process is gone.
        """
        first, count = self._first, self._kept
        self._kept = 0
        if count < HEADER.size:
            count += self._fill(memoryview(first)[count:], HEADER.size - count, ends)
        number, status, size = HEADER.unpack_from(first)
        if number != task or status not in (DONE, NO_MEMORY):
            raise _BadAnswer("gave an answer to something else")
        if size > max_bytes:
            raise _BadAnswer(f"gave an answer of {size} bytes, which is too large")
        if status == NO_MEMORY:
            raise _BadAnswer(_TOO_MUCH)
        whole = HEADER.size + size
        if count < whole:
            received = bytearray(size)
            received[: count - HEADER.size] = first[HEADER.size : count]
            self._fill(memoryview(received)[count - HEADER.size :], whole - count, ends)
            return received
        if count > whole and is_alone:
            raise _BadAnswer("gave more than an answer")
        received = first[HEADER.size : whole]
        self._kept = count - whole
        first[: self._kept] = first[whole:count]
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
