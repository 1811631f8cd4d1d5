"""When digests are due, in a time zone: once a day or week, also when clocks change. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo

__all__ = ["last_due"]


def last_due(at: time, weekday: int | None, zone: tzinfo, now: datetime) -> datetime:
    """The last moment, not after `now`, at which a clock of `zone` shows `at`, in UTC.

    `weekday`: only on this day of the week, 0 for Monday; None for every day. There is one a day: a time that
    is skipped in spring is as long after the change as it is after the skipped hour's start; of a time that
    is shown twice in autumn the first counts.
    """
    today = now.astimezone(zone).date() + timedelta(days=1)
    for back in range(10):
        date = today - timedelta(days=back)
        if weekday is not None and date.weekday() != weekday:
            continue
        moment = datetime.combine(date, at, tzinfo=zone).astimezone(UTC)
        if moment <= now:
            return moment
    raise AssertionError("there is one in each ten days")
