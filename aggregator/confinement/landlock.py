"""Landlock: a process gives up all files but those in some places (Linux, userspace-api/landlock)."""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Iterable

__all__ = ["restrict"]

# The numbers of these system calls are the same for every processor.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVS = 38
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# How many rights on files each version knows, from version 1: later ones added moving, truncating and ioctl.
_FILE_RIGHTS = (13, 14, 15, 15, 16)
_BIND_TCP_AND_CONNECT_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def restrict(readable: Iterable[str]) -> str:
    """Leaves this thread, and those it starts, reading in these folders and files, and nothing else on disk.

    Where the kernel can (versions 4 and 6), TCP, abstract sockets and signals to others go too. Says what is
    in force; a place that does not exist is passed over.
    """
    if not sys.platform.startswith("linux"):
        return "no Landlock: not Linux"
    try:
        return f"Landlock {_restrict(readable)}"
    except OSError as error:
        return f"no Landlock: {error.strerror}"


def _restrict(readable: Iterable[str]) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    version = _called(libc, _CREATE_RULESET, None, 0, _VERSION_FLAG)
    rights = (1 << _FILE_RIGHTS[min(version, len(_FILE_RIGHTS)) - 1]) - 1
    wanted = _Ruleset(
        rights,
        _BIND_TCP_AND_CONNECT_TCP if version >= 4 else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0,
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _called(libc, _CREATE_RULESET, ctypes.byref(wanted), size, 0)
    try:
        for place in dict.fromkeys(readable):
            _allow(libc, rules, place)
        if libc.prctl(_NO_NEW_PRIVS, ctypes.c_ulong(1), *[ctypes.c_ulong(0)] * 3):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        _called(libc, _RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
    return version


def _allow(libc: ctypes.CDLL, rules: int, place: str) -> None:
    try:
        opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(opened).st_mode)
        rule = _PathBeneath(_READ_FILE | _READ_DIR if is_folder else _READ_FILE, opened)
        _called(libc, _ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(opened)


def _called(libc: ctypes.CDLL, number: int, *arguments: object) -> int:
    """The result of a system call; raises OSError."""
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
