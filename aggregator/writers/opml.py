"""OPML 2.0 (http://opml.org/spec2.opml): lists of our feeds, and of the sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from aggregator.adapters.opml.outlines import (
    Subscription,
    merged,
    with_ascii_host,
    written_category,
    written_name,
)
from aggregator.normalise.links import without_login
from aggregator.writers.channel import Overview, Section
from aggregator.writers.xml_text import address, language_tag, line

if TYPE_CHECKING:
    from lxml import etree

# lxml is imported only when a list is written.

__all__ = ["FeedList", "SourceList", "subscription_list"]

DOCS = "http://opml.org/spec2.opml"
# A reader needs only one of a feed's formats.


class FeedList:
    """Writes `feeds.opml`: one outline for each of our feeds, in the most preferred format that is written.

    Without a public address, references are relative to the document, which the specification does not
    provide for: such a list works only in its folder.
    """

    file_name = "feeds.opml"
    shows: Literal["articles", "feeds", "sources"] = "feeds"

    def render(self, overview: Overview) -> bytes:
        """Returns the list. It has no date, because it changes with the feeds, not with their articles."""
        root, body = _document(overview.title)
        feeds = [
            one.file_name for one in sorted(overview.formats, key=lambda one: one.preference) if one.is_feed
        ]
        page = next((one.file_name for one in overview.formats if one.media_type == "text/html"), "")
        for section in overview.sections:
            file = next((name for name in feeds if name in section.files), None)
            if file is not None:
                _outline(
                    body, written_name(section.title), _described(section, file, page, overview.language)
                )
        return _serialised(root, body)


class SourceList:
    """Writes `sources.opml`: the sources, as `subscription_list` writes them.

    It has no date, because it changes with the config, which has no date.
    """

    file_name = "sources.opml"
    shows: Literal["articles", "feeds", "sources"] = "sources"

    def render(self, overview: Overview) -> bytes:
        """Returns the list, without logins in addresses."""
        return subscription_list(
            f"{line(overview.title)}: what it follows".removeprefix(": "),
            [
                Subscription(
                    url=source.url, title=source.health.name, link=source.link, categories=source.categories
                )
                for source in overview.followed
                if source.url
            ],
        )


def subscription_list(title: str, subscriptions: Iterable[Subscription]) -> bytes:
    """Returns subscriptions as OPML, each address once, in folders by their first category.

    A source with several categories has all of them in `category`: this keeps their order, and readers do not
    get the feed twice. Reading a list with `opml.read` and writing it again gives the same bytes. Logins in
    addresses are left out.
    """
    root, body = _document(title)
    folders: dict[str, etree._Element] = {"": body}
    public = [
        Subscription(url=url, title=one.title, link=one.link, categories=one.categories)
        for one in subscriptions
        if (url := address(with_ascii_host(without_login(one.url))))
    ]
    # Folders are in the order of their first source, so that reading and writing again changes nothing.
    for one in merged(public):
        names = [*dict.fromkeys(filter(None, map(written_name, one.categories)))]
        folder = names[0] if names else ""
        if folder not in folders:
            folders[folder] = _outline(body, folder, {})
        attributes = {
            "type": "rss",
            "xmlUrl": one.url,
            "htmlUrl": address(without_login(one.link or "")),
            "category": written_category(names) if len(names) > 1 else None,
        }
        _outline(folders[folder], written_name(one.title) or one.url, attributes)
    return _serialised(root, body)


def _described(section: Section, file: str, page: str, language: str | None) -> Mapping[str, str | None]:
    folder = quote(section.folder)
    return {
        "type": "rss",
        "xmlUrl": address(section.self_links.get(file)) or f"{folder}/{file}",
        "htmlUrl": address(section.link) or (f"{folder}/{page}" if page in section.files else None),
        "description": line(section.description) or None,
        "language": language_tag(language),
    }


def _document(title: str) -> tuple[etree._Element, etree._Element]:
    from lxml import etree

    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    if line(title):
        etree.SubElement(head, "title").text = line(title)
    etree.SubElement(head, "docs").text = DOCS
    return root, etree.SubElement(root, "body")


def _outline(parent: etree._Element, name: str, attributes: Mapping[str, str | None]) -> etree._Element:
    """Adds an outline; `name` is the result of `written_name`."""
    from lxml import etree

    shown = line(name) or "?"
    made = etree.SubElement(parent, "outline", text=shown)
    if attributes:
        made.set("title", shown)
    for key, value in attributes.items():
        if value is not None:
            made.set(key, line(value))
    return made


def _serialised(root: etree._Element, body: etree._Element) -> bytes:
    from lxml import etree

    if not len(body):  # the specification requires at least one outline
        _outline(body, "No feeds", {})
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
