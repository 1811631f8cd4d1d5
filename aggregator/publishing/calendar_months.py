"""The months in the feed of everything: the number of articles of each, and the page of the newest."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from aggregator.normalise.time_zones import zone_of
from aggregator.publishing.archives import FOLDER
from aggregator.publishing.outputs import FeedOutput
from aggregator.store import ALL, Store
from aggregator.writers.channel import Month

__all__ = ["months_of"]

_MOST = 12 * 100
"""The largest number of months, counted from the newest."""


def months_of(output: FeedOutput, store: Store, timezone: str) -> tuple[Month, ...]:
    """Returns the months that have articles, newest first."""
    span = store.calendar.span(ALL)
    if span is None:
        return ()
    zone: tzinfo = UTC if timezone == "UTC" else zone_of(timezone)
    shown_since = store.calendar.shown_since(ALL, output.entries)
    full = store.archives.count(ALL, "")[0]
    has_archives = "html" in output.archived
    made = []
    for period in store.calendar.periods(ALL, _starts(*span, zone)):
        number = period.archived
        if number is None and shown_since is not None and period.newest < shown_since:
            number = full + 1
        folder = f"{output.folder}/" + (f"{FOLDER}/{number}/" if number is not None else "")
        local = period.newest.astimezone(zone)
        is_linked = "html" in output.writers and (number is None or has_archives)
        made.append(
            Month(
                start=period.start,
                count=period.count,
                folder=folder if is_linked else "",
                day=f"{local.year:04}-{local.month:02}-{local.day:02}",
            )
        )
    return tuple(made)


def _starts(oldest: datetime, newest: datetime, zone: tzinfo) -> list[datetime]:
    """Returns the beginnings of months in a time zone, from the month after `newest` down to that of
    `oldest`.
    """
    first, last = oldest.astimezone(zone), newest.astimezone(zone)
    month, end = 12 * last.year + last.month, 12 * first.year + first.month - 1
    starts: list[datetime] = []
    while month >= end and len(starts) <= _MOST:
        starts.append(datetime(month // 12, month % 12 + 1, 1, tzinfo=zone).astimezone(UTC))
        month -= 1
    return starts
