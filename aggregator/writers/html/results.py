"""The page of what a search found, which only a server shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.writers.channel import Item
from aggregator.writers.html.entries import entry
from aggregator.writers.html.parts import render

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


def results_page(results: SearchResults) -> bytes:
    """A page without scripts at the top of the output folder's addresses, beside `style.css`."""
    return render("search.html", results=results, entries=[entry(item) for item in results.items])
