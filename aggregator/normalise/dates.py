"""The dates in feeds -> aware UTC datetimes.

RFC 822 (RSS `<pubDate>`) and RFC 3339 (RFC 4287 §3.3) with the deviations that feeds have, month names of two
dozen languages, Unix timestamps. Missing parts are not invented: a text without a year, a month or a day is
not a date, and no clock is read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

import ciso8601

from aggregator.normalise import loose_dates
from aggregator.normalise.loose_dates import full_year, moment
from aggregator.normalise.time_zones import minutes_east, zone_of

__all__ = ["exact", "first", "parse", "zoneless_in"]

MAX_CHARACTERS = 100
_zoneless_in: ContextVar[tzinfo] = ContextVar("zone of dates without one", default=UTC)
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_EPOCH = datetime(1970, 2, 1, tzinfo=UTC)

_COMMON = re.compile(
    r"[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) "
    r"(?:(GMT|UTC|Z|\+0000)|([+-][0-9]{4}))"
)
_RFC822 = re.compile(
    r"(?:[A-Za-z]{2,9}\.?,?\s+)?([0-9]{1,2})[ -]([A-Za-z]{3,9})\.?[ -]([0-9]{4}|[0-9]{2})"
    r"\s+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?\s*([A-Za-z]*[+-]?[0-9:]*)"
)
_ISO = re.compile(
    r"([0-9]{4})([-/.]?)([0-9]{1,2})\2([0-9]{1,2})"
    r"(?:\s*[T ,]?\s*([0-9]{1,2})(?::?([0-9]{2})(?::?([0-9]{2})(?:[.,]([0-9]+))?)?)?)?\s*(.*)",
    re.IGNORECASE,
)
_WEEK_DATE = re.compile(r"([0-9]{4})-?W([0-9]{2})-?([1-7])(?=T|\s|$)", re.IGNORECASE)
_DAY_OF_YEAR = re.compile(r"([0-9]{4})-([0-9]{3})(?=T|\s|$)", re.IGNORECASE)
_YEAR_MONTH = re.compile(r"[0-9]{4}(?:-[0-9]{2})?")
_STAMP = re.compile(
    r"(?:@|/date\()?(?:([0-9]{9,10})|([0-9]{12,13})|([0-9]{15,16}))(?:\.[0-9]{0,9})?(?:[+-][0-9]{4})?(?:\)/)?",
    re.IGNORECASE,
)
_ENGLISH = {
    name: n
    for n, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ),
        1,
    )
    for name in names.split()
}


_ABBREVIATIONS = {name.title(): f"{n:02}" for name, n in _ENGLISH.items() if len(name) == 3}


def parse(text: str | None) -> datetime | None:
    """The moment that `text` names, aware UTC; None without a plausible one.

    A missing zone is that of `zoneless_in`, else UTC; a missing time is midnight, a wrong weekday is ignored,
    two-digit years are read as in RFC 2822 §4.3. None for: no text, over 100 characters, a missing year,
    month or day, anything before 1900, and January 1970. Never raises.
    """
    found = exact(text)
    # January 1970 comes from a zero that was written as a date.
    if found is None or not _EARLIEST <= found < _LATEST or _EPOCH <= found < _AFTER_EPOCH:
        return None
    return found


def exact(text: str | None) -> datetime | None:
    """Like `parse`, but accepts every year, also January 1970."""
    found = _exact(text) if text and len(text) <= MAX_CHARACTERS else None
    if found is None or found.tzinfo is not None:
        return found
    try:
        return found.replace(tzinfo=_zoneless_in.get()).astimezone(UTC)
    except OverflowError:
        return None


@contextmanager
def zoneless_in(name: str | None) -> Iterator[None]:
    """Inside the `with` statement dates without a zone are in this zone; None is UTC.

    `name`: of the IANA database ("Europe/Berlin"), with daylight saving time. Raises ValueError for an
    unknown name.
    """
    token = _zoneless_in.set(zone_of(name) if name else UTC)
    try:
        yield
    finally:
        _zoneless_in.reset(token)


def first(*texts: str | None) -> str | None:
    """The first text that `parse` can read, else the first that is not empty."""
    written = [text for text in texts if text and not text.isspace()]
    if len(written) > 1:
        return next((text for text in written if parse(text)), written[0])
    return written[0] if written else None


# A document's dates repeat: published and updated, and the same items at the next poll.
@lru_cache(maxsize=4_096)
def _exact(text: str) -> datetime | None:
    text = _with_ascii_digits(text.strip())
    try:
        found = _common(text) or _shaped(text) or _stamp(text) or _loose(text)
        return found.astimezone(UTC) if found and found.tzinfo else found
    except (ValueError, OverflowError):
        return None


def _with_ascii_digits(text: str) -> str:
    """Decimal digits of every script as 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _shaped(text: str) -> datetime | None:
    return _iso(text) or _rfc822(text)


