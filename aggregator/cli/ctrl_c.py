"""Ctrl-C: finishes what is being saved, then reports what was saved."""

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
    """Inside the block the first Ctrl-C calls `stop`, the next one exits; yields whether one has happened."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread receives signals
        yield lambda: False
        return
    pressed: list[int] = []

    def on_stop(number: int, _frame: FrameType | None) -> None:
        pressed.append(number)
        if len(pressed) > 1:
            os._exit(EXIT_STOPPED)  # like a kill: what is saved stays saved
        # Not with rich: this thread may hold its lock.
        with contextlib.suppress(OSError):
            os.write(2, b"\nstopping after the current save; press Ctrl-C again to exit at once\n")
        stop()

    before = signal.signal(signal.SIGINT, on_stop)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def end(message: str) -> NoReturn:
    """Prints what was saved and exits with 130, without waiting for threads that wait for slow servers."""
    ERR.print(message)
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    if any(thread.name.startswith("poll") for thread in threading.enumerate()):
        os._exit(EXIT_STOPPED)
    sys.exit(EXIT_STOPPED)
