"""feedgen, wrapped and repaired: what it loses is written by one registered extension.

feedgen 1.0.0 drops the attributes of an Atom entry's links (issue 135), RSS authors without e-mail, all
but one enclosure, and most of atom:source; it raises on characters that XML forbids and on empty titles.
So writers give feedgen what it writes right, cleaned, and everything else as `Element`s to `.more`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from aggregator.errors import WriteError
from aggregator.writers.channel import Channel
from aggregator.writers.xml_text import language_tag, line

__all__ = ["NAMESPACES", "Element", "new_feed", "serialise"]

NAMESPACES: Mapping[str, str] = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "georss": "http://www.georss.org/georss",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "xml": "http://www.w3.org/XML/1998/namespace",  # bound by XML itself; lxml declares it nowhere
}


@dataclass(frozen=True, slots=True)
class Element:
    """An element to write: `name` is "prefix:local" or, in Atom's own namespace, "local".

    All strings are written as they are: they must be clean. None leaves an attribute out.
    """

    name: str
    text: str = ""
    attributes: Mapping[str, str | None] = field(default_factory=dict)
    children: tuple[Element, ...] = ()

    def append_to(self, parent: Any) -> None:
        """Writes the element, its attributes and children as the last child of an lxml element."""
        # feedgen's Atom is in no namespace under a literal `xmlns` attribute: plain names join it there.
        made = etree.SubElement(parent, _clark(self.name))
        if self.text:
            made.text = self.text
        for name, value in self.attributes.items():
            if value is not None:
                made.set(_clark(name), value)
        for child in self.children:
            child.append_to(made)


def _clark(name: str) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if prefix else local


class _More(BaseEntryExtension):  # type: ignore[misc]  # feedgen is untyped
    """An entry's or item's elements that feedgen cannot write."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self.language: str | None = None

    def extend_atom(self, feed: Any) -> Any:
        for element in self.elements:
            element.append_to(feed)
        title = feed.find("title")
        title.text = title.text.strip()  # see `new_feed`: RFC 4287 allows an empty title, feedgen does not
        if self.language:
            feed.set(_clark("xml:lang"), self.language)
        return feed

    def extend_rss(self, feed: Any) -> Any:
        for element in self.elements:
            element.append_to(feed)
        return feed


class _FeedMore(BaseExtension):  # type: ignore[misc]
    """A feed's or channel's elements that feedgen cannot write, and the namespaces that are in use."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self.prefixes: set[str] = set()

    def extend_ns(self) -> dict[str, str]:
        return {prefix: NAMESPACES[prefix] for prefix in sorted(self.prefixes)}

    def extend_atom(self, feed: Any) -> Any:
        for element in self.elements:
            element.append_to(feed)
        return feed

    def extend_rss(self, feed: Any) -> Any:
        self.extend_atom(feed[0])  # feedgen hands over <rss>, not <channel>
        return feed


def _rfc822(moment: datetime) -> str:
    """RFC 822 with a four-digit year, in GMT, whatever the locale."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


# feedgen's own calls setlocale(), which is the whole process's: four threads left it changed. It calls it
# for every lastBuildDate and pubDate, with no setting against it.
feedgen.feed.formatRFC2822 = feedgen.entry.formatRFC2822 = _rfc822


def new_feed(channel: Channel) -> FeedGenerator:
    """A FeedGenerator with what RSS and Atom have in common, and `.more` on it and on each entry.

    Titles are never falsy: feedgen raises then. A blank one is emptied again on the way out.
    """
    feed = FeedGenerator()
    feed.register_extension("more", _FeedMore, _More)
    feed.id(line(channel.id))
    feed.title(line(channel.title) or line(channel.id))
    feed.description(line(channel.description) or line(channel.title) or line(channel.id))
    feed.language(language_tag(channel.language))
    feed.updated(channel.updated)
    feed.generator("Aggregator", version=line(channel.generator_version) or None)
    feed.docs("")
    return feed


def serialise(feed: FeedGenerator, render: Callable[[], bytes]) -> bytes:
    """What `render` makes of `feed`, once a strict parser has read it.

    Raises WriteError when feedgen or lxml refuses a value, or the bytes would not be well formed.
    """
    written = [*feed.more.elements, *(element for entry in feed.entry() for element in entry.more.elements)]
    feed.more.prefixes = set(_prefixes(written))
    try:
        body = render()
        etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (ValueError, TypeError, etree.LxmlError) as error:
        raise WriteError(f"feed {feed.id()}: it would not be well-formed XML: {error}") from error
    return body


def _prefixes(elements: Iterable[Element]) -> Iterator[str]:
    for element in elements:
        yield from (name.partition(":")[0] for name in (element.name, *element.attributes) if ":" in name)
        yield from _prefixes(element.children)
