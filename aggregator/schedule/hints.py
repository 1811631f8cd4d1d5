"""Hints of a feed about its next poll, parsed from text.

Everything here comes from the network: it is limited, and ignored if it makes no sense.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from aggregator.model.struct import Struct

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class FeedHints(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The hints in a feed document about how often to poll it; a field is None or empty without a hint.

    `ttl`: RSS 2.0 `<ttl>`. `skip_hours`, `skip_days`: hours 0 to 23 in GMT, days from Monday = 0 (RSS 2.0
    `<skipHours>`, `<skipDays>`). `period`, `base`: sy:updatePeriod / sy:updateFrequency, and sy:updateBase
    (RSS 1.0 syndication module). `moved_to`: the new address that the feed announces (`itunes:new-feed-url`),
    an http or https address.
    """

    ttl: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    period: timedelta | None = None
    base: datetime | None = None
    moved_to: str | None = None

    def until_update(self, now: datetime) -> timedelta:
        """How long until the feed, by its `period`, changes again: a day when it has none.

        The base is used only for periods of a day or more: WordPress gives every site the same base, so all
        of them would be polled in the same minute of every hour.
        """
        period = self.period or _DAY
        if self.base is None or period < _DAY:
            return period
        return period - (now - self.base) % period


_NUMBER = re.compile(r"[0-9]{1,9}")
_PERIODS = {
    "hourly": _HOUR,
    "daily": _DAY,
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_hints(said: Mapping[str, str]) -> FeedHints:
    """A feed's hints, from the texts under the keys of `Feed.hints`; what makes no sense is ignored.

    A ttl or frequency of 0, skipHours of the whole day and skipDays of the whole week are ignored. Hour 24 is
    hour 0 (RSS 0.91). A missing period is daily, as the module says.
    """
    ttl = _number(said.get("ttl"))
    hours = {
        n % 24 for word in said.get("skipHours", "").split() if (n := _number(word)) is not None and n <= 24
    }
    days = {
        _DAYS.index(day) for word in said.get("skipDays", "").split() if (day := word[:3].lower()) in _DAYS
    }
    period = None
    if any(key.startswith("sy:") for key in said):
        period = _PERIODS.get(said.get("sy:updatePeriod", "daily").strip().lower())
        if period is not None:
            period /= max(1, _number(said.get("sy:updateFrequency")) or 1)
    return FeedHints(
        ttl=timedelta(minutes=ttl) if ttl else None,
        skip_hours=frozenset(hours) if len(hours) < 24 else frozenset(),
        skip_days=frozenset(days) if len(days) < 7 else frozenset(),
        period=period,
        base=_moment(said.get("sy:updateBase")) if period else None,
        moved_to=said.get("itunes:new-feed-url") or None,
    )


def _number(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat((text or "").strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
