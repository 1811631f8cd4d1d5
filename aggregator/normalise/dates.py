"""The dates that feeds hold -> aware UTC datetimes.

RFC 822 with every liberty that RSS takes (§ `<pubDate>`), RFC 3339 (RFC 4287 §3.3) with every liberty
that anybody takes, month names of two dozen languages, Unix timestamps. What is not said is not
made up: a text without a year, a month or a day is no date, and no clock is read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import ciso8601
from dateutil import parser as dateutil_parser

from aggregator.normalise.months import DATE_WORDS, MERIDIEMS, MONTHS

__all__ = ["parse"]

MAX_CHARACTERS = 100
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_EPOCH = datetime(1970, 2, 1, tzinfo=UTC)

# RFC 822 §5.1, then the zones that feeds really name. IST, CST and the like mean several zones: the one
# that RFC 822 knows wins, else the most populous reading.
_ZONES = {
    "": 0, "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "zulu": 0, "est": -300, "edt": -240, "cst":
    -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "et": -300, "ct": -360, "mt":
    -420, "pt": -480, "akst": -540, "akdt": -480, "hst": -600, "ast": -240, "adt": -180, "nst": -210,
    "ndt": -150, "brt": -180, "brst": -120, "art": -180, "clt": -240, "bst": 60, "ist": 330, "west": 60,
    "cet": 60, "met": 60, "mez": 60, "cest": 120, "mest": 120, "mesz": 120, "eet": 120, "sast": 120,
    "eest": 180, "msk": 180, "msd": 240, "trt": 180, "pkt": 300, "ict": 420, "wib": 420, "hkt": 480,
    "sgt": 480, "awst": 480, "jst": 540, "kst": 540, "aest": 600, "acst": 570, "aedt": 660, "acdt": 630,
    "nzst": 720, "nzdt": 780,
}  # fmt: skip

_NUMERIC_ZONE = re.compile(
    r"(?:utc|gmt|z)?\s*([+\u2212-])\s*([0-9]{1,2}):?([0-9]{2})?(?::?[0-9]{2})?", re.IGNORECASE
)
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
_STAMP = re.compile(r"([0-9]{9,10})(?:\.[0-9]{1,9})?|([0-9]{12,13})")
_AGO = re.compile(r"(?:second|sec|minute|min|hour|hr|day|week|month|year)s?\s+ago\b", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")
_TIME = re.compile(
    r"(?<![0-9])([0-9]{1,2})\s?[:h]\s?([0-9]{2})(?:\s?[:m]\s?([0-9]{2})(?:[.,][0-9]+)?)?(?![0-9])\s*(?:([ap])\.?m\.?(?![a-z]))?",
    re.IGNORECASE,
)
_DOTTED_TIME = re.compile(r"(?<=[\s,])([0-9]{1,2})\.([0-9]{2})(?:\.([0-9]{2}))?$()")
_ZONE_AT_END = re.compile(
    r"(?:\b([a-z]{1,5})|((?:utc|gmt)?\s*[+\u2212-]\s*[0-9]{1,2}:?[0-9]{2}))\s*$", re.IGNORECASE
)
_ZONE_AFTER_TIME = re.compile(r"\s*([a-z]{1,5}|(?:utc|gmt)?[+-][0-9]{2}:?[0-9]{2})(?=\s)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_EAST_ASIAN = re.compile(
    r"([0-9]{4})\s*[年년]\s*([0-9]{1,2})\s*[月월]\s*([0-9]{1,2})\s*[日号號일]"
    r"(?:\D{0,12}?(上午|下午|午前|午後|오전|오후)?\s*([0-9]{1,2})\s*(?:[时時点點시]\s*|:)([0-9]{1,2})?\s*[分분:]?\s*([0-9]{1,2})?\s*[秒초]?)?(.*)"
)
_DAY_MONTH_YEAR = re.compile(r"([0-9]{1,2})\D{1,8}\x00([0-9]{1,2})\x00\D{0,8}([0-9]{4}|[0-9]{2})(?![0-9])")
_MONTH_DAY_YEAR = re.compile(r"\x00([0-9]{1,2})\x00\D{0,3}([0-9]{1,2})\D{1,8}([0-9]{4})(?![0-9])")
_YEAR_MONTH_DAY = re.compile(r"([0-9]{4})\D{1,6}\x00([0-9]{1,2})\x00\D{0,6}([0-9]{1,2})(?![0-9])")
_DOTTED_DATE = re.compile(r"([0-9]{1,2})\.\s?([0-9]{1,2})\.\s?([0-9]{4})(?![0-9])")
_SLASHED_DATE = re.compile(r"([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4})(?![0-9])")

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
    """The moment that `text` names, aware UTC, or None when it names none that can be believed.

    A missing zone is UTC, a missing time midnight, a wrong weekday is passed over, two-digit years are
    RFC 2822 §4.3's. None for: no text, over 100 characters, a missing year, month or day, anything
    before 1900, and January 1970. Never raises.
    """
    if not text or len(text) > MAX_CHARACTERS:
        return None
    return _parse(text)


# A document's dates repeat: published and updated, and the same items at the next poll.
@lru_cache(maxsize=4_096)
def _parse(text: str) -> datetime | None:
    text = text.strip()
    try:
        found = _iso(text) or _common(text) or _rfc822(text) or _stamp(text) or _any(text)
        found = found.astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None
    # An epoch that comes as a date is a zero that somebody took for a time.
    if found is None or not _EARLIEST <= found < _LATEST or _EPOCH <= found < _AFTER_EPOCH:
        return None
    return found


def _common(text: str) -> datetime | None:
    """What nine of ten RSS feeds write, at a third of the cost."""
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
    zone = _zone(zone_name)
    if month is None or zone is None:
        return None
    return _moment(_full_year(year), month, int(day), int(hour), int(minute), int(second or 0), zone)


def _full_year(year: str) -> int:
    n = int(year)
    return n if len(year) > 2 else n + (2000 if n < 50 else 1900)


def _moment(
    year: int,
    month: int,
    day: int,
    hour: int = 0,
    minute: int = 0,
    second: int = 0,
    zone: int = 0,
    micro: int = 0,
) -> datetime:
    """In UTC; `zone` in minutes. Hour 24 is the next day, second 60 the next minute. Raises ValueError."""
    if hour == 24 and not minute and not second:
        return _moment(year, month, day, 0, 0, 0, zone) + timedelta(days=1)
    moment = datetime(year, month, day, hour, minute, min(second, 59) if second <= 60 else second, micro, UTC)
    if second == 60:
        moment += timedelta(seconds=1)
    return moment - timedelta(minutes=zone) if zone else moment


def _zone(text: str) -> int | None:
    """Minutes east of Greenwich, None for no zone; a military letter counts as UTC (RFC 2822 §4.3)."""
    text = text.strip().strip("[]()").lower()
    if text in _ZONES:
        return _ZONES[text]
    if m := _NUMERIC_ZONE.fullmatch(text):
        minutes = int(m[2]) * 60 + int(m[3] or 0)
        # No zone is further than 14 hours: a larger number is a mistake, and the sign of none is known.
        return 0 if minutes > 14 * 60 else minutes if m[1] == "+" else -minutes
    if len(text) == 1 and text.isascii() and text.isalpha():
        return 0
    if text.endswith("z") and (m := _NUMERIC_ZONE.fullmatch(text[:-1])):
        return _zone(text[:-1])
    return None


def _iso(text: str) -> datetime | None:
    # Years only and bare runs of digits are ciso8601's to accept (as January 1st), not ours.
    if not text[:4].isdigit() or _YEAR_MONTH.fullmatch(text) or (text.isdigit() and len(text) != 8):
        return None
    try:
        found = ciso8601.parse_datetime(text)
    except ValueError:
        return _repaired_iso(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


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
    after_noon = 0
    if (half := rest[:2].lower()) in ("am", "pm"):
        after_noon = (12 if half == "pm" else 0) - (12 if int(hour or 0) == 12 else 0)
        rest = rest[2:]
    zone = _zone(_COMMENT.sub("", rest))
    if zone is None:
        return None
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    return _moment(
        int(year),
        int(month),
        int(day_),
        int(hour or 0) + after_noon,
        int(minute or 0),
        int(second or 0),
        zone,
        micro,
    )


def _stamp(text: str) -> datetime | None:
    m = _STAMP.fullmatch(text)
    if m is None:
        return None
    return _EPOCH + timedelta(seconds=int(m[1]) if m[1] else int(m[2]) // 1000)


def _any(text: str) -> datetime | None:
    """Comments, words in other languages, other orders; dateutil last."""
    if _AGO.search(text):  # no clock is read here, and `ago` is August in Spanish
        return None
    text = " ".join(_COMMENT.sub(" ", text).replace("\u200e", "").replace("\u200f", "").split())
    if m := _EAST_ASIAN.search(text):
        return _east_asian(m)
    english = _WORD.sub(_month_marked, text.lower())
    if "\x00" in english or _DOTTED_DATE.search(english) or _SLASHED_DATE.search(english):
        return _worded(english)
    return _rfc822(text) or _iso(text) or _by_dateutil(text)


def _month_marked(word: re.Match[str]) -> str:
    """A month's name becomes its number between NULs; days of the week and particles go."""
    name = word[0].replace("’", "'")
    if name in DATE_WORDS:
        return " "
    month = MONTHS.get(name)
    return f"\x00{month}\x00" if month else word[0]


