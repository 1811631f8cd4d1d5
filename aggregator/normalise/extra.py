"""Elements that are passed on as they came, made harmless: readers show their text and follow their links."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aggregator.normalise.html import sanitise
from aggregator.normalise.links import FOLLOWED, resolve
from aggregator.normalise.text import is_html

__all__ = ["harmless", "inert"]

Values = list[str | dict[str, str]]

_ADDRESSES = frozenset({"url", "href", "src", "uri", "resource", "image", "img", "feedUrl", "ref"})
_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_WITH_ATTRIBUTES = re.compile(r"<[A-Za-z/!?][^\s/<>]*[\s/]")
_ACTIVE = re.compile(r"[\x00-\x20]*(?:(?:java|vb|live)script|data)[\x00-\x20]*:", re.IGNORECASE)


def harmless(extra: Mapping[str, Values], *bases: str) -> dict[str, Values]:
    """`Entry.extra` with HTML sanitised, addresses absolute, and no address that acts when followed.

    Text that is no HTML (`is_html`) stays text, made `inert`.
    """
    made: dict[str, Values] = {}
    for key, values in extra.items():
        if kept := [v for value in values if (v := _value(value, bases))]:
            made[key] = kept
    return made


def inert(text: str) -> str:
    """Plain text that does nothing in a reader that takes it for HTML, as many take RSS titles.

    Where it holds a tag that HTML knows, or one with attributes, each `<` that would begin a tag is parted
    from it: `<script>` is shown as `< script>`, and not run. `List<String>` cannot act, and stays.
    """
    if "<" in text and (_WITH_ATTRIBUTES.search(text) or is_html(text)):
        return _TAG_START.sub("< ", text)
    return text


def _value(value: str | dict[str, str], bases: tuple[str, ...]) -> str | dict[str, str]:
    if isinstance(value, str):
        return _text(value, bases)
    made = {}
    for name, written in value.items():
        if name == "text":
            made[name] = _text(written, bases)
        elif name in _ADDRESSES:
            if url := resolve(written, *bases, schemes=FOLLOWED):
                made[name] = url
        elif not _ACTIVE.match(written):
            made[name] = inert(written)
    return made if any(made.values()) else {}


def _text(text: str, bases: tuple[str, ...]) -> str:
    if "<" not in text and "&" not in text:
        return "" if _ACTIVE.match(text) else text
    return sanitise(text, *bases) if is_html(text) else inert(text)
