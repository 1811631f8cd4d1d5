"""Atom 1.0 (RFC 4287)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from feedgen.entry import FeedEntry

from aggregator.writers.channel import Channel, Item
from aggregator.writers.feedgen_repair import Element, new_feed, serialise
from aggregator.writers.passed_through import enclosures, extensions
from aggregator.writers.xml_text import address, body, identifier, language_tag, line, lines

__all__ = ["Atom"]

# What an entry may link to besides itself and its enclosures (§4.2.7.2, RFC 4685, RFC 4946).
_RELATIONS = frozenset({"license", "payment", "related", "replies", "via"})


class Atom:
    """Writes `atom.xml`."""

    file_name = "atom.xml"

    def render(self, channel: Channel) -> bytes:
        """An Atom feed; every entry has an author (§4.1.2) and, where known, its atom:source (§4.2.11)."""
        feed = new_feed(channel)
        for rel, url, media_type in (
            ("self", channel.self_links.get("atom.xml"), "application/atom+xml"),
            ("alternate", channel.link, "text/html"),
            ("alternate", channel.self_links.get("rss.xml"), "application/rss+xml"),
        ):
            if href := address(url):
                feed.link(href=href, rel=rel, type=media_type)
        for item in channel.items:
            _fill(feed.add_entry(order="append"), item, channel)
        return serialise(feed, lambda: feed.atom_str(pretty=True))


def _fill(entry: FeedEntry, item: Item, channel: Channel) -> None:
    article, origin = item.article, item.article.origin
    summary, content = body(article.summary), body(article.content)
    link = address(article.link)
    entry.id(line(item.id))
    entry.title(line(article.title) or " ")
    entry.updated(item.updated)
    entry.published(item.published)
    names = lines(article.authors) or lines((origin.title, channel.title, channel.id))[:1]
    entry.author([{"name": name} for name in names])
    entry.category([{"term": name} for name in lines(article.categories + article.tags)])
    if link:
        entry.link(href=link)
    if content or not link:  # §4.1.2: without content there must be an alternate link
        entry.content(content, type="html")
    if summary:
        entry.summary(summary, type="html")
    if isinstance(rights := article.extra.get("rights"), str) and line(rights):
        entry.rights(line(rights))
    entry.more.language = language_tag(article.extra.get("language")) or language_tag(origin.language)
    entry.more.elements += _links(item)
    entry.more.elements += _source(item)
    entry.more.elements += extensions(article)


def _links(item: Item) -> Iterator[Element]:
    """Enclosures, comments and other links: here, since feedgen writes nothing but their href."""
    extra = item.article.extra
    for enclosure in enclosures(item.article):
        size = None if enclosure.length is None else str(enclosure.length)
        yield _link(enclosure.url, "enclosure", type=enclosure.type, length=size, title=enclosure.title)
    comments = address(extra.get("comments_link"))
    if comments:
        yield _link(comments, "replies", type="text/html")
    others = extra.get("links")
    for other in others if isinstance(others, list | tuple) else ():
        href = address(other.get("href")) if isinstance(other, Mapping) else None
        if href and other.get("rel") in _RELATIONS and (href, other["rel"]) != (comments, "replies"):
            title = other.get("title")
            yield _link(href, other["rel"], title=line(title) or None if isinstance(title, str) else None)


def _link(href: str, rel: str, **attributes: str | None) -> Element:
    return Element("link", attributes={"rel": rel, "href": href, **attributes})


def _source(item: Item) -> Iterator[Element]:
    """The atom:source of the feed that the entry came from; nothing when nothing is known of it."""
    origin = item.article.origin
    link, self_link = address(origin.link), address(origin.self_link)
    origin_id = identifier(origin.id) or self_link or link
    title, rights = line(origin.title), line(origin.rights)
    if not (origin_id or title):
        return
    children = [
        Element("id", origin_id) if origin_id else None,
        Element("title", title or origin_id or ""),
        Element("updated", (origin.updated or item.updated).isoformat()),
        _link(link, "alternate") if link else None,
        _link(self_link, "self") if self_link else None,
        Element("rights", rights) if rights else None,
    ]
    language = language_tag(origin.language)
    yield Element("source", "", {"xml:lang": language}, tuple(child for child in children if child))
