"""JSON Feed 1.0 and 1.1 (jsonfeed.org)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aggregator.adapters import json_text
from aggregator.adapters.feed.json_values import JsonObject, Oddities
from aggregator.adapters.feed.strict import MAX_ENTRIES, bound
from aggregator.errors import NotAFeed, ReadError
from aggregator.model.article import Problem
from aggregator.model.entry import Category, Entry, Feed, FeedInfo, Link, Media, Person, Text

_MARK = "jsonfeed.org/version/1"
_OWN_NAMES = ("content_html", "content_text", "date_published", "date_modified")


def is_json(body: bytes) -> bool:
    """Whether a document may be JSON and is not XML: it begins like an object or a list."""
    return body[:200].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] in (b"{", b"[")


def read(body: bytes, *, url: str = "", content_type: str | None = None) -> Feed:
    """The feed in `body`, as found; if its text breaks off, the entries before that are kept, with a problem.

    `version` distinguishes JSON Feed from other JSON; without it, a list of items with an id or a URL does.
    Raises NotAFeed for any other JSON, and ReadError for what is not JSON.
    """
    try:
        data, problems = json_text.load(body, content_type)
    except ReadError:
        if _MARK.encode() not in body[:2_000]:
            raise
        found, problems = json_text.load_broken(body, "items", content_type)
        data = {"version": _MARK} | found
    if not _is_feed(data):
        raise NotAFeed("JSON, but not a JSON Feed; kind 'json' reads the responses of an API", url=url)
    odd = Oddities()
    about = JsonObject(data, "", odd)
    feed = Feed(info=_info(about), version="json11" if "1.1" in about.text("version") else "json1")
    feed.problems += problems
    items = _items(data, odd)
    for number, item in enumerate(items[:MAX_ENTRIES], 1):
        if isinstance(item, dict):
            feed.entries.append(entry := _entry(JsonObject(item, f"item {number}", odd)))
            bound(entry, feed)
        else:
            feed.problems.append(Problem(text="it is no object; it is left out", where=f"item {number}"))
    if len(items) > MAX_ENTRIES:
        feed.problems.append(Problem(text=f"only the first {MAX_ENTRIES} entries are read"))
    if str(data.get("expired")).lower() in ("true", "1", "yes"):
        feed.problems.append(Problem(text="its publisher says that it has ended (expired)"))
    feed.problems += odd.problems()
    return feed


def _is_feed(data: object) -> bool:
    """Whether the version says so; else whether it has a title and a list of items as only JSON Feed has
    them.
    """
    if not isinstance(data, dict) or "items" not in data:
        return False
    if _MARK in str(data.get("version"))[:200]:
        return isinstance(data["items"], list | dict | None)
    items = data["items"]
    if not isinstance(items, list) or not items or "title" not in data:
        return False
    if not all(isinstance(item, dict) and ("id" in item or "url" in item) for item in items[:5]):
        return False
    return "version" not in data or any(name in item for item in items[:5] for name in _OWN_NAMES)


def _items(data: Mapping[str, Any], odd: Oddities) -> list[Any]:
    items = data["items"]
    if isinstance(items, list):
        return items
    odd.add(f"items is {'an object' if items else 'empty'} where a list belongs, read as one", "")
    if not items:
        return []
    one = any(name in items for name in ("id", "url", "title", *_OWN_NAMES))
    return [items] if one else list(items.values())


def _info(about: JsonObject) -> FeedInfo:
    links = [
        Link(href, rel, type_)
        for key, rel, type_ in (
            ("home_page_url", "alternate", "text/html"),
            ("feed_url", "self", "application/feed+json"),
            ("next_url", "next", "application/feed+json"),
        )
        if (href := about.text(key))
    ]
    links += [Link(hub, "hub") for each in about.objects("hubs", "url") if (hub := each.text("url"))]
    description = about.text("description")
    return FeedInfo(
        id=about.text("feed_url") or None,
        title=Text(about.text("title"), "text"),
        subtitle=Text(description, "text") if description else None,
        links=links,
        authors=_authors(about),
        image=about.text("icon") or about.text("favicon") or None,
        language=about.text("language") or None,
    )


def _entry(item: JsonObject) -> Entry:
    url, elsewhere = item.text("url"), item.text("external_url")
    title, summary = item.text("title"), item.text("summary")
    html, plain = item.text("content_html"), item.text("content_text")
    links = [Link(url)] if url else []
    if elsewhere:
        # The link of a link blog's item: without a page of its own, the entry links there.
        links.append(Link(elsewhere, "related" if url else "alternate"))
    contents = [Text(html, "html")] if html else [Text(plain, "text")] if plain else []
    pictures = (item.text("image"), item.text("banner_image"))
    return Entry(
        id=item.text("id") or None,
        title=Text(title, "text") if title else None,
        links=links,
        published=item.text("date_published") or None,
        updated=item.text("date_modified") or None,
        authors=_authors(item),
        categories=[Category(tag) for tag in item.texts("tags")],
        summary=Text(summary, "text") if summary else None,
        contents=contents,
        media=list(_attachments(item)),
        thumbnails=[picture for picture in pictures if picture],
        language=item.text("language") or None,
    )


def _authors(of: JsonObject) -> list[Person]:
    """Version 1.1's list, else the one author of version 1."""
    found = of.objects("authors", "name")
    if not found and of.data.get("author") is not None:
        author = of.data["author"]
        # One object is what version 1 wants; anything else is reported as it would be in the list.
        found = [JsonObject(author, of.where, of.odd)] if _is_person(author) else of.objects("author", "name")
    people = (Person(name=each.text("name"), uri=each.text("url") or None) for each in found)
    return [person for person in people if person.name or person.uri]


def _is_person(author: Any) -> bool:
    return isinstance(author, dict) and any(name in author for name in ("name", "url", "avatar"))


def _attachments(item: JsonObject) -> Iterator[Media]:
    for each in item.objects("attachments", "url"):
        if url := each.text("url"):
            yield Media(
                url=url,
                type=each.text("mime_type") or None,
                length=each.number("size_in_bytes") or None,
                duration=each.text("duration_in_seconds") or None,
                title=each.text("title") or None,
                is_enclosure=True,
            )
