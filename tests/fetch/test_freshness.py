"""Times in headers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from aggregator.fetch.freshness import LONGEST, http_date, max_age, retry_after
from tests.conftest import NOW

DATE = "Mon, 01 Jun 2026 12:00:00 GMT"
HOUR = timedelta(hours=1)


def seen(**headers: str) -> Mapping[str, str]:
    """Headers as an answer has them."""
    return CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("headers", "fresh"),
    [
        ({}, None),
        ({"cache_control": "public"}, None),
        ({"cache_control": "max-age=3600"}, HOUR),
        ({"cache_control": 'Public, MAX-AGE="3600"'}, HOUR),
        ({"cache_control": "max-age=3600, max-age=60"}, HOUR),
        ({"cache_control": "max-age=3600", "age": "600"}, timedelta(minutes=50)),
        ({"cache_control": "max-age=60", "age": "600"}, timedelta()),
        ({"cache_control": "max-age=3600, no-cache"}, timedelta()),
        ({"cache_control": "no-store"}, timedelta()),
        ({"cache_control": "s-maxage=3600"}, None),
        ({"cache_control": "max-age=-1"}, None),
        ({"cache_control": "max-age=x"}, None),
        ({"cache_control": "max-age=" + "9" * 500}, LONGEST),
        ({"cache_control": "max-age=60", "expires": "Mon, 01 Jun 2026 13:00:00 GMT"}, timedelta(minutes=1)),
        ({"expires": "Mon, 01 Jun 2026 13:00:00 GMT"}, HOUR),
        ({"expires": "Mon, 01 Jun 2020 13:00:00 GMT", "date": "Mon, 01 Jun 2020 12:00:00 GMT"}, HOUR),
        ({"expires": "Monday, 01-Jun-26 13:00:00 GMT"}, HOUR),
        ({"expires": "Mon Jun  1 13:00:00 2026"}, HOUR),
        ({"expires": "Mon, 01 Jun 2020 13:00:00 GMT"}, timedelta()),
        ({"expires": "0"}, timedelta()),
        ({"expires": "-1", "age": "x"}, timedelta()),
    ],
)
def test_freshness_is_what_is_left_of_it(headers: dict[str, str], fresh: timedelta | None) -> None:
    """RFC 9111 §4.2: Cache-Control before Expires, Age taken off; nothing said is None, not zero."""
    assert max_age(seen(**headers), NOW) == fresh


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry_after": "120"}, timedelta(minutes=2)),
        ({"retry_after": " 0 "}, timedelta()),
        ({"retry_after": "Mon, 01 Jun 2026 13:00:00 GMT"}, HOUR),
        ({"retry_after": "Mon, 01 Jun 2020 13:00:00 GMT", "date": "Mon, 01 Jun 2020 12:00:00 GMT"}, HOUR),
        ({"retry_after": "Mon, 01 Jun 2020 13:00:00 GMT"}, timedelta()),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "9" * 4000}, LONGEST),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_own_clock(
    headers: dict[str, str], wait: timedelta | None
) -> None:
    """RFC 9110 §10.2.3."""
    assert retry_after(seen(**headers), NOW) == wait


@given(st.text(max_size=60))
def test_any_freshness_header_gives_a_bounded_time_or_none(text: str) -> None:
    """Also hostile ones."""
    for found in (
        max_age(seen(cache_control=text, expires=text, age=text, date=text), NOW),
        retry_after(seen(retry_after=text, date=text), NOW),
    ):
        assert found is None or timedelta() <= found <= LONGEST


def test_a_date_is_aware_utc_or_none() -> None:
    """Zones are taken into account; what overflows is none."""
    assert http_date("Mon, 01 Jun 2026 14:00:00 +0200") == http_date(DATE) == NOW
    assert http_date("Fri, 31 Dec 9999 23:59:59 -1400") is None
    assert http_date("x" * 101) is None
