"""Kind `sitemap`: sitemaps, their indexes and news sitemaps (sitemaps.org), as XML or text, plain or gzip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import unquote, urlsplit

from lxml import etree
from pydantic import Field, PositiveInt

from aggregator.adapters.feed.document import gunzipped
from aggregator.adapters.kinds import Kind
from aggregator.errors import NotAFeed, ReadError
from aggregator.model.article import Problem
from aggregator.model.entry import Category, Entry, Feed, FeedInfo, Link, Text
from aggregator.model.resource import Resource
from aggregator.model.settings import Settings
from aggregator.normalise import encoding
from aggregator.normalise.links import FETCHED, resolve

MAX_DEPTH = 3
"""How many indexes may be nested."""

_SLUG = re.compile(r"[-_+\s]+")
_SUFFIX = re.compile(r"\.(?:html?|php|aspx?|jsp|md)$", re.IGNORECASE)
_SURROGATE = re.compile(r"&#(?:[xX]0*[dD][89a-fA-F][0-9a-fA-F]{2}|0*(5[5-7][0-9]{3}))(?![0-9a-zA-Z]);?")
MAX_PROLOG_CHARACTERS = 100_000
_PROLOG = re.compile(
    r"(?>(?:[\ufeff\s]++|<!--.*?-->|<\?.*?\?>|<![A-Za-z][^>\[]*+(?:\[[^\]]*+\])?[^>]*+>)*)", re.DOTALL
)
_FIRST_ELEMENT = re.compile(r"<(?:[\w.-]{1,40}:)?([\w.-]{1,60})")


class SitemapOptions(Settings):
    """Which pages are entries: those with one of `include` in their address and none of `exclude`.

    At most the newest `entries` are read; of an index the newest `sitemaps`.
    """

    include: tuple[str, ...] = Field(default=(), strict=False)
    exclude: tuple[str, ...] = Field(default=(), strict=False)
    entries: Annotated[PositiveInt, Field(le=10_000)] = 200
    sitemaps: Annotated[PositiveInt, Field(le=100)] = 5


def read(resource: Resource, options: SitemapOptions) -> Feed:
    """The pages of a sitemap as entries, the newest first; of an index, the sitemaps to read.

    A page without a title (news sitemaps give one) gets one from the last part of its address. A truncated
    document is read up to its end, with a problem. Raises NotAFeed for a document of another kind.
    """
    body = gunzipped(resource.body)
    if not body.strip():
        raise ReadError("the document is empty", url=resource.url)
    decoded = encoding.decode(body, resource.content_type)
    feed = Feed(version="sitemap", problems=[p for p in decoded.problems if "declares no" not in p.text])
    host = urlsplit(resource.url).hostname or ""
    feed.info = FeedInfo(title=Text(host, "text"))
    text = decoded.text.lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        root = root_of(text)
        if root == "sitemapindex":
            feed.more = _newest_sitemaps(text, feed, resource, options)
            return feed
        if root != "urlset":
            raise NotAFeed(f"not a sitemap (its root is <{root[:60]}>)", url=resource.url)
        pages = list(_pages(text, feed))
    else:
        pages = [
            Entry(links=[Link(line)]) for line in text.split() if line.startswith(("http://", "https://"))
        ]
        if not pages:
            raise NotAFeed("neither XML nor a list of addresses, so no sitemap", url=resource.url)
    feed.entries = _chosen(pages, resource, options, feed)
    return feed


def root_of(text: str) -> str:
    """The local name of a document's first element, in lower case; "" if the text does not begin with one.

    Comments, declarations and processing instructions before it are skipped.
    """
    head = text[:MAX_PROLOG_CHARACTERS]
    found = _FIRST_ELEMENT.match(head, _PROLOG.match(head).end())  # type: ignore[union-attr]
    return found[1].lower() if found else ""


def _no_surrogate(found: re.Match[str]) -> str:
    # In recovery mode libxml2 keeps the reference as bytes that are not UTF-8, which lxml then cannot decode.
    is_one = found[1] is None or 0xD800 <= int(found[1]) <= 0xDFFF
    return "\ufffd" if is_one else found[0]


def _parsed(text: str, feed: Feed) -> Iterator[etree._Element]:
    """The `url` or `sitemap` elements; of a broken document those before the break."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, remove_comments=True)
    document = _SURROGATE.sub(_no_surrogate, re.sub(r"^<\?xml[^>]*\?>", "", text)).encode("utf-8", "replace")
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise ReadError(f"line {error.lineno}: it cannot be read: {error.msg}") from error
    if root is None:
        raise ReadError("it cannot be read as XML")
    if parser.error_log:
        first = parser.error_log[0]
        feed.problems.append(
            Problem(text=f"not well formed: {' '.join(first.message.split())}", where=f"line {first.line}")
        )
    yield from (each for each in root if isinstance(each.tag, str))


