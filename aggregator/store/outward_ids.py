"""Which ids of sources can be ours: those that are URIs for good."""

from __future__ import annotations

import re

__all__ = ["is_permanent"]

# RFC 3986 §3 with RFC 3987's letters: a scheme, then anything but spaces and the delimiters of §2.4.3.
# A urn:uuid that holds no UUID (RFC 9562) is refused by validators and by readers that keep UUIDs as numbers;
# validators refuse a `tag:` without its date too (RFC 4151 §2.1).
_UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_URI = re.compile(
    rf"(?!(?i:urn:uuid:)(?!{_UUID}\Z))"
    r"(?!(?i:tag:)(?!(?:[\w.-]+@)?[A-Za-z0-9.-]+,[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?:))"
    r"[A-Za-z][A-Za-z0-9+.-]{0,30}:[^\s<>\"{}|\\^`\x00-\x20\x7f-\x9f]{1,2000}"
)


def is_permanent(id_: str) -> bool:
    """Whether an id is a sound URI, which leaves us as it came."""
    return _URI.fullmatch(id_) is not None
