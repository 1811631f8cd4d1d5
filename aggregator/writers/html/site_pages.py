"""The site's own pages: the start page, the status page, and the stylesheet of them all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import quote

from markupsafe import Markup

from aggregator.model.struct import Struct
from aggregator.normalise.secrets_in_addresses import without_logins
from aggregator.normalise.text import tidy
from aggregator.schedule.health import SourceHealth, rhythm_of, usual_gap
from aggregator.schedule.state import Reason
from aggregator.writers.channel import FollowedSource, OutputFormat, Overview, Section
from aggregator.writers.html.entry_markup import picture, time, title_text
from aggregator.writers.html.entry_view import EntryView
from aggregator.writers.html.locale import Locale, locale_of
from aggregator.writers.html.page_variables import PAGE, SCRIPT, common
from aggregator.writers.html.rhythm_chart import rhythm
from aggregator.writers.html.templates import macro, render
from aggregator.writers.page_look import PageLook
from aggregator.writers.xml_text import address, language_tag

__all__ = ["ReadScript", "StartPage", "StatusPage", "Stylesheet"]

LISTS = {"feeds.opml": "all_feeds", "sources.opml": "all_sources"}
"""The OPML lists of a site, each with the key of its link's words."""

INDEX_FROM = 12
_REASONS = {reason.value: f"poll_{reason.name.lower()}" for reason in Reason}
# What needs attention comes first.
_STATES = ("broken", "failing", "gone", "waiting", "silent", "new", "healthy")


class _Row(Struct, frozen=True, kw_only=True):
    """A source as the status page shows it, without logins in addresses; "" or None: nothing is shown."""

    name: str
    site: str | None
    feed: str | None
    moved_to: str | None
    articles: int
    rhythm: Markup
    chart: tuple[str, int, str] | None
    succeeded: datetime | None
    next_poll: Markup
    failures: int
    error: str
    advice: str


class StartPage:
    """Writes `index.html` of the whole site."""

    file_name = PAGE
    shows: Literal["articles", "feeds", "sources"] = "articles"

    def render(self, overview: Overview) -> bytes:
        """Returns the page of all categories, with counts, feeds and newest entries. Raises WriteError."""
        page, look = "" if overview.link else PAGE, overview.look
        locale = locale_of(overview.language, look.timezone)
        sections = [section for section in overview.sections if section.category is not None]
        whole = next((section for section in overview.sections if section.category is None), None)
        name = tidy(overview.title) or str(locale.say("feeds"))
        shown = None if whole is None else _shown(whole, page, overview.formats, locale)
        return render(
            "start.html",
            look,
            locale,
            **_common(overview, locale, name, "", overview.search),
            name=name,
            tag=language_tag(overview.language),
            description="" if tidy(overview.description) == name else tidy(overview.description),
            canonical=address(overview.link),
            image=picture(overview.image),
            updated=overview.updated,
            whole=shown,
            feeds=shown["feeds"] if shown else [],
            index=_index(sections, page, overview) if len(sections) > INDEX_FROM else [],
            categories=len(sections),
            cards=[_shown(section, page, overview.formats, locale) for section in sections if section.newest],
            lists=[(file, locale.say(LISTS[file])) for file in LISTS if file in overview.files],
            calendar="calendar.html" if "calendar.html" in overview.files else None,
            members="members.html" if "members.html" in overview.files else None,
            status="status.html" if "status.html" in overview.files else None,
        )


class StatusPage:
    """Writes `status.html`."""

    file_name = "status.html"
    shows: Literal["articles", "feeds", "sources"] = "sources"

    def render(self, overview: Overview) -> bytes:
        """Returns the page of every source by state, those that need attention first, without logins in
        addresses.
        """
        look = overview.look
        locale = locale_of(overview.language, look.timezone)
        states: dict[str, list[FollowedSource]] = {state: [] for state in _STATES}
        for followed in overview.followed:
            states.setdefault(followed.health.state, []).append(followed)
        name = tidy(overview.title) or str(locale.say("feeds"))
        link = address(overview.link)
        return render(
            "status.html",
            look,
            locale,
            **_common(overview, locale, name, "" if overview.link else PAGE, ""),
            name=name,
            tag=language_tag(overview.language),
            canonical=f"{link}status.html" if link else None,
            last_poll=overview.seen,
            sources=len(overview.followed),
            further=overview.further,
            states=[
                (state, [_row(followed, overview.seen, locale) for followed in found])
                for state, found in states.items()
                if found
            ],
        )


