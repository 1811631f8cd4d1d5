"""Checks passed-through elements by their specifications: invalid ones are repaired or left out.

The rules are those of Apple's podcast tags, Media RSS 1.5.1, GeoRSS, W3C's Basic Geo, RFC 4685, and RSS's
slash and wfw modules. Counts of views and stars (`media:community`) are left out, because they are soon
wrong, and validators do not know them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from aggregator.normalise.text import cut
from aggregator.writers.element_rules import ITEM, ONCE, is_allowed, may_have
from aggregator.writers.markup import MarkupElement
from aggregator.writers.xml_text import identifier, language_tag, percent_encoded, permanent_id

__all__ = ["valid_elements"]

# Elements with attributes or other elements, and no text.
_WITHOUT_TEXT = frozenset(
    (
        *("itunes:category", "itunes:image", "itunes:owner", "geo:Point", "georss:where", "thr:in-reply-to"),
        *("gml:Envelope", "gml:LineString", "gml:LinearRing", "gml:Point", "gml:Polygon", "gml:exterior"),
        *("media:content", "media:group", "media:player", "media:thumbnail", "psc:chapter", "psc:chapters"),
        *("podcast:alternateEnclosure", "podcast:chapters", "podcast:integrity", "podcast:liveItem"),
        *("podcast:podroll", "podcast:remoteItem", "podcast:socialInteract", "podcast:source"),
        *("podcast:transcript", "podcast:value", "podcast:valueRecipient", "podcast:valueTimeSplit"),
    )
)
_ADDRESSES = frozenset(("href", "scheme", "src", "uri", "url"))
# Without its address, or the named attribute, such an element has no meaning.
_NEEDED: Mapping[str, str] = {
    "itunes:category": "text",
    "itunes:image": "href",
    "media:player": "url",
    "media:restriction": "relationship",
    "media:thumbnail": "url",
    "podcast:chapters": "url",
    "podcast:transcript": "url",
    "psc:chapter": "start",
    "thr:in-reply-to": "ref",
}
_NEEDED_INSIDE: Mapping[str, frozenset[str]] = {
    "geo:Point": frozenset(("geo:lat", "geo:long")),
    "itunes:owner": frozenset(("itunes:email",)),
}
_BOOLEANS = {
    **dict.fromkeys(("yes", "true", "explicit", "1"), "true"),
    **dict.fromkeys(("no", "false", "clean", "0"), "false"),
}
_WHOLE = re.compile(r"[0-9]{1,18}")
_POSITIVE = re.compile(r"0{0,9}[1-9][0-9]{0,17}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,12}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,20})?")
_DURATION = re.compile(r"[0-9]{1,4}(?::[0-5][0-9]){1,2}|[0-9]{1,9}")
_PARTS_OF_TIME = re.compile(r"[0-9]{1,6}(?::[0-9]{1,6}){1,2}")
_MOMENT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?|[0-9]{1,4}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?")
_TYPE = re.compile(r"[\w!#$&^.+-]{1,100}/[\w!#$&^.+-]{1,100}", re.ASCII)
_COUNTRIES = re.compile(r"[A-Za-z]{2}(?: [A-Za-z]{2})*")
_HASHES = {"md5": re.compile(r"[0-9a-fA-F]{32}"), "sha-1": re.compile(r"[0-9a-fA-F]{40}")}
# Roles of the European Broadcasting Union's list that occur in feeds.
_ROLES = frozenset(
    (
        *("actor", "artist", "author", "choreographer", "commentator", "composer", "conductor", "director"),
        *(
            "distribution company",
            "editor",
            "interviewer",
            "lyricist",
            "narrator",
            "performer",
            "photographer",
        ),
        *("presenter", "producer", "production company", "publisher", "reporter", "singer", "translator"),
    )
)


def valid_elements(elements: Iterable[MarkupElement], inside: str = ITEM) -> list[MarkupElement]:
    """Returns the elements that are valid together, each repaired; the others are left out.

    `inside`: their parent element, `ITEM` for an entry, `FEED` for the feed itself.
    """
    made: list[MarkupElement] = []
    for element in elements:
        for each in _mended(element, inside):
            if each.name not in ONCE or all(other.name != each.name for other in made):
                made.append(each)
    return made


def _mended(element: MarkupElement, inside: str) -> Iterator[MarkupElement]:
    """Yields the repaired element; for a group with one member, the member."""
    name = element.name
    if not is_allowed(name, inside):
        return
    attributes = _attributes(element)
    children = tuple(valid_elements(element.children, name)) if element.children else ()
    text = "" if name in _WITHOUT_TEXT else element.text
    if (check := _TEXTS.get(name)) is not None:
        found = check(text.strip())
        if found is None:
            return
        text = found
    if name == "media:group" and sum(child.name == "media:content" for child in children) < 2:
        yield from children
        return
    made = MarkupElement(name, text, attributes, children)
    if name in _MEDIA and not _MEDIA[name](made):
        return
    if (needed := _NEEDED.get(name)) is not None and not attributes.get(needed):
        return
    if not all(_has(made, each) for each in _NEEDED_INSIDE.get(name, ())):
        return
    if text or attributes or children:
        yield made


def _attributes(element: MarkupElement) -> dict[str, str]:
    found = {}
    for key, value in element.attributes.items():
        if value is None or not may_have(element.name, key):
            continue
        text: str | None = value
        if key in _ADDRESSES:
            # Absolute, because it would be resolved against the document in which it is read.
            text = identifier(percent_encoded(value))
        elif element.name == "thr:in-reply-to" and key == "ref":
            text = permanent_id(value)
        elif element.name.startswith("media:") and key in _VALUES:
            text = _VALUES[key](value.strip())
        if text is not None:
            found[key] = text
    return found


def _hash(element: MarkupElement) -> bool:
    form = _HASHES.get(element.attributes.get("algo") or "md5")
    return form is not None and form.fullmatch(element.text) is not None


def _rating(element: MarkupElement) -> bool:
    scheme = element.attributes.get("scheme")
    if scheme in (None, "urn:simple"):
        return element.text in ("adult", "nonadult")
    return str(scheme).startswith(("http://", "https://"))


def _restriction(element: MarkupElement) -> bool:
    kind = element.attributes.get("type")
    if kind == "country":
        return _COUNTRIES.fullmatch(element.text) is not None
    return kind == "uri" or element.text in ("", "all", "none")


def _content(element: MarkupElement) -> bool:
    return "url" in element.attributes or _has(element, "media:player")


def _has(element: MarkupElement, name: str) -> bool:
    return any(child.name == name for child in element.children)


def _one_of(*allowed: str) -> Callable[[str], str | None]:
    return lambda text: text.lower() if text.lower() in allowed else None


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None


def _at_most(characters: int, separator: str = "") -> Callable[[str], str | None]:
    """Returns a function that cuts a long text, at a separator if there is one."""

    def check(text: str) -> str | None:
        if len(text) <= characters:
            return text
        if separator and separator in text[:characters]:
            return text[:characters].rpartition(separator)[0].rstrip()
        return cut(text, characters)

    return check


def _duration(text: str) -> str | None:
    """Returns hours, minutes and seconds, or seconds; if minutes or seconds exceed 59, all as seconds."""
    text = text.partition(".")[0]
    if _DURATION.fullmatch(text):
        return text
    if not _PARTS_OF_TIME.fullmatch(text):
        return None
    seconds = 0
    for part in text.split(":"):
        seconds = 60 * seconds + int(part)
    return str(seconds)


def _role(text: str) -> str | None:
    return text.lower() if text.lower() in _ROLES else None


def _type(text: str) -> str | None:
    text = text.partition(";")[0].strip().lower()
    return text if text in ("plain", "html", "country", "uri") or _TYPE.fullmatch(text) else None


def _between(lowest: float, highest: float) -> Callable[[str], str | None]:
    return lambda text: text if _DECIMAL.fullmatch(text) and lowest <= float(text) <= highest else None


def _pairs(fewest: int, most: int, *, is_closed: bool = False) -> Callable[[str], str | None]:
    """Returns a function that checks pairs of latitude and longitude (GeoRSS Simple)."""

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
    "itunes:author": _at_most(255),
    "itunes:duration": _duration,
    "itunes:episode": _matching(_POSITIVE),
    "itunes:keywords": _at_most(255, ","),
    "itunes:name": _at_most(255),
    "itunes:subtitle": _at_most(255),
    "itunes:summary": _at_most(4_000),
    "itunes:episodeType": _one_of("full", "trailer", "bonus"),
    "itunes:season": _matching(_POSITIVE),
    "itunes:type": _one_of("episodic", "serial"),
    "creativeCommons:license": _uri,
    "geo:lat": _between(-90, 90),
    "geo:long": _between(-180, 180),
    "geo:alt": _matching(_DECIMAL),
    "georss:elev": _matching(_DECIMAL),
    "georss:floor": _matching(re.compile(r"[+-]?[0-9]{1,9}")),
    "georss:line": _pairs(2, 10_000),
    "georss:point": _pairs(1, 1),
    "georss:polygon": _pairs(4, 10_000, is_closed=True),
    "georss:radius": _matching(_DECIMAL),
    "media:adult": lambda text: _BOOLEANS.get(text.lower()),
    "slash:comments": _matching(_WHOLE),
    "slash:hit_parade": _matching(re.compile(r"[0-9]{1,12}(?:,[0-9]{1,12}){0,100}")),
    "thr:total": _matching(_WHOLE),
    "wfw:comment": _uri,
    "wfw:commentRss": _uri,
    "wfw:commentRSS": _uri,
}
"""Elements whose text has a form: each function returns the text to write, None if it is invalid."""

_VALUES: Mapping[str, Callable[[str], str | None]] = {
    "bitrate": _matching(_AMOUNT),
    "channels": _matching(_WHOLE),
    "duration": _matching(_AMOUNT),
    "end": _matching(_MOMENT),
    "expression": _one_of("sample", "full", "nonstop"),
    "fileSize": _matching(_POSITIVE),
    "framerate": _matching(_AMOUNT),
    "height": _matching(_POSITIVE),
    "isDefault": _one_of("true", "false"),
    "lang": language_tag,
    "medium": _one_of("image", "audio", "video", "document", "executable"),
    "relationship": _one_of("allow", "deny"),
    "role": _role,
    "samplingrate": _matching(_AMOUNT),
    "start": _matching(_MOMENT),
    "time": _matching(_MOMENT),
    "type": _type,
    "width": _matching(_POSITIVE),
}
"""Attributes of Media RSS whose value has a form."""

_MEDIA: Mapping[str, Callable[[MarkupElement], bool]] = {
    "media:content": _content,
    "media:hash": _hash,
    "media:rating": _rating,
    "media:restriction": _restriction,
}
"""Elements of Media RSS whose attributes and text must fit together."""
