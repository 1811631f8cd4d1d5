"""Kind `exec`: the output of a user's command, read as a document of any other kind.

Off unless the config allows it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, model_validator

from aggregator import errors
from aggregator.adapters import kinds
from aggregator.adapters.kinds import Kind, RetrievedSource, Transport
from aggregator.model.entry import ArticleDocument, Feed, SubscriptionList
from aggregator.model.resource import Resource
from aggregator.model.retrieved import Fetched, Validators
from aggregator.model.settings import Settings

_CHUNK_BYTES = 64 * 1024
_TOLD_CHARS = 300
_STDERR_BYTES = 16 * 1024


class ExecOptions(Settings):
    """`command` is a program and its arguments, run without a shell; `kind` is the kind of its output.

    `options` are those of that kind. Further documents that the output names are fetched over HTTP as usual.
    """

    command: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    kind: str = "feed"
    options: dict[str, Any] = Field(default={})

    @model_validator(mode="after")
    def _is_readable(self) -> ExecOptions:
        try:
            is_retrieved = kinds.named(self.kind).retrieve is not None
        except errors.ConfigError as error:
            raise ValueError(f"kind: {error}") from error
        if is_retrieved:
            raise ValueError(f"a command cannot print a source of kind {self.kind!r}")
        if wrong := kinds.mistakes(self.kind, self.options):
            raise ValueError("; ".join(f"{'.'.join(map(str, where))}: {text}" for where, _, text in wrong))
        return self


def read(resource: Resource, options: ExecOptions) -> Feed | ArticleDocument | SubscriptionList:
    """The document as its kind reads it. Raises what that kind raises."""
    kind = kinds.named(options.kind)
    return kind.read(resource, kind.parse(options.options))


def _check(source: RetrievedSource, setting: Callable[[str], Any]) -> None:
    if not setting("commands"):
        raise errors.FetchError(
            "sources of kind exec are not allowed to run",
            url=source.address,
            advice="set fetch.commands = true if every exec source of the config is yours",
        )


def _retrieve(source: RetrievedSource, _: Validators, transport: Transport) -> Fetched:
    _check(source, transport.setting)
    return run(
        source.options["command"],
        url=source.address,
        deadline=transport.deadline,
        max_bytes=transport.max_bytes,
    )


def run(command: Sequence[str], *, url: str, deadline: timedelta, max_bytes: int) -> Fetched:
    """Runs `command` without a shell, and returns its standard output as one document.

    It gets no standard input, and this process's environment. It is killed with its children at `deadline`,
    or when it prints more than `max_bytes`. Raises FetchError, TimedOut and TooLarge; also when it exits with
    any code but 0, as its output may be incomplete.
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
    """Kills the command and every process that it started, and waits for it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with process:
        pass


KIND = Kind(read=read, options=ExecOptions, place="none", retrieve=_retrieve, check=_check)
