"""Passed-through elements as their specifications want them: others are mended or left out.

The rules are those of Apple's podcast tags, Media RSS 1.5.1, GeoRSS, W3C's Basic Geo, RFC 4685, and RSS's
slash and wfw modules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from aggregator.writers.markup import MarkupElement
from aggregator.writers.xml_text import identifier, percent_encoded

__all__ = ["sound"]

_COMMUNITY = "media:community"
_OF_COMMUNITY = frozenset(("media:starRating", "media:statistics", "media:tags"))
# Elements that hold attributes or other elements, and no text.
_WITHOUT_TEXT = frozenset(
    (
        *("itunes:category", "itunes:image", "itunes:owner", "geo:Point", "georss:where", "thr:in-reply-to"),
        *(
            "media:comments",
            "media:community",
            "media:content",
            "media:embed",
            "media:group",
            "media:location",
        ),
        *(
            "media:peerLink",
            "media:player",
            "media:price",
            "media:responses",
            "media:scenes",
            "media:starRating",
        ),
        *(
            "media:statistics",
            "media:status",
            "media:subTitle",
            "media:thumbnail",
            "psc:chapter",
            "psc:chapters",
        ),
        *("podcast:alternateEnclosure", "podcast:chapters", "podcast:integrity", "podcast:liveItem"),
        *("podcast:podroll", "podcast:remoteItem", "podcast:socialInteract", "podcast:source"),
        *("podcast:transcript", "podcast:value", "podcast:valueRecipient", "podcast:valueTimeSplit"),
    )
)
_ADDRESSES = frozenset(("href", "src", "uri", "url"))
# Without its address, or the named attribute, such an element says nothing.
_NEEDED: Mapping[str, str] = {
    "itunes:category": "text",
    "itunes:image": "href",
    "media:peerLink": "href",
    "media:player": "url",
    "media:subTitle": "href",
    "media:thumbnail": "url",
    "podcast:chapters": "url",
    "podcast:transcript": "url",
    "psc:chapter": "start",
    "thr:in-reply-to": "ref",
}
_BOOLEANS = {
    **dict.fromkeys(("yes", "true", "explicit", "1"), "true"),
    **dict.fromkeys(("no", "false", "clean", "0"), "false"),
}
_WHOLE = re.compile(r"[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
_DURATION = re.compile(r"(?:[0-9]{1,4}:)?[0-9]{1,4}:[0-5][0-9]|[0-9]{1,9}")
_NUMBERS = frozenset(
    ("bitrate", "channels", "duration", "fileSize", "framerate", "height", "samplingrate", "width")
)
_SIZED = frozenset(("media:content", "media:player", "media:thumbnail"))
_STATISTICS = frozenset(("average", "count", "favorites", "max", "min", "views"))


def sound(elements: Iterable[MarkupElement]) -> list[MarkupElement]:
    """The elements that can stand beside one another, each mended; the others are left out."""
    return _in_community(_each_mended(elements))


def _each_mended(elements: Iterable[MarkupElement]) -> list[MarkupElement]:
    return [made for element in elements if (made := _mended(element)) is not None]


def _mended(element: MarkupElement) -> MarkupElement | None:
    name = element.name
    attributes = _attributes(element)
    inside = _each_mended if name == _COMMUNITY else sound
    children = tuple(inside(element.children))
    text = "" if name in _WITHOUT_TEXT else element.text
    if (check := _TEXTS.get(name)) is not None:
        found = check(text.strip())
        if found is None:
            return None
        text = found
    made = MarkupElement(name, text, attributes, children)
    if (needed := _NEEDED.get(name)) is not None and not attributes.get(needed):
        return None
    if name == "media:content" and "url" not in attributes and not _has(made, "media:player"):
        return None
    if name == "geo:Point" and not (_has(made, "geo:lat") and _has(made, "geo:long")):
        return None
    return made if text or attributes or children else None


def _attributes(element: MarkupElement) -> dict[str, str]:
    found = {}
    for key, value in element.attributes.items():
        if value is None:
            continue
        if key in _ADDRESSES:
            # Absolute, or it would be of the document that it is read in.
            address = identifier(percent_encoded(value))
            if address is None:
                continue
            value = address
        elif element.name.startswith("media:"):
            is_number = key in _NUMBERS and element.name in _SIZED
            is_count = key in _STATISTICS and element.name in _OF_COMMUNITY
            if (is_number or is_count) and not _DECIMAL.fullmatch(value.strip()):
                continue
            if key == "isDefault" and value not in ("true", "false"):
                continue
        found[key] = value
    return found


def _in_community(elements: Sequence[MarkupElement]) -> list[MarkupElement]:
    """Ratings and statistics stand in one media:community (Media RSS, `media:community`)."""
    loose = [element for element in elements if element.name in _OF_COMMUNITY]
    if not loose:
        return [*elements]
    made = []
    for element in elements:
        if element.name == _COMMUNITY and loose:
            there = {child.name for child in element.children}
            element = element._replace(
                children=(*element.children, *(each for each in loose if each.name not in there))
            )
            loose = []
        if element.name not in _OF_COMMUNITY:
            made.append(element)
    return [*made, MarkupElement(_COMMUNITY, children=tuple(loose))] if loose else made


def _has(element: MarkupElement, name: str) -> bool:
    return any(child.name == name for child in element.children)


def _one_of(*allowed: str) -> Callable[[str], str | None]:
    return lambda text: text.lower() if text.lower() in allowed else None


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None


def _between(lowest: float, highest: float) -> Callable[[str], str | None]:
    return lambda text: text if _DECIMAL.fullmatch(text) and lowest <= float(text) <= highest else None


def _pairs(fewest: int, most: int, *, is_closed: bool = False) -> Callable[[str], str | None]:
    """Latitudes and longitudes in turn (GeoRSS Simple)."""

    def check(text: str) -> str | None:
        numbers = re.split(r"[\s,]+", text)
        count, odd = divmod(len(numbers), 2)
        if odd or not fewest <= count <= most or not all(_DECIMAL.fullmatch(each) for each in numbers):
            return None
        places = [(float(lat), float(long)) for lat, long in zip(numbers[::2], numbers[1::2], strict=True)]
        is_on_earth = all(abs(lat) <= 90 and abs(long) <= 180 for lat, long in places)
        return " ".join(numbers) if is_on_earth and not (is_closed and places[0] != places[-1]) else None

    return check


def _uri(text: str) -> str | None:
    return identifier(percent_encoded(text))


_TEXTS: Mapping[str, Callable[[str], str | None]] = {
    "itunes:explicit": lambda text: _BOOLEANS.get(text.lower()),
    "itunes:block": lambda text: {"true": "Yes", "false": None}.get(_BOOLEANS.get(text.lower(), "")),
    "itunes:complete": lambda text: {"true": "Yes", "false": None}.get(_BOOLEANS.get(text.lower(), "")),
    "itunes:duration": lambda text: found if _DURATION.fullmatch(found := text.partition(".")[0]) else None,
    "itunes:episode": _matching(_WHOLE),
    "itunes:episodeType": _one_of("full", "trailer", "bonus"),
    "itunes:order": _matching(_WHOLE),
    "itunes:season": _matching(_WHOLE),
    "itunes:type": _one_of("episodic", "serial"),
    "creativeCommons:license": _uri,
    "geo:lat": _between(-90, 90),
    "geo:long": _between(-180, 180),
    "geo:alt": _matching(_DECIMAL),
    "georss:box": _pairs(2, 2),
    "georss:elev": _matching(_DECIMAL),
    "georss:floor": _matching(re.compile(r"[+-]?[0-9]{1,9}")),
    "georss:line": _pairs(2, 10_000),
    "georss:point": _pairs(1, 1),
    "georss:polygon": _pairs(4, 10_000, is_closed=True),
    "georss:radius": _matching(_DECIMAL),
    "slash:comments": _matching(_WHOLE),
    "slash:hit_parade": _matching(re.compile(r"[0-9]{1,12}(?:,[0-9]{1,12}){0,100}")),
    "thr:total": _matching(_WHOLE),
    "wfw:comment": _uri,
    "wfw:commentRss": _uri,
    "wfw:commentRSS": _uri,
}
"""Texts that have a form: each gives the text as it is written, None for one that has not that form."""
