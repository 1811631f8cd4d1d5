"""The lead image of an entry.

In this order, the first that is a picture of something:

1. the largest image among `media:content`, by width x height, else the first;
2. `media:thumbnail`, then `itunes:image`;
3. an image enclosure;
4. the first image of the sanitised body.

Never a pixel, an emoji, an avatar, a share button, a badge, a spacer, or an image declared to be less than
64 pixels wide or high. They are found by their addresses; an image that the publisher names, or declares
to be large, is not judged by words in its address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from aggregator.model.entry import Media
from aggregator.normalise.links import resolve, with_ascii_host

__all__ = ["is_image", "lead_image", "picture"]

MIN_PIXELS = 64
LARGE_PIXELS = 300
"""In a body, an image of this width and height is a picture, whatever its name is."""

_EXTENSION = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|bmp)(?:$|[?#])", re.IGNORECASE)
# In lower case, like what they are compared with: a regex that ignores case takes three times as long.
_NEVER = (
    r"(?<![a-z0-9-])(?:gravatar\.com/|shields\.io|avatars\d*\.githubusercontent\.com|doubleclick\.net"
    r"|feed(?:burner|blitz)\.com|(?:feeds|stats)\.wordpress\.com|pixel\.wp\.com|add(?:toany|this)|sharethis(?![a-z]))"
    r"|twemoji|/(?:emoji|smilies)/"
)
_PLACEHOLDERS = (
    r"(?<![a-z0-9])(?:(?:blank|pixel|transparent|1x1)\.(?:gif|png|jpe?g|webp)"
    r"|spacer(?![a-z])|favicon|pixel\?)"
)
_WORDS = r"/(?:avatars?|tracker)/|(?<![a-z])(?:badges?(?![a-z])|pinit(?![a-z])|share[-_]?button)"
_NOT_A_PICTURE = re.compile(f"{_NEVER}|{_PLACEHOLDERS}|{_WORDS}")
_NOT_EVEN_NAMED = re.compile(f"{_NEVER}|{_PLACEHOLDERS}")
_NOT_EVEN_LARGE = re.compile(_NEVER)
# A part of whatever these find: looking behind at each character takes four times as long as finding no part.
_SUSPECT = re.compile(
    r"gravatar|shields|avatar|doubleclick|feed[bs]|stats|pixel|addt|share|emoji|smilies|blank|transparent|1x1"
    r"|spacer|favicon|tracker|badge|pinit"
)


def lead_image(
    media: Sequence[Media], thumbnails: Sequence[str], in_body: str | None, bases: Sequence[str]
) -> str | None:
    """The lead image's absolute URL, or None.

    `in_body`: the first `picture` of the body, None without one; `bases`: as for `links.resolve`.
    """
    if not media and not thumbnails:
        return in_body
    images = [m for m in media if is_image(m)]
    shown = sorted((m for m in images if not m.is_enclosure), key=_area, reverse=True)
    enclosed = [m for m in images if m.is_enclosure]
    candidates: list[tuple[str, str | None, str | None, str]] = [
        (m.url, m.width, m.height, m.base) for m in shown
    ]
    candidates += [(url, None, None, "") for url in thumbnails]
    candidates += [(m.url, m.width, m.height, m.base) for m in enclosed]
    for written, width, height, base in candidates:
        if url := picture(written, width, height, bases=(base, *bases), is_named=True):
            return url
    return in_body


def picture(
    written: str, *sides: str | None, bases: Sequence[str] = (), is_named: bool = False
) -> str | None:
    """The absolute URL of an image if it is a real picture, else None; `sides`: its width and height, as
    written.

    `is_named`: the publisher names it as the picture of the entry. This and a large size are stronger
    evidence than words in an address: of large images only those at known addresses of avatars, emoji and
    trackers are left out.
    """
    pixels = [_pixels(side) for side in sides]
    if any(0 <= side < MIN_PIXELS for side in pixels):
        return None
    url = written.lower()
    is_large = len(pixels) == 2 and min(pixels) >= (MIN_PIXELS if is_named else LARGE_PIXELS)
    unwanted = _NOT_EVEN_LARGE if is_large else _NOT_EVEN_NAMED if is_named else _NOT_A_PICTURE
    if url.startswith("data:") or (_SUSPECT.search(url) and unwanted.search(url)):
        return None
    found = resolve(written, *bases)
    return found and with_ascii_host(found)


def is_image(media: Media) -> bool:
    """Whether media is an image: by its medium, else its type, else its URL's extension."""
    if media.medium:
        return media.medium.strip().lower() == "image"
    if media.type:
        return media.type.strip().lower().startswith("image/")
    return _EXTENSION.search(media.url[-200:]) is not None


def _area(media: Media) -> int:
    return max(_pixels(media.width), 0) * max(_pixels(media.height), 0)


def _pixels(side: str | None) -> int:
    """A length in pixels; -1 without one, or in another unit."""
    if not side:
        return -1
    side = side.strip().lower().removesuffix("px")
    return int(side) if side.isdecimal() and side.isascii() and len(side) < 6 else -1
