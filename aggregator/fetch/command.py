"""Kind `exec`: what a command of the user's prints. Off unless the config allows it."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from datetime import timedelta

from aggregator import errors
from aggregator.fetch.retrieve import Fetched, Resource

_CHUNK_BYTES = 64 * 1024
_TOLD_CHARS = 300
_STDERR_BYTES = 16 * 1024


def run(command: Sequence[str], *, url: str, deadline: timedelta, max_bytes: int) -> Fetched:
    """Runs `command`, no shell in between, and gives its standard output as one document.

    It gets no standard input, and this process's environment. With its children it is killed at `deadline`,
    or when it prints more than `max_bytes`. Raises FetchError, TimedOut and TooLarge; when it exits with
    anything but 0, what it printed is not read: it may be half.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command, allowed by the config
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in it
        raise errors.FetchError(
            f"{command[0]} cannot be run: {error}", url=url, advice="correct the source's command"
        ) from error
    try:
        output, complaint = _read(process, time.monotonic() + deadline.total_seconds(), max_bytes, url)
    finally:
        _kill(process)
    if process.returncode:
        last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2][-_TOLD_CHARS:]
        raise errors.FetchError(
            f"{command[0]} ended with {process.returncode}{': ' + last if last else ''}",
            url=url,
            advice="run the command by hand to see why",
        )
    return Fetched(resources=(Resource(url=url, body=output),), validators={})


def _read(process: subprocess.Popen[bytes], until: float, max_bytes: int, url: str) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    assert process.stderr is not None
    output, complaint = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(until - time.monotonic(), 0))
            if not ready:
                raise _too_slow(url)
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    output += chunk
                    if len(output) > max_bytes:
                        raise errors.TooLarge(f"the command prints more than {max_bytes} bytes", url=url)
                else:
                    complaint += chunk
                    del complaint[:-_STDERR_BYTES]
    try:
        process.wait(max(until - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        raise _too_slow(url) from None
    return bytes(output), bytes(complaint)


def _too_slow(url: str) -> errors.TimedOut:
    return errors.TimedOut("the command ran for too long", url=url, advice="raise fetch.deadline")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the command and whatever it started, and waits for it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with process:
        pass
