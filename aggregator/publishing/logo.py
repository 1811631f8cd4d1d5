"""The logo of the pages, published under a name that changes with its content."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.config.load import Config
from aggregator.errors import WriteError
from aggregator.writers.output_files import remove, write_if_changed

if TYPE_CHECKING:  # `check` reads logos, and need not import the store
    from aggregator.publishing.feed_folders import WriteResult

__all__ = ["FOLDER", "logo_name", "read_logo", "read_picture", "remove_logos", "write_logo"]

FOLDER = "assets"
MAX_BYTES = 256 * 1024
_OURS = re.compile(r"logo-[0-9a-f]{8}\.(?:png|jpg|svg|webp)")
_BEGINNINGS = {
    ".png": re.compile(rb"\x89PNG\r\n"),
    ".jpg": re.compile(rb"\xff\xd8\xff"),
    ".webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    ".svg": re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:svg|\?xml|!)", re.IGNORECASE),
}


def read_logo(place: Path) -> bytes:
    """Returns the logo's picture. Raises WriteError."""
    return read_picture(place, "publish.pages.logo")


def read_picture(place: Path, key: str) -> bytes:
    """Returns the picture in a file that the config names under `key`. Raises WriteError if pages may not
    show it.
    """
    try:
        with place.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise WriteError(f"{key}: {place} cannot be read ({error.strerror})") from error
    if len(body) > MAX_BYTES:
        raise WriteError(f"{key}: {place} has more than {MAX_BYTES:,} bytes; make it smaller")
    if not _BEGINNINGS[place.suffix.lower()].match(body):
        raise WriteError(f"{key}: {place} is not a picture of the type that its name says")
    return body


def logo_name(place: Path, body: bytes) -> str:
    """Returns the path of a logo in the output folder; it has a digest of the content, so that browsers
    may cache it without end.
    """
    digest = hashlib.blake2b(body, digest_size=4).hexdigest()
    return f"{FOLDER}/logo-{digest}{place.suffix.lower()}"


def write_logo(config: Config, name: str, done: WriteResult) -> None:
    """Writes the logo under this name, before the pages that show it."""
    place = config.publish.pages.logo
    if place is None:
        return
    try:
        path, body = config.output / name, read_logo(place)
        if name and write_if_changed(path, body):
            done.written.append(path)
    except WriteError as error:
        done.errors.append(error)


def remove_logos(config: Config, name: str, done: WriteResult) -> None:
    """Removes earlier logos, after no page shows them any more."""
    folder = config.output / FOLDER
    found = [each for each in folder.iterdir() if _OURS.fullmatch(each.name)] if folder.is_dir() else []
    try:
        for each in found:
            if f"{FOLDER}/{each.name}" != name:
                remove(each)
    except WriteError as error:
        done.errors.append(error)
    if found and not name:
        with suppress(OSError):  # it has other files
            folder.rmdir()