def _fields(element: etree._Element) -> dict[str, str]:
    """The values of a page or a sitemap by local names, including its news; its first picture is `image`.

    Pictures and videos have their own title, date and address, which are not the page's.
    """
    fields: dict[str, str] = {}
    for child in _children(element):
        name = _name(child)
        if name == "news":
            for each in _children(child):
                inner = [each] if _name(each) != "publication" else _children(each)
                for one in inner:
                    if _name(one) in _OF_NEWS:
                        fields.setdefault(_name(one), _text(one))
        elif name == "image":
            fields.setdefault("image", next((_text(c) for c in _children(child) if _name(c) == "loc"), ""))
        elif not len(child) and not any(word in _space(child) for word in ("image", "video")):
            fields.setdefault(name, _text(child))
    return {name: value for name, value in fields.items() if value}


_OF_NEWS = frozenset({"title", "publication_date", "keywords", "language"})


def _children(element: etree._Element) -> Iterator[etree._Element]:
    return (child for child in element if isinstance(child.tag, str))


def _name(element: etree._Element) -> str:
    # If a prefix is not declared, "image:loc" is the whole name.
    return element.tag.rpartition("}")[2].rpartition(":")[2].lower()


def _space(element: etree._Element) -> str:
    return element.tag[: -len(_name(element))].lower()


def _text(element: etree._Element) -> str:
    return (element.text or "").strip()


def _pages(text: str, feed: Feed) -> Iterator[Entry]:
    for element in _parsed(text, feed):
        fields = _fields(element)
        if "loc" not in fields:
            where = f"line {element.sourceline}"
            feed.problems.append(Problem(text="a page without an address; it is left out", where=where))
            continue
        keywords = fields.get("keywords", "").split(",")
        yield Entry(
            links=[Link(fields["loc"])],
            title=Text(fields["title"], "text") if "title" in fields else None,
            published=fields.get("publication_date"),
            updated=fields.get("lastmod"),
            categories=[Category(word.strip()) for word in keywords if word.strip()],
            thumbnails=[fields["image"]] if "image" in fields else [],
            language=fields.get("language"),
        )


def _newest_sitemaps(text: str, feed: Feed, resource: Resource, options: SitemapOptions) -> list[str]:
    found = []
    for element in _parsed(text, feed):
        fields = _fields(element)
        if not (loc := fields.get("loc")):
            continue
        if url := resolve(loc, resource.url, schemes=FETCHED):
            found.append((fields.get("lastmod", ""), url))
        else:
            feed.problems.append(Problem(text="a sitemap's address is invalid; not read", where=loc[:200]))
    if resource.depth >= MAX_DEPTH:
        text = f"an index nested in {MAX_DEPTH} others is not followed"
        feed.problems.append(Problem(text=text, where=resource.url))
        return []
    found.sort(key=lambda each: each[0], reverse=True)
    if len(found) > options.sitemaps:
        message = f"{options.sitemaps} of its {len(found)} sitemaps are read, by the newest change"
        feed.problems.append(Problem(text=message))
    return [url for _, url in found[: options.sitemaps]]


def _chosen(pages: list[Entry], resource: Resource, options: SitemapOptions, feed: Feed) -> list[Entry]:
    def is_wanted(url: str) -> bool:
        return (not options.include or any(part in url for part in options.include)) and not any(
            part in url for part in options.exclude
        )

    wanted = [page for page in pages if is_wanted(page.links[0].href)]
    if pages and not wanted:
        first = pages[0].links[0].href
        feed.problems.append(
            Problem(text=f"none of its {len(pages)} pages is included; the first is {first[:200]}")
        )
    wanted.sort(key=lambda page: page.published or page.updated or "", reverse=True)
    if len(wanted) > options.entries:
        message = f"the newest {options.entries} of {len(wanted)} pages are read"
        feed.problems.append(Problem(text=message))
    wanted = wanted[: options.entries]
    for page in wanted:
        page.title = page.title or _title(resolve(page.links[0].href, resource.url, schemes=FETCHED) or "")
    return wanted


def _title(url: str) -> Text | None:
    """The last part of an address as words: `/2026/tea-at-noon.html` is "tea at noon"."""
    parts = urlsplit(url)
    segments = [segment for segment in unquote(parts.path).split("/") if segment]
    if segments and _SUFFIX.sub("", segments[-1]).lower() == "index":
        segments.pop()
    words = _SLUG.sub(" ", _SUFFIX.sub("", segments[-1])).strip() if segments else parts.hostname or ""
    return Text(words, "text") if words else None


KIND = Kind(read=read, options=SitemapOptions)
