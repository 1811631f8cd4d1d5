"""Conditional and range requests (RFC 9110 §13, §14). Pure."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime

__all__ = ["UNSATISFIABLE", "http_date", "is_unchanged", "part"]

_MAX_CHARS = 8000
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", re.IGNORECASE)

UNSATISFIABLE = (-1, -1)
"""The range is outside the file (416)."""


def is_unchanged(if_none_match: str | None, if_modified_since: str | None, etag: str, modified: int) -> bool:
    """Whether a GET or HEAD is answered by 304. `modified` is in whole seconds since 1970.

    If-None-Match is compared weakly; if it is given, If-Modified-Since is ignored (§13.1.2, §13.1.3,
    §13.2.2). An invalid date is ignored.
    """
    if if_none_match is not None:
        if if_none_match.strip() == "*":
            return True
        return etag in _TAG.findall(if_none_match[:_MAX_CHARS])
    since = _seconds(if_modified_since)
    return since is not None and modified <= since


def part(
    asked: str | None, if_range: str | None, etag: str, modified: int, size: int
) -> tuple[int, int] | None:
    """First and last byte of a single range; None: the whole file; or `UNSATISFIABLE`.

    If-Range is compared strongly (§13.1.5). Several ranges, other units and invalid ones are answered with
    the whole file, as §14.2 allows.
    """
    match = _RANGE.fullmatch(asked) if asked and len(asked) < 100 else None
    if match is None or match.groups() == ("", ""):
        return None
    if if_range is not None and if_range.strip() != etag and _seconds(if_range) != modified:
        return None
    if not match[1]:
        last_bytes = int(match[2])
        return (max(0, size - last_bytes), size - 1) if last_bytes and size else UNSATISFIABLE
    first = int(match[1])
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    if match[2] and int(match[2]) < first:
        return None
    return (first, last) if first < size else UNSATISFIABLE


def _seconds(date: str | None) -> int | None:
    if not date or len(date) > 100:
        return None
    try:
        found = parsedate_to_datetime(date)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError, TypeError):
        return None


def http_date(seconds: int) -> str:
    """A date in the form of RFC 9110 §5.6.7, whatever the locale."""
    return formatdate(seconds, usegmt=True)
