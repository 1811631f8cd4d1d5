"""One process at a time works with a store: others wait, or say who is at work.

Locks are the system's own (flock), so that it lets go of them with the process, however that ends: a kill
leaves a file behind, but no lock. Readers (`status`, `sources`, `serve`) need none.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aggregator.errors import StoreError, StoreInUse

__all__ = ["LockHolder", "daemon_of", "held", "holder", "work"]

_LOOK_SECONDS = 0.1
_UNNAMED = "another process"
_REFUSALS = frozenset((errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES))


@contextlib.contextmanager
def held(
    store: Path,
    command: str,
    now: datetime,
    *,
    suffix: str = ".lock",
    is_over: Callable[[], bool] = lambda: True,
    report: Callable[[str], object] = lambda _: None,
) -> Iterator[None]:
    """Holds a store's lock, whose file is beside it, for `command`, which began at `now`.

    While another process has it, `is_over` is asked ten times a second whether to wait no longer; `report` is
    called once, with a sentence that says who is at work. Raises StoreInUse, and StoreError where no lock
    file can be made.
    """
    with _open(store.with_name(store.name + suffix), store) as (descriptor, may_write):
        is_told = False
        while not _is_locked(descriptor):
            who = _who(descriptor)
            if is_over():
                raise StoreInUse(f"{store} is in use by {who}; try again when that has ended, or stop it")
            if not is_told:
                report(f"waiting for {who}, which is at work with {store}")
                is_told = True
            time.sleep(_LOOK_SECONDS)
        if may_write:
            line = f"{os.getpid()} {command} since {now:%Y-%m-%d %H:%M:%S} UTC\n"
            with contextlib.suppress(OSError):  # a full disk: the lock holds without a name in it
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, line.encode(), 0)
        yield


def work(
    store: Path, command: str, now: datetime, *, is_over: Callable[[], bool], report: Callable[[str], object]
) -> contextlib.AbstractContextManager[None]:
    """As `held`: the lock of who polls or publishes just now, which a daemon has only while it does."""
    return held(store, command, now, suffix=".work", is_over=is_over, report=report)


@dataclass(frozen=True, slots=True)
class LockHolder:
    """A process that holds a lock of a store: its number, its command, and since when ("… UTC")."""

    process: int
    command: str
    since: str


def daemon_of(store: Path) -> LockHolder | None:
    """The daemon that runs with a store on this machine; None where none does."""
    found = _holder(store, (".lock",))
    return found if isinstance(found, LockHolder) else None


def holder(store: Path) -> str | None:
    """Which process is at work with a store just now, in words; None where none is."""
    found = _holder(store, (".work", ".lock"))
    return _in_words(found) if isinstance(found, LockHolder) else found


def _holder(store: Path, suffixes: Sequence[str]) -> LockHolder | str | None:
    """Who has the first of these locks that is taken; a text where its file does not say."""
    for suffix in suffixes:
        try:
            descriptor = os.open(store.with_name(store.name + suffix), os.O_RDONLY | os.O_CLOEXEC)
        except (OSError, ValueError):
            continue
        try:
            if not _is_locked(descriptor):
                return _named(descriptor) or _UNNAMED
        finally:
            os.close(descriptor)
    return None


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


def _who(descriptor: int) -> str:
    found = _named(descriptor)
    return _in_words(found) if found else _UNNAMED


def _in_words(found: LockHolder) -> str:
    return f"another `aggregator {found.command}` (process {found.process}, since {found.since})"


def _named(descriptor: int) -> LockHolder | None:
    text = os.pread(descriptor, 200, 0).decode("utf-8", "replace")
    process, _, what = text.strip().partition(" ")
    if not process.isdecimal() or not what:
        return None
    command, _, since = what.partition(" since ")
    return LockHolder(int(process), command, since)
