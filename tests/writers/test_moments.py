"""Dates as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from aggregator.writers.moments import iso

ZONES = st.sampled_from([UTC, timezone(timedelta(0)), timezone(timedelta(hours=5, minutes=30)), None])


@given(st.datetimes(timezones=ZONES), st.booleans())
def test_a_date_is_written_as_python_writes_it(moment: datetime, is_whole: bool) -> None:
    """Of any year, in any zone, with and without fractions of a second."""
    moment = moment.replace(microsecond=0) if is_whole else moment
    assert iso(moment) == moment.isoformat()
