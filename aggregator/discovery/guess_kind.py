"""Which kind of source an address, a folder or a document is. Nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from aggregator.adapters import kinds
from aggregator.adapters.feed.document import gunzipped
from aggregator.adapters.feed.json_feed import is_json
from aggregator.adapters.sitemap import root_of
from aggregator.discovery.web_page import is_web_page
from aggregator.model.article import Document
from aggregator.model.resource import Resource
from aggregator.normalise import encoding
from aggregator.normalise.links import WEB

__all__ = ["guessed_options", "is_address", "is_h_feed", "kind_of_place", "kinds_of", "local_place"]

MAX_HEAD = 100_000
MIN_ENTRIES = 3
"""A page with at least this many entries is a list of them."""

_OF_ROOTS = {"urlset": "sitemap", "sitemapindex": "sitemap", "opml": "opml"}
_FEEDS = frozenset(("rss", "feed", "rdf", "channel", "entry"))
_PREFIXES = ("file:", "rsshub:")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+", re.ASCII)
# The options that a reader proposes for a document.
_PROPOSED_BY = frozenset(("json", "page"))


def is_address(typed: str) -> bool:
    """Whether this is an address, not a path."""
    return "://" in typed or typed.startswith(_PREFIXES)


def local_place(typed: str) -> Path | None:
    """The folder or file that was typed, None for an address.

    A bare name such as `example.org` is a host, even if a folder has that name.
    """
    if is_address(typed) or not typed.strip() or "\0" in typed:
        return None
    path = Path(typed).absolute()
    try:
        is_there = path.is_file() or (path.is_dir() and not _HOST.fullmatch(typed))
    except OSError:  # a name that is too long
        return None
    return path if is_there else None


def kind_of_place(typed: str) -> str | None:
    """The kind that the scheme or the folder shows; None if the document decides."""
    if is_address(typed):
        scheme = typed.partition(":")[0].lower()
        if scheme in WEB or scheme == "file":
            return None
        return next((name for name in kinds.names() if scheme in _schemes(name)), None)
    path = Path(typed).absolute()
    try:
        if path.is_dir():
            return "mail" if (path / "cur").is_dir() and (path / "new").is_dir() else "articles"
    except (OSError, ValueError):  # a name that is too long, or has a NUL
        return None
    return "articles" if path.suffix.lower() in (".md", ".markdown") else None


def kinds_of(resource: Resource) -> tuple[str, ...]:
    """The kinds that may read a document, the most probable first."""
    body = gunzipped(resource.body)
    if is_json(body):
        return ("feed", "json")
    head = encoding.decode(body[:MAX_HEAD], resource.content_type).text.lstrip("\ufeff \t\r\n")
    if not head.startswith("<"):
        lines = head.split()
        is_list = lines and all(line.startswith(("http://", "https://")) for line in lines[:-1] or lines)
        return ("sitemap",) if is_list else ("feed",)
    root = root_of(head)
    if root in _OF_ROOTS or root in _FEEDS or not is_web_page(body):
        return (_OF_ROOTS.get(root, "feed"),)
    return ("microformats", "feed", "page") if is_h_feed(body, resource.content_type) else ("feed", "page")


def is_h_feed(body: bytes, content_type: str | None) -> bool:
    """Whether a page marks itself as a list of entries with microformats."""
    tree = LexborHTMLParser(encoding.decode_page(body, content_type).text[:2_000_000])
    if tree.css_first(".h-feed .h-entry, .h-feed.h-entry, .hfeed .hentry") is not None:
        return True
    return len(tree.css(".h-entry")) >= MIN_ENTRIES


def guessed_options(kind: str, document: Document, given: Mapping[str, Any]) -> dict[str, Any]:
    """The given options, and those that the kind's reader proposed for this document."""
    proposed = {f.name: f.selector for f in document.findings if f.count} if kind in _PROPOSED_BY else {}
    return {**proposed, **given}


def _schemes(kind: str) -> tuple[str, ...]:
    return () if kinds.mistakes(kind, {}) else kinds.named(kind).schemes
