"""Makes the bases of a document (XML Base) absolute, so that nothing is joined to them twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from aggregator.model.entry import Entry, Feed, FeedInfo, Link, Media, Text

__all__ = ["make_absolute"]

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def make_absolute(feed: Feed, url: str) -> None:
    """Joins each relative base to the document's address: `url`, else the address that the feed names.

    Adapters join a base to those of the surrounding elements, but do not know the document's address.
    """
    relative = []
    for owner in _owners(feed):
        if owner.base and not _ABSOLUTE.match(owner.base):
            if owner.base.lstrip()[:1] in ("#", "?", ""):  # the document itself
                owner.base = ""
            else:
                relative.append(owner)
    if relative and (place := url or _own_address(feed.info)):
        for owner in relative:
            try:
                owner.base = urljoin(place, owner.base.strip())
            except ValueError:
                owner.base = ""


def _own_address(info: FeedInfo) -> str | None:
    links = sorted(info.links, key=lambda link: link.rel != "self")
    return next((link.href for link in links if _ABSOLUTE.match(link.href)), None)


def _owners(feed: Feed) -> Iterator[Entry | FeedInfo | Link | Media | Text]:
    yield from _of_info(feed.info)
    for entry in feed.entries:
        yield entry
        yield from entry.links
        yield from entry.contents
        yield from entry.media
        yield from filter(None, (entry.title, entry.summary))
        if entry.source is not None:
            yield from _of_info(entry.source)


def _of_info(info: FeedInfo) -> Iterator[FeedInfo | Link | Text]:
    yield info
    yield from info.links
    yield from filter(None, (info.title, info.subtitle))
