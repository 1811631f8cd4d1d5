"""Takes from a process what it does not need to read a document: connections, programs, files.

Linux has two means that need no root: a seccomp filter (here for x86-64 and 64-bit ARM) refuses system calls,
Landlock (Linux 5.13 and later) leaves only Python's own folders to be read. What a system lacks is left
out, and the text that `confine` returns says so.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import time
from collections.abc import Iterator
from functools import lru_cache

from aggregator.confinement import landlock, seccomp

__all__ = ["confine", "library_folders"]

# Shared libraries, time zones, and what Python and its libraries read at any time.
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/usr/share/zoneinfo", "/etc/localtime", "/dev/null", "/dev/urandom"),
)


def confine() -> str:
    """Confines this process permanently, as far as the system allows; call it before any thread is started.

    From then on it opens no socket, starts no program and no process, writes no file, changes nothing of the
    system and signals no other process. It reads files only in Python's library folders and in those of
    packages that are imported already. A refused call fails with EPERM or EACCES: PermissionError in Python.
    The text lists what is in force, and what is not and why.
    """
    time.tzset()
    return ", ".join([landlock.restrict(_readable()), seccomp.restrict()])


@lru_cache(maxsize=1)
def library_folders() -> tuple[str, ...]:
    """The folders of Python's own files; not all of `sys.path`: the folder of a program may hold secrets.

    Finding them takes 6 ms, once: processes that are forked from one that knows them know them too.
    """
    paths = sysconfig.get_paths()
    found = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    found += site.getsitepackages()
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    found.append(os.path.join(sys.base_prefix, "lib"))  # noqa: PTH118 - all paths here are texts
    return tuple(dict.fromkeys([*found, *_SYSTEM]))


def _readable() -> Iterator[str]:
    """The library folders, and the folders or files of imported packages that are elsewhere."""
    folders = library_folders()
    yield from folders
    inside = tuple(f"{folder}{os.sep}" for folder in folders)
    for name, module in list(sys.modules.items()):
        if "." not in name and name != "__main__":
            said = getattr(module, "__dict__", {})  # asked by name, a module may import others
            file, places = said.get("__file__"), said.get("__path__")
            for place in places if places is not None else [file] if file else []:
                if not place.startswith(inside):
                    yield place
