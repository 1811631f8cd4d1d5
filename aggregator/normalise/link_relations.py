"""Link relations: registered names in their short form, other URIs as they are written (RFC 8288 §2.1)."""

from __future__ import annotations

import re

__all__ = ["short_relation"]

# RFC 4287 §4.2.7.2 makes a URI of each registered name with the first prefix; the registry has moved since.
_REGISTERED = re.compile(
    r"https?://(?:www\.)?iana\.org/assignments/(?:relation|link-relations)(?:/|\.html#|/?(?:link-relations\.(?:xhtml|xml|html))?#)"
    r"([a-z][a-z0-9.-]{0,49})",
    re.IGNORECASE,
)


def short_relation(written: str) -> str:
    """`rel` of a link: a registered name in lower case, whether written short or as a URI of its registry."""
    rel = written.strip()
    if ":" not in rel:
        return rel.lower()
    found = _REGISTERED.fullmatch(rel)
    return found[1].lower() if found else rel
