"""The meaning of each element of a feed: tables from a name to the handler that fills the entry or feed.

RSS 0.90 to 2.0, RSS 1.0 and Atom 0.3 and 1.0 share them: publishers mix the dialects (Atom in RSS, Dublin
Core in Atom), and no name in our form has two meanings. Of elements that are allowed once, the first that is
not empty counts. An element that a better one may replace (`dc:title`, `itunes:summary`) is kept in `extra`
until `finish_entry` or `finish_feed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from aggregator.adapters.feed import constructs
from aggregator.adapters.feed.constructs import XML_BASE, XML_LANG, join, plain
from aggregator.adapters.feed.namespaces import name
from aggregator.model.entry import Entry, FeedInfo, Link, Media, Person, Text
from aggregator.normalise.dates import first as first_date

MAX_VALUES = 500
"""How many links, media, categories or values under one name are kept for one entry."""

_Element = etree._Element
Handlers = Mapping[str, Callable[[Any, _Element], None]]

_NOT_PASSED = ("atom:", "rdf:", "xhtml:", "content:", "xml:", "app:", "admin:", "feedburner:", "sy:")
"""Elements that are read, or that describe the document and not its content."""


def set_context(owner: Entry | FeedInfo, element: _Element, around: FeedInfo | None) -> None:
    """Sets the base and language in force (XML Base, XML 1.0 §2.12) from the element and its parents."""
    if around is not None:
        owner.base, owner.language = around.base, around.language
    if not element.keys():
        return
    owner.base = join(owner.base, element.get(XML_BASE))
    language = element.get(XML_LANG)
    if language is not None:
        owner.language = language or None


def pass_through(owner: Entry | FeedInfo, element: _Element) -> None:
    """Keeps an element of a known namespace, and its children (`podcast:value`)."""
    kind = name(element.tag)
    if _is_passed(kind):
        values = owner.extra.setdefault(kind, [])
        if len(values) < MAX_VALUES:
            values.append(constructs.passed_through(element, _is_passed))


def _is_passed(kind: str) -> bool:
    return ":" in kind and not kind.startswith(_NOT_PASSED)


def _set_text(
    field: str, read_text: Callable[[_Element, Any], Text | None]
) -> Callable[[Any, _Element], None]:
    """A handler that sets a text field to the first text that is not empty."""

    def handle(owner: Entry | FeedInfo, element: _Element) -> None:
        if getattr(owner, field) is None:
            setattr(owner, field, read_text(element, owner))

    return handle


def _set_plain(field: str, *, over: bool = False) -> Callable[[Any, _Element], None]:
    """A handler that sets a plain text field to the first text; with `over` to a more specific one."""

    def handle(owner: Entry | FeedInfo, element: _Element) -> None:
        if over or not getattr(owner, field):
            setattr(owner, field, plain(element) or getattr(owner, field))

    return handle


def _set_date(field: str, *, over: bool = False) -> Callable[[Any, _Element], None]:
    """A handler that sets a date to the first readable one; with `over` it replaces a less specific one."""

    def handle(owner: Entry | FeedInfo, element: _Element) -> None:
        before, found = getattr(owner, field), plain(element)
        if found and not before:
            setattr(owner, field, found)
        elif found:
            setattr(owner, field, first_date(found, before) if over else first_date(before, found))

    return handle


def _guid(entry: Entry, element: _Element) -> None:
    """RSS 2.0 `<guid>`; publishers write isPermaLink, and its value, in any case."""
    if entry.id:
        return
    entry.id = plain(element) or None
    flag = element.get("isPermaLink")
    if flag is None:
        flag = next((str(v) for k, v in element.items() if str(k).lower() == "ispermalink"), "true")
    entry.id_is_permalink = entry.id is not None and flag.strip().lower() == "true"


def _link(owner: Entry | FeedInfo, element: _Element) -> None:
    found = constructs.link(element, owner)
    if found is None:
        return
    if found.rel == "enclosure" and isinstance(owner, Entry):
        _media(owner, constructs.media(element, owner.base, is_enclosure=True))
    else:
        owner.links.append(found)


def _original_link(entry: Entry, element: _Element) -> None:
    """The page behind FeedBurner's tracking address: put first, so that it is the entry's link."""
    found = constructs.link(element, entry)
    if found is not None:
        entry.links.insert(0, found)


def _person(owner: Entry | FeedInfo, element: _Element) -> None:
    found = constructs.person(element)
    # One above the limit, so that the excess is reported; comparing all of 20,000 took 55 s.
    if found is not None and len(owner.authors) <= MAX_VALUES and found not in owner.authors:
        owner.authors.append(found)


def _contributor(entry: Entry, element: _Element) -> None:
    found = constructs.person(element)
    if found is not None:
        entry.contributors.append(found)


def _category(owner: Entry | FeedInfo, element: _Element) -> None:
    found = constructs.category(element)
    if found is not None:
        owner.categories.append(found)


def _itunes_category(owner: Entry | FeedInfo, element: _Element) -> None:
    owner.categories.extend(constructs.itunes_categories(element))
    if isinstance(owner, FeedInfo):
        pass_through(owner, element)


def _description(entry: Entry, element: _Element) -> None:
    """The first description is the summary, a further one is content."""
    found = constructs.text(element, entry)
    if found is None:
        return
    if entry.summary is None:
        entry.summary = found
    elif found.value != entry.summary.value:
        entry.contents.append(found)


def _encoded(entry: Entry, element: _Element) -> None:
    _content(entry, constructs.text(element, entry, "html"))


def _body(entry: Entry, element: _Element) -> None:
    _content(entry, constructs.text(element, entry, "xhtml"))


def _content(entry: Entry, found: Text | None) -> None:
    if found is not None:
        entry.contents.append(found)


def _atom_content(entry: Entry, element: _Element) -> None:
    """`atom:content`, also with `src` (RFC 4287 §4.1.3.2) and in Atom 0.3's multipart/alternative."""
    src, type_ = (element.get("src") or "").strip(), element.get("type") or ""
    if src:
        if type_.startswith(("audio/", "video/", "image/")):
            _media(entry, Media(src, type_, base=join(entry.base, element.get(XML_BASE))))
        else:
            entry.links.append(Link(src, type=type_ or None, base=join(entry.base, element.get(XML_BASE))))
    parts = [element]
    if type_.startswith("multipart/"):
        parts = [child for child in element if name(child.tag) == "atom:content"]
    for part in parts:
        _content(entry, constructs.atom_text(part, entry))


