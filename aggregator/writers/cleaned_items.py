"""Prepares items for RSS and Atom: text valid in XML, absolute addresses, escaped bodies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aggregator.model.article import Article, Enclosure
from aggregator.writers.channel import Item
from aggregator.writers.extension_elements import enclosures, extensions
from aggregator.writers.extra_metadata import (
    CategoryTerm,
    PersonAddress,
    further_links,
    person_addresses,
    terms_of,
)
from aggregator.writers.markup import MarkupElement, escaped
from aggregator.writers.xml_text import address, body, language_tag, line, lines

__all__ = ["Cleaned", "cleaned"]


@dataclass(slots=True)
class Cleaned:
    """The parts of an item; "", None or empty if it does not have them.

    - `summary`, `content`: HTML, escaped for XML.
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
    content: str
    authors: list[str]
    contributors: list[str]
    categories: list[str]
    comments: str | None
    language: str | None
    rights: str
    enclosures: list[Enclosure]
    extensions: list[tuple[MarkupElement, str]]
    links: list[dict[str, str]]
    terms: dict[str, list[CategoryTerm]]
    people: dict[tuple[str, str], PersonAddress]


def cleaned(item: Item) -> Cleaned:
    """Returns a cleaned item, computed once for all formats."""
    return item.part("cleaned", lambda: _cleaned(item))


def _cleaned(item: Item) -> Cleaned:
    article, extra = item.article, item.article.extra
    rights = extra.get("rights")
    has_more = extra or article.headimg or article.enclosures
    return Cleaned(
        article=article,
        published=item.published,
        updated=item.updated,
        id=line(item.id),
        title=line(article.title),
        link=address(article.link),
        summary=escaped(body(article.summary)),
        content=escaped(body(article.content)),
        authors=lines(article.authors),
        contributors=lines(_texts(extra["contributors"])) if "contributors" in extra else [],
        categories=lines(article.categories + article.tags),
        comments=address(extra["comments_link"]) if "comments_link" in extra else None,
        language=_language(article),
        rights=line(rights) if isinstance(rights, str) else "",
        enclosures=enclosures(article),
        extensions=[(extension, str(extension)) for extension in extensions(article)] if has_more else [],
        links=further_links(article) + also_in(item),
        terms=terms_of(article),
        people=person_addresses(article),
    )


def also_in(item: Item) -> list[dict[str, str]]:
    """Returns the other articles of its story as links (RFC 4287 §4.2.7.2, "related")."""
    if not item.also_in:
        return []
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
