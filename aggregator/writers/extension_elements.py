"""Elements that are passed through from source feeds, such as podcast and media elements."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from aggregator.model.article import Article, Enclosure
from aggregator.normalise.xml_characters import legal
from aggregator.writers.element_checks import valid_elements
from aggregator.writers.element_rules import FEED, ITEM
from aggregator.writers.markup import MarkupElement
from aggregator.writers.xml_text import address, language_tag, line

__all__ = ["channel_extensions", "enclosures", "extensions", "whole_seconds"]

MAX_ELEMENTS = 200
MAX_CHILDREN = 500
MAX_DEPTH = 6
_PREFIXES = frozenset(
    {
        "creativeCommons",
        "dc",
        "geo",
        "georss",
        "gml",
        "itunes",
        "media",
        "podcast",
        "psc",
        "slash",
        "source",
        "thr",
        "wfw",
        "yt",
    }
)
# We write these ourselves; with two values, readers would use either.
_OURS = frozenset(
    {"dc:creator", "dc:date", "dc:description", "dc:identifier", "dc:language", "dc:source", "dc:subject"}
    | {"dc:title"}
)
_NAME = re.compile(r"(?!xml)[A-Za-z_][A-Za-z0-9_.-]{0,99}", re.ASCII | re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*", re.ASCII | re.IGNORECASE)
# Not the mimetypes module: it reads tables of the machine, so output would differ between machines.
_TYPES = {
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".torrent": "application/x-bittorrent",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
    ".zip": "application/zip",
}


def enclosures(article: Article) -> list[Enclosure]:
    """Returns the article's enclosures with a usable address, each once, valid in XML.

    A missing or malformed `type` is guessed from the file name; None if that is unknown. A negative `length`
    is None.
    """
    found: dict[str, Enclosure] = {}
    if not article.enclosures:
        return []
    for enclosure in article.enclosures:
        url = address(enclosure.url)
        if url is None or url in found:
            continue
        declared = line(enclosure.type).partition(";")[0].strip()
        found[url] = Enclosure(
            url=url,
            type=declared if _MEDIA_TYPE.fullmatch(declared) else _type_of(url),
            length=enclosure.length if enclosure.length is not None and enclosure.length >= 0 else None,
            title=line(enclosure.title) or None,
            duration=enclosure.duration,
        )
    return list(found.values())


def _type_of(url: str) -> str | None:
    return _TYPES.get(PurePosixPath(urlsplit(url).path).suffix.lower())


def extensions(article: Article) -> list[MarkupElement]:
    """Returns the elements of other namespaces, equal for RSS and Atom; at most `MAX_ELEMENTS`.

    These are the elements in `article.extra`, and if it lacks them, a media:thumbnail for the lead image and
    an itunes:duration for the first enclosure with a duration.
    """
    found = _passed_through(article.extra)
    headimg = address(article.headimg) if article.headimg else None
    if headimg and not any(e.name == "media:thumbnail" and e.attributes.get("url") == headimg for e in found):
        found.insert(0, MarkupElement("media:thumbnail", attributes={"url": headimg}))
    durations = [e.duration for e in article.enclosures if e.duration is not None]
    if durations and not any(e.name == "itunes:duration" for e in found):
        found.append(MarkupElement("itunes:duration", whole_seconds(durations[0])))
    return found


def whole_seconds(duration: timedelta) -> str:
    """Returns a duration in whole seconds, as media:content and itunes:duration have it."""
    return str(max(0, int(duration.total_seconds())))


def channel_extensions(extra: Mapping[str, object]) -> list[MarkupElement]:
    """Returns the elements of other namespaces of a feed (`Origin.extra`)."""
    return _passed_through(extra, FEED)


def _passed_through(extra: Mapping[str, object], inside: str = ITEM) -> list[MarkupElement]:
    found: list[MarkupElement] = []
    if not extra:
        return found
    # Sorted, because equal mappings may differ in order, but must give equal bytes.
    for key, values in sorted(extra.items()):
        if not _is_known(key) or key in _OURS:
            continue
        for value in values if isinstance(values, list | tuple) else (values,):
            element = _element(key, value)
            if element and element not in found:
                found.append(element)
            if len(found) == MAX_ELEMENTS:
                return valid_elements(found, inside)
    return valid_elements(found, inside)


@lru_cache(maxsize=256)  # few names are used
def _is_known(name: str) -> bool:
    prefix, _, local = name.partition(":")
    return prefix in _PREFIXES and _NAME.fullmatch(local) is not None


def _element(name: str, value: object, depth: int = 1) -> MarkupElement | None:
    """Returns a `model.entry.Passed` as an element; None for an empty one or another type."""
    if isinstance(value, str):
        return MarkupElement(name, said) if (said := line(value)) else None
    if not isinstance(value, Mapping):
        return None
    texts = {k: v for k, v in sorted(value.items()) if isinstance(v, str) and _NAME.fullmatch(k)}
    texts.pop("children", None)
    if language := language_tag(value.get("xml:lang")):
        texts["xml:lang"] = language
    text = line(texts.pop("text", ""))
    for own in ("text", "children"):
        if isinstance(written := value.get(f"@{own}"), str):
            texts[own] = written
    element = MarkupElement(name, text, {k: legal(v) for k, v in texts.items()}, _children(value, depth))
    return element if element.text or element.attributes or element.children else None


def _children(value: Mapping[str, object], depth: int) -> tuple[MarkupElement, ...]:
    written = value.get("children")
    if not isinstance(written, list | tuple) or depth == MAX_DEPTH:
        return ()
    found = []
    for child in written[:MAX_CHILDREN]:
        name = child.get("@element") if isinstance(child, Mapping) else None
        if isinstance(name, str) and _is_known(name) and (made := _element(name, child, depth + 1)):
            found.append(made)
    return tuple(found)
