"""RSS 2.0, by its specification and the RSS Advisory Board's Best Practices Profile ("profile")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache, partial

from aggregator.model.article import Article, Enclosure, Origin
from aggregator.normalise.extension_elements import inert_text
from aggregator.writers.channel import Channel, Item
from aggregator.writers.cleaned_items import Cleaned, cleaned
from aggregator.writers.extension_elements import channel_extensions, whole_seconds
from aggregator.writers.extra_metadata import NO_ADDRESS, text_language
from aggregator.writers.feedgen_repair import (
    OUTER,
    Fragment,
    entry_fragment,
    fragment,
    head_of,
    new_feed,
    rfc822,
    serialise,
)
from aggregator.writers.head_links import relations
from aggregator.writers.markup import MarkupElement, attributes, escaped, nested, quoted
from aggregator.writers.xml_text import address, line, percent_encoded

__all__ = ["Rss"]

_TITLE = re.compile(rb"<title>[^<]*&[^<]*")


class Rss:
    """Writes `rss.xml`."""

    file_name = "rss.xml"
    media_type = "application/rss+xml"
    label = "RSS"
    accepts = ("application/xml", "text/xml")
    preference = 2

    def render(self, channel: Channel) -> bytes:
        """Returns an RSS 2.0 document with content:encoded, dc:creator, atom:link and Media RSS.

        Without a public page, `<link>` is the channel's id, because the specification requires one.
        """

        def head(prefixes: frozenset[str]) -> bytes:
            feed = new_feed(head_of(channel), channel.updated, prefixes)
            feed.link(href=address(channel.link) or percent_encoded(channel.id))
            feed.generator(f"Aggregator {line(channel.generator_version)}".strip())
            return _with_plain_titles(feed.rss_str(pretty=True))

        return serialise(channel.id, head, _fragments(channel), "channel")


def _fragments(channel: Channel) -> Iterator[Fragment]:
    for element in _elements(channel):
        yield fragment(element, OUTER["channel"])
    # An item states only languages that differ from the channel's.
    variant, make = ("rss", channel.language), partial(_fragment, channel=channel)
    for item in channel.items:
        yield item.part(variant, make)


def _fragment(item: Item, channel: Channel) -> Fragment:
    found, outer = cleaned(item), OUTER["channel"]
    before, after = _before_content(found, channel), _after_content(found, channel)
    if not found.content:
        return entry_fragment("item", [*before, *after], outer)
    said = _language(item.article, "content", found.language or channel.language)
    opened, closed = f"<content:encoded{said}>", "</content:encoded>"
    return entry_fragment("item", [*before, opened], outer, found.content, [closed, *after])


def _elements(channel: Channel) -> Iterator[str]:
    """Yields the channel's elements that feedgen does not write."""
    picture = address(channel.image)
    for link in relations(channel, Rss.file_name):
        if link.get("type") != "text/html":  # the page is in <link>
            yield f"<atom:link{attributes(link)}/>"
    enclosures = (e for item in channel.items for e in cleaned(item).enclosures)
    if picture and any((e.type or "").startswith(("audio/", "video/")) for e in enclosures):
        yield f'<itunes:image href="{quoted(picture)}"/>'
    if channel.chain.number is None:  # full archives never change
        yield from map(str, channel_extensions(channel.extra))
    if channel.chain.is_full:
        yield "<fh:archive/>"


def _before_content(item: Cleaned, channel: Channel) -> Iterator[str]:
    article = item.article
    around = item.language or channel.language
    # An item needs a title or a description (RSS 2.0 `<item>`).
    if title := inert_text(item.title) or ("" if item.summary else item.link or item.id):
        yield f"<title{_language(article, 'title', around)}>{_plain(title)}</title>"
    if item.link:
        yield f"<link>{escaped(item.link)}</link>"
    if item.summary:
        yield f"<description{_language(article, 'summary', around)}>{item.summary}</description>"
    is_permanent = item.id == line(article.link) and item.id.startswith(("http://", "https://"))
    yield f'<guid isPermaLink="{"true" if is_permanent else "false"}">{escaped(item.id)}</guid>'
    yield from _categories(item)
    if item.comments:
        yield f"<comments>{escaped(item.comments)}</comments>"
    # RSS 2.0 `<enclosure>`: an http address; profile: one for each item, because readers use the first or
    # last.
    if first := _first_enclosure(item):
        length, media_type = str(first.length or 0), first.type or "application/octet-stream"
        yield f"<enclosure{attributes({'url': first.url, 'length': length, 'type': media_type})}/>"
    yield f"<pubDate>{rfc822(item.published)}</pubDate>"
    emails = ((name, item.people.get(("author", name), NO_ADDRESS).email) for name in item.authors)
    if author := next((f"{email} ({name})" for name, email in emails if email), None):
        yield f"<author>{_plain(inert_text(author))}</author>"
    for name in item.authors:
        yield f"<dc:creator>{_plain(inert_text(name))}</dc:creator>"
    for name in item.contributors:
        yield _contributor(name, item)
    for link in item.links:
        yield f"<atom:link{attributes(link)}/>"


