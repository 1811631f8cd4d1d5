"""h-feed and h-entry on web pages (microformats2), and the hentry of older templates, parsed by mf2py.

https://microformats.org/wiki/h-feed, https://microformats.org/wiki/h-entry
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aggregator.adapters.install_extras import install_command
from aggregator.adapters.kinds import Kind
from aggregator.adapters.page import html_tree as page_tree
from aggregator.adapters.page.html_tree import WebPage, attribute
from aggregator.errors import ReadError
from aggregator.model.entry import Category, Entry, Feed, FeedInfo, Link, Media, Person, Text
from aggregator.model.resource import Resource
from aggregator.normalise.dates import first as first_date

try:
    import mf2py
except ImportError:
    raise ImportError(f"it needs mf2py: {install_command('microformats')}") from None

MAX_ENTRIES = 1_000
MAX_NESTED = 20
"""Deeper microformats are ignored: mf2py copies the content of each level (240 levels took over 100 s)."""

_PLAYED = ("audio", "video")
_Item = Mapping[str, Any]


def read(resource: Resource) -> Feed:
    """The entries of the page's first h-feed, or else all on the page. Raises ReadError if there is none."""
    page = page_tree.parse(resource)
    _refuse_nested(page)
    parsed = mf2py.parse(doc=page.tree.html or "", url=page.base, html_parser="lxml")
    items = list(_flat(parsed["items"], "h-feed", "h-entry"))
    feeds = [item for item in items if "h-feed" in item["type"]]
    feed = next((item for item in feeds if _entries(item.get("children", []))), None)
    found = _entries(feed["children"]) if feed else _entries(items)
    if not found:
        raise ReadError("no h-entry (microformats) is on the page", url=page.url, advice='try kind = "page"')
    about = feed or {"properties": {}}
    return Feed(
        info=FeedInfo(
            title=_text(about, "name") or (Text(page.title, "text") if page.title else None),
            subtitle=_text(about, "summary"),
            links=[Link(href=page.url)],
            authors=_people(about),
            image=_first(about, "photo") or None,
            language=page.language,
            base=page.base,
        ),
        entries=[_entry(item, page) for item in found[:MAX_ENTRIES]],
        version="h-feed" if feed else "h-entry",
        problems=list(page.problems),
    )


def _refuse_nested(page: WebPage) -> None:
    depths: dict[int, int] = {}
    root = page.tree.root
    for node in root.traverse() if root is not None else ():
        names = attribute(node, "class").split()
        above = depths.get(node.parent.mem_id, 0) if node.parent is not None else 0
        depth = above + any(name.startswith(("h-", "e-")) or name == "hentry" for name in names)
        if depth > MAX_NESTED:
            reason = f"over a limit: microformats nested more than {MAX_NESTED} deep"
            raise ReadError(reason, url=page.url)
        depths[node.mem_id] = depth


def _flat(items: list[_Item], *types: str) -> Iterator[_Item]:
    """The items of these types that are not inside another of them, in document order."""
    waiting = list(reversed(items))
    while waiting:
        item = waiting.pop()
        if any(name in types for name in item["type"]):
            yield item
        else:
            waiting += reversed(item.get("children", []))


def _entries(items: list[_Item]) -> list[_Item]:
    return [item for item in _flat(items, "h-entry") if _says_anything(item)]


def _says_anything(item: _Item) -> bool:
    return any(item["properties"].get(name) for name in ("name", "url", "content", "summary", "photo", "uid"))


def _entry(item: _Item, page: WebPage) -> Entry:
    contents = [
        Text(each["html"], "html") if isinstance(each, dict) else Text(str(each), "text")
        for each in _all(item, "content")
        if not isinstance(each, dict) or "html" in each
    ]
    replies = [{"ref": url, "href": url} for url in _values(item, "in-reply-to")]
    return Entry(
        id=_first(item, "uid") or None,
        title=_title(item),
        links=[Link(href=url) for url in _values(item, "url")[:1]],
        published=first_date(*_values(item, "published")),
        updated=first_date(*_values(item, "updated")),
        authors=_people(item),
        categories=[Category(term=name) for name in dict.fromkeys(_values(item, "category"))],
        summary=_text(item, "summary"),
        contents=contents,
        media=[
            Media(url=url, medium=name, is_enclosure=True) for name in _PLAYED for url in _values(item, name)
        ],
        thumbnails=[*_values(item, "featured"), *_values(item, "photo")],
        language=page.language,
        base=page.base,
        extra={"thr:in-reply-to": [*replies]} if replies else {},
    )


def _title(item: _Item) -> Text | None:
    """The name; none for a note, whose name is its content (https://indieweb.org/post-type-discovery)."""
    name = _first(item, "name")
    content = _first(item, "content") or _first(item, "summary")
    is_note = " ".join(content.split()).startswith(" ".join(name.split())) and bool(content)
    return None if not name or is_note else Text(name, "text")


def _people(item: _Item) -> list[Person]:
    """Authors: cards or names; addresses of cards on other pages are left out."""
    found = []
    for author in _all(item, "author"):
        card = author if isinstance(author, dict) and "properties" in author else None
        name = _first(card, "name") if card else str(author)
        if name and not name.startswith(("http://", "https://")):
            uri = (_first(card, "url") if card else "") or None
            found.append(Person(name=name, uri=uri))
    return found


def _all(item: _Item, name: str) -> list[Any]:
    found: list[Any] = item["properties"].get(name, [])
    return found


def _values(item: _Item, name: str) -> list[str]:
    """The plain values of a property: if a value has several forms or is an item itself, its `value`."""
    values = (each.get("value", "") if isinstance(each, dict) else each for each in _all(item, name))
    return [value for each in values if (value := str(each).strip())]


def _first(item: _Item, name: str) -> str:
    return next(iter(_values(item, name)), "")


def _text(item: _Item, name: str) -> Text | None:
    value = _first(item, name)
    return Text(value, "text") if value else None


def _read(resource: Resource, _: None) -> Feed:
    return read(resource)


KIND = Kind(read=_read, is_scraped=True)