class Stylesheet:
    """Writes `style.css`, which every page uses."""

    file_name = "style.css"
    shows: Literal["articles", "feeds", "sources"] = "feeds"

    def render(self, overview: Overview) -> bytes:
        """Returns the style sheet, with the search form's part if pages have one. Raises WriteError."""
        locale = locale_of(overview.language, overview.look.timezone)
        look = overview.look
        colours = {"colours": look.colours, "dark_colours": look.dark_colours}
        return render("style.css", look, locale, search=overview.search, **colours)


class ReadScript:
    """Writes `assets/read.js`, by which visitors hide what they have read."""

    file_name = SCRIPT
    shows: Literal["articles", "feeds", "sources"] = "feeds"

    def is_wanted(self, look: PageLook) -> bool:
        """Returns whether `hide_read` is set in the config."""
        return look.hide_read

    def render(self, overview: Overview) -> bytes:
        """Returns the script, which is equal for all sites."""
        return (files("aggregator.writers.html") / "pages" / "read.js").read_bytes()


def _common(overview: Overview, locale: Locale, name: str, page: str, search: str) -> dict[str, Any]:
    version, start = overview.generator_version, page or "./"
    return common(overview.look, locale, version=version, site=name, start=start, search=search)


def _index(sections: Sequence[Section], page: str, overview: Overview) -> list[str]:
    """Returns the lines of the index of all categories."""
    facts = [(s.folder, PAGE in s.files, s.name or s.category or s.title, s.total) for s in sections]
    of = page, overview.language, overview.look
    return [_lines(tuple(facts[n : n + 50]), *of) for n in range(0, len(facts), 50)]


@lru_cache(maxsize=1_000)  # usually only one of a thousand categories has changed
def _lines(
    facts: tuple[tuple[str, bool, str, int], ...], page: str, language: str | None, look: PageLook
) -> str:
    shown = [
        (_page_of(folder, page) if has_page else None, _name_of(category, folder), total)
        for folder, has_page, category, total in facts
    ]
    locale = locale_of(language, look.timezone)
    return macro("parts.html", "lines", look, locale)(shown, language_tag(language))


def _shown(section: Section, page: str, formats: Sequence[OutputFormat], locale: Locale) -> dict[str, Any]:
    """Returns a section's variables for the start page; `href` is None if it has no page."""
    folder = f"{quote(section.folder)}/"
    return {
        "name": _name_of(section.name or section.category or section.title, section.folder),
        "href": _page_of(section.folder, page) if PAGE in section.files else None,
        "feeds": [
            (folder + one.file_name, one.label, one.media_type)
            for one in formats
            if one.is_feed and one.file_name in section.files
        ],
        "total": section.total,
        "newest": [EntryView(item, locale) for item in section.newest],
    }


def _name_of(category: str, folder: str) -> str:
    """Returns the category, or its folder's name if all its characters are invisible."""
    return tidy(category) or folder


def _page_of(folder: str, page: str) -> str:
    return f"{quote(folder)}/{page}"


def _row(followed: FollowedSource, seen: datetime | None, locale: Locale) -> _Row:
    health = followed.health
    return _Row(
        name=title_text(without_logins(health.name), locale),
        site=address(without_logins(followed.link or "")),
        feed=address(without_logins(followed.url or "")),
        moved_to=address(without_logins(health.moved_to or "")) if followed.url else None,
        articles=health.articles,
        rhythm=_rhythm_of(followed, locale),
        chart=rhythm(followed.published, seen) if seen else None,
        succeeded=health.succeeded,
        next_poll=_next_poll(health, locale),
        failures=health.failures,
        error=without_logins(health.error or ""),
        advice=without_logins(health.advice or ""),
    )


def _rhythm_of(followed: FollowedSource, locale: Locale) -> Markup:
    unit, number = rhythm_of(usual_gap(followed.published))
    return locale.say(f"rhythm_{unit}", number)


def _next_poll(health: SourceHealth, locale: Locale) -> Markup:
    """When a source is polled next, and why; what is gone is not polled."""
    if health.next_poll_at is not None:
        moment = time(health.next_poll_at, locale)
    else:
        moment = locale.say("never" if health.reason == Reason.GONE else "poll_now")
    if (key := _REASONS.get(health.reason)) is None:  # of a later version
        return moment
    return locale.say("poll_because", moment=moment, reason=locale.say(key))