def _enclosure(entry: Entry, element: _Element) -> None:
    _media(entry, constructs.media(element, entry.base, is_enclosure=True))


def _media(entry: Entry, found: Media | None) -> None:
    if found is not None:
        entry.media.append(found)


def _media_content(entry: Entry, element: _Element) -> None:
    title = next((plain(c) for c in element if name(c.tag) == "media:title"), None)
    _media(entry, constructs.media(element, entry.base, is_enclosure=False, title=title))
    _media_children(entry, element)


def _media_children(entry: Entry, element: _Element) -> None:
    """Media RSS elements of a group or a content, which are allowed at the item too."""
    for child in element:
        kind = name(child.tag)
        if kind == "media:content" and name(element.tag) == "media:group":
            _media_content(entry, child)
        elif kind in ("media:thumbnail", "media:description", "media:category"):
            _WAITING[kind](entry, child)
        elif kind.startswith("media:"):
            pass_through(entry, child)


def _media_description(entry: Entry, element: _Element) -> None:
    found = constructs.media_text(element, entry)
    if found is None or len(entry.contents) > MAX_VALUES:
        return
    if all(found.value != text.value for text in entry.contents):
        entry.contents.append(found)


def _thumbnail(entry: Entry, element: _Element) -> None:
    url = (element.get("url") or element.text or "").strip()
    if url and len(entry.thumbnails) < MAX_VALUES:
        entry.thumbnails.append(url)


def _source(entry: Entry, element: _Element) -> None:
    """RSS 2.0 `<source>` (a title and the address of its feed), or `atom:source` (RFC 4287 §4.2.11)."""
    info = FeedInfo()
    set_context(info, element, FeedInfo(base=entry.base, language=entry.language))
    url = (element.get("url") or "").strip()
    if url:
        info.links.append(Link(url, "self", base=info.base))
    if not len(element):
        info.title = constructs.text(element, info)
    for child in element:
        handler = CHANNEL.get(name(child.tag))
        if handler is not None:
            handler(info, child)
    finish_feed(info)
    entry.source = info


def _image(info: FeedInfo, element: _Element) -> None:
    """RSS `<image>`: its `<url>`."""
    if info.image is None:
        info.image = next((plain(c) for c in element if name(c.tag) == "url"), None) or None


_SHARED: Handlers = {
    "link": _link,
    "atom:link": _link,
    "category": _category,
    "atom:category": _category,
    "dc:subject": _category,
    "itunes:category": _itunes_category,
    "atom:author": _person,
    "dc:creator": _person,
    "dc:author": _person,
    "atom:id": _set_plain("id"),
    "atom:updated": _set_date("updated"),
    "atom:modified": _set_date("updated"),
    "atom:rights": _set_plain("rights"),
    "atom:copyright": _set_plain("rights"),
    "dc:rights": _set_plain("rights"),
    "copyright": _set_plain("rights"),
    "title": _set_text("title", constructs.text),
    "atom:title": _set_text("title", constructs.atom_text),
}

