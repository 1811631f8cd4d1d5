"""Locks of a store: one process at a time polls or publishes; others wait, or report which process it is.

Locks of a store file are those of the operating system (flock): it releases them when the process ends,
however that ends. A killed process leaves the lock file, but no lock. Locks of a PostgreSQL store belong to
the connection. Readers (`status`, `sources`, `serve`) need no lock.
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
from typing import TYPE_CHECKING, Self

from aggregator.config.store_address import StoreAddress
from aggregator.errors import StoreError, StoreInUse

if TYPE_CHECKING:
    from aggregator.store.dialect import ServerLock

__all__ = ["LockHolder", "lock_store", "lock_work", "running_daemon", "user_of"]

_LOOK_SECONDS = 0.1
_SUFFIXES = {"run": ".lock", "work": ".work"}
_REFUSALS = frozenset((errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES))


@contextlib.contextmanager
def lock_store(
    store: StoreAddress,
    command: str,
    now: datetime,
    *,
    name: str = "run",
    is_over: Callable[[], bool] = lambda: True,
    report: Callable[[str], object] = lambda _: None,
) -> Iterator[Callable[[], bool]]:
    """Holds a lock of a store for `command`, which began at `now`.

    Yields a function that takes the lock again if it was lost, such as by a restart of the database server;
    it returns False if another process has the lock by then.

    - `name`: "run" for a daemon, "work" for polling and publishing.
    - `is_over`: called ten times a second while another process has the lock; True: stop waiting.
    - `report`: called once in that case, with a sentence that names the other process.

    Raises StoreInUse, and StoreError if no lock file can be created.
    """
    with _lock(store, name) as lock:
        is_reported = False
        line = f"{os.getpid()} {command} since {now:%Y-%m-%d %H:%M:%S} UTC"
        while not lock.take(line):
            who = _in_words(_named(lock.who() or ""))
            if is_over():
                raise StoreInUse(f"{store} is in use by {who}; try again when that has ended, or stop it")
            if not is_reported:
                report(f"waiting for {who}, which is using {store}")
                is_reported = True
            time.sleep(_LOOK_SECONDS)
        yield partial(lock.keep, line)


def lock_work(
    store: StoreAddress,
    command: str,
    now: datetime,
    *,
    is_over: Callable[[], bool],
    report: Callable[[str], object],
) -> contextlib.AbstractContextManager[object]:
    """Like `lock_store`, for polling and publishing: a daemon has this lock only while it does these."""
    return lock_store(store, command, now, name="work", is_over=is_over, report=report)


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A process that holds a lock of a store: its process id, its command, and since when ("… UTC")."""

    process: int
    command: str
    since: str


def running_daemon(store: StoreAddress) -> LockHolder | None:
    """Returns the daemon that runs with a store; None if none does. Raises StoreError."""
    line = _line_of(store, "run")
    return None if line is None else _named(line)


def user_of(store: StoreAddress) -> str | None:
    """Returns a phrase that names the process that uses a store now; None if none does. Raises StoreError."""
    for name in ("work", "run"):
        if (line := _line_of(store, name)) is not None:
            return _in_words(_named(line))
    return None


def _line_of(store: StoreAddress, name: str) -> str | None:
    """Returns the line that the lock's holder wrote; None if no process holds the lock."""
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


def _lock(store: StoreAddress, name: str) -> ServerLock:
    if isinstance(store, Path):
        return _FileTurn(store, _SUFFIXES[name])
    from aggregator.store.dialect import dialect_of

    found = dialect_of(store, reads_only=True).turn(name)
    assert found is not None, "a server has locks"
    return found


class _FileTurn:
    """A lock on a file beside the store; the file is created if it is missing. Raises StoreError."""

    def __init__(self, store: Path, suffix: str) -> None:
        self._store = store
        self._place = store.with_name(store.name + suffix)
        self._opened = contextlib.ExitStack()
        self._has_it = False
        self._descriptor, self._may_write = self._opened.enter_context(_open(self._place, store))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def take(self, line: str) -> bool:
        self._has_it = _is_locked(self._descriptor)
        if self._has_it and self._may_write:
            with contextlib.suppress(OSError):  # a full disk: the lock works without the line
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, f"{line}\n".encode(), 0)
        return self._has_it

    def keep(self, line: str) -> bool:
        if not self._is_in_place():  # the file was deleted, and no other process sees this lock
            self._opened.close()
            self._descriptor, self._may_write = self._opened.enter_context(_open(self._place, self._store))
            self._has_it = False
        return self._has_it or self.take(line)

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(self._place.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def who(self) -> str | None:
        return _line(self._descriptor)


@contextlib.contextmanager
def _open(place: Path, store: Path) -> Iterator[tuple[int, bool]]:
    """Yields the lock file's descriptor, and whether the file is writable (another user's may not be)."""
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
        # A file system without flock, such as some network disks: SQLite's own locks still protect the store.
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
