"""The site's own pages: the start page, the status page, and the stylesheet of them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import quote

from aggregator.normalise.disclosure import without_logins
from aggregator.normalise.text import tidy
from aggregator.writers.channel import Followed, OutputFormat, Overview, Section
from aggregator.writers.html.parts import PAGE, macro, render, rhythm

__all__ = ["StartPage", "StatusPage", "Stylesheet"]

LISTS = {
    "feeds.opml": "All our feeds (OPML)",
    "sources.opml": "All our sources (OPML)",
}
INDEX_FROM = 12
# What needs attention comes first.
_STATES = {
    "broken": "They have failed for a week or longer.",
    "failing": "They failed at the last poll.",
    "gone": "They say that they are gone for good.",
    "waiting": "They asked to be polled later, or this machine was offline: no failure.",
    "silent": "They answer, but have published nothing for unusually long.",
    "new": "They have not been polled yet.",
    "healthy": "They answer and publish as usual.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A source as the status page shows it, without any login; "" where there is nothing to show."""

    name: str
    site: str
    feed: str
    moved_to: str
    articles: int
    rhythm: str
    chart: tuple[str, int, str] | None
    succeeded: datetime | None
    next_poll: str
    failures: int
    error: str
    advice: str


class StartPage:
    """Writes `index.html` of the whole site."""

    file_name = PAGE
    shows: Literal["articles", "feeds", "sources"] = "articles"

    def render(self, overview: Overview) -> bytes:
        """All categories, each with its count, its feeds and its newest entries."""
        page = "" if overview.link else PAGE
        sections = [section for section in overview.sections if section.category is not None]
        whole = next((section for section in overview.sections if section.category is None), None)
        return render(
            "start.html",
            overview=overview,
            whole=None if whole is None else _shown(whole, page, overview.formats),
            index=_index(sections, page, overview.language),
            categories=len(sections),
            cards=[_shown(section, page, overview.formats) for section in sections if section.newest],
            lists=[(name, LISTS[name]) for name in LISTS if name in overview.files],
            index_from=INDEX_FROM,
        )


class StatusPage:
    """Writes `status.html`."""

    file_name = "status.html"
    shows: Literal["articles", "feeds", "sources"] = "sources"

    def render(self, overview: Overview) -> bytes:
        """Every source by its state, those that need attention first; no login in any address."""
        states: dict[str, list[Followed]] = {state: [] for state in _STATES}
        for followed in overview.followed:
            states.setdefault(followed.health.state, []).append(followed)
        return render(
            "status.html",
            overview=overview,
            page="" if overview.link else PAGE,
            states=[
                (state, _STATES.get(state, ""), [_row(followed, overview.seen) for followed in found])
                for state, found in states.items()
                if found
            ],
        )


class Stylesheet:
    """Writes `style.css`, which every page uses."""

    file_name = "style.css"
    shows: Literal["articles", "feeds", "sources"] = "feeds"

    def render(self, overview: Overview) -> bytes:
        """The same for every site; with the search form where pages have one."""
        return _styles("style.css") + (_styles("search.css") if overview.search else b"")


@cache
def _styles(name: str) -> bytes:
    return (files("aggregator.writers.html") / "pages" / name).read_bytes()


def _index(sections: Sequence[Section], page: str, language: str | None) -> list[str]:
    """The lines of the index of all categories."""
    facts = [(s.folder, PAGE in s.files, s.category or s.title, s.total) for s in sections]
    return [_lines(tuple(facts[n : n + 50]), page, language) for n in range(0, len(facts), 50)]


@lru_cache(maxsize=1_000)  # of a thousand categories, one has changed
def _lines(facts: tuple[tuple[str, bool, str, int], ...], page: str, language: str | None) -> str:
    shown = [
        (_page_of(folder, page) if has_page else None, _name_of(category, folder), total)
        for folder, has_page, category, total in facts
    ]
    return macro("parts.html", "lines")(shown, language)


def _shown(section: Section, page: str, formats: Sequence[OutputFormat]) -> dict[str, Any]:
    """A section for the start page; `href` is None if it has no page of its own."""
    folder = f"{quote(section.folder)}/"
    return {
        "name": _name_of(section.category or section.title, section.folder),
        "href": _page_of(section.folder, page) if PAGE in section.files else None,
        "feeds": [
            (folder + one.file_name, one.label, one.media_type)
            for one in formats
            if one.is_feed and one.file_name in section.files
        ],
        "total": section.total,
        "newest": section.newest,
    }


def _name_of(category: str, folder: str) -> str:
    """The category, or its folder's name if all its characters are invisible."""
    return tidy(category) or folder


def _page_of(folder: str, page: str) -> str:
    return f"{quote(folder)}/{page}"


def _row(followed: Followed, seen: datetime | None) -> _Row:
    health = followed.health
    return _Row(
        name=without_logins(health.name),
        site=without_logins(followed.link or ""),
        feed=without_logins(followed.url or ""),
        moved_to=without_logins(health.moved_to or "") if followed.url else "",
        articles=health.articles,
        rhythm=health.rhythm,
        chart=rhythm(followed.published, seen) if seen else None,
        succeeded=health.succeeded,
        next_poll=health.next_poll,
        failures=health.failures,
        error=without_logins(health.error or ""),
        advice=without_logins(health.advice or ""),
    )
