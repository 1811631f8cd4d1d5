"""What all pages have in common, and the chart of when a source publishes."""

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
"""The Content-Security-Policy that the pages obey, and state; `frame-ancestors` only a header can."""

FORM_POLICY = POLICY.replace("form-action 'none'", "form-action 'self'")
"""That of pages with a search form."""


def policy_of(*, has_search: bool, has_script: bool, plays_http: bool) -> str:
    """The policy of a site's pages: `has_script` allows scripts from files of the site, and no others.

    `plays_http` allows media from http addresses too.
    """
    policy = FORM_POLICY if has_search else POLICY
    policy = policy.replace("media-src https:", "media-src https: http:") if plays_http else policy
    return f"{policy}; script-src 'self'" if has_script else policy


MAX_QUERY = 500
"""So many characters of a search are looked for."""


def common(
    look: PageLook, locale: Locale, *, version: str, root: str = "", site: str, start: str, search: str = ""
) -> dict[str, Any]:
    """What every page has: `root` leads to the output folder, `start` to the start page.

    `site` is its title, `version` our own, `search` where a search is, "" for a page without its form.
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
    """When a source published its newest entries, up to `seen`: (SVG path of bars, entries, words).

    The words are those of the span, the shortest of a day, a week, 30 days, a year and ten years that
    holds all of them; later dates count as `seen`, earlier ones as the span's first. A bar is a 24th of
    the span. None without dates. Pixels: 96 wide, 16 high.
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
