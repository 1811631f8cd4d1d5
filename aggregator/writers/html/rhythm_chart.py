"""The chart of when a source published its newest entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

__all__ = ["rhythm"]

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
