"""The page of what a search found, which only a server shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.normalise.text import tidy
from aggregator.writers.channel import Item
from aggregator.writers.html.category import entries_of
from aggregator.writers.html.locale import locale_of
from aggregator.writers.html.parts import common
from aggregator.writers.html.templates import render
from aggregator.writers.look import USUAL_LOOK, PageLook
from aggregator.writers.xml_text import language_tag

__all__ = ["SearchResults", "results_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResults:
    """What a search found: `items`, newest first; `is_complete`: there are no others.

    `title` is the site's. `problem` is why nothing was looked for, "" when something was. `feeds` are the
    same results to subscribe to: address, name and media type of each.
    """

    query: str
    title: str
    items: tuple[Item, ...] = ()
    is_complete: bool = True
    problem: str = ""
    feeds: Sequence[tuple[str, str, str]] = ()
    language: str | None = None
    generator_version: str = ""
    look: PageLook = USUAL_LOOK


def results_page(results: SearchResults) -> bytes:
    """A page without scripts at the top of the output folder's addresses, beside `style.css`."""
    look = results.look
    locale = locale_of(results.language, look.timezone)
    name = tidy(results.title) or str(locale.say("feeds"))
    return render(
        "search.html",
        look,
        locale,
        **common(look, locale, version=results.generator_version, site=name, start="./", search="search"),
        name=name,
        tag=language_tag(results.language),
        query=results.query,
        problem=results.problem,
        feeds=results.feeds,
        is_complete=results.is_complete,
        entries=[entries_of((item,), look, locale, "") for item in results.items],
    )
