"""Dates in any order and language -> aware datetimes: looks for a time, a zone and a day, in this order.

For texts that match none of the exact forms of `dates`: at most 100 characters, each pattern once.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from dateutil import parser as dateutil_parser

from aggregator.normalise.month_names import AFTERNOON, DATE_WORDS, MONTHS, MORNING
from aggregator.normalise.time_zones import ZONES, minutes_east, region_minutes

__all__ = ["full_year", "moment", "read", "without_comments"]

_AGO = re.compile(r"(?:second|sec|minute|min|hour|hr|day|week|month|year)s?\s+ago\b", re.IGNORECASE)
_COMMENT = re.compile(r"\(([^()]*)\)|\[([^\[\]/]*)\]|\bm=[+-][0-9.]+$")
_UNSEEN = dict.fromkeys((0x061C, 0x200E, 0x200F, 0x202A, 0x202B, 0x202C, 0xFEFF))

# A word includes the vowel signs of Indian scripts, which `\w` does not match.
_WORD = re.compile(r"(?:[^\W\d_]|[\u0900-\u0903\u093a-\u094f])+(?:['’][^\W\d_]+)?")
_HALF = "|".join((*MORNING, *AFTERNOON))
_ARABIC_HALVES = {ord("ص"): "a", ord("م"): "p"}
_ARABIC_HALF = re.compile(r"([0-9])\s?([ap])(?![^\W\d_])")
_EAST_ASIAN_DAY = re.compile(r"([0-9]{4})\s*[年년]\s*([0-9]{1,2})\s*[月월]\s*([0-9]{1,2})\s*[日号號일]?")
_EAST_ASIAN_TIME = re.compile(
    r"([0-9]{1,2})\s*[时時点點시]\s*(?:([0-9]{1,2})\s*[分분]?)?\s*(?:([0-9]{1,2})\s*[秒초])?"
)
_TIME = re.compile(
    rf"(?:({_HALF})\s*)?(?<![0-9:.+\u2212-])([0-9]{{1,2}})(?:"
    r"\s?[:h]\s?([0-9]{1,2})(?:\s?[:m]\s?([0-9]{1,2})(?:[.,]([0-9]+))?s?)?(?![0-9:])(?:\s*([ap])\.?\s?m\b\.?)?"
    r"|\s?([ap])\.?\s?m\b\.?|\s?h\b(?!\s?[0-9]))"
)
_DOTTED_TIME = re.compile(
    r"(?<=[\s,])()([0-9]{1,2})\.([0-9]{2})(?:\.([0-9]{2}))?()(?:\s*([ap])\.?\s?m\b\.?)?(?=\s*(?:[a-z]{1,5}|[a-z]*[+-][0-9:]+)?\s*$)()"
)
_NAMED_TIME = re.compile(r"(?:\b12\s+)?\b(noon|midnight)\b")
_OFFSET_END = r"(?:1[0-4]|0?[0-9])(?::?[0-5][0-9])?(?![0-9:./-])(?!\s?\x00)"
_BESIDE = re.compile(rf"\s*((?:utc?|gmt|z)?\s?[+\u2212-]\s?{_OFFSET_END})")
_ELSEWHERE = re.compile(
    rf"(?:(?:utc?|gmt)\s?[+\u2212-]\s?|(?<=\s)[+\u2212-](?=[0-9]{{2}}:?[0-9]{{2}}|[0-9]{{1,2}}$)){_OFFSET_END}"
)
_NAME = re.compile(r"[\s,;]*([a-z]{1,5})\b(?!/)")
_NAME_AT_END = re.compile(r"\b([a-z]{1,5})\s*$")
_REGION = re.compile(r"\b[a-z]{2,20}(?:/[a-z0-9_+-]{2,30}){1,2}")

_DAY_MONTH_YEAR = re.compile(
    r"(?<![0-9])([0-9]{1,2})\D{0,8}\x00([0-9]{1,2})\x00\D{0,8}([0-9]{4}|[0-9]{2})(?![0-9])"
)
_MONTH_DAY_YEAR = re.compile(r"\x00([0-9]{1,2})\x00\D{0,3}([0-9]{1,2})\D{1,8}([0-9]{4})(?![0-9])")
_YEAR_MONTH_DAY = re.compile(r"(?<![0-9])([0-9]{4})\D{0,6}\x00([0-9]{1,2})\x00\D{0,6}([0-9]{1,2})(?![0-9])")
_NUMERIC = re.compile(r"(?<![0-9])([0-9]{4})([-/.])\s?([0-9]{1,2})\2\s?([0-9]{1,2})(?![0-9])")
_DOTTED = re.compile(r"(?<![0-9])([0-9]{1,2})\.\s?([0-9]{1,2})\.\s?([0-9]{4}|[0-9]{2})(?![0-9])")
_SLASHED = re.compile(r"(?<![0-9])([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![0-9])")


def read(text: str) -> datetime | None:
    """The moment that `text` names, naive without a zone; None without a moment. Raises ValueError.

    A text needs a year, a month and a day; without a time it means midnight.
    """
    if _AGO.search(text):  # relative dates are not read; and `ago` is August in Spanish
        return None
    text = without_comments(text)
    text = _EAST_ASIAN_TIME.sub(_clock, _EAST_ASIAN_DAY.sub(r"\1-\2-\3 ", text.lower()))
    marked = _ARABIC_HALF.sub(r"\1 \2m", _WORD.sub(_month_marked, text).translate(_ARABIC_HALVES))
    rest, time, after = _time(marked)
    zone, rest = _zone(rest, after) if after is not None else (None, rest)
    day = _day(rest)
    if day is None:
        return _by_dateutil(text)
    if isinstance(zone, str):
        zone = region_minutes(zone, moment(*day, *time))
    return moment(*day, *time, zone)


def without_comments(text: str) -> str:
    """`text` in one line, without direction marks and without what is in brackets, unless that is a zone."""
    return " ".join(_COMMENT.sub(_zone_in_brackets, text.translate(_UNSEEN)).split())


def _zone_in_brackets(comment: re.Match[str]) -> str:
    comment_text = (comment[1] or comment[2] or "").strip()
    return f" {comment_text} " if comment_text.lower() in ZONES else " "


def full_year(year: str) -> int:
    """A year of two digits is one of 1950 to 2049 (RFC 2822 §4.3)."""
    n = int(year)
    return n if len(year) > 2 else n + (2000 if n < 50 else 1900)


def moment(
    year: int,
    month: int,
    day: int,
    hour: int = 0,
    minute: int = 0,
    second: int = 0,
    zone: int | None = None,
    micro: int = 0,
) -> datetime:
    """The moment in UTC; `zone` in minutes, with None the result is naive.

    Hour 24 is the next day, second 60 the next minute. Raises ValueError.
    """
    if hour == 24 and not minute and not second:
        return moment(year, month, day, 0, 0, 0, zone) + timedelta(days=1)
    whole = min(second, 59) if second <= 60 else second
    found = datetime(year, month, day, hour, minute, whole, micro, None if zone is None else UTC)
    if second == 60:
        found += timedelta(seconds=1)
    return found - timedelta(minutes=zone) if zone else found


def _clock(m: re.Match[str]) -> str:
    return f"{m[1]}:{m[2] or '00'}:{m[3] or '00'} "


def _month_marked(word: re.Match[str]) -> str:
    """Replaces a month's name with its number between NULs; removes days of the week and particles."""
    name = word[0].replace("’", "'")
    if name in DATE_WORDS:
        return " "
    month = MONTHS.get(name)
    return f"\x00{month}\x00" if month else word[0]


