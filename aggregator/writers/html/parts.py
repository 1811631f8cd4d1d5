"""What all pages have in common: the Content-Security-Policy, common variables, the chart of a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aggregator.writers.html.locale import Locale
from aggregator.writers.look import PageLook

__all__ = [
    "FORM_POLICY",
    "MAX_QUERY",
    "NOT_FOUND",
    "PAGE",
    "POLICY",
    "SCRIPT",
    "common",
    "policy_of",
    "rhythm",
]

PAGE, SCRIPT = "index.html", "assets/read.js"
NOT_FOUND = "not_found"
"""The key of the words for an address without a page."""

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https: http: data:; media-src https:; "
    "base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy in the pages; `frame-ancestors` can only be in a header."""

FORM_POLICY = POLICY.replace("form-action 'none'", "form-action 'self'")
"""The Content-Security-Policy of pages with a search form."""


def policy_of(*, has_search: bool, has_script: bool, plays_http: bool) -> str:
    """Returns the policy of a site's pages; `has_script`: scripts from files of the site are allowed, no
    others.

    `plays_http` allows media from http addresses too.
    """
    policy = FORM_POLICY if has_search else POLICY
    policy = policy.replace("media-src https:", "media-src https: http:") if plays_http else policy
    return f"{policy}; script-src 'self'" if has_script else policy


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


_DAY = 86_400
_SPANS = (
    (_DAY, "span_day"),
    (7 * _DAY, "span_week"),
    (30 * _DAY, "span_month"),
    (365 * _DAY, "span_year"),
    (3652 * _DAY, "span_years"),
)
BARS, BAR_WIDTH, CHART_HEIGHT = 24, 4, 16


def rhythm(published: Sequence[datetime], seen: datetime) -> tuple[str, int, str] | None:
    """Returns a chart of when a source published its newest entries: (SVG path of bars, number of entries,
    key of the span's words).

    The span is the shortest of a day, a week, 30 days, a year and ten years that includes all dates, and ends
    at `seen`; later dates count as `seen`, earlier ones as the beginning of the span. A bar is a 24th of the
    span. None without dates. Size in pixels: 96 wide, 16 high.
    """
    if not published:
        return None
    ages = [max((seen - moment).total_seconds(), 0) for moment in published]
    oldest = max(ages)
    span, name = next((s for s in _SPANS if oldest <= s[0]), _SPANS[-1])
    counts = Counter(max(BARS - 1 - int(age * BARS / span), 0) for age in ages)
    most = max(counts.values())
    bars = "".join(
        f"M{number * BAR_WIDTH + BAR_WIDTH // 2} {CHART_HEIGHT}v-{max(CHART_HEIGHT * count // most, 3)}"
        for number, count in sorted(counts.items())
    )
    return bars, len(ages), name
