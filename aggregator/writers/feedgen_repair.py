"""Wraps feedgen and works around its defects: it writes a document's head; entries are inserted as text.

feedgen 1.0.0 drops attributes of links of Atom entries (issue 135), RSS authors without e-mail, all
enclosures except one, and most of atom:source; it raises for characters that XML forbids and for empty
titles. Building objects for entries also took three quarters of the time. So feedgen is used for what it
writes correctly: the root with its namespaces, and titles, dates, language and picture of the feed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple
from xml.parsers import expat

from aggregator.errors import WriteError
from aggregator.model.struct import Struct
from aggregator.writers.channel import Channel
from aggregator.writers.xml_text import address, language_tag, line

if TYPE_CHECKING:
    from feedgen.feed import FeedGenerator

__all__ = [
    *("NAMESPACES", "OUTER", "Fragment", "Head", "entry_fragment", "fragment", "head_of", "new_feed"),
    *("check", "rfc822", "serialise"),
]

NAMESPACES: Mapping[str, str] = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "creativeCommons": "http://backend.userland.com/creativeCommonsRssModule",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fh": "http://purl.org/syndication/history/1.0",
    "geo": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "georss": "http://www.georss.org/georss",
    "gml": "http://www.opengis.net/gml",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "psc": "http://podlove.org/simple-chapters",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "source": "http://source.scripting.com/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "yt": "http://www.youtube.com/xml/schemas/2015",
}
OUTER = {"channel": "  ", "feed": ""}
"""The indentation of the elements that contain entries."""

_PREFIX = re.compile(r"<([a-zA-Z]+):")
_NO_PREFIXES: frozenset[str] = frozenset()


def rfc822(moment: datetime) -> str:
    """Returns an RFC 822 date with a four-digit year, in GMT, whatever the locale."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


@cache
def _generator() -> tuple[type[FeedGenerator], type]:
    """Returns feedgen's class, repaired, and the extension that declares prefixes; imports them for the
    first feed.
    """
    import feedgen.entry
    import feedgen.feed
    from feedgen.ext.base import BaseExtension

    # feedgen's own function calls setlocale(), which affects the whole process: four threads left it changed.
    # It runs for every lastBuildDate and pubDate, and cannot be switched off.
    feedgen.feed.formatRFC2822 = feedgen.entry.formatRFC2822 = rfc822

    class Prefixes(BaseExtension):  # type: ignore[misc]  # feedgen is untyped
        """The namespaces that entries use: declared once, at the root."""

        def __init__(self) -> None:
            self.used = _NO_PREFIXES

        def extend_ns(self) -> dict[str, str]:
            return {prefix: NAMESPACES[prefix] for prefix in sorted(self.used)}

    return feedgen.feed.FeedGenerator, Prefixes


class Head(NamedTuple):
    """The values that the heads of all documents of a feed have in common; see `Channel`."""

    id: str
    title: str
    description: str
    language: str | None
    image: str | None
    version: str


def head_of(channel: Channel) -> Head:
    """Returns the values that a document's head shares with those of the feed's other documents."""
    return Head(
        id=channel.id,
        title=channel.title,
        description=channel.description,
        language=channel.language,
        image=channel.image,
        version=channel.generator_version,
    )


def new_feed(head: Head, updated: datetime, prefixes: frozenset[str]) -> FeedGenerator:
    """Returns a FeedGenerator with the common parts of the heads of RSS and Atom.

    Titles are never empty, because feedgen raises for empty ones. `prefixes`: of the namespaces that are
    declared at the root.
    """
    generator, extension = _generator()
    feed = generator()
    feed.register_extension("prefixes", extension)
    feed.prefixes.used = prefixes
    feed.id(line(head.id))
    feed.title(line(head.title) or line(head.id))
    feed.description(line(head.description) or line(head.title) or line(head.id))
    feed.language(language_tag(head.language))
    feed.updated(updated)
    feed.generator("Aggregator", version=line(head.version) or None)
    feed.docs("")
    if picture := address(head.image):
        feed.logo(picture)
        feed.icon(picture)
    return feed


