"""The work of a process that was started for tasks, and the form in which tasks and answers are sent."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

__all__ = ["DONE", "FIRST_BYTES", "HEADER", "MAX_START_BYTES", "NO_MEMORY", "work"]

HEADER = struct.Struct("=QBQ")
"""The number of the task, 0 for the start, how it ended, and how many bytes follow."""
DONE, NO_MEMORY = 0, 1
MAX_START_BYTES = 1000
FIRST_BYTES = 256 * 1024
"""Most answers come whole: after each part the thread that asked waits for the interpreter's lock."""
_STACK_BYTES = 256 * 1024


def work(
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
    _limit_memory(memory_bytes)
    said = prepare()
    _end_with_parent()
    parent.setblocking(True)
    received = parent.makefile("rb")
    with contextlib.suppress(OSError):
        _send(parent, 0, DONE, said.encode()[:MAX_START_BYTES])
        while header := received.read(HEADER.size):
            number, _, size = HEADER.unpack(header)
            seconds, task, named = pickle.loads(received.read(size))  # noqa: S301 - the parent's own
            _end_after(seconds)
            answer = None
            with contextlib.suppress(MemoryError):
                answer = dumps(do(*task, **named))
            if answer is None:  # sent only after the memory of the failed task is free
                _send(parent, number, NO_MEMORY, b"")
            else:
                _send(parent, number, DONE, answer)
            _end_after(None)


def _send(parent: socket.socket, number: int, status: int, answer: bytes) -> None:
    header = HEADER.pack(number, status, len(answer))
    if len(answer) < FIRST_BYTES:
        parent.sendall(header + answer)
    else:
        parent.sendall(header)
        parent.sendall(answer)


def _end_with_parent() -> None:
    """Has this process ended as soon as its parent is gone, whatever it is doing.

    On Linux the system does that. A thread that waits makes all allocations of C libraries take locks: 2 % of
    a reader's time.
    """
    if (parent := multiprocessing.parent_process()) is None:
        return
    if sys.platform != "linux":
        threading.stack_size(_STACK_BYTES)  # the usual 8 MB, or more, would be taken from `memory_bytes`
        threading.Thread(target=_end_after_parent, args=(parent,), daemon=True).start()
        return
    import fcntl  # not on Windows

    signal.signal(signal.SIGIO, signal.SIG_DFL)  # which ends a process, also inside C code
    pipe = parent.sentinel  # of which the parent closes the other end
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    if not parent.is_alive():  # it was gone before
        os._exit(1)


def _end_after_parent(parent: BaseProcess) -> None:
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
