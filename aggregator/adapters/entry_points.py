"""The entry points of installed packages, read once: a search of all packages takes some milliseconds."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

__all__ = ["ADAPTERS", "entry_points", "forget"]

ADAPTERS = "aggregator.adapters"
"""The group of the kinds of sources."""


def entry_points(group: str) -> EntryPoints:
    """Returns the entry points of a group, in the order of `sys.path`."""
    found: EntryPoints = _installed(tuple(sys.path)).select(group=group)
    return found


def forget() -> None:
    """Clears the cache: for a process in which packages are installed or removed."""
    _installed.cache_clear()


@lru_cache(maxsize=4)
def _installed(_path: tuple[str, ...]) -> Any:  # Python 3.11 and 3.12 return different types
    from importlib import metadata  # not for polls of a kept config

    return metadata.entry_points()
