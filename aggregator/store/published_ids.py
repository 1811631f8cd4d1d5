"""The published ids of articles: the source's id if it is a valid URI, else a UUID made from it."""

from __future__ import annotations

import re
import uuid
from functools import lru_cache

__all__ = ["is_permanent", "uuid_of"]

# RFC 3986 §3 with RFC 3987's letters: a scheme, then anything but spaces and the delimiters of §2.4.3. A
# urn:uuid without a valid UUID (RFC 9562) is refused by validators and by readers that store UUIDs as
# numbers; validators also refuse a `tag:` without its date (RFC 4151 §2.1), and brackets without an IP
# address (RFC 3986 §3.2.2).
_UUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_URI = re.compile(
    rf"(?!(?i:urn:uuid:)(?!{_UUID}\Z))"
    r"(?!(?i:tag:)(?!(?:[\w.-]+@)?[A-Za-z0-9.-]+,[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?:))"
    r"(?![A-Za-z0-9+.-]+://(?![^/?#\[\]]*(?:\[[0-9A-Fa-f:.]+\](?::[0-9]*)?)?(?:[/?#]|\Z)))"
    r"[A-Za-z][A-Za-z0-9+.-]{0,30}:[^\s<>\"{}|\\^`\x00-\x20\x7f-\x9f]{1,2000}"
)


@lru_cache(maxsize=2_000)  # asked twice for each new article of a transaction
def is_permanent(id_: str) -> bool:
    """Returns whether an id is a valid URI, which is published unchanged."""
    return _URI.fullmatch(id_) is not None


def uuid_of(source: str, id_: str) -> str:
    """Returns the published id of an article whose own id is not such a URI, or is in use; always the same
    one.
    """
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{source}\n{id_}").urn