class Fragment(Struct):
    """An entry as it is inserted into a document: its bytes, and the namespace prefixes that it uses.

    - `start`, `body`, `end`: its bytes; `body` is the text of the article, escaped by `escaped_utf8`.
    - `unread`: those that a strict parser has not read yet; b"" after it has.
    """

    start: bytes
    prefixes: frozenset[str]
    body: bytes = b""
    end: bytes = b""
    unread: bytes = b""


def fragment(element: str, outer: str) -> Fragment:
    """Returns an element as a child of one that is indented by `outer`."""
    written = f"{outer}  {element}\n".encode()
    return Fragment(written, prefixes_in(element), unread=written)


def entry_fragment(
    opened: str,
    children: Sequence[str],
    outer: str,
    body: bytes = b"",
    after: Sequence[str] = (),
    *,
    last: bytes = b"",
    has_prefixes: bool = True,
) -> Fragment:
    """Returns an entry, each child on its own line.

    - `opened`: its name, with attributes if there are any.
    - `body`: the text of the article, b"" for none, escaped by `escaped_utf8`. `children` end with the start
      tag of its element, and `after` begins with the end tag.
    - `last`: the last child, without prefixes, if a strict parser has read it before.
    - `has_prefixes`: whether names may have prefixes, which takes a third of the time to find out.
    """
    begin, inner, ends = _lines(opened, outer)
    start, end = begin + inner.join(children), inner.join(after) if body else ""
    prefixes = prefixes_in(start + end) if has_prefixes else _NO_PREFIXES
    written, rest, closed = start.encode(), end.encode(), ends.encode()
    # Bodies are not parsed: without `<` they cannot end their element, their only references are those of
    # `escaped_utf8`, and `body_utf8` keeps only characters that XML allows.
    unread = b"".join((written, body if b"<" in body else b"", rest, closed))
    end_of_all = b"".join((rest, inner.encode(), last, closed)) if last else rest + closed
    return Fragment(written, prefixes, body, end_of_all, unread)


@lru_cache(maxsize=256)  # of each language
def _lines(opened: str, outer: str) -> tuple[str, str, str]:
    """Returns the line with the start tag, what is between further lines, and the line with the end tag."""
    inner = f"\n{outer}    "
    return f"{outer}  <{opened}>{inner}", inner, f"\n{outer}  </{opened.partition(' ')[0]}>\n"


def check(document: bytes) -> None:
    """Reads XML with a strict parser. Raises ExpatError if it is not well-formed."""
    # Builds no tree: takes half of lxml's time. In one call, because each has its price.
    expat.ParserCreate(namespace_separator=" ").Parse(document, True)


def prefixes_in(markup: str) -> frozenset[str]:
    """Returns the namespace prefixes that elements, or attributes of links (RFC 4685 §4), use in markup."""
    found = _PREFIX.findall(markup)
    if " thr:" in markup:
        found.append("thr")
    return frozenset(found) if found else _NO_PREFIXES


def serialise(
    feed_id: str, head: Callable[[frozenset[str]], bytes], fragments: Iterable[Fragment], parent: str
) -> bytes:
    """Returns a document of a feed: what `head` makes, with `fragments` as the last children of `parent`.

    `head` is given the prefixes that fragments use; `parent`: "channel" or "feed". Raises WriteError if
    feedgen or lxml refuses a value, or if a strict parser finds the document not well-formed. Entries that
    this parser has read before, in another document, are not parsed again, nor are bodies (see
    `entry_fragment`).
    """
    from lxml.etree import LxmlError

    try:
        parts = [*fragments]
        prefixes = _NO_PREFIXES.union(*[part.prefixes for part in parts])
        outer = OUTER[parent]
        start, end, rest = head(prefixes).rpartition(f"{outer}</{parent}>".encode())
        new = [part for part in parts if part.unread]
        check(b"".join([start, *[part.unread for part in new], end, rest]))
        for part in new:
            part.unread = b""
        written = [start]
        for part in parts:
            written += (part.start, part.body, part.end)
    except (ValueError, TypeError, LxmlError, expat.ExpatError) as error:
        raise WriteError(f"feed {feed_id}: it would not be well-formed XML: {error}") from error
    return b"".join([*written, end, rest])
