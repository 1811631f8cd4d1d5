"""The ids under which articles leave: those of their sources that are URIs for good, else ones of ours."""

from __future__ import annotations

import re
import uuid

__all__ = ["is_permanent", "made_of"]

# RFC 3986 §3 with RFC 3987's letters: a scheme, then anything but spaces and the delimiters of §2.4.3.
# A urn:uuid that holds no UUID (RFC 9562) is refused by validators and by readers that keep UUIDs as numbers;
# validators refuse a `tag:` without its date too (RFC 4151 §2.1), and brackets that hold no IP address
# (RFC 3986 §3.2.2).
_UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_URI = re.compile(
    rf"(?!(?i:urn:uuid:)(?!{_UUID}\Z))"
    r"(?!(?i:tag:)(?!(?:[\w.-]+@)?[A-Za-z0-9.-]+,[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?:))"
    r"(?![A-Za-z0-9+.-]+://(?![^/?#\[\]]*(?:\[[0-9A-Fa-f:.]+\](?::[0-9]*)?)?(?:[/?#]|\Z)))"
    r"[A-Za-z][A-Za-z0-9+.-]{0,30}:[^\s<>\"{}|\\^`\x00-\x20\x7f-\x9f]{1,2000}"
)


def is_permanent(id_: str) -> bool:
    """Whether an id is a sound URI, which leaves us as it came."""
    return _URI.fullmatch(id_) is not None


def made_of(source: str, id_: str) -> str:
    """The outward id of an article whose own is no such URI, or is another's already; never another."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{source}\n{id_}").urn
