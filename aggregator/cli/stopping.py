"""Ctrl-C: what is being saved is finished first, and what was saved is reported."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

from aggregator.cli.terminal import ERR

EXIT_STOPPED = 128 + signal.SIGINT


@contextlib.contextmanager
def stopped_gently(stop: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """Within it the first Ctrl-C calls `stop`, and the next ends at once; gives whether there was one."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's alone
        yield lambda: False
        return
    pressed: list[int] = []

    def on_stop(number: int, _frame: FrameType | None) -> None:
        pressed.append(number)
        if len(pressed) > 1:
            os._exit(EXIT_STOPPED)  # as a kill would: nothing that is saved can be lost by it
        # Not rich: this very thread may hold its lock.
        with contextlib.suppress(OSError):
            os.write(2, b"\nstopping: what is being saved is finished; Ctrl-C again ends at once\n")
        stop()

    before = signal.signal(signal.SIGINT, on_stop)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def end(message: str) -> NoReturn:
    """Prints what was saved and ends with 130, without waiting for threads that wait for slow servers."""
    ERR.print(message)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    if any(thread.name.startswith("poll") for thread in threading.enumerate()):
        os._exit(EXIT_STOPPED)
    sys.exit(EXIT_STOPPED)
