"""Elements of other namespaces, for `conformance`: the rules that validators of feeds have for them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.conformance.values import DC, ITUNES, MEDIA, Node, elements, text_of

GEO = "{http://www.w3.org/2003/01/geo/wgs84_pos#}"
_EMPTY = {
    *(ITUNES + name for name in ("image", "category", "owner")),
    *(MEDIA + name for name in ("content", "group", "player")),
    MEDIA + "thumbnail",
    GEO + "Point",
}
_ONCE = {
    *(ITUNES + name for name in ("author", "duration", "explicit", "image", "subtitle", "summary", "title")),
    *(MEDIA + name for name in ("copyright", "description", "title")),
    *(DC + name for name in ("format", "language", "rights", "source", "type")),
}
# Dublin Core 1.1 has fifteen elements; of Media RSS and Apple's tags those that W3C's validator knows.
_KNOWN = {
    DC: "contributor coverage creator date description format identifier language publisher relation rights "
    "source subject title type",
    MEDIA: "adult category content copyright credit description group hash keywords player rating "
    "restriction text thumbnail title",
    ITUNES: "author block category duration email episode episodeType explicit image keywords name owner "
    "season subtitle summary title type",
}
_CONTENT = {
    *("bitrate", "channels", "duration", "expression", "fileSize", "framerate", "height", "isDefault"),
    *("lang", "medium", "samplingrate", "type", "url", "width"),
}
_LONGEST = {
    ITUNES + "author": 255,
    ITUNES + "subtitle": 255,
    ITUNES + "keywords": 255,
    ITUNES + "summary": 4_000,
}
_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")


def _vocabulary_faults(node: Node, name: str) -> Iterator[str]:
    tag = str(node.tag)
    for namespace, names in _KNOWN.items():
        if tag.startswith(namespace) and name not in names.split():
            yield f"{tag} is no element of its namespace"
    if tag == MEDIA + "content" and (others := set(node.attrib) - _CONTENT):
        yield f"media:content has {', '.join(sorted(map(str, others)))}"
    if tag == MEDIA + "group" and sum(child.tag == MEDIA + "content" for child in elements(node)) < 2:
        yield "media:group of one"
    if tag in (MEDIA + "content", MEDIA + "thumbnail"):
        for key in ("width", "height", "fileSize"):
            if (value := node.get(key)) is not None and not (value.isdecimal() and int(value)):
                yield f"{name} {key}={value!r} is no positive number"
    if (most := _LONGEST.get(tag)) is not None and len(text_of(node)) > most:
        yield f"{name} is longer than {most}"


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
        yield from _vocabulary_faults(node, name)
        for child, count in Counter(str(child.tag) for child in elements(node)).items():
            if count > 1 and child in _ONCE:
                yield f"{child} stands {count} times in {name}"
        if str(node.tag).startswith((MEDIA, ITUNES)):
            for key in ("url", "href"):
                value = node.get(key)
                if value is not None and not (_URI.fullmatch(value) and urlsplit(value).scheme):
                    yield f"{name} {key}={value!r} is no absolute URI"
