"""The variables that all pages have."""

from __future__ import annotations

from typing import Any

from aggregator.writers.html.content_security_policy import policy_of
from aggregator.writers.html.locale import Locale
from aggregator.writers.page_look import PageLook

__all__ = ["MAX_QUERY", "NOT_FOUND", "PAGE", "SCRIPT", "common"]

PAGE, SCRIPT = "index.html", "assets/read.js"
NOT_FOUND = "not_found"
"""The key of the words for an address without a page."""

MAX_QUERY = 500
"""The largest number of characters of a search."""


def common(
    look: PageLook, locale: Locale, *, version: str, root: str = "", site: str, start: str, search: str = ""
) -> dict[str, Any]:
    """Returns the variables that every page has.

    - `root`, `start`: relative references to the output folder and to the start page.
    - `site`: the title of the site.
    - `version`: our own version.
    - `search`: a relative reference to the search; "" for a page without its form.
    """
    return {
        "root": root,
        "site": site,
        "start": start,
        "search": search,
        "policy": policy_of(has_search=bool(search), has_script=look.hide_read, plays_http=look.plays_http),
        "script": f"{root}{SCRIPT}" if look.hide_read else None,
        "direction": locale.direction,
        "logo": f"{root}{look.logo}" if look.logo else None,
        "accent": dict(look.colours).get("link", "#9a3412").lstrip("#"),
        "generator": f"Aggregator {version}",
    }
