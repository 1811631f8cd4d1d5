"""Explains what a document is if it is not a feed, and which feeds a page links to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from aggregator.errors import NotAFeed, ReadError
from aggregator.normalise.link_relations import short_relation
from aggregator.normalise.links import resolve

MAX_PAGE_CHARS = 2_000_000
MAX_LINKS = 50
MAX_REFRESH_CHARS = 5_000
FEED_TYPES = frozenset(
    {
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/feed+json",
        "application/json",
        "application/xml",
        "text/xml",
    }
)

_ROOTS = {
    "html": "a web page",
    "head": "a web page",
    "body": "a web page",
    "opml": "an OPML list of feeds: import it instead",
    "urlset": "a sitemap, which lists pages",
    "sitemapindex": "a sitemap index, which lists sitemaps",
    "svg": "an SVG image",
    "error": "an XML error message",
}
_MAGIC = (
    (b"\x1f\x8b", "gzip-compressed data, broken or too large to unpack"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
)
# HTML §4.2.5.3; a page that redirects after more than some seconds is meant to be read.
_REFRESH = re.compile(
    r"\s*[0-9]?(?:\.[0-9]*)?\s*[;,]\s*(?:url\s*=\s*)?(?:\"([^\"]+)\".*|'([^']+)'.*|([^\"'\s]\S*))\s*",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<(?:html|head|body|title|meta|div|p|br|script)\b", re.IGNORECASE)


def refuse_other_bytes(body: bytes, url: str, wanted: str = "a feed") -> None:
    """Raises ReadError for an empty document, NotAFeed for one that is not text."""
    head = body[:64].lstrip()
    if not head and not body.strip():
        raise ReadError("the document is empty", url=url)
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise NotAFeed(f"not {wanted} but {what}" if "compressed" not in what else what, url=url)


def explain(text: str, root: str, url: str) -> NotAFeed:
    """The error for a document with the first element `root` ("" for none)."""
    local = root.rpartition(":")[2].lower()
    start = text[:200].lstrip("\ufeff \t\r\n")
    what = _ROOTS.get(local)
    if what == "a web page" or (not what and _TAG.search(text[:MAX_PAGE_CHARS])):
        feeds = linked_feeds(text, url)
        following = next_page(LexborHTMLParser(text[:MAX_PAGE_CHARS]), url)
        if following:
            advice = f"it redirects browsers to {following}: use that address if it is the feed"
            feeds = tuple(dict.fromkeys((following, *feeds)))
        elif feeds:
            advice = f"use one of the feeds it links to: {', '.join(feeds[:3])}"
        else:
            advice = 'it links to no feed; kind = "page" reads lists on pages (docs/sources.md)'
        return NotAFeed(f"a web page, not a feed; {advice}", feeds=feeds, url=url)
    if what:
        return NotAFeed(f"{what}, not a feed", url=url)
    if local:
        return NotAFeed(f"an XML document of another kind (its root is <{root[:60]}>), not a feed", url=url)
    return NotAFeed(f"neither a feed nor XML; it begins with {start[:40]!r}", url=url)


def linked_feeds(page: str, url: str = "") -> tuple[str, ...]:
    """Addresses of the feeds that a page's head links to, absolute, in order, each once (RSS autodiscovery).

    Relative ones are resolved with `<base href>` and `url`; without either they stay relative.
    """
    tree = LexborHTMLParser(page[:MAX_PAGE_CHARS])
    declared = tree.css_first("base[href]")
    base = _join(url, (declared.attributes.get("href") or "") if declared else "")
    found = (_join(base, link.href) for link in feed_links(tree))
    each_once = dict.fromkeys(each for each in found if not each.lower().startswith(("javascript:", "data:")))
    return tuple(islice(each_once, MAX_LINKS))


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A `<link>` to a feed: its attributes as written, `type` in lower case without parameters."""

    href: str
    title: str
    type: str


def feed_links(tree: LexborHTMLParser) -> Iterator[FeedLink]:
    """The links to feeds in a page's head, as written: rel=alternate, or rel=feed."""
    for link in tree.css("link[href]"):
        attributes = link.attributes
        rels = [short_relation(rel) for rel in (attributes.get("rel") or "").split()]
        type_ = (attributes.get("type") or "").lower().partition(";")[0].strip()
        href = (attributes.get("href") or "").strip()
        # WordPress links each page's version in its JSON interface in the same way.
        if not href or "/wp-json/" in href:
            continue
        if ("alternate" in rels and type_ in FEED_TYPES) or "feed" in rels:
            yield FeedLink(href, (attributes.get("title") or "").strip(), type_)


def next_page(tree: LexborHTMLParser, url: str) -> str | None:
    """The absolute address to which a page redirects browsers (`<meta http-equiv="refresh">`); None for none.

    A page that only reloads itself does not redirect.
    """
    for meta in tree.css("meta[http-equiv='refresh' i]"):
        found = _REFRESH.fullmatch((meta.attributes.get("content") or "")[:MAX_REFRESH_CHARS])
        target = resolve(found[1] or found[2] or found[3], url) if found else None
        if target and target.partition("#")[0] != url.partition("#")[0]:
            return target
    return None


def _join(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference.strip())
    except ValueError:
        return base
