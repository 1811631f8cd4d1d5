"""Media types of the output folder's files, by their names and the configured formats. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aggregator.model.media_copies import type_of_copy
from aggregator.writers.channel import OutputFormat

__all__ = ["MediaTypes", "copy_headers", "is_page"]

_TEXTS = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "opml": "text/x-opml",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "xml": "application/xml",
    "xsd": "application/xml",
}
_OTHERS = {
    "br": "application/octet-stream",
    "gz": "application/gzip",
    "ico": "image/x-icon",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "woff2": "font/woff2",
}


_PAGES = frozenset(("html", "css", "js", "svg", "ico", "png", "jpg", "webp", "woff2"))


class MediaTypes:
    """The media types of an output folder in which these formats are written.

    `feeds` are the file names of feeds. `indexes` are the files that represent a folder, the default first,
    each with the media types that request it.
    """

    def __init__(self, formats: Collection[OutputFormat]) -> None:
        known = [one for one in formats if one.media_type]
        self._types = {one.file_name: one.media_type for one in known}
        self.feeds = frozenset(one.file_name for one in known if one.is_feed)
        self.indexes: Mapping[str, tuple[str, ...]] = {
            one.file_name: (one.media_type, *one.accepts)
            for one in sorted(known, key=lambda one: one.preference)
        }

    def content_type(self, name: str) -> str:
        """The media type; for text with its charset, which is always UTF-8."""
        if found := self._types.get(name) or _TEXTS.get(_suffix(name)):
            return f"{found}; charset=utf-8"
        return _OTHERS.get(_suffix(name), "application/octet-stream")

    def is_text(self, name: str) -> bool:
        """Whether it is text, which compression makes smaller."""
        return name in self._types or _suffix(name) in _TEXTS


def copy_headers(name: str) -> dict[str, str]:
    """The headers of a copy (`publish.media`), by the name of its file.

    It never changes: another picture has another name. An enclosure has bytes from outside: browsers may play
    or save it, but must never open it as a page.
    """
    found = {"Content-Type": type_of_copy(name), "Cache-Control": "public, max-age=31536000, immutable"}
    is_picture = found["Content-Type"].startswith("image/")
    return found if is_picture else {**found, "Content-Disposition": "attachment"}


def is_page(name: str) -> bool:
    """Whether it is a page or a part of one, which browsers must revalidate."""
    return _suffix(name) in _PAGES


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower()
