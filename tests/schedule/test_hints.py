"""What feeds and servers say of when to come again, read from text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.schedule.hints import Hints, read_hints

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({}, Hints(), id="nothing"),
        pytest.param({"ttl": " 60 "}, Hints(ttl=HOUR), id="ttl in minutes"),
        pytest.param({"ttl": "0"}, Hints(), id="ttl of 0"),
        pytest.param({"ttl": "-5"}, Hints(), id="negative ttl"),
        pytest.param({"ttl": "an hour"}, Hints(), id="ttl in words"),
        pytest.param({"ttl": "9" * 400}, Hints(), id="ttl beyond reason"),
        pytest.param(
            {"skipHours": "0 1 23"}, Hints(skip_hours=frozenset({0, 1, 23})), id="hours counted from 0"
        ),
        pytest.param({"skipHours": "24 2"}, Hints(skip_hours=frozenset({0, 2})), id="hour 24 of RSS 0.91"),
        pytest.param({"skipHours": "25 x 3"}, Hints(skip_hours=frozenset({3})), id="hours that are none"),
        pytest.param({"skipHours": " ".join(map(str, range(24)))}, Hints(), id="the whole day"),
        pytest.param(
            {"skipDays": "Saturday sunday"}, Hints(skip_days=frozenset({5, 6})), id="days in any case"
        ),
        pytest.param({"skipDays": "Caturday"}, Hints(), id="a day that is none"),
        pytest.param(
            {"skipDays": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"},
            Hints(),
            id="the whole week",
        ),
        pytest.param({"sy:updatePeriod": " hourly\n"}, Hints(period=HOUR), id="hourly"),
        pytest.param(
            {"sy:updatePeriod": "daily", "sy:updateFrequency": "4"}, Hints(period=6 * HOUR), id="four a day"
        ),
        pytest.param({"sy:updateFrequency": "2"}, Hints(period=12 * HOUR), id="period left out is daily"),
        pytest.param(
            {"sy:updatePeriod": "hourly", "sy:updateFrequency": "0"}, Hints(period=HOUR), id="frequency of 0"
        ),
        pytest.param({"sy:updatePeriod": "often", "sy:updateBase": "2000-01-01"}, Hints(), id="no period"),
        pytest.param(
            {"sy:updatePeriod": "daily", "sy:updateBase": "2000-01-01T12:00+02:00"},
            Hints(period=DAY, base=datetime(2000, 1, 1, 10, 0, tzinfo=UTC)),
            id="base with a zone",
        ),
        pytest.param(
            {"sy:updatePeriod": "daily", "sy:updateBase": "yesterday"}, Hints(period=DAY), id="base in words"
        ),
    ],
)
def test_hints_are_read_as_written(said: dict[str, str], expected: Hints) -> None:
    """Each hint by its specification; nonsense counts as nothing said."""
    assert read_hints(said) == expected


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        pytest.param(Hints(period=HOUR), HOUR, id="without a base, its period from now"),
        pytest.param(
            Hints(period=DAY, base=datetime(2000, 1, 1, 18, 0, tzinfo=UTC)), 6 * HOUR, id="at the base's hour"
        ),
        pytest.param(
            Hints(period=DAY, base=datetime(2030, 1, 1, 11, 0, tzinfo=UTC)), 23 * HOUR, id="base to come"
        ),
        pytest.param(
            Hints(period=HOUR, base=datetime(2000, 1, 1, 0, 10, tzinfo=UTC)),
            HOUR,
            id="a base is no minute of the hour",
        ),
    ],
)
def test_the_next_update_follows_period_and_base(hints: Hints, expected: timedelta) -> None:
    """sy:updateBase places days and weeks; within a day it would bring every blog to the same minute."""
    assert hints.until_update(NOW) == expected


_KEYS = st.sampled_from(
    ["ttl", "skipHours", "skipDays", "sy:updatePeriod", "sy:updateFrequency", "sy:updateBase"]
)
_TEXTS = st.one_of(
    st.text(max_size=40),
    st.integers().map(str),
    st.dates().map(lambda day: f"{day:%a, %d %b %Y} 25:00:00 -9999"),
    st.sampled_from(["max-age=999999999", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "yearly"]),
)


@given(said=st.dictionaries(_KEYS, _TEXTS))
def test_nothing_that_a_stranger_writes_raises(said: dict[str, str]) -> None:
    """Whatever comes, what is read is within bounds or left out."""
    hints = read_hints(said)
    assert hints.ttl is None or hints.ttl > timedelta(0)
    assert len(hints.skip_hours) < 24
    assert len(hints.skip_days) < 7
    assert hints.until_update(NOW) >= timedelta(0)
