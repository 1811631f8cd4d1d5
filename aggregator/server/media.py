"""What a file of the output folder is, judged by its name. Pure."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FEEDS", "INDEXES", "content_type", "is_page", "is_text"]

FEEDS: Mapping[str, str] = {
    "atom.xml": "application/atom+xml",
    "rss.xml": "application/rss+xml",
    "feed.json": "application/feed+json",
}
"""File name of each feed format -> its media type."""

INDEXES: Mapping[str, tuple[str, ...]] = {
    "index.html": ("text/html", "application/xhtml+xml"),
    "atom.xml": ("application/atom+xml", "application/xml", "text/xml"),
    "rss.xml": ("application/rss+xml", "application/xml", "text/xml"),
    "feed.json": ("application/feed+json", "application/json"),
}
"""What a folder can be shown as, the default first -> the media types that ask for it."""

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


def content_type(name: str) -> str:
    """The media type, with its charset for text: everything that is written here is UTF-8."""
    if found := FEEDS.get(name) or _TEXTS.get(_suffix(name)):
        return f"{found}; charset=utf-8"
    return _OTHERS.get(_suffix(name), "application/octet-stream")


def is_text(name: str) -> bool:
    """Whether it is text, which packing makes smaller."""
    return _suffix(name) in _TEXTS


def is_page(name: str) -> bool:
    """Whether people look at it, or it belongs to what they look at: they want it as it is now."""
    return _suffix(name) in ("html", "css", "js", "svg", "ico", "png", "jpg", "webp", "woff2")


def _suffix(name: str) -> str:
    return name.rpartition(".")[2].lower()
