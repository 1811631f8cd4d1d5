"""What a writer renders: one category's feed, with everything already decided.

A writer reads no clock and no store: same channel, same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from aggregator.article import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An article on its way out.

    `id` is unique over all sources and permanent, always an absolute URI (RFC 4287 §4.2.6); it is the
    origin's id verbatim where that is one. `published` and `updated` are aware UTC and whole seconds.
    """

    id: str
    article: Article
    published: datetime
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One feed to write.

    - `id`: the feed's permanent absolute URI. `title`: plain text. `category`: its name, None for `all`.
    - `link`: the public page, absolute, "" when no public URL is configured.
    - `self_links`: file name (`rss.xml`, `atom.xml`) -> its public URL; empty when none is configured.
    - `updated`: newest change among the items, aware UTC; never the clock.
    - `items`: newest first, unique by id.
    """

    id: str
    title: str
    description: str
    category: str | None
    link: str
    self_links: dict[str, str]
    updated: datetime
    items: tuple[Item, ...]
    language: str | None = None
    generator_version: str = ""


class Writer(Protocol):
    """An output format: one file in this package and one line in its registry."""

    file_name: str

    def render(self, channel: Channel) -> bytes:
        """The whole document as bytes, deterministic. Raises WriteError when it cannot be well formed."""
        ...
