"""Prepares items for RSS and Atom: text valid in XML, absolute addresses, escaped bodies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from aggregator.model.article import Article, Enclosure
from aggregator.model.struct import Struct, field
from aggregator.writers.channel import Item
from aggregator.writers.extension_elements import enclosures, extensions
from aggregator.writers.extra_metadata import (
    CategoryTerm,
    PersonAddress,
    further_links,
    person_addresses,
    terms_of,
)
from aggregator.writers.markup import MarkupElement, escaped, escaped_utf8
from aggregator.writers.xml_text import address, body, body_utf8, language_tag, line, lines

__all__ = ["Cleaned", "cleaned"]


class Cleaned(Struct):
    """The parts of an item; "", None or empty if it does not have them.

    - `summary`, `content`: HTML, escaped for XML; the content in UTF-8, as most of it is inserted unchanged.
    - `extensions`: elements of other namespaces, each with its text.
    - `rights`: the article's own, not the feed's.
    """

    # Not the item itself, which refers to this object: a cycle would stay in memory until garbage collection.
    article: Article
    published: datetime
    updated: datetime
    id: str
    title: str
    link: str | None
    summary: str
    content: bytes
    authors: Sequence[str]
    categories: Sequence[str]
    links: Sequence[dict[str, str]]
    language: str | None
    contributors: Sequence[str] = ()
    comments: str | None = None
    rights: str = ""
    enclosures: Sequence[Enclosure] = ()
    extensions: Sequence[tuple[MarkupElement, str]] = ()
    terms: Mapping[str, Sequence[CategoryTerm]] = field(default_factory=dict)
    people: Mapping[tuple[str, str], PersonAddress] = field(default_factory=dict)


def cleaned(item: Item) -> Cleaned:
    """Returns a cleaned item, computed once for all formats."""
    return item.part("cleaned", _cleaned)


def _cleaned(item: Item) -> Cleaned:
    article = item.article
    names = article.categories + article.tags
    found = Cleaned(
        article,
        item.published,
        item.updated,
        line(item.id),
        line(article.title),
        address(article.link),
        escaped(body(article.summary)),
        escaped_utf8(body_utf8(article.content)),
        lines(article.authors) if article.authors else (),
        lines(names) if names else (),
        also_in(item) if item.also_in else (),
        _language(article),
    )
    if article.extra or article.headimg or article.enclosures:
        _add_further(found, article)
    return found


def _add_further(found: Cleaned, article: Article) -> None:
    extra = article.extra
    rights = extra.get("rights")
    found.links = [*further_links(article), *found.links]
    found.contributors = lines(_texts(extra["contributors"])) if "contributors" in extra else ()
    found.comments = address(extra["comments_link"]) if "comments_link" in extra else None
    found.rights = line(rights) if isinstance(rights, str) else ""
    found.enclosures = enclosures(article)
    found.extensions = [(extension, str(extension)) for extension in extensions(article)]
    found.terms = terms_of(article)
    found.people = person_addresses(article)


def also_in(item: Item) -> list[dict[str, str]]:
    """Returns the other articles of its story as links (RFC 4287 §4.2.7.2, "related")."""
    links = ((address(each.link), line(f"{each.source}: {each.title}")) for each in item.also_in)
    return [{"rel": "related", "href": href, "title": title} for href, title in links if href]


def _language(article: Article) -> str | None:
    """Returns the article's own language, else that of the feed it came from."""
    extra = article.extra
    if not extra:
        return language_tag(article.origin.language)
    said = [extra.get("language"), article.origin.language]
    if "dc:language" in extra:
        said[1:1] = _texts(extra["dc:language"])
    for tag in said:
        if language := language_tag(tag):
            return language
    return None


def _texts(values: object) -> Iterable[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list | tuple) else ()
