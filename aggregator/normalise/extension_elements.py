"""Makes passed-through elements safe: readers show their text and follow their links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from aggregator.model.entry import Passed
from aggregator.normalise.links import FOLLOWED, resolve
from aggregator.normalise.text import is_html

__all__ = ["ADDRESS_SCHEMES", "harmless", "inert_text", "is_active", "of_the_feed"]

Values = list[Passed]

ADDRESS_SCHEMES = FOLLOWED | {"at", "did", "doi", "feed", "info", "mid", "ni", "podcast", "tag"}
"""Schemes of addresses, and of names that are used in place of addresses."""

# Attributes whose value is an address, in lower case. An id is not changed: for example `ref` of
# thr:in-reply-to (RFC 4685 §3).
_ADDRESS_ATTRIBUTES = (
    "accounturl feed feedurl href htmlurl icon image img poster rdf:resource resource source src uri url "
    "xlink:href xmlurl"
)
_ADDRESSES = frozenset(_ADDRESS_ATTRIBUTES.split())
# Elements whose text is an address.
_ADDRESS_ELEMENTS = frozenset(
    {
        *("cc:license", "creativecommons:license", "itunes:new-feed-url", "media:backlink", "media:response"),
        *("source:blogroll", "source:inreplyto", "source:self", "wfw:comment", "wfw:commentrss"),
    }
)
MAX_OF_THE_FEED = 20
# What describes the whole podcast, except pictures and texts, which our feed has itself, and the new address.
_OF_A_FEED_NAMES = (
    "itunes:author itunes:category itunes:explicit itunes:owner itunes:type podcast:chat podcast:funding "
    "podcast:guid podcast:license podcast:location podcast:locked podcast:medium podcast:person "
    "podcast:podroll podcast:publisher podcast:txt podcast:updateFrequency podcast:value"
)
_OF_A_FEED = frozenset(_OF_A_FEED_NAMES.split())
_ELEMENT = "@element"
_REFERENCE = re.compile(r"[^\x00-\x20\x7f-\x9f]+")
_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_WITH_ATTRIBUTES = re.compile(r"<[A-Za-z/!?][^\s/<>]*[\s/]")
# In prose ("About: tea") a space follows; a browser ignores one only before a script or a media type.
_ACTIVE = re.compile(
    r"(?:java|vb|live)script:|data:(?:[^ ]| *[\w.+-]+/)|(?:about|blob|file|filesystem|view-source):[^ ]",
    re.IGNORECASE,
)
# Browsers remove these from an address anywhere, and spaces before it.
_IGNORED = re.compile(r"[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]+")


def harmless(extra: Mapping[str, Values], *bases: str) -> dict[str, Values]:
    """`Entry.extra` with HTML sanitised, addresses absolute, and without `javascript:` and similar addresses.

    Text that is not HTML (`is_html`) stays text, made `inert_text`.
    """
    made: dict[str, Values] = {}
    for key, values in extra.items():
        is_address = key.lower() in _ADDRESS_ELEMENTS
        if kept := [v for value in values if (v := _value(value, bases, is_address=is_address))]:
            made[key] = kept
    return made


def of_the_feed(extra: Mapping[str, Values], *bases: str) -> dict[str, Values]:
    """Like `harmless` for `FeedInfo.extra`: only what describes a podcast is kept, a few values each."""
    kept = {key: values[:MAX_OF_THE_FEED] for key, values in extra.items() if key in _OF_A_FEED}
    return harmless(kept, *bases)


def is_active(text: str) -> bool:
    """Whether a text, used as an address, would run or open something here: `javascript:`, `file:`."""
    if ":" not in text:
        return False
    head = text[:1_000]  # all that is ignored is invisible
    return _ACTIVE.match((head if head.isprintable() else _IGNORED.sub("", head)).lstrip()) is not None


def inert_text(text: str) -> str:
    """Plain text that is safe in a reader that renders it as HTML, as many do with RSS titles.

    If it contains a tag that HTML knows, or one with attributes, a space is added after each `<` that would
    begin a tag: `<script>` is shown as `< script>` and not run. `List<String>` is harmless and does not
    change.
    """
    if "<" in text and (_WITH_ATTRIBUTES.search(text) or is_html(text)):
        return _TAG_START.sub("< ", text)
    return text


def _value(value: Passed, bases: tuple[str, ...], *, is_address: bool) -> Passed:
    if isinstance(value, str):
        return _text(value, bases, is_address=is_address)
    if base := value.get("xml:base"):
        bases = (base, *bases)
    made: dict[str, Any] = {}
    for name, written in value.items():
        key = name.lower()
        if name == "children":
            made[name] = [kept for child in written if (kept := _child(child, bases))]
        elif name == "text":
            made[name] = _text(written, bases, is_address=is_address)
        elif key in _ADDRESSES:
            if url := _address(written, bases):
                made[name] = url
        elif key == "xml:base" or is_active(written):
            continue
        else:
            made[name] = inert_text(written)
    return made if any(text for name, text in made.items() if name != _ELEMENT) else {}


def _child(value: dict[str, Any], bases: tuple[str, ...]) -> Passed:
    return _value(value, bases, is_address=value[_ELEMENT].lower() in _ADDRESS_ELEMENTS)


def _address(written: str, bases: tuple[str, ...]) -> str | None:
    return resolve(written, *bases, schemes=ADDRESS_SCHEMES)


def _text(text: str, bases: tuple[str, ...], *, is_address: bool) -> str:
    if is_active(text):
        return ""
    if is_address and _REFERENCE.fullmatch(text) and (url := _address(text, bases)):
        return url
    if "<" not in text and "&" not in text:
        return text
    if not is_html(text):
        return inert_text(text)
    from aggregator.normalise.html import sanitise  # imports nh3, which writers of feeds do not need

    return sanitise(text, *bases)
