"""Elements of other namespaces: their attributes, their parents, and how often they may occur.

From Apple's podcast tags, Media RSS, Dublin Core 1.1, Basic Geo, GeoRSS, RFC 4685, and RSS's slash, wfw and
Creative Commons modules, as far as W3C's feed validator knows them: what it refuses is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ONCE", "is_allowed", "may_have"]

ITEM, FEED = "item", "feed"
"""The parents of top-level elements: an entry, or the feed itself."""

_NAMES: Mapping[str, Mapping[str, str]] = {
    "creativeCommons": {"license": ""},
    "dc": dict.fromkeys(
        (
            *("contributor", "coverage", "creator", "date", "description", "format", "identifier"),
            *("language", "publisher", "relation", "rights", "source", "subject", "title", "type"),
        ),
        "",
    ),
    "geo": {"Point": "", "alt": "", "lat": "", "long": ""},
    "georss": dict.fromkeys(
        (
            *("elev", "featureName", "featureTypeTag", "floor", "line", "point", "polygon", "radius"),
            *("relationshipTag", "where"),
        ),
        "",
    ),
    "gml": {
        "Envelope": "srsName",
        "LineString": "srsName",
        "LinearRing": "",
        "Point": "srsName",
        "Polygon": "srsName",
        "exterior": "",
        "lowerCorner": "",
        "pos": "",
        "posList": "",
        "upperCorner": "",
    },
    "itunes": {
        "author": "",
        "block": "",
        "category": "text",
        "duration": "",
        "email": "",
        "episode": "",
        "episodeType": "",
        "explicit": "",
        "image": "href",
        "keywords": "",
        "name": "",
        "owner": "",
        "season": "",
        "subtitle": "",
        "summary": "",
        "title": "",
        "type": "",
    },
    "media": {
        "adult": "",
        "category": "label scheme",
        "content": (
            "bitrate channels duration expression fileSize framerate height isDefault lang medium "
            "samplingrate type url width"
        ),
        "copyright": "url",
        "credit": "role scheme",
        "description": "type",
        "group": "",
        "hash": "algo",
        "keywords": "",
        "player": "height url width",
        "rating": "scheme",
        "restriction": "relationship type",
        "text": "end lang start type",
        "thumbnail": "height time url width",
        "title": "type",
    },
    "slash": {"comments": "", "department": "", "hit_parade": "", "section": ""},
    "thr": {"in-reply-to": "href ref source type", "total": ""},
    "wfw": {"comment": "", "commentRSS": "", "commentRss": ""},
}
_ATTRIBUTES = {
    f"{prefix}:{name}": frozenset(attributes.split())
    for prefix, names in _NAMES.items()
    for name, attributes in names.items()
}
_IN_AN_ITEM = frozenset((ITEM,))
_GEOMETRIES = frozenset(("georss:where", *(name for name in _ATTRIBUTES if name.startswith("gml:"))))
_PLACES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys((name for name in _ATTRIBUTES if name.startswith("gml:")), _GEOMETRIES),
    **dict.fromkeys((f"itunes:{name}" for name in ("duration", "episode", "episodeType")), _IN_AN_ITEM),
    **dict.fromkeys(("itunes:season", "itunes:title", "thr:in-reply-to", "thr:total"), _IN_AN_ITEM),
    **dict.fromkeys(("itunes:owner", "itunes:type"), frozenset((FEED,))),
    **dict.fromkeys(("itunes:email", "itunes:name"), frozenset(("itunes:owner",))),
    "itunes:category": frozenset((FEED, "itunes:category")),
    "media:content": frozenset((ITEM, FEED, "media:group")),
    "media:group": frozenset((ITEM, FEED)),
}

ONCE = frozenset(
    (
        *(name for name in _ATTRIBUTES if name.startswith(("itunes:", "slash:", "wfw:", "geo:", "georss:"))),
        *("dc:format", "dc:language", "dc:rights", "dc:source", "dc:title", "dc:description", "dc:type"),
        *("media:adult", "media:copyright", "media:description", "media:title", "thr:total"),
    )
) - {"itunes:category"}
"""Elements that may occur only once in their parent."""


def is_allowed(name: str, inside: str) -> bool:
    """Returns whether an element may be inside another one, `ITEM` or `FEED`; True for unknown namespaces."""
    if name.partition(":")[0] not in _NAMES:
        return True
    return name in _ATTRIBUTES and inside in _PLACES.get(name, {inside})


def may_have(name: str, attribute: str) -> bool:
    """Returns whether an element may have this attribute; all may have `xml:lang`."""
    return attribute == "xml:lang" or name not in _ATTRIBUTES or attribute in _ATTRIBUTES[name]
