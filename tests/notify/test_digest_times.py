"""When digests are due: once a day or week, whatever clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from aggregator.notify.digest_times import days_of, last_due

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "weekday", "zone", "now", "due"),
    [
        ("07:00", None, "Europe/Berlin", "2026-06-01T05:00", "2026-06-01T05:00"),
        ("07:00", None, "Europe/Berlin", "2026-06-01T04:59", "2026-05-31T05:00"),
        ("07:00", None, "Europe/Berlin", "2026-01-01T12:00", "2026-01-01T06:00"),
        ("07:00", 0, "Europe/Berlin", "2026-06-03T12:00", "2026-06-01T05:00"),
        ("07:00", 6, "Europe/Berlin", "2026-06-03T12:00", "2026-05-31T05:00"),
        # Before it in UTC, the next day already there.
        ("07:00", None, "Pacific/Auckland", "2026-06-01T20:00", "2026-06-01T19:00"),
        ("23:30", None, "America/Los_Angeles", "2026-06-02T07:00", "2026-06-02T06:30"),
        # Clocks go forward at 02:00: 02:30 is none, and is taken as 03:30; back at 03:00: the first 02:30.
        ("02:30", None, "Europe/Berlin", "2026-03-29T12:00", "2026-03-29T01:30"),
        ("02:30", None, "Europe/Berlin", "2026-10-25T12:00", "2026-10-25T00:30"),
        ("02:30", None, "Europe/Berlin", "2026-10-25T01:30", "2026-10-25T00:30"),
        # Samoa left a day out: the digest of that day is due at the moment at which it would have been.
        ("12:00", None, "Pacific/Apia", "2011-12-31T09:00", "2011-12-30T22:00"),
    ],
)
def test_the_last_due_time_is_before_now(
    clock: str, weekday: int | None, zone: str, now: str, due: str
) -> None:
    """On the clock of its zone."""
    assert last_due(time.fromisoformat(clock), weekday, ZoneInfo(zone), at(now)) == at(due)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize("clock", ["00:00", "00:30", "01:30", "02:30", "03:00", "23:59"])
def test_there_is_one_a_day_through_a_year(zone: str, clock: str) -> None:
    """Looked at each quarter of an hour around the changes of clocks: never one twice, none left out."""
    found, now = set(), at("2026-01-01T00:00")
    while now < at("2027-01-01T00:00"):
        found.add(last_due(time.fromisoformat(clock), None, ZoneInfo(zone), now))
        now += timedelta(hours=5, minutes=15)
    days = sorted(found)
    assert len(days) in (365, 366, 367)
    assert {round((b - a) / timedelta(hours=1)) for a, b in pairwise(days)} <= {23, 24, 25}


@pytest.mark.parametrize(
    ("begin", "end", "days"),
    [
        ("2026-06-01T05:00", "2026-06-02T05:00", "2026-06-01 2026-06-01"),  # at 07:00 in Berlin
        ("2026-06-01T09:59", "2026-06-02T09:59", "2026-06-01 2026-06-01"),
        ("2026-06-01T10:00", "2026-06-02T10:00", "2026-06-02 2026-06-02"),  # noon
        ("2026-06-01T18:00", "2026-06-02T18:00", "2026-06-02 2026-06-02"),
        ("2026-06-01T21:59", "2026-06-02T21:59", "2026-06-02 2026-06-02"),
        ("2026-06-01T22:00", "2026-06-02T22:00", "2026-06-02 2026-06-02"),  # midnight
        ("2026-06-01T05:00", "2026-06-08T05:00", "2026-06-01 2026-06-07"),
        ("2026-06-07T18:00", "2026-06-14T18:00", "2026-06-08 2026-06-14"),
        ("2026-06-01T18:00", "2026-06-02T05:00", "2026-06-02 2026-06-02"),  # `at` was changed between them
        ("2026-06-01T05:00", "2026-06-01T18:00", "2026-06-01 2026-06-01"),
        ("2026-06-01T11:00", "2026-06-01T18:00", "2026-06-01 2026-06-01"),
        ("2026-06-01T05:00", "2026-06-01T07:00", "2026-06-01 2026-06-01"),
        ("2026-10-24T10:00", "2026-10-25T11:00", "2026-10-25 2026-10-25"),  # noon, clocks changed
    ],
)
def test_a_digest_is_named_by_the_days_that_it_mostly_covers(begin: str, end: str, days: str) -> None:
    """Two that follow each other at the same time of day have no day in common, and leave none out."""
    assert " ".join(str(day) for day in days_of(at(begin), at(end), BERLIN)) == days
