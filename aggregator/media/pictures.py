"""Decodes pictures and encodes them again, so that no byte from outside is published.

This removes what is hidden in a file: a script after the picture, the place where it was taken (EXIF), its
colour profile. The only module that uses Pillow; it runs in a separate process (see `workers`).

- An animated picture becomes an animated WebP, within `MAX_FRAMES` and `MAX_FRAME_PIXELS`, else only its
  first frame is kept.
- A JPEG stays a JPEG, and a picture with few colours becomes a PNG, since every program shows these two.
  Anything else becomes a WebP.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, UnidentifiedImageError

__all__ = ["PIXEL", "Picture", "PictureBounds", "PictureRefused", "encoded"]

KINDS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP")
"""The formats that browsers show; no SVG, which may contain scripts, and none that needs another program."""

MAX_FRAMES = 150
MAX_FRAME_PIXELS = 30_000_000
"""The pixels of all frames together, as published."""
MAX_COLOURS = 256
MAX_HEIGHT = 8_000
PIXEL = "it is a tracking pixel"

_JPEG: dict[str, Any] = {"quality": 85, "optimize": True, "progressive": True, "subsampling": "4:2:0"}
_WEBP: dict[str, Any] = {"quality": 82, "method": 4}
_ANIMATED: dict[str, Any] = {"quality": 70, "method": 1}
_ORIENTATION = 0x0112
_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = frozenset((5, 6, 7, 8))
_LEAST_MS, _MOST_MS, _USUAL_MS = 20, 10_000, 100
_MAX_LOOPS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureBounds:
    """Limits: `max_pixels` before scaling, `max_width` and `max_bytes` of the copy."""

    max_width: int
    max_pixels: int
    max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that was encoded again; `type` is "image/jpeg", "image/png" or "image/webp"."""

    type: str
    width: int
    height: int
    body: bytes


class PictureRefused(Exception):
    """The picture cannot be published; the text is the reason, as a sentence."""


def encoded(body: bytes, bounds: PictureBounds) -> Picture:
    """Encodes a picture again, upright, in sRGB and without metadata; the same bytes give the same result.

    "Same" for one version of Pillow. Raises PictureRefused if it is not a picture, broken, too large, or a
    tracking pixel; and MemoryError.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of oddities in files, and of sizes, which are checked here
            return _encoded(body, bounds)
    except (PictureRefused, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise PictureRefused(f"it has more than {bounds.max_pixels} pixels") from None
    except UnidentifiedImageError:
        is_markup = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"
        what = "text in a markup language, such as HTML or SVG" if is_markup else "of another kind, or broken"
        raise PictureRefused(f"it is no picture that can be kept, but {what}") from None
    except Exception as error:
        raise PictureRefused(f"it cannot be decoded: {type(error).__name__}: {str(error)[:100]}") from error


def _encoded(body: bytes, bounds: PictureBounds) -> Picture:
    with Image.open(BytesIO(body), formats=KINDS) as opened:
        width, height = opened.size
        if width * height > bounds.max_pixels:
            raise PictureRefused(f"it has {width} × {height} pixels, more than {bounds.max_pixels}")
        if min(width, height) <= 1 or max(width, height) <= 3:
            raise PictureRefused(PIXEL)
        is_jpeg = opened.format == "JPEG"
        if not is_jpeg:  # reading a PNG's metadata makes Pillow decode it, and lose the error
            opened.load()
        turn = _orientation(opened)
        limits = (bounds.max_width, MAX_HEIGHT)
        limits = limits[::-1] if turn in _ON_ITS_SIDE else limits
        if is_jpeg:  # decoded at half, a quarter or an eighth of its size if that is enough
            opened.draft(None, limits)
        if getattr(opened, "is_animated", False):
            moving = _animated(opened, limits)
            if moving is not None and len(moving.body) <= bounds.max_bytes:
                return moving
            opened.seek(0)
        picture = _in_srgb(_reduced(_plain(opened), limits), opened.info.get("icc_profile"))
    if turn in _TURNED:
        picture = picture.transpose(_TURNED[turn])
    return _saved(picture, bounds, is_jpeg=is_jpeg)


def _orientation(opened: Image.Image) -> int:
    try:
        return int(opened.getexif().get(_ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - metadata may be anything
        return 1


def _plain(opened: Image.Image) -> Image.Image:
    """The picture in 8 bits, as grey, RGB or RGBA; CMYK stays, for its profile."""
    if opened.mode.startswith("I"):  # 16 bits, of which `convert` would keep the lower ones
        return opened.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if opened.has_transparency_data:
        return opened.convert("RGBA")
    if opened.mode in ("L", "1"):
        return opened.convert("L")
    return opened.copy() if opened.mode in ("RGB", "CMYK") else opened.convert("RGB")


def _reduced(picture: Image.Image, limits: tuple[int, int]) -> Image.Image:
    picture.thumbnail(limits, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return picture


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB; a profile that cannot be applied is dropped."""
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    colours = picture.convert("RGB") if alpha else picture
    if profile:
        try:
            found = ImageCms.ImageCmsProfile(BytesIO(profile))
            changed = ImageCms.profileToProfile(colours, found, _srgb(), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            changed = None
        colours = changed or colours
    if colours.mode == "CMYK":
        colours = colours.convert("RGB")
    if alpha is not None and alpha.getextrema() != (255, 255):
        colours.putalpha(alpha)
    return colours


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _animated(opened: Image.Image, limits: tuple[int, int]) -> Picture | None:
    """All frames as a WebP; None if there is only one, or too many."""
    frames: list[Image.Image] = []
    durations: list[int] = []
    pixels = 0
    try:
        for number in range(MAX_FRAMES + 1):
            opened.seek(number)
            frame = _reduced(opened.convert("RGBA"), limits)
            pixels += frame.width * frame.height
            if number == MAX_FRAMES or pixels > MAX_FRAME_PIXELS:
                return None
            frames.append(frame)
            durations.append(_milliseconds(opened.info.get("duration")))
    except (EOFError, OSError, SyntaxError, ValueError):  # the end, or broken from here on
        pass
    if len(frames) < 2:
        return None
    written = opened.info.get("loop", 1 if opened.format == "GIF" else 0)
    loop = min(max(written, 0), _MAX_LOOPS) if isinstance(written, int) else 0
    held = BytesIO()
    frames[0].save(
        held, "WEBP", save_all=True, append_images=frames[1:], duration=durations, loop=loop, **_ANIMATED
    )
    width, height = frames[0].size
    return Picture(type="image/webp", width=width, height=height, body=held.getvalue())


def _milliseconds(written: object) -> int:
    """How long a frame is shown; 0 is replaced as browsers do."""
    if not isinstance(written, int | float) or not written >= _LEAST_MS:
        return _USUAL_MS
    return int(min(written, _MOST_MS))


def _saved(picture: Image.Image, bounds: PictureBounds, *, is_jpeg: bool) -> Picture:
    # Metadata that the decoder found is not passed on.
    clean = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    tries: list[tuple[str, dict[str, Any]]] = [("WEBP", _WEBP)]
    if is_jpeg:
        tries.insert(0, ("JPEG", _JPEG))
    elif clean.getcolors(MAX_COLOURS) is not None:
        tries.insert(0, ("PNG", {"optimize": True}))
    for kind, settings in tries:
        held = BytesIO()
        clean.save(held, kind, **settings)
        if held.tell() <= bounds.max_bytes:
            width, height = clean.size
            type_ = f"image/{kind.lower()}"
            return Picture(type=type_, width=width, height=height, body=held.getvalue())
    raise PictureRefused(f"it has more than {bounds.max_bytes} bytes")