ITEM: Handlers = {
    **_SHARED,
    "guid": _guid,
    "author": _person,
    "pubdate": _set_date("published"),
    "dc:date": _set_date("published"),
    "atom:published": _set_date("published"),
    "atom:issued": _set_date("published"),
    "atom:created": _set_date("published"),
    "atom:contributor": _contributor,
    "dc:contributor": _contributor,
    "description": _description,
    "atom:summary": _set_text("summary", constructs.atom_text),
    "atom:content": _atom_content,
    "content:encoded": _encoded,
    "xhtml:body": _body,
    "xhtml:div": _body,
    "comments": _set_plain("comments"),
    "source": _source,
    "atom:source": _source,
    "enclosure": _enclosure,
    "feedburner:origLink": _original_link,
}

_WAITING: Handlers = {
    "media:content": _media_content,
    "media:group": _media_children,
    "media:thumbnail": _thumbnail,
    "media:description": _media_description,
    "media:category": _category,
}

CHANNEL: Handlers = {
    **_SHARED,
    "description": _set_text("subtitle", constructs.text),
    "atom:subtitle": _set_text("subtitle", constructs.atom_text),
    "atom:tagline": _set_text("subtitle", constructs.atom_text),
    "lastbuilddate": _set_date("updated", over=True),
    "pubdate": _set_date("updated"),
    "managingeditor": _person,
    "language": _set_plain("language"),
    "image": _image,
    "atom:logo": _set_plain("image", over=True),
    "atom:icon": _set_plain("image"),
}


def without_namespace(handlers: Handlers) -> Handlers:
    """The same table for an Atom document without its namespace."""
    return {**handlers, **{k.removeprefix("atom:"): v for k, v in handlers.items() if k.startswith("atom:")}}


def read_waiting(entry: Entry, element: _Element, kind: str) -> None:
    """Reads what is used after an entry's own elements: Media RSS, and passed-through elements."""
    handler = _WAITING.get(kind)
    if handler is not None:
        handler(entry, element)
    else:
        pass_through(entry, element)


def finish_entry(entry: Entry) -> None:
    """Fills empty fields of an entry from the less specific elements in `extra`."""
    if not entry.extra:
        return
    _finish(entry)
    if entry.summary is None:
        names = (
            "itunes:summary",
            "dcterms:abstract",
            "dc:description",
            "googleplay:description",
            "itunes:subtitle",
        )
        entry.summary = _first_text(entry, *names)
    entry.published = _date(entry, entry.published, "dcterms:created", "dcterms:issued", "dcterms:date")
    entry.updated = _date(entry, entry.updated, "dcterms:modified")
    for each in ("itunes:image", "googleplay:image"):
        url = _image_url(entry, each)
        if url and url not in entry.thumbnails:
            entry.thumbnails.append(url)


def finish_feed(info: FeedInfo) -> None:
    """Like `finish_entry`, for the feed's own elements."""
    if not info.extra:
        return
    _finish(info)
    if info.subtitle is None:
        info.subtitle = _first_text(info, "itunes:summary", "dc:description", "itunes:subtitle")
    info.updated = _date(info, info.updated, "dc:date", "dcterms:modified")
    info.language = info.language or _first(info, "dc:language")
    info.image = info.image or _image_url(info, "itunes:image") or _image_url(info, "googleplay:image")


def _finish(owner: Entry | FeedInfo) -> None:
    if owner.title is None:
        owner.title = _first_text(owner, "dc:title", "media:title", "itunes:title")
    if not owner.authors:
        author = _first(owner, "itunes:author", "googleplay:author")
        owner.authors.extend([Person(author)] if author else [])
    owner.rights = owner.rights or _first(owner, "dcterms:rights", "media:copyright")


def _first(owner: Entry | FeedInfo, *names: str) -> str | None:
    """The text of the first of these names that was found and is not empty."""
    for each in names:
        for value in owner.extra.get(each, ()):
            found = value if isinstance(value, str) else value["text"]
            if found:
                return found
    return None


def _date(owner: Entry | FeedInfo, written: str | None, *names: str) -> str | None:
    """The first of `written` and these names that can be read as a date."""
    if not any(each in owner.extra for each in names):
        return written
    return first_date(written, *(_first(owner, each) for each in names))


def _first_text(owner: Entry | FeedInfo, *names: str) -> Text | None:
    found = _first(owner, *names)
    return Text(found, "unknown", owner.base, owner.language) if found else None


def _image_url(owner: Entry | FeedInfo, element_name: str) -> str | None:
    for value in owner.extra.get(element_name, ()):
        url = value if isinstance(value, str) else value.get("href") or value.get("url") or value["text"]
        if url.strip():
            return url.strip()
    return None