def _loose(text: str) -> datetime | None:
    bare = loose_dates.without_comments(text)
    return (_shaped(bare) if bare != text else None) or loose_dates.read(text)


def _common(text: str) -> datetime | None:
    """Parses the form that nine of ten RSS feeds use, in a third of the time."""
    m = _COMMON.fullmatch(text)
    if m is None or (month := _ABBREVIATIONS.get(m[2])) is None:
        return None
    try:
        return ciso8601.parse_datetime(f"{m[3]}-{month}-{m[1]}T{m[4]}{m[6] or 'Z'}")
    except ValueError:
        return None


def _rfc822(text: str) -> datetime | None:
    m = _RFC822.fullmatch(text)
    if m is None:
        return None
    day, month_name, year, hour, minute, second, zone_name = m.groups()
    month = _ENGLISH.get(month_name.lower())
    zone = minutes_east(zone_name) if zone_name else None
    if month is None or (zone is None and zone_name):
        return None
    return moment(full_year(year), month, int(day), int(hour), int(minute), int(second or 0), zone)


def _iso(text: str) -> datetime | None:
    # ciso8601 also accepts years alone and plain digits (as January 1st); we do not.
    if not text[:4].isdigit() or _YEAR_MONTH.fullmatch(text) or (text.isdigit() and len(text) != 8):
        return None
    try:
        found = ciso8601.parse_datetime(text)
    except ValueError:
        return _repaired_iso(text)
    return found


def _repaired_iso(text: str) -> datetime | None:
    if m := _WEEK_DATE.match(text):
        day = datetime.fromisocalendar(int(m[1]), int(m[2]), int(m[3]))
        text = f"{day:%Y-%m-%d}{text[m.end() :]}"
    elif m := _DAY_OF_YEAR.match(text):
        if not 1 <= int(m[2]) <= 366:
            return None
        day = datetime(int(m[1]), 1, 1, tzinfo=UTC) + timedelta(days=int(m[2]) - 1)
        text = f"{day:%Y-%m-%d}{text[m.end() :]}"
    m = _ISO.fullmatch(text)
    if m is None:
        return None
    year, _, month, day_, hour, minute, second, fraction, rest = m.groups()
    if rest[:1].lower() in ("a", "p"):  # the half of a day
        return None
    zone = minutes_east(rest) if rest.strip() else None
    if zone is None and rest.strip():
        return None
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    return moment(
        int(year),
        int(month),
        int(day_),
        int(hour or 0),
        int(minute or 0),
        int(second or 0),
        zone,
        micro,
    )


def _stamp(text: str) -> datetime | None:
    """Seconds, milliseconds or microseconds since 1970, also written as `@…` or `/Date(…)/`."""
    m = _STAMP.fullmatch(text)
    if m is None:
        return None
    seconds, milliseconds, microseconds = (int(part or 0) for part in m.groups())
    return _EPOCH + timedelta(seconds=seconds or milliseconds // 1_000 or microseconds // 1_000_000)
