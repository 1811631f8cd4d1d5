"""Pictures of every kind, sound and hostile, made by Pillow."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, ImageDraw, ImageOps

__all__ = ["bomb", "moving", "opened", "photo", "refused_pictures", "sound_pictures", "written"]

SCRIPT = b"<script>alert(document.domain)</script>"


def written(picture: Image.Image, kind: str, **settings: Any) -> bytes:
    """A picture as a file."""
    held = BytesIO()
    picture.save(held, kind, **settings)
    return held.getvalue()


def opened(body: bytes) -> Image.Image:
    """A file as a picture, decoded."""
    found = Image.open(BytesIO(body))
    found.load()
    return found


def photo(width: int = 120, height: int = 80, seed: int = 1) -> Image.Image:
    """A picture of many colours, red at the left and blue at the right; another for each seed."""
    size = (max(width, 2), max(height, 2))
    green = Image.linear_gradient("L").resize(size)
    blue = Image.linear_gradient("L").transpose(Image.Transpose.ROTATE_90).resize(size)
    drawn = Image.merge("RGB", (ImageOps.invert(blue), green, blue))
    drawing, chance = ImageDraw.Draw(drawn), random.Random(seed)
    for _ in range(6):
        x, y = chance.randrange(width), chance.randrange(height)
        drawing.ellipse((x, y, x + 9, y + 9), fill=tuple(chance.randbytes(3)))
    return drawn


def moving(frames: int = 4, width: int = 60, height: int = 40) -> list[Image.Image]:
    """The frames of a square that moves."""
    made = []
    for number in range(frames):
        frame = Image.new("RGB", (width, height), (255, 255, 255))
        ImageDraw.Draw(frame).rectangle((number * 5, 5, number * 5 + 9, 14), fill=(200, 0, 0))
        made.append(frame)
    return made


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it has so many pixels, in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min((1 + (width + 7) // 8) * height, 1_000_000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@cache
def sound_pictures() -> Mapping[str, tuple[bytes, str]]:
    """Pictures that are kept, by what they are: each with the type that its copy has."""
    shot, drawing = photo(), photo().quantize(12)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "where I live"
    wide = Image.new("I;16", (64, 32))
    for x in range(64):
        for y in range(32):
            wide.putpixel((x, y), x * 1_024)
    clear = photo()
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    empty = photo().convert("RGBA")
    frames = moving()
    together: dict[str, Any] = {"save_all": True, "append_images": frames[1:], "duration": 80, "loop": 0}
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {
        "a photo": (written(shot, "JPEG"), "image/jpeg"),
        "a progressive photo": (written(shot, "JPEG", progressive=True), "image/jpeg"),
        "a grey photo": (written(shot.convert("L"), "JPEG"), "image/jpeg"),
        "a photo for printers (CMYK)": (written(shot.convert("CMYK"), "JPEG"), "image/jpeg"),
        "a photo on its side, with a place": (written(shot, "JPEG", exif=exif), "image/jpeg"),
        "a photo with a profile": (written(shot, "JPEG", icc_profile=srgb), "image/jpeg"),
        "a photo with a profile of something else": (written(shot, "JPEG", icc_profile=lab), "image/jpeg"),
        "a photo with a broken profile": (written(shot, "JPEG", icc_profile=b"x" * 500), "image/jpeg"),
        "a photo in a PNG": (written(shot, "PNG"), "image/webp"),
        "a drawing": (written(drawing, "PNG"), "image/png"),
        "a drawing with a hole": (written(drawing, "PNG", transparency=3), "image/png"),
        "black and white": (written(shot.convert("1"), "PNG"), "image/png"),
        "16 bits": (written(wide, "PNG"), "image/png"),
        "half transparent": (written(clear, "PNG"), "image/webp"),
        "transparent nowhere": (written(empty, "PNG"), "image/webp"),
        "grey and transparent": (written(clear.convert("LA"), "PNG"), "image/webp"),
        "a GIF": (written(drawing, "GIF"), "image/png"),
        "a GIF that moves": (written(frames[0], "GIF", **together), "image/webp"),
        "a PNG that moves": (written(frames[0], "PNG", **together), "image/webp"),
        "a WebP": (written(shot, "WEBP"), "image/webp"),
        "a WebP without loss": (written(drawing.convert("RGB"), "WEBP", lossless=True), "image/png"),
        "a WebP that moves": (written(frames[0], "WEBP", **together), "image/webp"),
        "an AVIF": (written(shot, "AVIF"), "image/webp"),
        "a BMP": (written(shot, "BMP"), "image/webp"),
        "a large photo": (written(photo(2_400, 1_200), "JPEG"), "image/jpeg"),
        "a tall picture": (written(Image.new("RGB", (100, 9_000), (1, 90, 2)), "PNG"), "image/png"),
        "a GIF that is a script": (_gif_script(drawing), "image/png"),
        "a JPEG that is a page": (_jpeg_page(shot), "image/jpeg"),
        "a JPEG with a page behind it": (written(shot, "JPEG") + b"<!doctype html>" + SCRIPT, "image/jpeg"),
        "a PNG with a script in its text": (_png_text(drawing), "image/png"),
        "a PNG with a ZIP behind it": (written(drawing, "PNG") + b"PK\x03\x04" + SCRIPT, "image/png"),
    }


@cache
def refused_pictures() -> Mapping[str, tuple[bytes, str]]:
    """Returns what is not kept, by what it is: each with a part of the reason."""
    shot = photo(300, 200)
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='90' height='90'>" + SCRIPT + b"</svg>"
    return {
        "nothing": (b"", "no picture"),
        "an SVG with a script": (svg, "markup"),
        "an SVG behind a mark and blanks": (b"\xef\xbb\xbf\n <?xml version='1.0'?>" + svg, "markup"),
        "a page": (b"<!doctype html><title>404</title>", "markup"),
        "text": (b"Forbidden", "no picture"),
        "a PDF": (b"%PDF-1.7\n" + bytes(200), "no picture"),
        "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
        "a TIFF": (written(shot, "TIFF"), "no picture"),
        "an icon": (written(shot, "ICO"), "no picture"),
        "a JPEG cut short": (written(shot, "JPEG")[:2_000], "decoded"),
        "a PNG cut short": (written(shot, "PNG")[:900], "decoded"),
        "a JPEG's head alone": (written(shot, "JPEG")[:200], "decoded"),
        "a PNG of noise": (written(shot, "PNG")[:60] + random.Random(7).randbytes(900), "decoded"),
        "a WebP of noise": (written(shot, "WEBP")[:40] + random.Random(8).randbytes(900), "decoded"),
        "a tracking pixel": (written(Image.new("RGB", (1, 1)), "GIF"), "tracking pixel"),
        "a line": (written(Image.new("RGB", (1, 400)), "PNG"), "tracking pixel"),
        "900 million pixels": (bomb(30_000, 30_000), "pixels"),
        "60 million pixels": (bomb(10_000, 6_000), "pixels"),
        "a width over a limit": (bomb(2_000_000_000, 2), "pixels"),
    }


def _gif_script(drawing: Image.Image) -> bytes:
    """A GIF that is JavaScript too: its width begins a comment, which ends behind it (`GIF89a/*…*/=1;…`)."""
    wide = drawing.resize((0x2A2F, 4))
    body = written(wide, "GIF")
    assert body.startswith((b"GIF89a/*", b"GIF87a/*"))
    return body + b"*/=1;alert(1)//"


def _jpeg_page(shot: Image.Image) -> bytes:
    """A JPEG with a page in its comment."""
    return written(shot, "JPEG", comment=b"<html>" + SCRIPT)


def _png_text(drawing: Image.Image) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    said = PngInfo()
    said.add_text("Comment", SCRIPT.decode())
    said.add_text("Long", "x" * 5_000, zip=True)
    return written(drawing, "PNG", pnginfo=said)