def _east_asian(m: re.Match[str]) -> datetime | None:
    year, month, day, half, hour, minute, second, rest = m.groups()
    hours = int(hour or 0)
    if half and hours <= 12:
        hours = hours % 12 + (12 if half in MERIDIEMS else 0)
    zone = _zone(rest) if rest else 0
    return _moment(int(year), int(month), int(day), hours, int(minute or 0), int(second or 0), zone or 0)


def _worded(text: str) -> datetime | None:
    hour = minute = second = zone = 0
    if m := _TIME.search(text) or _DOTTED_TIME.search(text):
        hour, minute, second = int(m[1]), int(m[2]), int(m[3] or 0)
        if m[4]:
            hour = (hour % 12 if hour <= 12 else hour) + (12 if m[4].lower() == "p" and hour <= 12 else 0)
        rest = text[m.end() :]
        text = f"{text[: m.start()]} | {rest}"
        if z := _ZONE_AT_END.search(rest):
            zone = _zone(z[0]) or 0
            text = text[: len(text) - len(z[0])]
        elif z := _ZONE_AFTER_TIME.match(rest):  # date(1): Mon Jan  8 10:00:00 CET 2024
            zone = _zone(z[1]) or 0
    ymd = _year_month_day(text)
    return _moment(*ymd, hour, minute, second, zone) if ymd else None


