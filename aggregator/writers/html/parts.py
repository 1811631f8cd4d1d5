"""Templates of the HTML pages, and what they use.

The templates escape all values, after removing invisible characters (controls, bidi overrides, lone
surrogates). Markup is only what `entries` writes, and the body of an article's own page, sanitised by
`article`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aggregator.normalise.text import tidy
from aggregator.writers.html import entries
from aggregator.writers.xml_text import address, language_tag

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["FORM_POLICY", "MAX_QUERY", "PAGE", "POLICY", "macro", "render", "rhythm"]

PAGE = "index.html"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src https: http: data:; media-src https:; "
    "base-uri 'none'; form-action 'none'"
)
"""The Content-Security-Policy that the pages obey, and state; `frame-ancestors` only a header can."""

FORM_POLICY = POLICY.replace("form-action 'none'", "form-action 'self'")
"""That of pages with a search form."""

MAX_QUERY = 500
"""So many characters of a search are looked for."""


def render(template: str, **facts: Any) -> bytes:
    """The template `template` of `pages/`, filled in, as UTF-8."""
    return _templates().get_template(template).render(facts).encode()


def macro(template: str, name: str) -> Callable[..., str]:
    """A macro of a template of `pages/`; its result is escaped, and other templates insert it as it is."""
    found: Callable[..., str] = getattr(_templates().get_template(template).module, name)
    return found


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("aggregator.writers.html", "pages"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        finalize=lambda value: tidy(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "PAGE": PAGE,
        "POLICY": POLICY,
        "FORM_POLICY": FORM_POLICY,
        "MAX_QUERY": MAX_QUERY,
    }
    environment.filters |= {
        "address": address,
        "tidy": tidy,
        "language_tag": language_tag,
        "picture": entries.picture,
        "language": entries.language,
        "teaser": entries.teaser,
        "title": entries.title_text,
        "entry_title": entries.title,
        "source": entries.source,
        "facts": entries.facts,
        "media": entries.media,
        "time": entries.time,
        "number": lambda number: f"{number:,}",
        "plural": lambda number, one, many: f"{number:,} {one if number == 1 else many}",
    }
    return environment


_DAY = 86_400
_SPANS = (
    (_DAY, "a day"),
    (7 * _DAY, "a week"),
    (30 * _DAY, "30 days"),
    (365 * _DAY, "a year"),
    (3652 * _DAY, "ten years"),
)
BARS, BAR_WIDTH, CHART_HEIGHT = 24, 4, 16


def rhythm(published: Sequence[datetime], seen: datetime) -> tuple[str, int, str] | None:
    """When a source published its newest entries, up to `seen`: (SVG path of bars, entries, span).

    The span is the shortest of a day, a week, 30 days, a year and ten years that holds all of them; later
    dates count as `seen`, earlier ones as the span's first. A bar is a 24th of the span. None without
    dates. Pixels: 96 wide, 16 high.
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