def _time(text: str) -> tuple[str, tuple[int, int, int], int | None]:
    """The text without its time; the hour, minute and second; and the position of the time.

    None without one.
    """
    if m := _TIME.search(text) or _DOTTED_TIME.search(text):
        before, hour, minute, second, _, half, alone = m.groups()
        half = half or alone
        hours = int(hour)
        if hours <= 12 and (half or before):
            hours = hours % 12 + (12 if half == "p" or before in AFTERNOON else 0)
        return (
            f"{text[: m.start()]} | {text[m.end() :]}",
            (hours, int(minute or 0), int(second or 0)),
            m.start() + 3,
        )
    if m := _NAMED_TIME.search(text):
        return f"{text[: m.start()]} | {text[m.end() :]}", (12 if m[1] == "noon" else 0, 0, 0), m.start() + 3
    return text, (0, 0, 0), None


def _zone(text: str, after: int) -> tuple[int | str | None, str]:
    """The zone after the time, in minutes or the name of a region, None for none; and the text without it.

    `Mon Jan 8 10:00:00 CET 2024` has it after the time, `Sat Mar 20 20:39:33 2021 +0800` at the end.
    """
    rest = text[after:]
    zone: int | str | None = None
    if found := _BESIDE.match(rest) or _ELSEWHERE.search(rest):
        zone = minutes_east(found[0]) or 0
    elif found := _REGION.search(rest):
        zone = found[0]
    elif found := _NAME.match(rest) or _NAME_AT_END.search(rest):
        zone = ZONES.get(found[1])
    return zone, f"{text[:after]}{rest[: found.start()]} {rest[found.end() :]}" if found else text


def _day(text: str) -> tuple[int, int, int] | None:
    if m := _YEAR_MONTH_DAY.search(text):
        return int(m[1]), int(m[2]), int(m[3])
    if m := _DAY_MONTH_YEAR.search(text):
        return full_year(m[3]), int(m[2]), int(m[1])
    if m := _MONTH_DAY_YEAR.search(text):
        return int(m[3]), int(m[1]), int(m[2])
    if m := _NUMERIC.search(text):
        return int(m[1]), int(m[3]), int(m[4])
    if m := _DOTTED.search(text):
        return full_year(m[3]), int(m[2]), int(m[1])
    if m := _SLASHED.search(text):
        # Ambiguous as day/month: the American reading of 3/4/2024 is as common in feeds as all others
        # together.
        first, second, year = int(m[1]), int(m[3]), full_year(m[4])
        return (year, second, first) if first > 12 else (year, first, second)
    return None


_DEFAULTS = datetime(2000, 1, 1), datetime(2001, 2, 2)  # noqa: DTZ001 - defaults for missing parts


def _by_dateutil(text: str) -> datetime | None:
    """dateutil's reading, if it does not depend on the default for a part that the text leaves out."""
    readings = []
    for default in _DEFAULTS:
        try:
            reading = dateutil_parser.parse(text, default=default, tzinfos=_dateutil_zone)
        except (ValueError, ArithmeticError, TypeError, AttributeError, LookupError, AssertionError):
            return None
        readings.append(reading)
    if readings[0] != readings[1]:
        return None
    return readings[0]


def _dateutil_zone(name: str | None, offset: int | None) -> int:
    return offset if offset is not None else 60 * ZONES.get((name or "").lower(), 0)
