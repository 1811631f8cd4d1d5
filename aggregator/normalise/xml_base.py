"""Makes the bases of a document (XML Base) absolute, so that nothing is joined to them twice."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from aggregator.model.entry import Entry, Feed, FeedInfo, Link, Media, Text

__all__ = ["make_absolute"]

_Owner = Entry | FeedInfo | Link | Media | Text
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def make_absolute(feed: Feed, url: str) -> None:
    """Joins each relative base to the document's address: `url`, else the address that the feed names.

    Adapters join a base to those of the surrounding elements, but do not know the document's address.
    """
    relative = []
    for owner in _with_base(feed):
        if not _ABSOLUTE.match(owner.base):
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


def _with_base(feed: Feed) -> list[_Owner]:
    """Everything in a feed that has a base: in most feeds nothing."""
    found = _of_info(feed.info)
    for entry in feed.entries:
        owners = (entry, *entry.links, *entry.contents, *entry.media, entry.title, entry.summary)
        found += [owner for owner in owners if owner is not None and owner.base]
        if entry.source is not None:
            found += _of_info(entry.source)
    return found


def _of_info(info: FeedInfo) -> list[_Owner]:
    owners = (info, *info.links, info.title, info.subtitle)
    return [owner for owner in owners if owner is not None and owner.base]
