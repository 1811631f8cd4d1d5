"""The page of a feed: `index.html` in its folder."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from itertools import groupby

from markupsafe import Markup

from aggregator.normalise.text import tidy
from aggregator.writers.channel import Channel, Item
from aggregator.writers.html import entry_markup
from aggregator.writers.html.entry_view import EntryView
from aggregator.writers.html.locale import Locale, locale_of
from aggregator.writers.html.page_variables import PAGE, common
from aggregator.writers.html.similar_pages import render_similar
from aggregator.writers.html.single_article import article_page
from aggregator.writers.html.templates import has_own, render
from aggregator.writers.page_look import PageLook
from aggregator.writers.xml_text import address, language_tag

__all__ = ["Html", "entries_of"]


class Html:
    """Writes `index.html` of a feed, or of one of its archives."""

    file_name = PAGE
    media_type = "text/html"
    label = "Page"
    accepts = ("application/xhtml+xml",)
    is_feed = False
    preference = 0

    def render(self, channel: Channel) -> bytes:
        """Returns the page. Raises WriteError.

        If no public address is configured, links include file names, so that the page works from a local
        folder. In an archive, the feeds to subscribe to are the current ones.
        """
        chain, page, look = channel.chain, "" if channel.link else PAGE, channel.look
        locale = locale_of(channel.language or look.language, look.timezone)
        archived = channel.archived_as(PAGE)
        there = page if archived and archived.file_name == PAGE else archived and archived.file_name
        current = (chain.current or "") if chain.number is not None else ""
        name = tidy(channel.title) or tidy(channel.category or "") or str(locale.say("everything"))
        days, shown = [], Markup()
        if channel.category is None:
            days = _days(channel, locale)
        else:
            shown = entries_of(channel.items, look, locale, channel.root)
        of_all = dict(
            common(
                look,
                locale,
                version=channel.generator_version,
                root=channel.root,
                site=channel.site or name,
                start=f"{channel.root}{page}",
                search=channel.search,
            ),
            name=name,
            tag=language_tag(channel.language),
            description="" if tidy(channel.description) == name else tidy(channel.description),
            image=entry_markup.picture(channel.image),
            total=channel.total,
            feeds=tuple(
                (current + one.file_name, one.label, one.media_type)
                for one in channel.formats
                if one.is_feed and one.file_name in channel.files
            ),
            newest=f"{chain.current}{page}" if chain.current and chain.number is not None else None,
        )
        own = {
            "archive": chain.number,
            "canonical": address(channel.self_links.get(PAGE, channel.link).removesuffix(PAGE)),
            "updated": channel.updated,
            "entries": shown,
            "days": days,
            "newer": f"{chain.newer}{there}" if chain.newer and there is not None else None,
            "older": f"{chain.older}{there}" if chain.older and there is not None else None,
        }
        if chain.is_full and not look.templates:  # a feed may have many archives
            return render_similar("category.html", look, locale, of_all, own)
        return render("category.html", look, locale, **of_all, **own)

    def render_article(self, item: Item, *, site: str, root: str, version: str, look: PageLook) -> bytes:
        """Returns the page of an article without a link."""
        return article_page(item, site=site, root=root, version=version, look=look)


def entries_of(items: tuple[Item, ...], look: PageLook, locale: Locale, root: str, level: int = 2) -> Markup:
    """Returns the entries, one after the other, with titles as headings of this level."""
    if is_own := has_own("entry.html", look):
        made = [
            render(
                "entry.html",
                look,
                locale,
                entry=EntryView(item, locale, root, look.plays_http),
                heading=level,
            ).decode()
            for item in items
        ]
    else:
        # Made once for all pages: only entries with pages of their own depend on `root`.
        plain, linked = (_entry(locale, of, plays_http=look.plays_http) for of in ("", root))
        made = [item.part(*(linked if item.page else plain)) for item in items]
    shown = "".join(made)
    if level != 2 and not is_own:  # escaped text has no tags, so only our headings are replaced
        shown = shown.replace("<h2>", f"<h{level}>").replace("</h2>", f"</h{level}>")
    return Markup(shown)  # noqa: S704 - markup of ours, or of a template


def _entry(locale: Locale, root: str, *, plays_http: bool) -> tuple[Hashable, Callable[[Item], str]]:
    """Returns the variant of an entry with a heading of level 2, and what makes it."""
    make = partial(entry_markup.entry, locale=locale, root=root, plays_http=plays_http)
    return ("page", root, locale, plays_http), make


def _days(channel: Channel, locale: Locale) -> list[tuple[str, str, str, Markup]]:
    """Returns the entries by day: anchor, date, day in words, and entries."""
    made: list[tuple[str, str, str, Markup]] = []
    for day, found in groupby(channel.items, lambda item: locale.date(item.published)):
        items = tuple(found)
        date = f"{day[0]:04}-{day[1]:02}-{day[2]:02}"
        shown = entries_of(items, channel.look, locale, channel.root, level=3)
        anchor = date if all(date != name for name, *_ in made) else f"{date}-{len(made)}"
        made.append((anchor, date, locale.day(items[0].published), shown))
    return made
