"""The page of one article without a link, such as a newsletter or an own post."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from aggregator.normalise.text import tidy
from aggregator.writers.channel import Item
from aggregator.writers.html.entry_view import EntryView
from aggregator.writers.html.locale import locale_of
from aggregator.writers.html.page_variables import PAGE, common
from aggregator.writers.html.templates import render
from aggregator.writers.page_look import PageLook
from aggregator.writers.xml_text import address

__all__ = ["article_page"]

_FRAME = re.compile(r'<iframe((?: [^\s="]+="[^"]*")*)></iframe>')
_SOURCE = re.compile(r' src="([^"]*)"')


def article_page(item: Item, *, site: str, root: str, version: str, look: PageLook) -> bytes:
    """Returns the page of an article; `site`: the title of the site, `root`: a relative reference to the
    output folder.
    """
    locale = locale_of(look.language, look.timezone)
    start = root if address(item.article.link) else f"{root}{PAGE}"
    return render(
        "article.html",
        look,
        locale,
        **common(look, locale, version=version, root=root, site=tidy(site), start=start),
        entry=EntryView(item, locale, root, look.plays_http),
        original=original if (original := address(item.article.link)) and not _is_here(item) else None,
        text=_text(item),
    )


def _is_here(item: Item) -> bool:
    """Returns whether the link of an article is the address of its page."""
    return bool(item.page) and (item.article.link or "").endswith(f"/{item.page}")


def _text(item: Item) -> Markup:
    """Returns the body, sanitised again: bodies that were kept byte for byte may have classes that our
    style sheet uses.
    """
    from aggregator.normalise.html import sanitise  # imported here, because few articles have such a page
    from aggregator.normalise.personal_links import without_personal

    article = item.article
    body = sanitise(article.content or article.summary, article.link or "")
    body = without_personal(body) if item.is_letter else body
    return Markup(_FRAME.sub(_link_to_frame, body))  # noqa: S704 - sanitised


def _link_to_frame(frame: re.Match[str]) -> str:
    """Returns a link to the player instead of a frame: our pages have no frames, because we do not control
    their content.
    """
    found = _SOURCE.search(frame[1])
    if found is None:
        return ""
    host = urlsplit(unescape(found[1])).hostname or found[1]
    return f'<a href="{found[1]}" rel="noopener noreferrer">{escape(host)}</a>'
