"""When to poll a source next, and why. Pure: (state of the source, result of a poll, now) -> new state.

How the wait is computed after a poll that succeeded:

    the publication rate   the geometric mean of the mean gap between entries and `Policy.pivot`, between
                           `fastest` and `slowest`: for a given number of requests, entries are found
                           soonest if every wait is proportional to 1 / √rate
    never below            the user's interval; an hour unless the feed itself says that it changes faster;
                           max-age, ttl, sy:updatePeriod; Retry-After
    then                   up to a tenth later, so that sources are not polled all at once; then out of
                           skipHours and skipDays

Failures wait 30 minutes without any response and an hour after any response, doubled each time up to a week;
polling never ends. From the second failure in a row on, the wait is at least the user's interval. When this
machine has no network, sources are tried again after 5 minutes, doubled each time up to an hour, and nothing
is counted. Only a 410 stops polls for longer than that week (and what jitter and skipDays add).

A document is requested without its validators at most once a day, if there is a reason to read it again.
"""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from aggregator.model.struct import Struct, replace
from aggregator.schedule.hints import FeedHints
from aggregator.schedule.state import PollState, Reason

__all__ = [
    "Decision",
    "Policy",
    "PollState",
    "Reason",
    "Result",
    "asks_whole",
    "chance_of",
    "corrected",
    "decide",
    "replanned",
    "wake",
]

_HOUR = timedelta(hours=1)
_HOURS_OF_A_WEEK = 168
_KEPT_DATES = 16
_ENTRIES_FOR_A_RATE = 5
_BUSY = (429, 503)
_GONE = 410


class Policy(Struct, frozen=True, kw_only=True):
    """How a source is to be polled; the fields after `is_pushed` are the same for every source.

    - `interval`: the user's minimum, None when there is none. `is_fixed`: exactly this interval (an hour
      when None), whatever the feed publishes or asks for; Retry-After and back-off still apply.
    - `is_pushed`: a hub reports its changes, so that `slowest` is often enough.
    - `fastest`, `slowest`: limits of the adaptive wait; `usual`: its minimum unless the feed says that it
      changes faster. `pivot`: a source with this mean gap between entries is polled as often as it
      publishes.
    - `longest`: limit of back-off, Retry-After, ttl and sy:updatePeriod; a max-age is limited by `slowest`,
      as servers often send a year for any file.
    - `first_retry`: the wait after a first failure without any response; `first_retry_answered`: after any
      response. `between_whole`: between two requests without validators, if there are validators.
    - `jitter`: how much later a poll may be, as a fraction of its wait; never sooner.
    """

    interval: timedelta | None = None
    is_fixed: bool = False
    is_pushed: bool = False
    fastest: timedelta = timedelta(minutes=20)
    usual: timedelta = _HOUR
    slowest: timedelta = timedelta(days=1)
    pivot: timedelta = _HOUR
    longest: timedelta = timedelta(days=7)
    first_retry: timedelta = timedelta(minutes=30)
    first_retry_answered: timedelta = _HOUR
    between_whole: timedelta = timedelta(days=1)
    longest_busy: timedelta = timedelta(hours=6)
    first_offline: timedelta = timedelta(minutes=5)
    longest_offline: timedelta = _HOUR
    jitter: float = 0.1
    polls_before_adopting: int = 3
    time_before_adopting: timedelta = timedelta(days=3)