def _year_month_day(text: str) -> tuple[int, int, int] | None:
    if m := _YEAR_MONTH_DAY.search(text):
        return int(m[1]), int(m[2]), int(m[3])
    if m := _DAY_MONTH_YEAR.search(text):
        return _full_year(m[3]), int(m[2]), int(m[1])
    if m := _MONTH_DAY_YEAR.search(text):
        return int(m[3]), int(m[1]), int(m[2])
    if m := _DOTTED_DATE.search(text):
        return int(m[3]), int(m[2]), int(m[1])
    if m := _SLASHED_DATE.search(text):
        # 3/4/2024 is two dates; the American reading is as common in feeds as all others together.
        first, second = int(m[1]), int(m[3])
        return (int(m[4]), second, first) if first > 12 else (int(m[4]), first, second)
    return None


_DEFAULTS = datetime(2000, 1, 1), datetime(2001, 2, 2)  # noqa: DTZ001 - stand-ins for what the text leaves out


def _by_dateutil(text: str) -> datetime | None:
    """dateutil's reading, if it is the same whatever stands in for a part that the text leaves out."""
    readings = []
    for default in _DEFAULTS:
        try:
            reading = dateutil_parser.parse(text, default=default, tzinfos=_dateutil_zone)
        except (ValueError, ArithmeticError, TypeError, AttributeError, LookupError, AssertionError):
            return None
        readings.append(reading)
    if readings[0] != readings[1]:
        return None
    return readings[0] if readings[0].tzinfo else readings[0].replace(tzinfo=UTC)


def _dateutil_zone(name: str | None, offset: int | None) -> int:
    return offset if offset is not None else 60 * _ZONES.get((name or "").lower(), 0)
