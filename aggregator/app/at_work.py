"""One process at a time works with a store: others wait, or say who is at work.

Locks of a file are the system's own (flock), so that it lets go of them with the process, however that ends:
a kill leaves a file behind, but no lock. Those of a database on a server are its connection's. Readers
(`status`, `sources`, `serve`) need none.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from aggregator.config.store_address import StoreAddress
from aggregator.errors import StoreError, StoreInUse
from aggregator.store.dialect import Turn, made

__all__ = ["LockHolder", "daemon_of", "held", "holder", "work"]

_LOOK_SECONDS = 0.1
_SUFFIXES = {"run": ".lock", "work": ".work"}
_REFUSALS = frozenset((errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES))


@contextlib.contextmanager
def held(
    store: StoreAddress,
    command: str,
    now: datetime,
    *,
    name: str = "run",
    is_over: Callable[[], bool] = lambda: True,
    report: Callable[[str], object] = lambda _: None,
) -> Iterator[Callable[[], bool]]:
    """Holds a store's lock of this name for `command`, which began at `now`.

    What it gives takes the lock again where it was lost, as by a restart of a server: False where another
    process has it by now.

    While another process has it, `is_over` is asked ten times a second whether to wait no longer; `report` is
    called once, with a sentence that says who is at work. Raises StoreInUse, and StoreError where no lock
    file can be made.
    """
    with _lock(store, name) as lock:
        is_told = False
        line = f"{os.getpid()} {command} since {now:%Y-%m-%d %H:%M:%S} UTC"
        while not lock.take(line):
            who = _in_words(_named(lock.who() or ""))
            if is_over():
                raise StoreInUse(f"{store} is in use by {who}; try again when that has ended, or stop it")
            if not is_told:
                report(f"waiting for {who}, which is at work with {store}")
                is_told = True
            time.sleep(_LOOK_SECONDS)
        yield partial(lock.keep, line)


def work(
    store: StoreAddress,
    command: str,
    now: datetime,
    *,
    is_over: Callable[[], bool],
    report: Callable[[str], object],
) -> contextlib.AbstractContextManager[object]:
    """As `held`: the lock of who polls or publishes just now, which a daemon has only while it does."""
    return held(store, command, now, name="work", is_over=is_over, report=report)


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A process that holds a lock of a store: its number, its command, and since when ("… UTC")."""

    process: int
    command: str
    since: str


def daemon_of(store: StoreAddress) -> LockHolder | None:
    """The daemon that runs with a store; None where none does. Raises StoreError."""
    line = _line_of(store, "run")
    return None if line is None else _named(line)


def holder(store: StoreAddress) -> str | None:
    """Which process is at work with a store just now, in words; None where none is. Raises StoreError."""
    for name in ("work", "run"):
        if (line := _line_of(store, name)) is not None:
            return _in_words(_named(line))
    return None


def _line_of(store: StoreAddress, name: str) -> str | None:
    """What the process says of itself that has a lock; None where none has it."""
    if not isinstance(store, Path):
        with _lock(store, name) as lock:
            return lock.who()
    try:
        place = store.with_name(store.name + _SUFFIXES[name])
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        return None if _is_locked(descriptor) else _line(descriptor)
    finally:
        os.close(descriptor)


def _lock(store: StoreAddress, name: str) -> Turn:
    if isinstance(store, Path):
        return _FileTurn(store, _SUFFIXES[name])
    found = made(store, reads_only=True).turn(name)
    assert found is not None, "a server has locks"
    return found


class _FileTurn:
    """The lock of a file beside the store, which is made where there is none. Raises StoreError."""

    def __init__(self, store: Path, suffix: str) -> None:
        self._opened = contextlib.ExitStack()
        self._descriptor, self._may_write = self._opened.enter_context(
            _open(store.with_name(store.name + suffix), store)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def take(self, line: str) -> bool:
        if not _is_locked(self._descriptor):
            return False
        if self._may_write:
            with contextlib.suppress(OSError):  # a full disk: the lock holds without a name in it
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, f"{line}\n".encode(), 0)
        return True

    def keep(self, _line: str) -> bool:
        return True

    def who(self) -> str | None:
        return _line(self._descriptor)


@contextlib.contextmanager
def _open(place: Path, store: Path) -> Iterator[tuple[int, bool]]:
    """The lock file's descriptor, and whether it may be written: another user's can be locked too."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor, may_write = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), True
        except PermissionError:
            descriptor, may_write = os.open(place, os.O_RDONLY | os.O_CLOEXEC), False
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or error
        raise StoreError(f"the store {store} cannot be used: {place}: {why}") from error
    try:
        yield descriptor, may_write
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _REFUSALS:
            return False
        # A disk without locks, as some in a network are: what SQLite locks for itself still holds.
    return True


def _line(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode("utf-8", "replace")


def _in_words(found: LockHolder | None) -> str:
    if found is None:
        return "another process"
    return f"another `aggregator {found.command}` (process {found.process}, since {found.since})"


def _named(line: str) -> LockHolder | None:
    process, _, what = line.strip().partition(" ")
    if not process.isdecimal() or not what:
        return None
    command, _, since = what.partition(" since ")
    return LockHolder(int(process), command, since)
