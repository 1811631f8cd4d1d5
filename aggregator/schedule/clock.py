"""Decides whether this machine's clock is right, from its earlier readings and other machines' clocks. Pure.

A clock that jumped is doubted until there is other evidence: agreeing times of three publishers (of all, if
there are fewer), or, without remote sources, two upkeeps a day apart. Until then nothing is deleted for its
age. Then the times that were stamped meanwhile are corrected.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from aggregator.model.struct import Struct, replace

PUBLISHERS_THAT_AGREE = 3

_DAY = timedelta(days=1)
_LONGEST_GAP = timedelta(days=2)
_LONGEST_BETWEEN_UPKEEPS = timedelta(days=32)


class ServerTimes(Struct, frozen=True, kw_only=True):
    """The agreement of other machines' clocks with ours: numbers of publishers.

    `publishers` could be compared; `agreeing` sent a time within a day of ours, `disagreeing` another time.
    `is_outside`: they are other people's servers, and do not share this machine's clock.
    """

    publishers: int = 0
    agreeing: int = 0
    disagreeing: int = 0
    is_outside: bool = True

    @property
    def agrees(self) -> bool:
        """Whether it is enough to explain a jump."""
        needed = min(PUBLISHERS_THAT_AGREE, self.publishers)
        return 0 < needed <= self.agreeing and self.agreeing > self.disagreeing

    @property
    def denies(self) -> bool:
        """Whether it shows that our clock is wrong."""
        return self.is_outside and self.disagreeing > 0 and self.disagreeing >= self.agreeing


class Clock(Struct, frozen=True, kw_only=True):
    """The stored record of this machine's clock between runs.

    - `believed`: the last reading that was accepted; `since`: the first of that series. `is_firm`: other
      clocks agreed with it, or it continued for a day.
    - `doubted`: the first reading since then that was not accepted, `seen` the last; None without doubt.
    - `newest`: the number of the newest article when the doubt began, or before the very first reading.
    """

    believed: datetime
    since: datetime
    is_firm: bool = False
    doubted: datetime | None = None
    seen: datetime | None = None
    newest: int = 0

    def to_json(self) -> str:
        """One JSON object, times in ISO 8601."""
        values = {name: getattr(self, name) for name in self.__struct_fields__}
        return json.dumps(values, default=datetime.isoformat, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Clock | None:
        """The clock that `to_json` wrote; None for any other text."""
        try:
            values: dict[str, Any] = json.loads(text)
            for name in ("believed", "since", "doubted", "seen"):
                if values[name] is not None:
                    values[name] = datetime.fromisoformat(values[name])
                    values[name].astimezone()
            return cls(**values) if values["believed"] and values["since"] else None
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return None


class Judgement(Struct, frozen=True, kw_only=True):
    """The result of `judge`. `clock` is to be stored; `may_prune`: `now` may be used to decide what is old.

    `mistaken`: the earlier clock, if times stamped meanwhile must be corrected, else None; with `is_sure` the
    correction is final, else it can be undone. `report` describes what happened, "" for nothing.
    """

    clock: Clock
    may_prune: bool = False
    mistaken: Clock | None = None
    is_sure: bool = True
    report: str = ""


def read(clock: Clock | None, now: datetime, newest: int) -> Clock:
    """The clock to store after a reading; `newest` is the number of the newest article."""
    if clock is None:
        return Clock(believed=now, since=now, newest=newest)
    if follows(clock.believed, now):
        return clock
    return _doubted(clock, now, newest)


def judge(clock: Clock, now: datetime, others: ServerTimes) -> Judgement:
    """Decides whether the reading `now`, which `read` has recorded, is accepted."""
    jump = f"this machine's clock went from {clock.believed:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC"
    if others.denies:
        report = (
            f"{others.disagreeing} publishers' clocks differ from this machine's by more than a day: "
            "nothing is pruned; set the clock right"
        )
        return Judgement(clock=_doubted(clock, now, clock.newest), report=report)
    if follows(clock.believed, now):
        is_firm = clock.is_firm or others.agrees or now - clock.since >= _DAY
        mistaken = clock if clock.doubted else None
        believed = replace(clock, believed=now, is_firm=is_firm, doubted=None, seen=None)
        report = "this machine's clock is right again: times that it stamped meanwhile were corrected"
        return Judgement(clock=believed, may_prune=True, mistaken=mistaken, report=report if mistaken else "")
    believed = Clock(believed=now, since=now, is_firm=others.agrees, newest=clock.newest)
    if others.agrees:
        report = f"{jump}; {others.agreeing} publishers' clocks agree with it"
        return Judgement(clock=believed, may_prune=True, mistaken=clock, report=report)
    waited = now - clock.doubted if clock.doubted else timedelta(0)
    is_alone = others.publishers == 0 or not others.is_outside
    if is_alone and _DAY <= waited <= _LONGEST_BETWEEN_UPKEEPS:
        report = f"{jump} and has gone on from there for a day: it is believed"
        return Judgement(clock=believed, may_prune=True, mistaken=clock, report=report)
    until = "it has gone on from there for a day" if is_alone else "publishers' clocks agree with it"
    # If only the very first runs showed a later time, those runs may have been wrong.
    return Judgement(
        clock=_doubted(clock, now, clock.newest),
        mistaken=clock if now < clock.believed and not clock.is_firm else None,
        is_sure=False,
        report=f"{jump}: nothing is pruned until {until}",
    )


def moved(clock: Clock, believed: datetime) -> Clock:
    """The same clock with another last accepted reading."""
    return replace(clock, believed=believed)


def follows(believed: datetime, now: datetime) -> bool:
    """Whether `now` is a plausible reading after `believed`, without a jump."""
    return -_DAY <= now - believed <= _LONGEST_GAP


def _doubted(clock: Clock, now: datetime, newest: int) -> Clock:
    if clock.doubted is None or clock.seen is None:
        # What the very first run stamped is in doubt, too.
        return replace(clock, doubted=now, seen=now, newest=newest if clock.is_firm else clock.newest)
    if -_DAY <= now - clock.seen <= _LONGEST_BETWEEN_UPKEEPS:
        return replace(clock, seen=now)
    return replace(clock, doubted=now, seen=now)
