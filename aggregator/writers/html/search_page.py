"""The page of search results, which only the server shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.errors import QueryError
from aggregator.normalise.text import tidy
from aggregator.writers.channel import Item
from aggregator.writers.html.feed_page import entries_of
from aggregator.writers.html.locale import locale_of
from aggregator.writers.html.page_variables import MAX_QUERY, common
from aggregator.writers.html.templates import render
from aggregator.writers.page_look import USUAL_LOOK, PageLook
from aggregator.writers.xml_text import language_tag

__all__ = ["AWAY", "BUSY", "MISSING", "SLOW", "SearchResults", "problem_of", "results_page"]

AWAY, BUSY, MISSING, SLOW = "search_away", "search_busy", "search_missing", "search_slow"
"""The keys of the words that say why a search that can be read has no results."""

_MISTAKES = {
    "unclosed": "search_unclosed",
    "field": "search_no_field",
    "value": "search_value",
    "length": "search_too_long",
    "regex": "search_regex",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResults:
    """The results of a search.

    - `items`: newest first; `is_complete`: there are no others.
    - `title`: the title of the site.
    - `problem`: why there was no search; "" if there was one.
    - `feeds`: the same results to subscribe to: address, name and media type of each.
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


def problem_of(problem: QueryError | str, language: str | None, fields: Sequence[str] = ()) -> str:
    """Why a search has no results, in this language, as plain text; a problem that is no mistake is a key.

    A mistake is described by what kind it is, and in English also by itself. `fields` are those of queries.
    """
    locale = locale_of(language, "UTC")
    if isinstance(problem, str):
        return locale.say(problem).unescape()
    usual = "search_unreadable" if problem.position is None else "search_unreadable_at"
    key = _MISTAKES.get(problem.about, usual)
    names = ", ".join(f"{name}:" for name in fields)
    said = locale.say(key, place=problem.position, fields=names, most=MAX_QUERY).unescape()
    is_english = locale.tag.partition("-")[0].lower() == "en"
    return f"{said} ({problem})" if is_english and problem.about not in ("length", "regex") else said


def results_page(results: SearchResults) -> bytes:
    """Returns the page; its address is directly in the output folder, beside `style.css`."""
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
