"""A web page's bytes -> the feeds that it offers, the most probable first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urldefrag, urlsplit

from aggregator.adapters.feed.not_a_feed import MAX_LINKS, feed_links, next_page
from aggregator.adapters.page import html_tree as page_tree
from aggregator.adapters.page.fields import text
from aggregator.adapters.page.html_tree import WebPage, attribute
from aggregator.discovery import known_sites
from aggregator.discovery.candidates import SECTIONS, Candidate
from aggregator.discovery.ranking import likeliest
from aggregator.errors import ReadError
from aggregator.model.resource import Resource
from aggregator.model.struct import replace
from aggregator.normalise import encoding
from aggregator.normalise.text import cut, tidy

MAX_ANCHORS = 20_000
MAX_TITLE = 200

_STRONG = re.compile(
    r"\.(?:rss|atom|rdf)$|(?:^|[/._-])(?:rss|atom|feed|rdf|index|news|blog|posts?)[\w-]*\.(?:xml|rdf|json)$|"
    r"/(?:feed|rss|atom)(?:/(?:rss2?|atom|all|posts?|default))?$",
    re.IGNORECASE,
)
_WEAK = re.compile(r"(?:^|[/._-])(?:rss|atom|feeds?|rdf)(?:$|[/._\d-])|\.xml$", re.IGNORECASE)
_QUERY = re.compile(r"(?:^|&)(?:feed|format|type|fmt|output)=(?:rss|atom|feed|rdf|xml)", re.IGNORECASE)
_CALLED = re.compile(
    r"(?:subscribe(?: via)? )?(?:rss|atom|xml|json)(?: ?[\d.]+)?(?:[ -]?feeds?)?|feeds?", re.IGNORECASE
)
_NO_FEED = re.compile(
    r"sitemap|opml|\.(?:html?|png|jpe?g|gif|svg|css|js|zip|pdf|mp3)$|/feedback|/(?:about|how)[-_/]",
    re.IGNORECASE,
)
# Services with a feed's address inside their own addresses, and sites for sharing links.
_SERVICES = re.compile(
    r"(?:^|\.)(?:feedly|inoreader|newsblur|netvibes|theoldreader|feedspot|yahoo|google|facebook|twitter|x|"
    r"linkedin|follow|subtome|aboutfeeds|wikipedia)\.(?:com|net|org|it)$"
)
_PAGE_NUMBER = re.compile(r"/(?:page/?-?\d*|index\.\w+|\d+)?/?$")


_MARKUP = re.compile(rb"<(?:!doctype html|html|head|body|title|a|div|p)\b", re.IGNORECASE)


def offered_feeds(resource: Resource) -> tuple[Candidate, ...]:
    """The feeds that a page links to, and those of a known site, the most probable first.

    Raises ReadError if it is not a page. Nothing is fetched, so none of them is checked yet.
    """
    try:
        page = page_tree.parse(resource)
    except ReadError:
        # The body may exceed the limits; the head is still useful.
        head, body, _ = resource.body.partition(b"<body")
        if not body:
            raise
        page = page_tree.parse(replace(resource, body=head))
    markup = encoding.decode_page(resource.body, resource.content_type).text[: page_tree.MAX_PAGE_CHARS]
    known = known_sites.feeds(resource.url, markup)
    guesses = [each for each in known if each.how == "path"]
    sure = [each for each in known if each.how != "path"]
    every = _each_once([*sure, *_linked(page), *_anchors(page), *guesses])
    own = [replace(each, own=_is_own(each, resource.url)) for each in every]
    return likeliest(own, resource.url)


def is_web_page(body: bytes) -> bool:
    """Whether bytes that are not a feed look like HTML."""
    return bool(_MARKUP.search(body, 0, 500_000)) and b"<opml" not in body[:2_000].lower()


def _each_once(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The first candidate of each address, with the title of a later one if it has none."""
    found: dict[str, Candidate] = {}
    for each in candidates:
        first = found.setdefault(each.url, each)
        if not first.title and each.title:
            found[each.url] = replace(first, title=each.title)
    return list(found.values())


def _linked(page: WebPage) -> Iterator[Candidate]:
    if following := next_page(page.tree, page.base):
        yield Candidate(url=following, how="link")
    for link in list(feed_links(page.tree))[:MAX_LINKS]:
        if url := page.resolve(link.href):
            yield Candidate(url=url, how="link", title=cut(tidy(link.title), MAX_TITLE), type=link.type)


def _anchors(page: WebPage) -> Iterator[Candidate]:
    seen: set[str] = set()
    for node in page.select("a[href]")[:MAX_ANCHORS]:
        url, fragment = urldefrag(page.resolve(attribute(node, "href")) or "")
        if (
            not url
            or fragment
            or url == page.url
            or _NO_FEED.search(urlsplit(url).path)
            or len(seen) >= MAX_LINKS
            or url in seen
        ):
            continue
        called = text(node)[:100]
        candidate = Candidate(url=url, how="anchor", title=called or attribute(node, "title")[:MAX_TITLE])
        if _looks_like_a_feed(url, called, is_near=candidate.is_of(page.url)):
            seen.add(url)
            yield candidate


def _looks_like_a_feed(url: str, called: str, *, is_near: bool) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _SERVICES.search(host) and not is_near:
        return False
    path = parts.path.rstrip("/")
    if _STRONG.search(path) or host.startswith(("feeds.", "feed.", "rss.")):
        return True
    says = bool(_CALLED.fullmatch(called.strip()))
    return is_near and (says or bool(_QUERY.search(parts.query)) or bool(_WEAK.search(path)))


def _is_own(candidate: Candidate, url: str) -> bool:
    """Whether it is the feed of the section that was asked for: a category, tag, author, or one of many
    blogs.

    Its path is below the section's page, or has the section's name: `/categories/dev/`, `/feed/dev.xml`.
    """
    path = unquote(_PAGE_NUMBER.sub("", urlsplit(url).path))
    segments = path.split("/")
    section = next((n for n, name in enumerate(segments) if name.lower() in SECTIONS), None)
    if section is None or not candidate.is_of(url):
        return False
    other = unquote(urlsplit(candidate.url).path)
    name = other.rpartition("/")[2].rpartition(".")[0]
    return other.startswith(f"{path}/") or name in segments[section + 1 :]
