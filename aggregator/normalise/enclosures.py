"""The media files of an entry: audio, video and downloads, and pictures besides the lead image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from aggregator.model.article import Enclosure
from aggregator.model.entry import Entry, Media, Passed
from aggregator.normalise.images import is_image
from aggregator.normalise.links import FOLLOWED, resolve, with_ascii_host
from aggregator.normalise.text import tidy

__all__ = ["enclosures", "further_pictures"]

MAX_ENCLOSURES = 100

_DURATION = re.compile(r"(?:(?:([0-9]{1,4}):)?([0-9]{1,4}):)?([0-9]{1,7})(?:\.[0-9]*)?")


def enclosures(entry: Entry, bases: Sequence[str]) -> tuple[tuple[Enclosure, ...], list[str]]:
    """Enclosures, and media:content that is audio or video, each URL once; and the URLs that cannot be used.

    `bases`: as for `links.resolve`. URLs that cannot be used are returned as written.
    """
    found: dict[str, Enclosure] = {}
    lost: list[str] = []
    for media in entry.media:
        if not (media.is_enclosure or _is_played(media)):
            continue
        url = resolve(media.url, media.base, *bases, schemes=FOLLOWED)
        url = url and with_ascii_host(url)
        if url is None:
            lost.append(media.url)
        elif url not in found and len(found) < MAX_ENCLOSURES:
            found[url] = Enclosure(
                url=url,
                type=_said(media.type),
                length=_length(media.length),
                title=_said(media.title),
                duration=_duration(media.duration) or (None if found else _itunes_duration(entry)),
            )
    return tuple(found.values()), lost


def further_pictures(media: Sequence[Media], headimg: str | None, bases: Sequence[str]) -> list[Passed]:
    """Images of media:content besides the lead image, as the feed described them."""
    pictures: list[Passed] = []
    for each in media:
        if each.is_enclosure or not is_image(each):
            continue
        url = resolve(each.url, each.base, *bases)
        if url and url != headimg:
            details = {"type": each.type, "width": each.width, "height": each.height, "title": each.title}
            pictures.append({"url": url, **{k: v for k, v in details.items() if v}})
    return pictures


def _said(text: str | None) -> str | None:
    return (tidy(text[:2_000]) or None) if text else None


def _itunes_duration(entry: Entry) -> timedelta | None:
    for written in entry.extra.get("itunes:duration", ()):
        return _duration(written if isinstance(written, str) else written.get("text"))
    return None


def _is_played(media: Media) -> bool:
    kind = (media.medium or media.type or "").strip().lower()
    return kind.startswith(("audio", "video"))


def _length(written: str | None) -> int | None:
    written = (written or "").strip()
    if not (written.isascii() and written.isdecimal() and len(written) < 19):
        return None
    return int(written) or None


def _duration(written: str | None) -> timedelta | None:
    """`HH:MM:SS`, `MM:SS` or seconds (itunes:duration, Media RSS); None for anything else and for zero."""
    m = _DURATION.fullmatch((written or "").strip())
    if m is None:
        return None
    return timedelta(hours=int(m[1] or 0), minutes=int(m[2] or 0), seconds=int(m[3])) or None
