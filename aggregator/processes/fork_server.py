"""The process from which all others are forked, where the system has that."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import threading
from collections.abc import Iterator

__all__ = ["CONTEXT", "can_fork", "import_early", "preload", "start_server", "without_ctrl_c"]

# A fork of a process with threads may inherit a lock that is never released. A fork server has no threads,
# and has imported what reading needs once for all processes.
if sys.platform == "win32":
    CONTEXT = multiprocessing.get_context("spawn")
else:
    CONTEXT = multiprocessing.get_context("forkserver")


def can_fork() -> bool:
    """Returns whether a fork of this process itself is safe: on Linux, while it has one thread only."""
    return sys.platform == "linux" and threading.active_count() == 1


def preload(*modules: str) -> None:
    """Imports only these, once for all processes, where they are forked; call it before the first starts."""
    if CONTEXT.get_start_method() == "forkserver":
        CONTEXT.set_forkserver_preload([*modules])


def import_early() -> None:
    """Starts the process that imports what `preload` named, and does not wait for it."""
    with contextlib.suppress(OSError):  # tried again, and reported, when the first process is needed
        start_server()


def start_server() -> None:
    """Starts the process from which others are forked, unless it runs. Raises OSError.

    A terminal sends ^C to it, too. Python ignores that only once all is imported: before, it would end with
    a traceback.
    """
    if CONTEXT.get_start_method() != "forkserver":
        return
    from multiprocessing import forkserver, resource_tracker

    resource_tracker.ensure_running()  # now, because it unblocks the signal
    with without_ctrl_c():
        forkserver.ensure_running()


@contextlib.contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Blocks SIGINT, also in processes that are started within the context; not on Windows."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
