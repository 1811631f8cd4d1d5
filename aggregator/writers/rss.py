"""RSS 2.0, after its specification and the RSS Advisory Board's Best Practices Profile."""

from __future__ import annotations

import re

from feedgen.entry import FeedEntry

from aggregator.article import Enclosure
from aggregator.normalise.extra import inert
from aggregator.writers.channel import Channel, Item
from aggregator.writers.feedgen_repair import Element, new_feed, serialise
from aggregator.writers.passed_through import enclosures, extensions, whole_seconds
from aggregator.writers.xml_text import address, body, line, lines, percent_encoded

__all__ = ["Rss"]

_PLAIN_TEXT = re.compile(rb"<(?:title|category|source|dc:creator)(?: [^>]*)?>[^<]*&[^<]*")
_REFERENCE = re.compile(rb"&(?:amp|lt|gt);")
_HEXADECIMAL = {b"&amp;": b"&#x26;", b"&lt;": b"&#x3C;", b"&gt;": b"&#x3E;"}


class Rss:
    """Writes `rss.xml`."""

    file_name = "rss.xml"

    def render(self, channel: Channel) -> bytes:
        """An RSS 2.0 document with content:encoded, dc:creator, atom:link and Media RSS.

        `<link>` is the channel's id where no public page is configured: the specification requires one.
        """
        feed = new_feed(channel)
        feed.link(href=address(channel.link) or percent_encoded(channel.id))
        feed.generator(f"Aggregator {line(channel.generator_version)}".strip())
        for rel, file_name, media_type in (
            ("self", "rss.xml", "application/rss+xml"),
            ("alternate", "atom.xml", "application/atom+xml"),
        ):
            if href := address(channel.self_links.get(file_name)):
                feed.more.elements.append(
                    Element("atom:link", attributes={"href": href, "rel": rel, "type": media_type})
                )
        for item in channel.items:
            _fill(feed.add_entry(order="append"), item)
        return serialise(feed, lambda: _with_hexadecimal_references(feed.rss_str(pretty=True)))


def _fill(entry: FeedEntry, item: Item) -> None:
    article, origin, guid = item.article, item.article.origin, line(item.id)
    title, summary, content = inert(line(article.title)), body(article.summary), body(article.content)
    link = address(article.link)
    # An item needs a title or a description (RSS 2.0 `<item>`).
    entry.title(title or (None if summary else link or guid))
    entry.description(summary or None)
    entry.guid(guid, permalink=guid == line(article.link) and guid.startswith(("http://", "https://")))
    if link:
        entry.link(href=link)
    entry.published(item.published)
    entry.category([{"term": inert(name)} for name in lines(article.categories + article.tags)])
    entry.comments(address(article.extra.get("comments_link")))
    if source := address(origin.self_link):
        entry.source(source, inert(line(origin.title)) or source)
    entry.more.elements += [Element("dc:creator", inert(name)) for name in lines(article.authors)]
    if content:
        entry.more.elements.append(Element("content:encoded", content))
    found = enclosures(article)
    # RSS 2.0 `<enclosure>`: an http address; profile: one an item, since readers take the first or the last.
    first = next((e for e in found if e.url.startswith("http")), None)
    if first:
        entry.enclosure(first.url, first.length or 0, first.type or "application/octet-stream")
    entry.more.elements += [_media_content(e) for e in found if e is not first]
    if isinstance(rights := article.extra.get("rights", origin.rights), str) and line(rights):
        entry.more.elements.append(Element("dc:rights", line(rights)))
    entry.more.elements += [e for e in extensions(article) if e not in entry.more.elements]


def _media_content(enclosure: Enclosure) -> Element:
    attributes = {
        "url": enclosure.url,
        "fileSize": None if enclosure.length is None else str(enclosure.length),
        "type": enclosure.type,
        "duration": None if enclosure.duration is None else whole_seconds(enclosure.duration),
    }
    titles = (Element("media:title", inert(enclosure.title)),) if enclosure.title else ()
    return Element("media:content", "", attributes, titles)


def _with_hexadecimal_references(body: bytes) -> bytes:
    """Plain text with `&`, `<` and `>` as hexadecimal references, once (profile, "Character Data").

    RSS does not say whether a title is text or HTML. Of all the ways to write `AT&T`, the board found
    `AT&#x26;T` to be shown right by most readers; escaped twice, it is wrong in those that take it as text.
    """
    return _PLAIN_TEXT.sub(lambda element: _REFERENCE.sub(lambda r: _HEXADECIMAL[r[0]], element[0]), body)
