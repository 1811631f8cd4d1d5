"""How sources fare, judged from what the store and the schedule remember."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator import schedule
from aggregator.config import Config
from aggregator.store import Health, Store
from aggregator.store.subscriptions import listed
from aggregator.subscriptions import joined

STATES = ("healthy", "new", "waiting", "failing", "broken", "silent", "gone")
_BROKEN_AFTER = timedelta(days=7)
_SILENT_GAPS = 10
_SILENT_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fare:
    """How a source fares, as people want to know it.

    `state`: "new" was never polled; "failing" failed the last time, "broken" for a week or more; "waiting"
    gave nothing the last time, which is no failure: it asked us to come later (429, 503), or this machine
    was offline; "silent" answers but has published nothing for ten of its usual gaps, and a month at least;
    "gone" said so (410).
    `rhythm`: how often it publishes. `next_poll`: when, and why then. `moved_to`: where it is polled since it
    moved for good, None when at `address`.
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
    error: str | None
    advice: str | None


def fares(config: Config, now: datetime) -> list[Fare]:
    """How each source of the config fares, by name; writes nothing. Raises StoreError without a store."""
    store = Store(config.store, reads_only=True)
    try:
        known = {health.name: health for health in store.health()}
        sources, _ = joined(config.sources, listed(store))
    finally:
        store.close()
    found = []
    for source in sorted(sources, key=lambda source: source.name):
        health = known.get(source.name) or Health(name=source.name, address=source.address)
        if health.address != source.address:
            # The next run takes the config's address up.
            health = replace(health, address=source.address, moved_to=None)
        found.append(fare(health, now))
    return found


def fare(health: Health, now: datetime) -> Fare:
    """What the store knows of a source, judged at `now`."""
    state = schedule.State.from_json(health.schedule) if health.schedule else schedule.State()
    gap = _usual_gap(state)
    return Fare(
        name=health.name,
        address=health.address,
        moved_to=health.moved_to,
        title=health.title,
        state=_judged(health, state, gap, now),
        articles=health.articles,
        rhythm=_rhythm(gap),
        polled=health.polled,
        succeeded=health.succeeded,
        newest=health.newest,
        failures=state.failures,
        next_poll=state.explain(),
        error=health.error,
        advice=health.advice,
    )


def _usual_gap(state: schedule.State) -> timedelta | None:
    """The mean time between the newest entries; None when there are too few to tell."""
    dates = state.published
    return (dates[0] - dates[-1]) / (len(dates) - 1) if len(dates) > 2 else None


def _judged(health: Health, state: schedule.State, gap: timedelta | None, now: datetime) -> str:
    if state.reason is schedule.Reason.GONE:
        return "gone"
    if health.polled is None:
        return "new"
    if health.error is not None:
        if state.reason is schedule.Reason.OFFLINE:
            return "waiting"
        since = health.succeeded or state.since or now
        if now - since >= _BROKEN_AFTER:
            return "broken"
        return "failing" if state.failures else "waiting"
    if gap is not None and health.newest and now - health.newest > max(_SILENT_GAPS * gap, _SILENT_AFTER):
        return "silent"
    return "healthy"


def _rhythm(gap: timedelta | None) -> str:
    if gap is None:
        return "unknown"
    for name, unit in (
        ("day", timedelta(days=1)),
        ("week", timedelta(days=7)),
        ("month", timedelta(days=30)),
    ):
        if gap < unit:
            return f"{unit / max(gap, timedelta(minutes=1)):.0f} a {name}"
    return f"every {gap.days} days"