class Result(Struct, frozen=True, kw_only=True):
    """The result of one poll.

    - `status`: the last HTTP status (200 for a file), None without a complete response. `is_broken`: there
      was a response, but its document could not be read; `unread`, `advice` and `unread_as` as in
      `PollState`, if the response was complete and its validators are kept. `is_whole`: requested without
      validators.
    - `read_as`: as in `PollState`, None when nothing was read.
    - `is_unconnected`: no network led to the source; `answered` is when any other publisher last responded,
      None if never or not known.
    - `hints`: the document's, None when none was read (304, or an unchanged body): the old ones stay.
    - `fresh_for`: how long the response stays fresh. `retry_after`: with any status, None when not sent.
    - `published`: when the newest known entries were published, in any order; None: as before. Undated
      entries count as of when they were first seen, never as of now.
    - `moved_to`: the target if only permanent redirects (301, 308) were followed, else None.
    """

    status: int | None = 200
    is_broken: bool = False
    unread: str = ""
    advice: str = ""
    unread_as: str = ""
    read_as: str | None = None
    is_whole: bool = False
    is_unconnected: bool = False
    answered: datetime | None = None
    hints: FeedHints | None = None
    fresh_for: timedelta | None = None
    retry_after: datetime | None = None
    published: tuple[datetime, ...] | None = None
    moved_to: str | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """The state to store, with its next poll and reason.

    `adopt` is the source's new address, else None. `is_offline`: our own network failed, not the source.
    """

    state: PollState
    adopt: str | None = None
    is_offline: bool = False

    def explain(self) -> str:
        """The state's sentence, and the new address if there is one."""
        moved = f"; it has moved permanently to {self.adopt}" if self.adopt else ""
        return self.state.explain() + moved


def decide(state: PollState, result: Result, now: datetime, policy: Policy, chance: float) -> Decision:
    """The state after a poll with `result` at `now`; `chance` is a number in [0, 1), see `chance_of`."""
    is_success = _is_success(result)
    changes: dict[str, Any] = {"since": state.since or now, "polled": now, "polls": state.polls + 1}
    changes["gone_since"] = None
    if result.is_whole and _is_answer(result):
        changes["whole"] = now
    if result.unread:
        changes |= {"unread": result.unread, "advice": result.advice, "unread_as": result.unread_as}
    changes["offline"] = state.offline + 1 if result.is_unconnected else 0
    adopt = None
    if is_offline := _is_offline(state, result):
        changes["gone_since"] = state.gone_since
    elif is_success:
        changes |= _learnt(state, result, now)
        adopt = _redirect(state, result, now, policy, changes)
    elif result.status in _BUSY:
        changes |= {"postponed": state.postponed + 1, "held_off": now}
    elif result.status == _GONE:
        changes |= {"gone_since": state.gone_since or now, "failures": 0, "postponed": 0}
        return Decision(state=replace(state, **changes, next_poll=None, reason=Reason.GONE))
    else:
        changes["failures"] = state.failures + 1
    state = replace(state, **changes)

    if is_offline:
        floors = _offline_floors(state, now, policy)
    elif is_success:
        floors = _success_floors(state, now, policy)
    else:
        floors = _failure_floors(state, result, now, policy)
    if result.retry_after is not None:
        floors.append((min(result.retry_after, now + policy.longest), Reason.RETRY_AFTER))
    due, reason = max(floors, key=itemgetter(0))
    due += chance * policy.jitter * (due - now)
    if not policy.is_fixed:
        due, reason = _outside_skipped(due, reason, now, state.hints, policy.jitter, chance)
    return Decision(state=replace(state, next_poll=due, reason=reason), adopt=adopt, is_offline=is_offline)


def wake(state: PollState, now: datetime, policy: Policy, chance: float) -> PollState:
    """The state after a start, a sleep or a jump of the clock.

    Polls that became due meanwhile are spread over a tenth of their wait, but by no more than they are late
    already and by no more than an hour.
    """
    state = corrected(state, now)
    if state.next_poll is None or state.polled is None or state.next_poll >= now:
        return state
    wait = state.next_poll - state.polled
    spread = min(now - state.next_poll, policy.jitter * wait, _HOUR)
    due, reason = now + chance * spread, Reason.WAKING
    if not policy.is_fixed:
        due, reason = _outside_skipped(due, reason, now, state.hints, policy.jitter, chance)
    return replace(state, next_poll=due, reason=reason)


def replanned(state: PollState, now: datetime, policy: Policy, chance: float) -> PollState:
    """The state with its next poll as the last successful poll would have planned it with `policy`."""
    polled = state.polled or now
    due, reason = max(_success_floors(state, polled, policy), key=itemgetter(0))
    due += chance * policy.jitter * (due - polled)
    if not policy.is_fixed:
        due, reason = _outside_skipped(due, reason, polled, state.hints, policy.jitter, chance)
    return replace(state, next_poll=due, reason=reason)


