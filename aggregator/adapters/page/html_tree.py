"""A web page's bytes -> its tree: decoded, with limits, and with the base of its links."""

from __future__ import annotations

import re
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from aggregator.adapters.feed import not_a_feed
from aggregator.errors import ReadError
from aggregator.model.article import Problem
from aggregator.model.resource import Resource
from aggregator.normalise import encoding, html, links, text

MAX_PAGE_CHARS = 8_000_000
"""Including its scripts; without them `html.MAX_CHARACTERS` applies."""

_UNREAD = re.compile(r"<(script|style|template)(?=[\s/>])[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_FEED_ROOT = re.compile(r"<(?:rss|feed|rdf:RDF)[\s>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage:
    """A web page. `base` is absolute: `<base href>`, else the page's address. `title` is plain text."""

    tree: LexborHTMLParser
    url: str
    base: str
    title: str
    language: str | None
    problems: tuple[Problem, ...] = ()

    def select(self, selector: str) -> list[LexborNode]:
        """The elements that a CSS selector matches, in document order."""
        return select(self.tree, selector)

    def resolve(self, href: str | None) -> str | None:
        """The absolute http(s) address of a link on the page."""
        return links.resolve(href, self.base)


def parse(resource: Resource) -> WebPage:
    """The page in a resource. Raises ReadError if it is not a page, or if parsing it would take too long."""
    url = resource.url
    not_a_feed.refuse_other_bytes(resource.body, url, wanted="a web page")
    decoded = encoding.decode_page(resource.body, resource.content_type)
    if _FEED_ROOT.search(decoded.text, 0, 1_000) and "<html" not in decoded.text[:1_000].lower():
        raise ReadError("a feed, not a web page", url=url, advice='remove kind = "page"')
    if len(decoded.text) > MAX_PAGE_CHARS:
        raise ReadError(f"a page of {len(decoded.text):,} characters, more than {MAX_PAGE_CHARS:,}", url=url)
    markup = _without_scripts(decoded.text)
    # Lexbor's time grows with the square of the depth: 100,000 nested elements took over 100 s.
    if reason := html.hazard(markup):
        raise ReadError(f"over a limit: {reason}", url=url)
    tree = LexborHTMLParser(markup)
    declared = tree.css_first("base[href]")
    title = tree.css_first("title")
    root = tree.css_first("html")
    return WebPage(
        tree=tree,
        url=url,
        base=links.resolve(attribute(declared, "href"), url) or url,
        title=text.tidy(title.text()[:1_000]) if title else "",
        language=attribute(root, "lang") or attribute(root, "xml:lang") or None,
        problems=decoded.problems,
    )


def attribute(node: LexborNode | None, name: str) -> str:
    """An attribute's value without outer white space, "" when there is none."""
    return (node.attributes.get(name) or "").strip() if node is not None else ""


def select(within: LexborHTMLParser | LexborNode, selector: str) -> list[LexborNode]:
    """The elements inside `within` that a selector matches, in document order; none for an empty selector."""
    try:
        return within.css(selector)
    except SelectolaxError:
        return []


def is_selector(selector: str) -> bool:
    """Whether the engine accepts a text as a CSS selector."""
    try:
        LexborHTMLParser("<p>").css(selector)
    except SelectolaxError:
        return False
    return True


def _without_scripts(markup: str) -> str:
    """Removes scripts, so that markup in their strings is not counted as nesting."""
    # Only if an element surely ends: else each of many start tags would be searched to the end of the text.
    end = max(markup.rfind(f"</{name}") for name in ("script", "style", "template"))
    if end < 0:
        return markup
    cut = markup.find(">", end) + 1 or len(markup)
    return _UNREAD.sub("", markup[:cut]) + markup[cut:]
