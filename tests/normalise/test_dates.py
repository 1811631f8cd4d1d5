"""The dates that feeds hold, and what is no date."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.normalise.dates import parse

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"


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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
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
def test_what_lacks_a_part_or_cannot_be_believed_is_no_date(text: str) -> None:
    """Nothing is filled in from a clock, and zero is not a time."""
    assert parse(text) is None


def test_no_text_is_no_date() -> None:
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
def test_whatever_comes_in_none_or_aware_utc_comes_out(text: str) -> None:
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
