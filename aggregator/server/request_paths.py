"""The path of a request -> the names to look up below the output folder. Pure."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

__all__ = ["names"]

_MAX_BYTES = 4096
"""The limit for a path; four folder names of 100 bytes, percent-encoded, need a third of it."""

_FORBIDDEN = frozenset("/\\\x7f") | {chr(code) for code in range(0x20)}


def names(raw_path: bytes, prefix: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """Folder names and a file's name, or "" at the end for a folder; None for a path that cannot exist.

    The path is split first and then decoded once, as strict UTF-8: an encoded slash separates
    nothing (RFC 3986 §2.2), an encoded dot hides nothing. A name that begins with a dot is never served:
    `..`, temporary files, `.git`. `prefix` is the path of the site's public address, which is removed from
    the beginning; the prefix without a slash at its end gives no names.
    """
    if not raw_path.startswith(b"/") or len(raw_path) > _MAX_BYTES:
        return None
    try:
        found = tuple(unquote_to_bytes(part).decode("utf-8") for part in raw_path[1:].split(b"/"))
    except UnicodeDecodeError:
        return None
    if prefix and found[: len(prefix)] == prefix:
        found = found[len(prefix) :]
    if any(not _is_harmless(name) for name in found[:-1]):
        return None
    return found if not found or not found[-1] or _is_harmless(found[-1]) else None


def _is_harmless(name: str) -> bool:
    return bool(name) and not name.startswith(".") and _FORBIDDEN.isdisjoint(name)
