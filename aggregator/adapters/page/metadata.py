"""Metadata of a page with one article: JSON-LD, Open Graph, meta elements, then its markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.adapters.page import fields as page_fields
from aggregator.adapters.page.html_tree import WebPage, attribute
from aggregator.normalise.dates import first as first_date

MAX_LINKED_DATA = 500_000
_MAX_OBJECTS = 2_000
_MAX_METAS = 500
_MAX_AUTHORS = 20
_MAX_CHARS = 2_000

_LINKED_DATA = re.compile(r"<script[^<>]{0,500}application/ld\+json[^<>]{0,500}>", re.IGNORECASE)
_END = re.compile(r"</script", re.IGNORECASE)
_ARTICLE = ("Article", "Posting", "Report")
_TITLES = ("og:title", "twitter:title", "dc.title")
_AUTHORS = ("author", "article:author", "parsely-author", "dc.creator", "sailthru.author")
_PUBLISHED = (
    "article:published_time",
    "datepublished",
    "parsely-pub-date",
    "dc.date",
    "dcterms.created",
    "date",
    "pubdate",
)
_MODIFIED = ("article:modified_time", "datemodified", "og:updated_time")
_IMAGES = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The metadata as written; "" for none. `text` is the article's plain text, if JSON-LD has it."""

    title: str = ""
    authors: tuple[str, ...] = ()
    published: str = ""
    updated: str = ""
    image: str = ""
    site: str = ""
    text: str = ""


def metadata(page: WebPage, markup: str) -> Metadata:
    """The metadata of a page's article; `markup` is the whole page, with its scripts."""
    metas = _metas(page)
    linked = _article(markup)
    authors = [*_names(linked.get("author")), *(metas.get(name, "") for name in _AUTHORS)]
    authors.append(_text(page, "[itemprop~='author'] [itemprop='name'], a[rel~='author']"))
    named = [name for name in authors if name and not name.startswith(("http:", "https:", "@"))]
    when = page.tree.css_first("article time[datetime], main time[datetime], time[pubdate]")
    return Metadata(
        title=_string(linked.get("headline")) or _first(metas, _TITLES) or _text(page, "h1") or page.title,
        # The same people are in several forms: the first form that is present counts.
        authors=tuple(dict.fromkeys(_names(linked.get("author"))))[:_MAX_AUTHORS] or tuple(named[:1]),
        published=_date(
            _string(linked.get("datePublished")),
            *(metas.get(name) for name in _PUBLISHED),
            attribute(when, "datetime"),
            _string(linked.get("dateCreated")),
        ),
        updated=_date(_string(linked.get("dateModified")), *(metas.get(name) for name in _MODIFIED)),
        image=_first(metas, _IMAGES) or _address(linked.get("image")),
        site=metas.get("og:site_name", ""),
        text=linked["articleBody"].strip() if isinstance(linked.get("articleBody"), str) else "",
    )


def _metas(page: WebPage) -> dict[str, str]:
    metas: dict[str, str] = {}
    for node in page.select("meta[content]")[:_MAX_METAS]:
        for name in ("property", "name", "itemprop"):
            if key := attribute(node, name).lower():
                metas.setdefault(key, attribute(node, "content")[:_MAX_CHARS])
    return metas


def _first(metas: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((metas[name] for name in names if metas.get(name)), "")


def _date(*texts: str | None) -> str:
    return first_date(*texts) or ""


def _text(page: WebPage, selector: str) -> str:
    found = page.select(selector)
    return page_fields.text(found[0])[:_MAX_CHARS] if len(found) == 1 else ""


def _article(markup: str) -> Mapping[str, Any]:
    """The first JSON-LD object that is an article (schema.org), or an empty one."""
    for value in _linked_data(markup):
        waiting, seen = [value], 0
        while waiting and seen < _MAX_OBJECTS:
            each = waiting.pop(0)
            seen += 1
            if isinstance(each, list):
                waiting += each[:_MAX_OBJECTS]
            elif isinstance(each, dict):
                kinds = each.get("@type")
                for kind in kinds if isinstance(kinds, list) else [kinds]:
                    if isinstance(kind, str) and kind.endswith(_ARTICLE):
                        return each
                waiting += (each[key] for key in ("@graph", "mainEntity", "itemListElement") if key in each)
    return {}


def _linked_data(markup: str) -> Iterator[Any]:
    left = MAX_LINKED_DATA
    for opened in _LINKED_DATA.finditer(markup):
        closed = _END.search(markup, opened.end())
        if closed is None or (left := left - (closed.start() - opened.end())) < 0:
            return
        try:
            yield json.loads(markup[opened.end() : closed.start()], strict=False)
        except (ValueError, RecursionError):
            continue


def _string(value: object) -> str:
    return value.strip()[:_MAX_CHARS] if isinstance(value, str) else ""


def _names(value: object) -> list[str]:
    """The names of a schema.org author: a name, or one or several persons."""
    each = value if isinstance(value, list) else [value]
    named = (one.get("name") if isinstance(one, dict) else one for one in each[:_MAX_AUTHORS])
    return [name for one in named if (name := _string(one))]


def _address(value: object) -> str:
    """The address of a schema.org image: an address, an object that has one, or several."""
    one = value[0] if isinstance(value, list) and value else value
    return _string(one.get("url") if isinstance(one, dict) else one)
