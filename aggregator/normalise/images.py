"""The lead image of an entry.

In this order, the first that is a picture of something:

1. the largest image among `media:content`, by width x height, else the first;
2. `media:thumbnail`, then `itunes:image`;
3. an image enclosure;
4. the first image of the sanitised body.

Never a pixel, an emoji, an avatar, a share button, a badge, a spacer, or anything that says it is less than
64 pixels wide or high.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from itertools import islice

from aggregator.entry import Media
from aggregator.normalise.links import resolve

__all__ = ["is_image", "lead_image"]

MIN_PIXELS = 64
MAX_BODY_IMAGES = 20

_EXTENSION = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|bmp)(?:$|[?#])", re.IGNORECASE)
# In lower case, as what it is compared with: a regex that ignores case takes three times as long.
_NOT_A_PICTURE = re.compile(
    r"/(?:emoji/|smilies/|avatars?/|spacer|pixel\?|favicon|tracker/)|twemoji|gravatar\.com/|shields\.io"
    r"|a(?:vatars\d*\.githubusercontent\.com|dd(?:toany|this))|badge|blank\.gif|doubleclick\.net|transparent\.(?:gif|png)"
    r"|feed(?:burner\.com|blitz\.com|s\.wordpress\.com)|p(?:ixel\.(?:gif|png|wp\.com)|init)|1x1\."
    r"|s(?:pacer\.gif|hare(?:[-_]?button|this)|tats\.wordpress\.com)"
)
_IMAGE = re.compile(r'<img((?: [^\s="]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' (src|width|height)="([^"]*)"')


def lead_image(
    media: Sequence[Media], thumbnails: Sequence[str], body: str, bases: Sequence[str]
) -> str | None:
    """The lead image's absolute URL, or None. `body`: sanitised HTML; `bases`: as for `links.resolve`."""
    if not media and not thumbnails:
        return _first_in(body)
    images = [m for m in media if is_image(m)]
    shown = sorted((m for m in images if not m.is_enclosure), key=_area, reverse=True)
    enclosed = [m for m in images if m.is_enclosure]
    candidates: list[tuple[str, str | None, str | None, str]] = [
        (m.url, m.width, m.height, m.base) for m in shown
    ]
    candidates += [(url, None, None, "") for url in thumbnails]
    candidates += [(m.url, m.width, m.height, m.base) for m in enclosed]
    for written, width, height, base in candidates:
        if _is_picture(written, width, height) and (url := resolve(written, base, *bases)):
            return url
    return _first_in(body)


def is_image(media: Media) -> bool:
    """By its medium, else its type, else its URL's extension."""
    if media.medium:
        return media.medium.strip().lower() == "image"
    if media.type:
        return media.type.strip().lower().startswith("image/")
    return _EXTENSION.search(media.url[-200:]) is not None


def _first_in(body: str) -> str | None:
    if "<img" not in body:
        return None
    for image in islice(_IMAGE.finditer(body), MAX_BODY_IMAGES):
        attributes = dict(_ATTRIBUTE.findall(image[1]))
        src = unescape(attributes.get("src", ""))
        if _is_picture(src, attributes.get("width"), attributes.get("height")) and (url := resolve(src)):
            return url
    return None


def _is_picture(url: str, width: str | None, height: str | None) -> bool:
    if 0 <= _pixels(width) < MIN_PIXELS or 0 <= _pixels(height) < MIN_PIXELS:
        return False
    url = url.lower()
    return not (url.startswith("data:") or _NOT_A_PICTURE.search(url))


def _area(media: Media) -> int:
    return max(_pixels(media.width), 0) * max(_pixels(media.height), 0)


def _pixels(side: str | None) -> int:
    """-1 when nothing, or nothing in pixels, is said."""
    if not side:
        return -1
    side = side.strip().lower().removesuffix("px")
    return int(side) if side.isdecimal() and side.isascii() and len(side) < 6 else -1
