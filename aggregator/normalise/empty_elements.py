"""Removes what sanitising leaves empty: attributes without a value, elements without content."""

from __future__ import annotations

import re

__all__ = ["without_empty_attributes", "without_empty_elements"]

MAX_ROUNDS = 10
"""How many nested elements around a removed one are removed, from the innermost."""

_EMPTY_ATTRIBUTES = (' class=""', ' style=""')
_INSIDE_TAG = re.compile(r"[^<>]*>")  # in text and in values both characters are escaped
_NAMES = (
    "a article aside b big blockquote center div em figcaption figure font footer h1 h2 h3 h4 h5 h6 header i "
    "ol p s section small span strong u ul"
)
# Where an element ends at once, or another just ended, but none of the most frequent: searching for whole
# elements takes six times as long.
_JUST_ENDED = "(?<!</[abipsu]>)(?<!</em>)(?<!</li>)(?<!</strong>)"
_END = re.compile(rf">(?=[ \t\r\n]*+</){_JUST_ENDED}[ \t\r\n]*+</({'|'.join(_NAMES.split())})>")


def without_empty_attributes(clean: str) -> str:
    """Sanitised HTML without empty attributes."""
    if '=""' in clean:
        for attribute in _EMPTY_ATTRIBUTES:
            if attribute in clean:
                clean = _without(attribute, clean)
    return clean


def without_empty_elements(clean: str) -> str:
    """Sanitised HTML without empty elements."""
    for _ in range(MAX_ROUNDS):
        shells = _shells(clean)
        if not shells:
            break
        ends = [0, *(end for _, end in shells)]
        starts = [*(start for start, _ in shells), len(clean)]
        clean = "".join(clean[end:start] for end, start in zip(ends, starts, strict=True))
    return clean


def _without(attribute: str, clean: str) -> str:
    """Removes an attribute from every tag; a text that contains the same characters stays."""
    first, *others = clean.split(attribute)
    kept = [each if _INSIDE_TAG.match(each) else attribute + each for each in others]
    return "".join([first, *kept])


def _shells(clean: str) -> list[tuple[int, int]]:
    """Start and end of elements without content; one with an id is kept, as a link may use it."""
    found = []
    for end in _END.finditer(clean):
        name, tag_end = end[1], end.start()
        start = clean.rfind("<", 0, tag_end)
        if start < 0 or not clean.startswith(name, start + 1):  # mostly the end of another element
            continue
        named = start + 1 + len(name)
        if (named == tag_end or clean[named] == " ") and ' id="' not in clean[start:tag_end]:
            found.append((start, end.end()))
    return found
