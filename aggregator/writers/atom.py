"""Atom 1.0 (RFC 4287)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache, partial

from aggregator.model.article import Article, Origin
from aggregator.writers.channel import Channel, Item
from aggregator.writers.cleaned_items import Cleaned, cleaned
from aggregator.writers.extra_metadata import NO_ADDRESS, CategoryTerm, text_language
from aggregator.writers.feedgen_repair import (
    OUTER,
    Fragment,
    Head,
    check,
    entry_fragment,
    fragment,
    head_of,
    new_feed,
    serialise,
)
from aggregator.writers.head_links import relations
from aggregator.writers.markup import attributes, escaped, nested, quoted
from aggregator.writers.moments import iso
from aggregator.writers.xml_text import address, identifier, language_tag, line, permanent_id

__all__ = ["Atom"]

_ANY_DATE = datetime(1970, 1, 1, tzinfo=UTC)


class Atom:
    """Writes `atom.xml`."""

    file_name = "atom.xml"
    media_type = "application/atom+xml"
    label = "Atom"
    accepts = ("application/xml", "text/xml")
    preference = 1

    def render(self, channel: Channel) -> bytes:
        """Returns an Atom feed; every entry has an author (§4.1.2) and, if known, its atom:source
        (§4.2.11).
        """

        def head(prefixes: frozenset[str]) -> bytes:
            before, after = _head(head_of(channel), prefixes)
            found = relations(channel, self.file_name)
            links = [attributes({key: value or None for key, value in link.items()}) for link in found]
            own = [f"<updated>{channel.updated.isoformat()}</updated>", *(f"<link{each}/>" for each in links)]
            return b"".join((before, "\n  ".join(own).encode(), after))

        return serialise(channel.id, head, _fragments(channel), "feed")


@lru_cache(maxsize=64)  # of the archives of a feed, all heads are equal except for dates and links
def _head(head: Head, prefixes: frozenset[str]) -> tuple[bytes, bytes]:
    """Returns the parts of a document before and after its date and links, without entries."""
    written: bytes = new_feed(head, _ANY_DATE, prefixes).atom_str(pretty=True)
    before, _, after = written.partition(f"<updated>{_ANY_DATE.isoformat()}</updated>".encode())
    return before, after


def _fragments(channel: Channel) -> Iterator[Fragment]:
    if channel.chain.is_full:
        yield fragment("<fh:archive/>", OUTER["feed"])
    # An author is required; without one, the channel is named.
    unnamed, make = ("atom", channel.title, channel.id), partial(_fragment, channel=channel)
    for item in channel.items:
        # Only an item that names someone has this part.
        yield item.known("atom") or item.part("atom" if _names_someone(item.article) else unnamed, make)


def _names_someone(article: Article) -> bool:
    return bool(line(article.origin.title) or any(map(line, article.authors)))


def _fragment(shown: Item, channel: Channel) -> Fragment:
    item = cleaned(shown)
    article, origin, updated = item.article, item.article.origin, iso(item.updated)
    in_title, in_content, in_summary = _languages(article, item.language)
    names = item.authors or [line(origin.title) or line(channel.title) or line(channel.id)]
    first = written = [
        f"<id>{escaped(item.id)}</id>",
        f"<title{in_title}>{escaped(item.title)}</title>",
        f"<updated>{updated}</updated>",
        *_people("author", names, item),
    ]
    if item.contributors:
        first += _people("contributor", item.contributors, item)
    if item.content:
        first.append(f'<content type="html"{in_content}>')
        written = ["</content>"]
    elif not item.link:  # §4.1.2: without content there must be an alternate link
        written.append('<content type="html"/>')
    if item.link:
        written.append(f'<link href="{quoted(item.link)}"/>')
    if item.summary:
        written.append(f'<summary type="html"{in_summary}>{item.summary}</summary>')
    if item.terms:
        for name in item.categories:
            written += _terms(item.terms[name]) if name in item.terms else [_category(name)]
    else:
        written += map(_category, item.categories)
    published = updated if item.published == item.updated else iso(item.published)
    written.append(f"<published>{published}</published>")
    if item.rights:
        written.append(f"<rights>{escaped(item.rights)}</rights>")
    if item.enclosures or item.links or item.comments:
        written += _links(item)
    written += [text for _, text in item.extensions]
    # After every media:title: feedparser takes a media:title after an atom:source for the entry's title.
    before, after = _source(origin)
    source = b"".join((before, updated.encode(), after)) if after else before
    opened = "entry" + attributes({"xml:lang": item.language}) if item.language else "entry"
    has_prefixes = bool(item.extensions or item.links)
    return entry_fragment(
        opened, first, OUTER["feed"], item.content, written, last=source, has_prefixes=has_prefixes
    )


def _languages(article: Article, around: str | None) -> tuple[str, str, str]:
    """Returns the attributes with the languages of title, content and summary."""
    if "languages" not in article.extra:
        return "", "", ""
    found = (text_language(article, name, around) for name in ("title", "content", "summary"))
    title, content, summary = (attributes({"xml:lang": each}) if each else "" for each in found)
    return title, content, summary


def _people(role: str, names: Iterable[str], item: Cleaned) -> Iterator[str]:
    for name in names:
        found = item.people.get((role, name), NO_ADDRESS) if item.people else NO_ADDRESS
        yield _person(role, name, found.uri, found.email)


@lru_cache(maxsize=4_096)  # most entries of a feed have the same author
def _person(role: str, name: str, uri: str, email: str) -> str:
    said = {"name": name, "uri": uri, "email": email}
    return nested(role, [f"<{each}>{escaped(text)}</{each}>" for each, text in said.items() if text], 2)


@lru_cache(maxsize=4_096)  # a feed has few, and repeats them
def _category(name: str) -> str:
    return f'<category term="{quoted(name)}"/>'


def _terms(terms: Iterable[CategoryTerm]) -> Iterator[str]:
    for term in terms:
        said = {"term": term.term, "scheme": identifier(term.scheme), "label": term.label or None}
        yield f"<category{attributes(said)}/>"


def _links(item: Cleaned) -> Iterator[str]:
    """Yields enclosures, comments and other links."""
    for enclosure in item.enclosures:
        size = None if enclosure.length is None else str(enclosure.length)
        yield _link(enclosure.url, "enclosure", type=enclosure.type, length=size, title=enclosure.title)
    if item.comments and not any((item.comments, "replies") == (k["href"], k["rel"]) for k in item.links):
        yield _link(item.comments, "replies", type="text/html")
    for link in item.links:
        yield f"<link{attributes(link)}/>"


def _link(href: str, rel: str, **others: str | None) -> str:
    return f'<link rel="{rel}" href="{quoted(href)}"{attributes(others)}/>'


@lru_cache(maxsize=4096)  # most entries of a feed have the same origin
def _source(origin: Origin) -> tuple[bytes, bytes]:
    """Returns the atom:source of an entry in two parts, before and after its date; the second is empty if the
    feed has a date of its own.

    Both are empty if nothing is known of the feed that the entry came from. They are checked here, not in
    each entry: a third of what the strict parser would read.
    """
    link, self_link = address(origin.link), address(origin.self_link)
    origin_id = permanent_id(origin.id) or self_link or link
    title, rights = line(origin.title) or origin_id, line(origin.rights)
    if not title:
        return b"", b""
    children = [
        f"<id>{escaped(origin_id)}</id>" if origin_id else "",
        f"<title>{escaped(title)}</title>",
        "<updated></updated>",
        _link(link, "alternate") if link else "",
        _link(self_link, "self") if self_link else "",
        f"<rights>{escaped(rights)}</rights>" if rights else "",
    ]
    opened = "source" + attributes({"xml:lang": language_tag(origin.language)})
    written = nested(opened, filter(None, children), 2).encode()
    check(written)
    before, after = written.split(b"<updated></updated>")
    if origin.updated:
        return b"".join((before, f"<updated>{origin.updated.isoformat()}</updated>".encode(), after)), b""
    return before + b"<updated>", b"</updated>" + after
