"""The process from which all others are forked, where the system has that."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys

__all__ = ["CONTEXT", "import_early", "preload", "start_server"]

# A fork of a process with threads may inherit a lock that is never released. A fork server has no threads,
# and has imported what reading needs once for all processes.
if sys.platform == "win32":
    CONTEXT = multiprocessing.get_context("spawn")
else:
    CONTEXT = multiprocessing.get_context("forkserver")


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
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
