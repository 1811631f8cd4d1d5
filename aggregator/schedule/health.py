"""The health of sources, judged from the record of their polls. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aggregator.model.struct import Struct, field
from aggregator.schedule import decide as schedule
from aggregator.schedule.state import PollState

STATES = ("healthy", "new", "waiting", "failing", "broken", "silent", "gone")
BROKEN_AFTER = timedelta(days=7)
"""The longest time without a successful poll until a source is broken, unless something else is set."""

_SILENT_GAPS = 10
_SILENT_AFTER = timedelta(days=30)


class PollRecord(Struct, frozen=True, kw_only=True):
    """The stored facts of a source: its polls, its last error and its articles.

    `moved_to` is the address to which it moved permanently, None if it did not move. `schedule` is the state
    of its polling.
    """

    name: str
    address: str
    moved_to: str | None = None
    title: str = ""
    polled: datetime | None = None
    succeeded: datetime | None = None
    error: str | None = None
    advice: str | None = None
    schedule: PollState = field(default_factory=PollState)
    next_poll: datetime | None = None
    articles: int = 0
    newest: datetime | None = None


class HubHealth(Struct, frozen=True, kw_only=True):
    """The state of the subscription at the hub that reports a source's changes (WebSub).

    `state`: "named" is not subscribed yet, "asked" is not verified yet, "active" until `expires`; "denied"
    and "failed" are tried again much later. `is_relied_on`: the source is polled only once a day. `pings` are
    the hub's reports, the last at `pinged`; `forged` those with a wrong signature, which were ignored.
    """

    hub: str
    topic: str
    state: str
    is_relied_on: bool
    expires: datetime | None
    pinged: datetime | None
    pings: int
    forged: int
    error: str | None


class SourceHealth(Struct, frozen=True, kw_only=True):
    """The health of a source, judged at one moment.

    `state`: "new" was never polled; "failing" failed the last time, "broken" for a week or more; "waiting"
    gave no document the last time without a failure: it asked us to come later (429, 503), or this machine
    was offline; "silent" answers but has published nothing for ten of its usual gaps, and for at least a
    month; "gone" answered 410. `rhythm`: how often it publishes. `next_poll`: when and why the next poll is,
    in a sentence; `next_poll_at` is that time, None for now and for never, and `reason` a `schedule.Reason`.
    `moved_to`: where it is polled since it moved permanently, None when at `address`. `websub`: None if it
    names no hub.
    """

    name: str
    address: str
    moved_to: str | None
    title: str
    state: str
    articles: int
    rhythm: str
    polled: datetime | None
    succeeded: datetime | None
    newest: datetime | None
    failures: int
    next_poll: str
    next_poll_at: datetime | None
    reason: str
    error: str | None
    advice: str | None
    websub: HubHealth | None = None


def judge(health: PollRecord, now: datetime, broken_after: timedelta = BROKEN_AFTER) -> SourceHealth:
    """The health of a source at `now`, from its record.

    A source is broken if no poll succeeded for `broken_after`. If that is less than the default, its last two
    polls must have failed: a source that is polled once a day would be broken by one failure otherwise.
    """
    state = health.schedule
    gap = usual_gap(state.published)
    return SourceHealth(
        name=health.name,
        address=health.address,
        moved_to=health.moved_to,
        title=health.title,
        state=_judged(health, state, gap, now, broken_after),
        articles=health.articles,
        rhythm=_rhythm(gap),
        polled=health.polled,
        succeeded=health.succeeded,
        newest=health.newest,
        failures=state.failures,
        next_poll=state.explain(),
        next_poll_at=state.next_poll,
        reason=state.reason.value,
        error=health.error,
        advice=health.advice,
    )


def usual_gap(dates: Sequence[datetime]) -> timedelta | None:
    """The mean time between the newest entries, newest first; None when there are too few."""
    return (dates[0] - dates[-1]) / (len(dates) - 1) if len(dates) > 2 else None


def _judged(
    health: PollRecord, state: PollState, gap: timedelta | None, now: datetime, broken_after: timedelta
) -> str:
    if state.reason is schedule.Reason.GONE:
        return "gone"
    if health.polled is None:
        return "new"
    if health.error is not None:
        if state.reason is schedule.Reason.OFFLINE:
            return "waiting"
        since = health.succeeded or state.since or now
        lasted = now - since
        if lasted >= broken_after and (state.failures > 1 or lasted >= BROKEN_AFTER):
            return "broken"
        return "failing" if state.failures else "waiting"
    if gap is not None and health.newest and now - health.newest > max(_SILENT_GAPS * gap, _SILENT_AFTER):
        return "silent"
    return "healthy"


def rhythm_of(gap: timedelta | None) -> tuple[str, int]:
    """How often a source publishes: how many in a "day", "week" or "month", or once in so many "days".

    "unknown" without a gap.
    """
    if gap is None:
        return "unknown", 0
    for name, unit in (
        ("day", timedelta(days=1)),
        ("week", timedelta(days=7)),
        ("month", timedelta(days=30)),
    ):
        if gap < unit:
            return name, round(unit / max(gap, timedelta(minutes=1)))
    return "days", gap.days


def _rhythm(gap: timedelta | None) -> str:
    unit, number = rhythm_of(gap)
    if unit == "unknown":
        return unit
    return f"every {number} days" if unit == "days" else f"{number} a {unit}"
