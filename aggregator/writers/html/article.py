"""The page of one article that has no link: a newsletter, or a post of one's own."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from aggregator.writers.channel import Item
from aggregator.writers.html.parts import render

__all__ = ["article_page"]

_FRAME = re.compile(r'<iframe((?: [^\s="]+="[^"]*")*)></iframe>')
_SOURCE = re.compile(r' src="([^"]*)"')


def article_page(item: Item, *, site: str, root: str, version: str) -> bytes:
    """The whole article; `site` is the title of the site, `root` the way from the page to its start page."""
    facts = {"item": item, "site": site, "root": root, "version": version, "text": _text(item)}
    return render("article.html", search="", **facts)


def _text(item: Item) -> Markup:
    """The body, sanitised here too: one of a file may have classes that mean something on our pages."""
    from aggregator.normalise.html import sanitise  # with nh3, for the few articles that have such a page

    article = item.article
    body = sanitise(article.content or article.summary, article.link or "")
    return Markup(_FRAME.sub(_link_to_frame, body))  # noqa: S704 - sanitised


def _link_to_frame(frame: re.Match[str]) -> str:
    """A link to the player: our pages show no frames, as these could do what they like."""
    found = _SOURCE.search(frame[1])
    if found is None:
        return ""
    host = urlsplit(unescape(found[1])).hostname or found[1]
    return f'<a href="{found[1]}" rel="noopener noreferrer">{escape(host)}</a>'
