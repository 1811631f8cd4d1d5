"""The dates that feeds hold, and what is no date."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.normalise.dates import exact, first, parse, zoneless_in
from aggregator.normalise.time_zones import minutes_east, zone_of
from tests.conftest import CORPUS


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Mon, 08 Jan 2024 10:00:00 GMT", "2024-01-08T10:00:00"),
        ("Mon, 08 Jan 2024 10:00:00 +0200", "2024-01-08T08:00:00"),
        ("Tue, 08 Jan 2024 10:00:00 -0330", "2024-01-08T13:30:00"),
        ("8 Jan 24 10:00 EST", "2024-01-08T15:00:00"),
        ("Mon, 8 Jan 99 10:00:00 PDT", "1999-01-08T17:00:00"),
        ("Mon, 08 January 2024 10:00:00", "2024-01-08T10:00:00"),
        ("Mon, 08 Jan 2024 10:00:00 CEST", "2024-01-08T08:00:00"),
        ("Mon, 08 Jan 2024 10:00:00 GMT+0200", "2024-01-08T08:00:00"),
        ("Mon, 08 Jan 2024 10:00:00 GMT+00:00", "2024-01-08T10:00:00"),
        ("Mon, 08 Jan 2024 10:00:00.123 Z", "2024-01-08T10:00:00"),
        ("Mon, 08 Jan 2024 10:00:00 +0100 (MEZ)", "2024-01-08T09:00:00"),
        ("Mon, 08 Jan 2024 24:00:00 GMT", "2024-01-09T00:00:00"),
        ("Mon, 31 Dec 2016 23:59:60 GMT", "2017-01-01T00:00:00"),
        ("Mon Jan  8 10:00:00 CET 2024", "2024-01-08T09:00:00"),
        ("Sat, Dec 16 2023 02:02:33 PM", "2023-12-16T14:02:33"),
        ("January 8th, 2024 12:05 am", "2024-01-08T00:05:00"),
        ("2024-01-08T10:00:00Z", "2024-01-08T10:00:00"),
        ("2024-01-08T10:00:00.5+02:00", "2024-01-08T08:00:00.500000"),
        ("2024-01-08T10:00:00+02:00Z", "2024-01-08T08:00:00"),
        ("2024-01-08 10:00:00 UTC", "2024-01-08T10:00:00"),
        ("2024-01-08T10:00:00 EST", "2024-01-08T15:00:00"),
        ("2024-1-8 1:2:3", "2024-01-08T01:02:03"),
        ("2024/01/08  10:00", "2024-01-08T10:00:00"),
        ("2024-01-08T24:00:00Z", "2024-01-09T00:00:00"),
        ("2024-W02-1T10:00:00Z", "2024-01-08T10:00:00"),
        ("2024-008", "2024-01-08T00:00:00"),
        ("20240108T101500Z", "2024-01-08T10:15:00"),
        ("2024-01-08", "2024-01-08T00:00:00"),
        ("1704708000", "2024-01-08T10:00:00"),
        ("1704708000123", "2024-01-08T10:00:00"),
        ("13/01/2024 10:00", "2024-01-13T10:00:00"),
        ("Jul 08 2022", "2022-07-08T00:00:00"),
        ("08Jul2022", "2022-07-08T00:00:00"),
        ("Mon Jan 05 2026 15:04:05 GMT+0100 (Central European Standard Time)", "2026-01-05T14:04:05"),
        ("Mon Jan 05 2026 15:04:05 (CET)", "2026-01-05T14:04:05"),
        ("Mon, 05 Jan 2026 3:04:05 PM EST", "2026-01-05T20:04:05"),
        ("2:05 PM EST 7/8/2022", "2022-07-08T19:05:00"),
        ("Sat Mar 20 20:39:33 +0800 2021", "2021-03-20T12:39:33"),
        ("Sat Mar 20 20:39:33 2021 +0800", "2021-03-20T12:39:33"),
        ("Fri Jul 08 14:05:00 GMT+02:00 2022", "2022-07-08T12:05:00"),
        ("Fri Jul 08 14:05:00 CEST 2022", "2022-07-08T12:05:00"),
        ("2017-08-01 13:55:44.364419679 +0200 CEST", "2017-08-01T11:55:44.364419"),
        ("2017-08-01 13:55:44 +0200 CEST m=+0.000123", "2017-08-01T11:55:44"),
        ("2022-07-08T14:05:00+02:00[Europe/Berlin]", "2022-07-08T12:05:00"),
        ("Jul 8, 2022 3pm", "2022-07-08T15:00:00"),
        ("2022-07-08 12 a.m.", "2022-07-08T00:00:00"),
        ("Noon, July 8 2022", "2022-07-08T12:00:00"),
        ("Fri, 08 Jul 2022 9:5:3 GMT", "2022-07-08T09:05:03"),
        ("8.7.2022 9:5", "2022-07-08T09:05:00"),
        ("Fri, 08 Jul 2022 14.05.00 GMT", "2022-07-08T14:05:00"),
        ("14:05 - 8 Jul 2022", "2022-07-08T14:05:00"),
        ("8 juillet 2022 à 14 h", "2022-07-08T14:00:00"),
        ("2022-07-08 14:05 Uhr MESZ", "2022-07-08T12:05:00"),
        ("Mon, ٠٨ Jan ٢٠٢٤ ١٠:٠٠:٠٠ GMT", "2024-01-08T10:00:00"),
        ("२०२४-०१-०८T१०:००:००Z", "2024-01-08T10:00:00"),
        ("٨ يناير ٢٠٢٤ ٣:٠٤ م", "2024-01-08T15:04:00"),
        ("２０２４年１月８日", "2024-01-08T00:00:00"),
        ("2022/7/8 下午2:05:00", "2022-07-08T14:05:00"),
        ("@1704708000", "2024-01-08T10:00:00"),
        ("/Date(1704708000000+0200)/", "2024-01-08T10:00:00"),
        ("07.02.2025", "2025-02-07T00:00:00"),
    ],
    ids=str,
)
def test_a_date_in_any_common_shape_is_read(text: str, iso: str) -> None:
    """RFC 822 and ISO 8601, as written and as miswritten."""
    assert parse(text) == datetime.fromisoformat(iso).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "8 janvier 2024",
        "mar., 8 janv. 2024",
        "Montag, 8. Januar 2024",
        "lunes, 8 de enero de 2024",
        "8 gennaio 2024",
        "8 de janeiro de 2024",
        "8 januari 2024",
        "8 января 2024 г.",
        "8 січня 2024",
        "pon, 8 stycznia 2024",
        "8. ledna 2024",
        "måndag 8 januari 2024",
        "8 Ocak 2024 Pazartesi",
        "8 Ιανουαρίου 2024",
        "2024. január 8.",
        "ma 8 tammikuuta 2024",
        "2024年1月8日",
        "2024년 1월 8일",
    ],
    ids=str,
)
def test_a_date_in_another_language_is_read(text: str) -> None:
    """Months are known by their names in the languages that feeds are written in."""
    assert parse(text) == datetime(2024, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2024年1月8日 下午3:05", 15), ("2024년 1월 8일 오후 3:05", 15), ("2024年1月8日 3時05分", 3)],
    ids=str,
)
def test_an_east_asian_time_is_read(text: str, hour: int) -> None:
    """The half of the day stands before the hour."""
    assert parse(text) == datetime(2024, 1, 8, hour, 5, tzinfo=UTC)


@pytest.mark.skipif(not available_timezones(), reason="this system has no list of time zones")
@pytest.mark.parametrize(
    "text", ["2022-07-08T14:05:00[Europe/Berlin]", "Fri, 08 Jul 2022 14:05 europe/berlin"], ids=str
)
def test_a_region_has_the_offset_of_that_day(text: str) -> None:
    """Where the system knows the regions of the tz database."""
    assert parse(text) == datetime(2022, 7, 8, 12, 5, tzinfo=UTC)


def test_the_first_readable_of_several_texts_is_used() -> None:
    """If none can be read, the first that is not empty, for the problem."""
    assert first("Invalid Date", None, "2024-01-08", "2025-01-08") == "2024-01-08"
    assert first(" ", "soon", "later") == "soon"
    assert first(None, "") is None


def test_a_date_that_is_believed_may_be_of_any_year() -> None:
    """What we wrote ourselves comes back, even zero."""
    assert exact("Thu, 01 Jan 1970 00:00:00 GMT") == datetime(1970, 1, 1, tzinfo=UTC)
    assert exact("0001-01-01T00:00:00+00:00") == datetime(1, 1, 1, tzinfo=UTC)
    assert exact("0001-01-01T00:00:00+02:00") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "3pm",
        "Monday 3pm",
        "20:26:01",
        "Invalid Date",
        "Jan 5, 15:04:05 +0800",
        "2026-01-05 25:00",
        "somedate",
        "Monday",
        "10:00",
        "2024",
        "2024-01",
        "January 2024",
        "8 Jan",
        "2024-13-45",
        "0000-00-00",
        "0001-01-01T00:00:00Z",
        "Mon, 30 Feb 2024 10:00:00 GMT",
        "Mon, 08 Jan 2024 25:00:00 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "1970-01-20T09:00:00Z",
        "99999999999999999999",
        "2 days, 21 hours ago 27",
        "Mon, 08 Jan 2024 10:00:00 GMT" + " " * 100,
    ],
    ids=lambda text: repr(text[:30]),
)
def test_incomplete_and_implausible_dates_are_none(text: str) -> None:
    """Nothing is filled in from a clock, and zero is not a time."""
    assert parse(text) is None


def test_an_empty_text_is_not_a_date() -> None:
    """An entry need not have one."""
    assert parse(None) is None


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(-840, 840))  # noqa: DTZ001
def test_iso_and_rfc_822_of_one_moment_agree(moment: datetime, minutes: int) -> None:
    """Both shapes of a moment in any zone are that moment."""
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    local = moment + timedelta(minutes=minutes)
    month = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[local.month - 1]  # noqa: SIM905
    time = f"{local.hour:02}:{local.minute:02}:{local.second:02}"
    assert parse(f"{local.year}-{local.month:02}-{local.day:02}T{time}{sign}{hours:02}:{rest:02}") == moment
    assert parse(f"Mon, {local.day:02} {month} {local.year} {time} {sign}{hours:02}{rest:02}") == moment


@given(st.text(max_size=40) | st.text(alphabet="0123456789 -:/.,TZ+WJanFeb年月日()", max_size=40))
def test_any_text_gives_none_or_an_aware_utc_date(text: str) -> None:
    """No library's exception gets out, whatever the text."""
    found = parse(text)
    assert found is None or (found.utcoffset() == timedelta(0) and found.year >= 1900)


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
def test_nearly_every_date_of_real_feeds_is_read() -> None:
    """Real feeds' ISO and RFC 822 dates, a sample of files, are all read."""
    shape = re.compile(r"<(?:pubDate|dc:date|updated|published)>\s*([^<]{8,60}?)\s*</")
    texts = {
        found
        for path in sorted((CORPUS / "feeds").iterdir())[::12]
        for found in shape.findall(path.read_bytes()[:200_000].decode("utf-8", "replace"))
    }
    unread = [text for text in texts if parse(text) is None]
    assert len(texts) > 100, json.dumps(sorted(texts))
    assert len(unread) <= len(texts) // 200, unread


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2026-01-05 15:04:05", "2026-01-05T14:04:05"),
        ("2026-07-05 15:04:05", "2026-07-05T13:04:05"),
        ("2026-07-05", "2026-07-04T22:00:00"),
        ("Mon, 05 Jan 2026 15:04", "2026-01-05T14:04:00"),
        ("5. Juli 2026, 15:04 Uhr", "2026-07-05T13:04:00"),
        ("July 5, 2026 3:04 PM", "2026-07-05T13:04:00"),
        ("20260705T150405", "2026-07-05T13:04:05"),
        ("2026-03-29 02:30", "2026-03-29T01:30:00"),
        ("2026-10-25 02:30", "2026-10-25T00:30:00"),
        ("2026-01-05T15:04:05Z", "2026-01-05T15:04:05"),
        ("2026-01-05T15:04:05-05:00", "2026-01-05T20:04:05"),
        ("Mon, 05 Jan 2026 15:04:05 GMT", "2026-01-05T15:04:05"),
        ("Mon, 05 Jan 2026 15:04:05 EST", "2026-01-05T20:04:05"),
        ("January 5, 2026 15:04 Asia/Tokyo", "2026-01-05T06:04:00"),
        ("January 5, 2026 15:04 UTC", "2026-01-05T15:04:00"),
        ("1767625445", "2026-01-05T15:04:05"),
    ],
)
def test_dates_without_a_zone_are_read_in_the_one_that_is_set(text: str, right: str) -> None:
    """With its summer time: hours that do not exist or come twice are read as the standard has it."""
    with zoneless_in("Europe/Berlin"):
        assert parse(text) == datetime.fromisoformat(f"{right}+00:00")
        with zoneless_in(None):
            assert parse("2026-01-05 15:04:05") == datetime(2026, 1, 5, 15, 4, 5, tzinfo=UTC)
    assert parse("2026-07-05") == datetime(2026, 7, 5, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../../etc/passwd", "", "CEST+2", "x" * 5_000, "Europe"])
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    """When the config is read."""
    with pytest.raises(ValueError, match="no time zone"):
        zone_of(name)


def test_a_date_that_overflows_in_utc_is_none() -> None:
    """Whatever the zone adds."""
    with zoneless_in("America/New_York"):
        assert exact("9999-12-31 23:59:59") is None


@pytest.mark.parametrize("nothing", ["()", "[]", "([])", "( )", "[ ]()", "m=+0.01", "(m=+0.01)"])
def test_empty_brackets_are_not_a_time_zone(nothing: str) -> None:
    """A date that ends so is read as one without a zone."""
    assert minutes_east(nothing) is None
    assert exact(f"2026-01-02T03:04:05 {nothing}") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
