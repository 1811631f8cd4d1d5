"""Elements of other namespaces, for `conformance`: the rules that validators of feeds have for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.conformance.values import ITUNES, MEDIA, Node, elements, text_of

GEO = "{http://www.w3.org/2003/01/geo/wgs84_pos#}"
_EMPTY = {
    *(ITUNES + name for name in ("image", "category", "owner")),
    *(MEDIA + name for name in ("community", "content", "group", "player", "starRating", "statistics")),
    MEDIA + "thumbnail",
    GEO + "Point",
}
_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")


def extension_faults(root: Node) -> Iterator[str]:
    """Each violation, with the name of the element."""
    for node in root.iter():
        name = str(node.tag).rpartition("}")[2]
        if node.tag == ITUNES + "explicit" and text_of(node) not in ("true", "false"):
            yield f"itunes:explicit is {text_of(node)!r}"
        if node.tag in _EMPTY and (node.text or "").strip():
            yield f"{name} has text"
        inside = {child.tag for child in elements(node)}
        if node.tag == GEO + "Point" and not {GEO + "lat", GEO + "long"} <= inside:
            yield "geo:Point without lat and long"
        if node.tag != MEDIA + "community":
            for child in elements(node):
                if child.tag in (MEDIA + "statistics", MEDIA + "starRating"):
                    yield f"{child.tag} outside media:community"
        if str(node.tag).startswith((MEDIA, ITUNES)):
            for key in ("url", "href"):
                value = node.get(key)
                if value is not None and not (_URI.fullmatch(value) and urlsplit(value).scheme):
                    yield f"{name} {key}={value!r} is no absolute URI"
