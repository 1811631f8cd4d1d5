"""Paths that owners write, in the config or on the command line."""

from __future__ import annotations

from pathlib import Path

__all__ = ["local_path"]

_MOST_FOLDERS = 200


def local_path(text: str) -> Path:
    """Parses a path.

    Raises ValueError, which says what would be right, for an empty one, one with a NUL, and one with more
    folders than Python makes or removes: it calls itself for each.
    """
    if not text or "\0" in text:
        raise ValueError('write a path in quotes, such as "notes"')
    path = Path(text)
    if len(path.parts) > _MOST_FOLDERS:
        raise ValueError(f"write a path with at most {_MOST_FOLDERS} folders")
    return path
