"""JSON Feed 1.0 and 1.1 (jsonfeed.org)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aggregator.adapters import json_text
from aggregator.adapters.feed.strict import MAX_ENTRIES, bound
from aggregator.errors import NotAFeed, ReadError
from aggregator.model.article import Problem
from aggregator.model.entry import Category, Entry, Feed, FeedInfo, Link, Media, Person, Text

_MARK = "jsonfeed.org/version/1"


def is_json(body: bytes) -> bool:
    """Whether a document can be JSON, and no XML: it begins as an object or a list does."""
    return body[:200].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] in (b"{", b"[")


def read(body: bytes, *, url: str = "", content_type: str | None = None) -> Feed:
    """The feed in `body`, as found; entries before a break in its text are kept, with a problem.

    `version` tells JSON Feed from other JSON; without it, a list of items with an id or a URL does. Raises
    NotAFeed for any other JSON, and ReadError for what is none.
    """
    try:
        data, problems = json_text.load(body, content_type)
    except ReadError:
        if _MARK.encode() not in body[:2_000]:
            raise
        items, problems = json_text.load_broken(body, "items", content_type)
        data = {"version": _MARK, "items": items}
    if not _is_feed(data):
        raise NotAFeed("JSON, but no JSON Feed; kind 'json' reads the answers of an API", url=url)
    feed = Feed(info=_info(data), version="json11" if "1.1" in _text(data, "version") else "json1")
    feed.problems += problems
    items = data["items"]
    for number, item in enumerate(items[:MAX_ENTRIES], 1):
        if isinstance(item, dict):
            feed.entries.append(entry := _entry(item))
            bound(entry, feed)
        else:
            feed.problems.append(Problem(text="it is no object; it is left out", where=f"item {number}"))
    if len(items) > MAX_ENTRIES:
        feed.problems.append(Problem(text=f"only the first {MAX_ENTRIES} entries are read"))
    if data.get("expired") is True:
        feed.problems.append(Problem(text="its publisher says that it has ended (expired)"))
    return feed


def _is_feed(data: object) -> bool:
    if not isinstance(data, dict) or not isinstance(items := data.get("items"), list):
        return False
    listed = bool(items) and all(isinstance(i, dict) and ("id" in i or "url" in i) for i in items[:5])
    return _MARK in _text(data, "version") or ("version" not in data and "title" in data and listed)


def _info(data: Mapping[str, Any]) -> FeedInfo:
    links = [
        Link(href, rel, type_)
        for key, rel, type_ in (
            ("home_page_url", "alternate", "text/html"),
            ("feed_url", "self", "application/feed+json"),
            ("next_url", "next", "application/feed+json"),
        )
        if (href := _text(data, key))
    ]
    links += [Link(hub, "hub") for each in _objects(data, "hubs") if (hub := _text(each, "url"))]
    description = _text(data, "description")
    return FeedInfo(
        id=_text(data, "feed_url") or None,
        title=Text(_text(data, "title"), "text"),
        subtitle=Text(description, "text") if description else None,
        links=links,
        authors=_authors(data),
        image=_text(data, "icon") or _text(data, "favicon") or None,
        language=_text(data, "language") or None,
    )


def _entry(item: Mapping[str, Any]) -> Entry:
    url, elsewhere = _text(item, "url"), _text(item, "external_url")
    title, summary = _text(item, "title"), _text(item, "summary")
    html, plain = _text(item, "content_html"), _text(item, "content_text")
    links = [Link(url)] if url else []
    if elsewhere:
        # What a link blog writes about; with no page of its own, it is where the entry leads.
        links.append(Link(elsewhere, "related" if url else "alternate"))
    contents = [Text(html, "html")] if html else [Text(plain, "text")] if plain else []
    pictures = (_text(item, "image"), _text(item, "banner_image"))
    return Entry(
        id=_text(item, "id") or None,
        title=Text(title, "text") if title else None,
        links=links,
        published=_text(item, "date_published") or None,
        updated=_text(item, "date_modified") or None,
        authors=_authors(item),
        categories=[Category(tag) for tag in _texts(item, "tags")],
        summary=Text(summary, "text") if summary else None,
        contents=contents,
        media=list(_attachments(item)),
        thumbnails=[picture for picture in pictures if picture],
        language=_text(item, "language") or None,
    )


def _authors(data: Mapping[str, Any]) -> list[Person]:
    """Version 1.1's list; else the one author of version 1."""
    found = list(_objects(data, "authors")) or list(_objects({"author": [data.get("author")]}, "author"))
    people = (Person(name=_text(a, "name"), uri=_text(a, "url") or None) for a in found)
    return [person for person in people if person.name or person.uri]


def _attachments(item: Mapping[str, Any]) -> Iterator[Media]:
    for each in _objects(item, "attachments"):
        if url := _text(each, "url"):
            yield Media(
                url=url,
                type=_text(each, "mime_type") or None,
                length=_text(each, "size_in_bytes") or None,
                duration=_text(each, "duration_in_seconds") or None,
                title=_text(each, "title") or None,
                is_enclosure=True,
            )


def _text(data: Mapping[str, Any], key: str) -> str:
    """A text, or a number where a text belongs: ids and sizes are written both ways (`1` and `"1"`)."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip() if key.endswith(("id", "url")) else str(value)


def _texts(data: Mapping[str, Any], key: str) -> list[str]:
    values = data.get(key)
    return [v for v in values if isinstance(v, str) and v.strip()] if isinstance(values, list) else []


def _objects(data: Mapping[str, Any], key: str) -> Iterator[Mapping[str, Any]]:
    values = data.get(key)
    return (v for v in values if isinstance(v, dict)) if isinstance(values, list) else iter(())
