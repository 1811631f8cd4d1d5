"""Hints of feeds and servers about the next poll, read from text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.schedule.hints import FeedHints, read_hints

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({}, FeedHints(), id="nothing"),
        pytest.param({"ttl": " 60 "}, FeedHints(ttl=HOUR), id="ttl in minutes"),
        pytest.param({"ttl": "0"}, FeedHints(), id="ttl of 0"),
        pytest.param({"ttl": "-5"}, FeedHints(), id="negative ttl"),
        pytest.param({"ttl": "an hour"}, FeedHints(), id="ttl in words"),
        pytest.param({"ttl": "9" * 400}, FeedHints(), id="ttl beyond reason"),
        pytest.param(
            {"skipHours": "0 1 23"}, FeedHints(skip_hours=frozenset({0, 1, 23})), id="hours counted from 0"
        ),
        pytest.param(
            {"skipHours": "24 2"}, FeedHints(skip_hours=frozenset({0, 2})), id="hour 24 of RSS 0.91"
        ),
        pytest.param({"skipHours": "25 x 3"}, FeedHints(skip_hours=frozenset({3})), id="hours that are none"),
        pytest.param({"skipHours": " ".join(map(str, range(24)))}, FeedHints(), id="the whole day"),
        pytest.param(
            {"skipDays": "Saturday sunday"}, FeedHints(skip_days=frozenset({5, 6})), id="days in any case"
        ),
        pytest.param({"skipDays": "Caturday"}, FeedHints(), id="a day that is none"),
        pytest.param(
            {"skipDays": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"},
            FeedHints(),
            id="the whole week",
        ),
        pytest.param({"sy:updatePeriod": " hourly\n"}, FeedHints(period=HOUR), id="hourly"),
        pytest.param(
            {"sy:updatePeriod": "daily", "sy:updateFrequency": "4"},
            FeedHints(period=6 * HOUR),
            id="four a day",
        ),
        pytest.param({"sy:updateFrequency": "2"}, FeedHints(period=12 * HOUR), id="period left out is daily"),
        pytest.param(
            {"sy:updatePeriod": "hourly", "sy:updateFrequency": "0"},
            FeedHints(period=HOUR),
            id="frequency of 0",
        ),
        pytest.param(
            {"sy:updatePeriod": "often", "sy:updateBase": "2000-01-01"}, FeedHints(), id="no period"
        ),
        pytest.param(
            {"sy:updatePeriod": "daily", "sy:updateBase": "2000-01-01T12:00+02:00"},
            FeedHints(period=DAY, base=datetime(2000, 1, 1, 10, 0, tzinfo=UTC)),
            id="base with a zone",
        ),
        pytest.param(
            {"sy:updatePeriod": "daily", "sy:updateBase": "yesterday"},
            FeedHints(period=DAY),
            id="base in words",
        ),
    ],
)
def test_hints_are_read_as_written(said: dict[str, str], expected: FeedHints) -> None:
    """Each hint by its specification; nonsense counts as nothing said."""
    assert read_hints(said) == expected


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        pytest.param(FeedHints(period=HOUR), HOUR, id="without a base, its period from now"),
        pytest.param(
            FeedHints(period=DAY, base=datetime(2000, 1, 1, 18, 0, tzinfo=UTC)),
            6 * HOUR,
            id="at the base's hour",
        ),
        pytest.param(
            FeedHints(period=DAY, base=datetime(2030, 1, 1, 11, 0, tzinfo=UTC)), 23 * HOUR, id="base to come"
        ),
        pytest.param(
            FeedHints(period=HOUR, base=datetime(2000, 1, 1, 0, 10, tzinfo=UTC)),
            HOUR,
            id="a base is no minute of the hour",
        ),
    ],
)
def test_the_next_update_follows_period_and_base(hints: FeedHints, expected: timedelta) -> None:
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
def test_any_hints_in_a_feed_are_read_or_ignored(said: dict[str, str]) -> None:
    """Whatever comes, what is read is within bounds or left out."""
    hints = read_hints(said)
    assert hints.ttl is None or hints.ttl > timedelta(0)
    assert len(hints.skip_hours) < 24
    assert len(hints.skip_days) < 7
    assert hints.until_update(NOW) >= timedelta(0)
