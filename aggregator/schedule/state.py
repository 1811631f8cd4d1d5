"""The stored state of a source's polling, and the reasons that decide its next poll. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from aggregator.model.struct import Struct, field
from aggregator.schedule.hints import FeedHints


class Reason(StrEnum):
    """The reason for the time of the next poll."""

    NEW = "new"
    INTERVAL = "interval"
    RATE = "publication rate"
    MAX_AGE = "max-age"
    TTL = "ttl"
    UPDATE_PERIOD = "sy:updatePeriod"
    RETRY_AFTER = "retry-after"
    LATER = "later"
    OFFLINE = "offline"
    BACK_OFF = "back-off"
    SKIP_HOURS = "skip hours"
    SKIP_DAYS = "skip days"
    WAKING = "waking"
    CHANGED = "changed"
    WEBSUB = "websub"
    PING = "ping"
    GONE = "gone"


_SENTENCES = {
    Reason.NEW: "it was never polled",
    Reason.INTERVAL: "it is polled no more often than its interval, or once an hour",
    Reason.RATE: "it is polled according to how often it publishes",
    Reason.MAX_AGE: "its server says that nothing changes until then (Cache-Control, Expires)",
    Reason.TTL: "the feed asks for this much time between polls (ttl)",
    Reason.UPDATE_PERIOD: "the feed says that it changes no more often (sy:updatePeriod)",
    Reason.RETRY_AFTER: "its server asks not to be polled until then (Retry-After)",
    Reason.LATER: "its server is busy or wants fewer polls (429, 503)",
    Reason.OFFLINE: "this machine seemed to be offline; it is tried again soon",
    Reason.BACK_OFF: "it failed {failures}; each failure doubles the wait, up to a week",
    Reason.SKIP_HOURS: "the feed asks not to be polled in the hours until then (skipHours)",
    Reason.SKIP_DAYS: "the feed asks not to be polled on the days until then (skipDays)",
    Reason.WAKING: "it became due while nothing ran; late polls are spread out a little",
    Reason.CHANGED: "its settings in the config changed since its last poll",
    Reason.WEBSUB: "a hub reports its changes (WebSub); it is polled once a day in case that fails",
    Reason.PING: "a hub reported that it changed (WebSub)",
    Reason.GONE: "its server said on {state.gone_since:%Y-%m-%d} that it is gone permanently (410); "
    "poll it with --force to try again, or remove it",
}


class PollState(Struct, frozen=True, kw_only=True):
    """The stored state of a source's polling; `PollState()` is a new source, due at once.

    `next_poll` is None when new and when gone. `since` is the first poll, `polled` the last, `polls` their
    number. `failures` and `postponed` (429, 503) count those in a row; `held_off` is when the server last
    sent 429 or 503. `offline` counts polls in a row that found no network. `published` are the newest dates,
    newest first. `moved_*`: a permanent redirect that is not adopted yet. `whole` is when it last answered a
    request without validators. `unread` is why the document of these validators could not be read, with
    `advice`, and `unread_as` with which settings; "" when it was read. `read_as` is the time zone in which
    dates without one were read, "" for UTC. `asked_*`, `options_as` and `paced_as` are the settings of its
    last poll (see `schedule.settings`); "" when they are not known.
    """

    next_poll: datetime | None = None
    reason: Reason = Reason.NEW
    since: datetime | None = None
    polled: datetime | None = None
    polls: int = 0
    failures: int = 0
    postponed: int = 0
    held_off: datetime | None = None
    offline: int = 0
    gone_since: datetime | None = None
    hints: FeedHints = field(default_factory=FeedHints)
    fresh_for: timedelta | None = None
    published: tuple[datetime, ...] = ()
    moved_to: str | None = None
    moved_since: datetime | None = None
    moved_count: int = 0
    whole: datetime | None = None
    unread: str = ""
    advice: str = ""
    unread_as: str = ""
    read_as: str = ""
    asked_as: str = ""
    asked_at: str = ""
    asked_host: str = ""
    options_as: str = ""
    paced_as: str = ""

    def mean_gap(self, now: datetime) -> timedelta:
        """The mean time between its newest entries, including the time since the newest one.

        A source that stops publishing is therefore polled less and less; one without entries counts from its
        first poll.
        """
        dates = self.known_dates(now)
        oldest = dates[-1] if dates else self.since or now
        return max(timedelta(0), now - oldest) / max(1, len(dates))

    def known_dates(self, now: datetime) -> tuple[datetime, ...]:
        """The newest dates, without those after `now`, which a wrong clock stamped."""
        dates = self.published
        return tuple(date for date in dates if date <= now) if dates and dates[0] > now else dates

    def explain(self) -> str:
        """When the next poll is and why, in one sentence."""
        when = f"{self.next_poll:%Y-%m-%d %H:%M} UTC" if self.next_poll else "now"
        failures = f"{self.failures} times in a row" if self.failures > 1 else "once"
        sentence = _SENTENCES[self.reason].format(state=self, failures=failures)
        return f"{'never' if self.reason is Reason.GONE else when}: {sentence}"

    @staticmethod
    def remembered(text: str) -> PollState:
        """The state that `to_json` wrote; a new source's state for "" and for any other text."""
        return _remembered(text)

    def to_json(self) -> str:
        """One JSON object: times in ISO 8601, durations in seconds; fields with the default value are left
        out.
        """
        return _ENCODER.encode(_fields_of(self))

    @classmethod
    def from_json(cls, text: str) -> PollState:
        """The state that `to_json` wrote; unknown keys are ignored, missing keys are defaults. Raises
        ValueError.
        """
        try:
            return cls(**_read(json.loads(text), cls))
        except (TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not the state of a source: {error}") from error


@lru_cache(maxsize=4_000)
def _remembered(text: str) -> PollState:
    # A run reads the state of a source up to three times.
    try:
        return PollState.from_json(text) if text else PollState()
    except ValueError:
        return PollState()


def _fields_of(value: PollState | FeedHints) -> dict[str, object]:
    # Not `asdict`: its deep copies took a quarter of a poll that gave a 304. Nor a function that json calls
    # for each date: with sixteen dates in a state, that took a third of the rest.
    names = _NAMES[type(value)]
    return {
        name: write(each) if (write := _WRITERS.get(type(each))) else each
        for name, each in zip(names, _VALUES[type(value)](value), strict=True)
        if each or type(each) is timedelta  # a duration of zero is not the same as None
    }


_ENCODER = json.JSONEncoder(separators=(",", ":"))
_WRITERS: Mapping[type, Callable[[Any], object]] = {
    datetime: datetime.isoformat,
    timedelta: timedelta.total_seconds,
    tuple: lambda dates: [*map(datetime.isoformat, dates)],
    frozenset: sorted,
    FeedHints: _fields_of,
}


def _hints(data: Mapping[str, Any]) -> FeedHints:
    return FeedHints(**_read(data, FeedHints))


_READERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("next_poll", "since", "polled", "held_off", "gone_since"), datetime.fromisoformat),
    **dict.fromkeys(("moved_since", "whole", "base"), datetime.fromisoformat),
    **dict.fromkeys(("fresh_for", "ttl", "period"), lambda seconds: timedelta(seconds=seconds)),
    **dict.fromkeys(("polls", "failures", "postponed", "offline", "moved_count"), int),
    **dict.fromkeys(("skip_hours", "skip_days"), frozenset),
    "reason": Reason,
    "hints": _hints,
    "published": lambda texts: tuple(map(datetime.fromisoformat, texts)),
    **dict.fromkeys(("moved_to", "unread", "advice", "unread_as", "read_as"), str),
    **dict.fromkeys(("asked_as", "asked_at", "asked_host", "options_as", "paced_as"), str),
}


def _read(data: Mapping[str, Any], kind: type[PollState | FeedHints]) -> dict[str, Any]:
    names = _NAMES[kind]
    return {
        name: _READERS[name](value) for name, value in data.items() if value is not None and name in names
    }


# Computed once: asking `dataclasses` for a thousand sources took as long as all other work on their states.
_NAMES: Mapping[type[PollState | FeedHints], Mapping[str, None]] = {
    kind: dict.fromkeys(kind.__struct_fields__) for kind in (PollState, FeedHints)
}
_VALUES: Mapping[type[PollState | FeedHints], Callable[[Any], tuple[Any, ...]]] = {
    kind: attrgetter(*names) for kind, names in _NAMES.items()
}