def _first_enclosure(item: Cleaned) -> Enclosure | None:
    return next((e for e in item.enclosures if e.url.startswith("http")), None)


def _after_content(item: Cleaned, channel: Channel) -> Iterator[str]:
    yield from _extensions(item, _first_enclosure(item), channel.language)
    # After every media:title: feedparser takes a media:title after a `<source>` for the item's title.
    if source := _source(item.article.origin):
        yield source


def _language(article: Article, name: str, around: str | None) -> str:
    found = text_language(article, name, around)
    return attributes({"xml:lang": found}) if found else ""


def _categories(item: Cleaned) -> Iterator[str]:
    """Yields categories, each with its domain; a term that is not readable is followed by its label."""
    for name in item.categories:
        named = item.terms.get(name, ())
        for term in named:
            text = _plain(inert_text(term.term))
            yield f"<category{attributes({'domain': term.scheme or None})}>{text}</category>"
        if not any(term.term == name for term in named):
            yield f"<category>{_plain(inert_text(name))}</category>"


def _contributor(name: str, item: Cleaned) -> str:
    """Returns a contributor: with an address as in Atom, because Dublin Core has only names."""
    found = item.people.get(("contributor", name))
    if found is None:
        return f"<dc:contributor>{_plain(inert_text(name))}</dc:contributor>"
    said = {"name": inert_text(name), "uri": found.uri, "email": found.email}
    children = [f"<atom:{each}>{escaped(text)}</atom:{each}>" for each, text in said.items() if text]
    return nested("atom:contributor", children, 3)


@lru_cache(maxsize=4_096)  # most entries of a feed have the same origin
def _source(origin: Origin) -> str:
    """Returns RSS 2.0 `<source>`; "" without an address, which is required."""
    url = address(origin.self_link)
    return (
        f'<source url="{quoted(url)}">{_plain(inert_text(line(origin.title)) or url)}</source>' if url else ""
    )


def _extensions(item: Cleaned, first: Enclosure | None, language: str | None) -> Iterator[str]:
    """Yields elements of other namespaces: ours, then those passed through that ours do not replace."""
    ours = []
    for enclosure in item.enclosures:
        if enclosure is first:
            continue
        ours.append(media := _media_content(enclosure))
        if enclosure.title:
            title = f"<media:title>{escaped(inert_text(enclosure.title))}</media:title>"
            yield nested("media:content" + attributes(media.attributes), [title], 3)
        else:
            yield str(media)
    if item.language and item.language != language:
        yield f"<dc:language>{item.language}</dc:language>"
    if rights := item.rights or line(item.article.origin.rights):
        ours.append(MarkupElement("dc:rights", rights))
        yield f"<dc:rights>{escaped(rights)}</dc:rights>"
    for extension, written in item.extensions:
        is_ours = extension in ours or (extension.name == "dc:rights" and rights)
        if not is_ours:
            yield written


def _media_content(enclosure: Enclosure) -> MarkupElement:
    said = {
        "url": enclosure.url,
        "fileSize": str(enclosure.length) if enclosure.length else None,
        "type": enclosure.type,
        "duration": None if enclosure.duration is None else whole_seconds(enclosure.duration),
    }
    return MarkupElement(
        "media:content", "", {name: value for name, value in said.items() if value is not None}
    )


def _plain(text: str) -> str:
    """Escapes plain text, with `&`, `<` and `>` as hexadecimal references, once (profile, "Character Data").

    RSS does not define whether a title is text or HTML. Of all ways to write `AT&T`, the board found that
    most readers show `AT&#x26;T` correctly; escaped twice, it is wrong in readers that expect text.
    """
    markup = escaped(text)
    return _hexadecimal(markup) if "&" in markup else markup


def _hexadecimal(markup: str) -> str:
    return markup.replace("&amp;", "&#x26;").replace("&lt;", "&#x3C;").replace("&gt;", "&#x3E;")


def _with_plain_titles(head: bytes) -> bytes:
    """Escapes the titles that feedgen wrote in the same way."""
    return _TITLE.sub(lambda title: _hexadecimal(title[0].decode()).encode(), head)
