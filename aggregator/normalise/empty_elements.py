"""Removes what sanitising leaves empty: attributes without a value, elements without content."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["without_empty_elements"]

MAX_ROUNDS = 10
"""How many nested elements around a removed one are removed, from the innermost."""

_EMPTY_ATTRIBUTES = (' class=""', ' style=""')
_TAG = re.compile(r'<[a-z][a-z0-9]*+(?: [^\s="]++="[^"]*+")++>')
_NAMES = (
    "a article aside b big blockquote center div em figcaption figure font footer h1 h2 h3 h4 h5 h6 header i "
    "ol p s section small span strong u ul"
)
# Where an element ends at once, or another just ended: searching for whole elements takes six times as long.
_END = re.compile(rf">[ \t\r\n]*+</({'|'.join(_NAMES.split())})>")


def without_empty_elements(clean: str) -> str:
    """Sanitised HTML without empty attributes and without empty elements."""
    if '=""' in clean and any(attribute in clean for attribute in _EMPTY_ATTRIBUTES):
        clean = _TAG.sub(_without_empty, clean)
    for _ in range(MAX_ROUNDS):
        shells = [*_shells(clean)]
        if not shells:
            break
        ends = [0, *(end for _, end in shells)]
        starts = [*(start for start, _ in shells), len(clean)]
        clean = "".join(clean[end:start] for end, start in zip(ends, starts, strict=True))
    return clean


def _shells(clean: str) -> Iterator[tuple[int, int]]:
    """Start and end of elements without content; one with an id is kept, as a link may use it."""
    for end in _END.finditer(clean):
        start, tag_end, name = clean.rfind("<", 0, end.start()), end.start(), end[1]
        if start < 0 or not clean.startswith(name, start + 1):  # mostly the end of another element
            continue
        named = start + 1 + len(name)
        if (named == tag_end or clean[named] == " ") and ' id="' not in clean[start:tag_end]:
            yield start, end.end()


def _without_empty(tag: re.Match[str]) -> str:
    written = tag[0]
    for attribute in _EMPTY_ATTRIBUTES:
        written = written.replace(attribute, "")
    return written
