"""Times as queries write them: days, moments, `now-7d`, and ages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

__all__ = ["Bound", "Period", "at", "duration", "period"]

Bound: TypeAlias = datetime | timedelta
"""An aware moment, or a difference from now."""

MAX_DAYS = 36_500
MOMENT = timedelta(microseconds=1)
LAST = datetime.max.replace(tzinfo=UTC)
FIRST = datetime.min.replace(tzinfo=UTC)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([0-9]{1,9})([smhdw])", re.IGNORECASE)
_NOW = re.compile(r"now(?:([+-])([0-9]{1,9}[smhdw]))?", re.IGNORECASE)
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?|([0-9]{4})([0-9]{2})([0-9]{2})")
_CLOCK = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)


@dataclass(frozen=True, slots=True)
class Period:
    """The period of a written time: from `start` up to, but not including, `end`."""

    start: Bound
    end: Bound


def at(bound: Bound, now: datetime) -> datetime:
    """The bound as a moment."""
    if isinstance(bound, datetime):
        return bound
    try:
        return now + bound
    except OverflowError:
        return FIRST if bound < timedelta() else LAST


def duration(text: str) -> timedelta:
    """A number and a unit: `30m`, `12h`, `7d`, `2w`. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text[:40]!r} is not an age; write a number and s, m, h, d or w, such as 12h or 7d"
        )
    try:
        made = timedelta(**{_UNITS[found[2].lower()]: int(found[1])})
    except OverflowError:
        made = timedelta.max
    if made > timedelta(days=MAX_DAYS):
        raise ValueError(f"{text!r} is more than {MAX_DAYS:,} days")
    return made


def period(text: str) -> Period:
    """A year, a month, a day, a minute or a second, in UTC unless it has a zone; `now`, `now-7d`.

    Raises ValueError.
    """
    if now := _NOW.fullmatch(text):
        away = duration(now[2]) if now[2] else timedelta()
        away = -away if now[1] == "-" else away
        return Period(away, away + MOMENT)
    try:
        if day := _DAY.fullmatch(text):
            return _days(day)
        if clock := _CLOCK.fullmatch(text):
            return _clock(clock)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a date in the calendar") from None
    raise ValueError(
        f"{text[:40]!r} is not a date; write 2026, 2026-01, 2026-01-31, 2026-01-31T18:00Z, now or now-7d"
    )


def _days(found: re.Match[str]) -> Period:
    year, month, day = (int(found[n] or found[n + 3] or 0) for n in (1, 2, 3))
    if found[4]:
        year = int(found[4])
    start = datetime(year, month or 1, day or 1, tzinfo=UTC)
    try:
        if day:
            end = start + timedelta(days=1)
        elif month:
            end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        else:
            end = datetime(year + 1, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):  # the last day of the year 9999
        end = LAST
    return Period(start, end)


def _clock(found: re.Match[str]) -> Period:
    zone = (found[5] or "Z").upper().replace("Z", "+00:00")
    start = datetime.fromisoformat(f"{found[1]}T{found[2]}:{found[3]}:{found[4] or '00'}{zone}").astimezone(
        UTC
    )
    return Period(start, start + timedelta(seconds=1 if found[4] else 60))
