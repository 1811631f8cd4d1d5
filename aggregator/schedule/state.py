"""The stored state of a source's polling, and the reasons that decide its next poll. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from aggregator.model.json_format import JsonFormat, Moment
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


class PollState(Struct, frozen=True, kw_only=True, omit_defaults=True):
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

    next_poll: Moment | None = None
    reason: Reason = Reason.NEW
    since: Moment | None = None
    polled: Moment | None = None
    polls: int = 0
    failures: int = 0
    postponed: int = 0
    held_off: Moment | None = None
    offline: int = 0
    gone_since: Moment | None = None
    hints: FeedHints = field(default_factory=FeedHints)
    fresh_for: timedelta | None = None
    published: tuple[Moment, ...] = ()
    moved_to: str | None = None
    moved_since: Moment | None = None
    moved_count: int = 0
    whole: Moment | None = None
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
        """One JSON object: times and durations in ISO 8601; fields with the default value are left out."""
        return JsonFormat.dumps(self)

    @staticmethod
    def from_json(text: str) -> PollState:
        """The state that `to_json` wrote; unknown keys are ignored, missing keys are defaults. Raises
        ValueError.
        """
        return _FORMAT.loads(text)


@lru_cache(maxsize=4_000)
def _remembered(text: str) -> PollState:
    # A run reads the state of a source up to three times.
    try:
        return PollState.from_json(text) if text else PollState()
    except ValueError:
        return PollState()


_FORMAT = JsonFormat(PollState)
