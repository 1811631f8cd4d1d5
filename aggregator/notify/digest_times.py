"""When digests are due, in a time zone: once a day or week, also when clocks change. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

__all__ = ["days_of", "last_due"]

_NOON = time(12)


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


def days_of(begin: datetime, end: datetime, zone: tzinfo) -> tuple[date, date]:
    """The first and the last day by which a period is named, in `zone`.

    They are those of which it has the greater half: not its first if it begins at noon or later, not its last
    if it ends before noon. A period without such a day is named by the day on which it ends.
    """
    first, last = begin.astimezone(zone), end.astimezone(zone)
    first_day = first.date() + timedelta(days=first.time() >= _NOON)
    last_day = last.date() - timedelta(days=last.time() < _NOON)
    return (first_day, last_day) if first_day <= last_day else (last.date(), last.date())