def corrected(state: PollState, now: datetime, wrong: tuple[datetime, datetime] | None = None) -> PollState:
    """The state without times of a wrong clock: none is after `now`, or inside the readings `wrong`.

    A wait that began after `now` is started again, as a source polled while the clock was ahead would not be
    polled for years. A move that was first seen while the clock was behind is counted again.
    """
    changes: dict[str, Any] = {}
    for name in ("since", "held_off", "gone_since", "moved_since", "whole"):
        moment = getattr(state, name)
        if moment is not None and moment > now:
            changes[name] = now
    if state.polled is not None and state.polled > now:
        wait = timedelta(0) if state.next_poll is None else state.next_poll - state.polled
        changes["polled"] = now
        changes["next_poll"] = None if state.next_poll is None else now + max(wait, timedelta(0))
    if wrong is not None and state.moved_since is not None and wrong[0] <= state.moved_since <= wrong[1]:
        changes |= {"moved_to": None, "moved_since": None, "moved_count": 0}
    if wrong is not None and state.held_off is not None and wrong[0] <= state.held_off <= wrong[1]:
        changes["held_off"] = now
    return replace(state, **changes) if changes else state


def chance_of(source: str, polls: int) -> float:
    """A number in [0, 1) that depends only on the source and its number of polls, so that runs repeat."""
    digest = hashlib.blake2b(f"{polls}\n{source}".encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return int.from_bytes(digest, "big") / (1 << 48)


def asks_whole(state: PollState, now: datetime, policy: Policy) -> bool:
    """Whether a document that must be read again may be requested without its validators."""
    return state.whole is None or not timedelta(0) <= now - state.whole < policy.between_whole


def _is_answer(result: Result) -> bool:
    return result.status is not None or result.is_broken


def _is_success(result: Result) -> bool:
    status = result.status
    return status is not None and (200 <= status < 300 or status == 304) and not result.is_broken


def _learnt(state: PollState, result: Result, now: datetime) -> dict[str, Any]:
    # RFC 9111 §4.3.4: a 304 changes only the headers that it repeats; a 200 replaces everything.
    keeps = result.status == 304 and result.fresh_for is None
    learnt: dict[str, Any] = {
        "failures": 0,
        "postponed": 0,
        "unread": "",
        "advice": "",
        "unread_as": "",
        "fresh_for": state.fresh_for if keeps else result.fresh_for,
    }
    if result.hints is not None:
        learnt["hints"] = result.hints
    if result.read_as is not None:
        learnt["read_as"] = result.read_as
    if result.published is not None:
        past = {moment for moment in result.published if moment <= now}
        learnt["published"] = tuple(sorted(past, reverse=True)[:_KEPT_DATES])
    return learnt


def _redirect(
    state: PollState, result: Result, now: datetime, policy: Policy, changes: dict[str, Any]
) -> str | None:
    """Counts a permanent move, by redirect or by the feed's own statement, in `changes`.

    Returns the new address once it was repeated for long enough.
    """
    # The document's statement is valid until it says something else, also through a 304.
    hints = changes.get("hints", state.hints)
    moved_to = result.moved_to or hints.moved_to
    if moved_to is None and state.moved_to is None:
        return None
    repeats = moved_to == state.moved_to
    since = state.moved_since if repeats and state.moved_since else now
    count = state.moved_count + 1 if repeats else 1
    settled = count >= policy.polls_before_adopting and now - since >= policy.time_before_adopting
    if moved_to is None or settled:
        changes |= {"moved_to": None, "moved_since": None, "moved_count": 0}
        changes["hints"] = replace(hints, moved_to=None)
    else:
        changes |= {"moved_to": moved_to, "moved_since": since, "moved_count": count}
    return moved_to if settled else None


_Floors = list[tuple[datetime, Reason]]


def _is_offline(state: PollState, result: Result) -> bool:
    """Whether our own network failed, rather than the connection to this one source.

    The first time, the answer is yes. If others responded since and this source is still unreachable, it is
    the source's own failure: a domain with dead name servers looks the same from here.
    """
    if not result.is_unconnected:
        return False
    is_alone = state.polled and result.answered and result.answered >= state.polled
    return not (state.offline and is_alone)


def _offline_floors(state: PollState, now: datetime, policy: Policy) -> _Floors:
    # No request was made, so the user's interval has not started; but a forced poll does not bring the next
    # one forward.
    wait = _doubled(policy.first_offline, state.offline - 1, policy.longest_offline)
    floors = [(now + wait, Reason.OFFLINE)]
    if state.next_poll is not None:
        floors.append((state.next_poll, state.reason))
    return floors


def _success_floors(state: PollState, now: datetime, policy: Policy) -> _Floors:
    if policy.is_fixed:
        return [(now + (policy.interval or policy.usual), Reason.INTERVAL)]
    wait, reason = _adaptive_wait(state, now, policy)
    floors = [(now + wait, reason)]
    if policy.is_pushed:
        often_enough = max(policy.slowest, policy.interval or policy.slowest)
        floors.insert(0, (now + often_enough, Reason.WEBSUB))
    hints = state.hints
    if hints.ttl is not None:
        floors.append((now + min(hints.ttl, policy.longest), Reason.TTL))
    if hints.period is not None:
        floors.append((now + min(hints.until_update(now), policy.longest), Reason.UPDATE_PERIOD))
    if state.fresh_for is not None:
        floors.append((now + min(state.fresh_for, policy.slowest), Reason.MAX_AGE))
    return floors


def _failure_floors(state: PollState, result: Result, now: datetime, policy: Policy) -> _Floors:
    # A first failure is tried again soon, whatever the user's interval: most are over by then.
    has_floor = policy.interval and (state.failures > 1 or result.status in _BUSY)
    floors = [(now + policy.interval, Reason.INTERVAL)] if policy.interval and has_floor else []
    if result.status not in _BUSY:
        first = policy.first_retry_answered if _is_answer(result) else policy.first_retry
        wait = _doubled(first, state.failures - 1, policy.longest)
        return [*floors, (now + wait, Reason.BACK_OFF)]
    # If a server names a time, that time is used: the wait does not grow beyond it.
    times = 0 if result.retry_after is not None else state.postponed - 1
    return [*floors, (now + _doubled(policy.usual, times, policy.longest_busy), Reason.LATER)]


def _doubled(wait: timedelta, times: int, limit: timedelta) -> timedelta:
    return min(wait * (1 << min(times, 16)), limit)


def _adaptive_wait(state: PollState, now: datetime, policy: Policy) -> tuple[timedelta, Reason]:
    floor = policy.interval or policy.fastest
    if not _may_be_fast(state, now, policy):
        floor = max(floor, policy.usual)
    seconds = math.sqrt(state.mean_gap(now).total_seconds() * policy.pivot.total_seconds())
    wait = min(timedelta(seconds=seconds), policy.slowest)
    if wait > floor:
        return wait, Reason.RATE
    return floor, Reason.RATE if floor == policy.fastest != policy.interval else Reason.INTERVAL


def _may_be_fast(state: PollState, now: datetime, policy: Policy) -> bool:
    """Whether the feed itself says, by its hints or its entries, that an hour is too long for it.

    A server that answered 429 or 503 in the last week is not polled faster.
    """
    if state.held_off is not None and timedelta(0) <= now - state.held_off < policy.longest:
        return False
    said = (state.hints.ttl, state.hints.period, state.fresh_for)
    return len(state.known_dates(now)) >= _ENTRIES_FOR_A_RATE or any(
        wait is not None and timedelta(0) < wait < policy.usual for wait in said
    )


def _outside_skipped(
    due: datetime, reason: Reason, now: datetime, hints: FeedHints, jitter: float, chance: float
) -> tuple[datetime, Reason]:
    """The first moment from `due` on that is in no skipped hour or day, spread over its hour."""
    moment = due
    for _ in range(_HOURS_OF_A_WEEK):
        if moment.hour not in hints.skip_hours and moment.weekday() not in hints.skip_days:
            break
        moment = moment.replace(minute=0, second=0, microsecond=0) + _HOUR
    else:
        return due, reason  # every hour is skipped: ignore it
    if moment == due:
        return due, reason
    by_day = due.weekday() in hints.skip_days
    spread = min(jitter * (moment - now), _HOUR - timedelta(microseconds=1))  # still in the same hour
    return moment + chance * spread, Reason.SKIP_DAYS if by_day else Reason.SKIP_HOURS
