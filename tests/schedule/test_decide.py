"""When a source is polled next, and why."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model.struct import replace
from aggregator.schedule.decide import Decision, Policy, PollState, Reason, Result, chance_of, decide, wake
from aggregator.schedule.hints import FeedHints
from tests.support.examples import examples

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)  # a Monday
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
POLICY = Policy()


def every(gap: timedelta, count: int = 16) -> tuple[datetime, ...]:
    """The dates of a feed that publishes so regularly that its next entry is due right now."""
    return tuple(NOW - gap * n for n in range(1, count + 1))


def after(
    result: Result, policy: Policy = POLICY, state: PollState | None = None, chance: float = 0.0
) -> tuple[timedelta, Reason]:
    """How long the wait is after one poll, and why; without jitter unless `chance` is given."""
    decided = decide(state or PollState(), result, NOW, policy, chance).state
    assert decided.next_poll is not None
    return decided.next_poll - NOW, decided.reason


HINT_FOR_FAST = FeedHints(ttl=25 * MINUTE)


@pytest.mark.parametrize(
    ("result", "policy", "wait", "reason"),
    [
        pytest.param(Result(), POLICY, HOUR, Reason.INTERVAL, id="a feed without entries: an hour"),
        pytest.param(Result(published=every(HOUR)), POLICY, HOUR, Reason.RATE, id="hourly entries: hourly"),
        pytest.param(Result(published=every(16 * HOUR)), POLICY, 4 * HOUR, Reason.RATE, id="every 16 hours"),
        pytest.param(
            Result(published=every(15 * MINUTE)), POLICY, 30 * MINUTE, Reason.RATE, id="four an hour"
        ),
        pytest.param(
            Result(published=every(MINUTE)), POLICY, 20 * MINUTE, Reason.RATE, id="the fastest: 20 minutes"
        ),
        pytest.param(Result(published=every(365 * DAY)), POLICY, DAY, Reason.RATE, id="the slowest: a day"),
        pytest.param(
            Result(published=every(MINUTE, 4)), POLICY, HOUR, Reason.INTERVAL, id="four entries tell no rate"
        ),
        pytest.param(
            Result(published=(NOW + DAY, *every(16 * HOUR))),
            POLICY,
            4 * HOUR,
            Reason.RATE,
            id="dates to come",
        ),
        pytest.param(
            Result(published=every(MINUTE), hints=FeedHints(ttl=HOUR)), POLICY, HOUR, Reason.TTL, id="ttl"
        ),
        pytest.param(
            Result(published=every(MINUTE, 1), hints=HINT_FOR_FAST),
            POLICY,
            25 * MINUTE,
            Reason.TTL,
            id="a ttl below the hour lifts the hour",
        ),
        pytest.param(
            Result(published=every(365 * DAY), hints=HINT_FOR_FAST),
            POLICY,
            DAY,
            Reason.RATE,
            id="a short ttl asks for nothing",
        ),
        pytest.param(Result(hints=FeedHints(ttl=365 * DAY)), POLICY, 7 * DAY, Reason.TTL, id="ttl of a year"),
        pytest.param(
            Result(hints=FeedHints(period=12 * HOUR)),
            POLICY,
            12 * HOUR,
            Reason.UPDATE_PERIOD,
            id="sy: twice a day",
        ),
        pytest.param(
            Result(hints=FeedHints(period=DAY, base=datetime(2000, 1, 1, 18, 0, tzinfo=UTC))),
            POLICY,
            6 * HOUR,
            Reason.UPDATE_PERIOD,
            id="sy: daily at six in the evening",
        ),
        pytest.param(Result(fresh_for=3 * HOUR), POLICY, 3 * HOUR, Reason.MAX_AGE, id="max-age"),
        pytest.param(Result(fresh_for=365 * DAY), POLICY, DAY, Reason.MAX_AGE, id="max-age of a year"),
        pytest.param(Result(fresh_for=timedelta(0)), POLICY, HOUR, Reason.INTERVAL, id="max-age of 0"),
        pytest.param(
            Result(retry_after=NOW + 5 * HOUR), POLICY, 5 * HOUR, Reason.RETRY_AFTER, id="Retry-After on 200"
        ),
        pytest.param(
            Result(status=304, retry_after=NOW + 5 * HOUR), POLICY, 5 * HOUR, Reason.RETRY_AFTER, id="on 304"
        ),
        pytest.param(
            Result(status=404, retry_after=NOW + 5 * HOUR), POLICY, 5 * HOUR, Reason.RETRY_AFTER, id="on 404"
        ),
        pytest.param(
            Result(retry_after=NOW + 365 * DAY),
            POLICY,
            7 * DAY,
            Reason.RETRY_AFTER,
            id="Retry-After of a year",
        ),
        pytest.param(Result(status=503), POLICY, HOUR, Reason.LATER, id="503"),
        pytest.param(
            Result(status=429, retry_after=NOW + 90 * MINUTE),
            POLICY,
            90 * MINUTE,
            Reason.RETRY_AFTER,
            id="429",
        ),
        pytest.param(Result(status=None), POLICY, 30 * MINUTE, Reason.BACK_OFF, id="no answer"),
        pytest.param(Result(status=404), POLICY, HOUR, Reason.BACK_OFF, id="404"),
        pytest.param(Result(status=403), POLICY, HOUR, Reason.BACK_OFF, id="403"),
        pytest.param(
            Result(status=None, is_unconnected=True), POLICY, 5 * MINUTE, Reason.OFFLINE, id="offline"
        ),
        pytest.param(
            Result(status=None, is_unconnected=True, answered=NOW - HOUR),
            Policy(interval=DAY),
            5 * MINUTE,
            Reason.OFFLINE,
            id="offline: nobody was asked, so no interval has begun",
        ),
        pytest.param(Result(is_broken=True), POLICY, HOUR, Reason.BACK_OFF, id="not a feed"),
        pytest.param(
            Result(status=None, is_broken=True), POLICY, HOUR, Reason.BACK_OFF, id="an answer broke off"
        ),
        pytest.param(
            Result(published=every(MINUTE)),
            Policy(interval=2 * HOUR),
            2 * HOUR,
            Reason.INTERVAL,
            id="the user's interval is a floor",
        ),
        pytest.param(
            Result(published=every(16 * HOUR)),
            Policy(interval=2 * HOUR),
            4 * HOUR,
            Reason.RATE,
            id="above the user's interval it adapts",
        ),
        pytest.param(
            Result(published=every(timedelta(seconds=1))),
            Policy(interval=5 * MINUTE),
            5 * MINUTE,
            Reason.INTERVAL,
            id="a user may allow more than we would",
        ),
        pytest.param(
            Result(published=every(365 * DAY)),
            Policy(interval=5 * MINUTE),
            DAY,
            Reason.RATE,
            id="but slow feeds stay slow",
        ),
        pytest.param(
            Result(), Policy(interval=3 * DAY), 3 * DAY, Reason.INTERVAL, id="an interval beyond the slowest"
        ),
        pytest.param(
            Result(status=500),
            Policy(interval=2 * HOUR),
            HOUR,
            Reason.BACK_OFF,
            id="a first failure is tried again sooner",
        ),
        pytest.param(
            Result(
                published=every(365 * DAY),
                hints=FeedHints(ttl=DAY, skip_hours=frozenset({12})),
                fresh_for=DAY,
            ),
            Policy(interval=20 * MINUTE, is_fixed=True),
            20 * MINUTE,
            Reason.INTERVAL,
            id="a fixed interval is just that",
        ),
        pytest.param(
            Result(retry_after=NOW + HOUR),
            Policy(interval=20 * MINUTE, is_fixed=True),
            HOUR,
            Reason.RETRY_AFTER,
            id="but Retry-After holds",
        ),
    ],
)
def test_the_longest_floor_decides(result: Result, policy: Policy, wait: timedelta, reason: Reason) -> None:
    """One rule a case: how long the wait is without jitter, and which rule it is named after."""
    found, why = after(result, policy)
    assert (round(found.total_seconds()), why) == (wait.total_seconds(), reason)


def hours(*numbers: int) -> frozenset[int]:
    """For `skip_hours` and `skip_days`."""
    return frozenset(numbers)


@pytest.mark.parametrize(
    ("hints", "wait", "reason"),
    [
        pytest.param(FeedHints(skip_hours=hours(12)), HOUR, Reason.INTERVAL, id="not in a skipped hour"),
        pytest.param(FeedHints(skip_hours=hours(13, 14)), 3 * HOUR, Reason.SKIP_HOURS, id="two hours"),
        pytest.param(
            FeedHints(skip_hours=hours(*range(13, 24), 0)), 13 * HOUR, Reason.SKIP_HOURS, id="over midnight"
        ),
        pytest.param(FeedHints(skip_days=hours(0, 1)), 36 * HOUR, Reason.SKIP_DAYS, id="today and tomorrow"),
        pytest.param(
            FeedHints(skip_days=hours(0), skip_hours=hours(0)), 13 * HOUR, Reason.SKIP_DAYS, id="day and hour"
        ),
        pytest.param(
            FeedHints(skip_hours=hours(*range(24))), HOUR, Reason.INTERVAL, id="every hour: not believed"
        ),
        pytest.param(
            FeedHints(skip_days=hours(*range(7))), HOUR, Reason.INTERVAL, id="every day: not believed"
        ),
    ],
)
def test_skipped_hours_and_days_are_waited_out(hints: FeedHints, wait: timedelta, reason: Reason) -> None:
    """RSS 2.0 skipHours and skipDays, in GMT, move a poll to the first hour that is open."""
    assert after(Result(hints=hints)) == (wait, reason)


def test_sources_that_wait_out_the_same_hours_come_back_spread() -> None:
    """Feeds of one host skip the same night; they do not all come at seven sharp."""
    hints = FeedHints(skip_hours=hours(*range(13, 24)))
    found = [after(Result(hints=hints), chance=n / 100)[0] for n in range(100)]
    assert min(found) == 12 * HOUR
    assert max(found) < 13 * HOUR
    assert len(set(found)) == 100


def test_failures_double_the_wait_up_to_a_week_and_are_never_given_up() -> None:
    """30 minutes, an hour, two … a week, and a week again, however often it fails."""
    state, waits = PollState(), []
    for _ in range(400):
        wait, reason = after(Result(status=None), state=state)
        assert reason is Reason.BACK_OFF
        waits.append(wait)
        state = decide(state, Result(status=None), NOW, POLICY, 0.0).state
    assert waits[:10] == [30 * MINUTE * 2**n for n in range(9)] + [7 * DAY]
    assert set(waits[9:]) == {7 * DAY}
    assert after(Result(), state=state) == (HOUR, Reason.INTERVAL)


def test_repeated_429s_are_no_failures_and_wait_up_to_six_hours() -> None:
    """429 and 503 mean later: the wait grows, but what failed before neither counts on nor is forgotten."""
    state = decide(PollState(), Result(status=500), NOW, POLICY, 0.0).state
    waits = []
    for status in (429, 503, 429, 503, 503):
        state = decide(state, Result(status=status), NOW, POLICY, 0.0).state
        assert state.next_poll is not None
        waits.append(state.next_poll - NOW)
    assert waits == [HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 6 * HOUR]
    assert state.failures == 1


def test_a_retry_after_on_429_is_not_multiplied() -> None:
    """A server that says when to come is taken at its word each time, and never before the usual hour."""
    state = PollState(postponed=5)
    result = Result(status=429, retry_after=NOW + MINUTE)
    assert after(result, state=state) == (HOUR, Reason.LATER)


def test_after_a_429_a_source_is_polled_hourly_at_most_for_a_week() -> None:
    """Otherwise a server with a lower limit would refuse every second poll."""
    fast = Result(published=every(MINUTE))
    assert after(fast, state=PollState(held_off=NOW - 6 * DAY)) == (HOUR, Reason.INTERVAL)
    assert after(fast, state=PollState(held_off=NOW - 8 * DAY)) == (20 * MINUTE, Reason.RATE)


OFFLINE = Result(status=None, is_unconnected=True)


def test_without_a_network_nothing_is_counted_and_all_is_tried_soon() -> None:
    """5 minutes, 10, 20, 40, an hour and an hour again; then it goes on as if nothing had been."""
    before = decide(PollState(), Result(status=500), NOW, POLICY, 0.0).state
    state, now, waits = before, NOW + HOUR, []
    for _ in range(30):
        state = decide(state, replace(OFFLINE, answered=NOW), now, POLICY, 0.0).state
        assert state.next_poll is not None
        waits.append(state.next_poll - now)
        now = state.next_poll
    assert waits[:6] == [5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 40 * MINUTE, HOUR, HOUR]
    assert set(waits[6:]) == {HOUR}
    assert (state.failures, state.gone_since, state.reason) == (before.failures, None, Reason.OFFLINE)
    assert "offline" in state.explain()
    state = decide(state, Result(), now, POLICY, 0.0).state
    assert (state.failures, state.offline, state.reason) == (0, 0, Reason.RATE)


def test_a_source_that_alone_is_unreachable_counts_as_failed() -> None:
    """A domain whose name servers are dead: from the second time on, as others were answered meanwhile."""
    state, now, waits = PollState(), NOW, []
    for _ in range(14):
        state = decide(state, replace(OFFLINE, answered=now - MINUTE), now, POLICY, 0.0).state
        assert state.next_poll is not None
        waits.append(state.next_poll - now)
        now = state.next_poll
    assert waits[:4] == [5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR]
    assert waits[-1] == 7 * DAY
    assert (state.failures, state.reason) == (13, Reason.BACK_OFF)
    alone = decide(state, replace(OFFLINE, answered=state.polled), now, POLICY, 0.0).state
    assert alone.failures == 14  # answered in the same run


def test_a_forced_poll_without_network_keeps_the_servers_wait() -> None:
    """A server that asked for six hours gets them, whatever was tried in between."""
    held = decide(PollState(), Result(status=429, retry_after=NOW + 6 * HOUR), NOW, POLICY, 0.0).state
    forced = decide(held, OFFLINE, NOW + MINUTE, POLICY, 0.0).state
    assert (forced.next_poll, forced.reason, forced.postponed) == (NOW + 6 * HOUR, Reason.RETRY_AFTER, 1)


def test_a_410_stops_polls_until_the_user_polls_by_hand() -> None:
    """410: no next poll; one by hand that succeeds brings the source back."""
    gone = decide(PollState(), Result(status=410), NOW, POLICY, 0.5).state
    assert (gone.next_poll, gone.reason) == (None, Reason.GONE)
    assert "2026-06-01" in gone.explain()
    assert "410" in gone.explain()
    still_gone = decide(gone, Result(status=410), NOW + DAY, POLICY, 0.5).state
    assert still_gone.gone_since == NOW
    back = decide(gone, Result(), NOW + DAY, POLICY, 0.5).state
    assert back.gone_since is None
    assert back.next_poll is not None
    assert back.reason is not Reason.GONE


def moves(*polls: tuple[float, Result]) -> list[str | None]:
    """Returns what is adopted at each poll; a poll is (days since the first, what it gave)."""
    state, adopted = PollState(), []
    for days, result in polls:
        decision = decide(state, result, NOW + days * DAY, POLICY, 0.0)
        state = decision.state
        adopted.append(decision.adopt)
        assert decision.adopt is None or decision.adopt in decision.explain()
    return adopted


MOVED, ELSEWHERE = Result(status=304, moved_to="https://new/"), Result(moved_to="https://elsewhere/")


@pytest.mark.parametrize(
    ("polls", "expected"),
    [
        pytest.param(
            [(0, MOVED), (1, MOVED), (3, MOVED)], [None, None, "https://new/"], id="three in three days"
        ),
        pytest.param([(0, MOVED), (1, MOVED), (2, MOVED)], [None] * 3, id="two days are not enough"),
        pytest.param([(0, MOVED), (9, MOVED)], [None] * 2, id="two polls are not enough"),
        pytest.param(
            [(0, MOVED), (2, Result()), (4, MOVED), (5, MOVED)], [None] * 4, id="once without: from the start"
        ),
        pytest.param(
            [(0, MOVED), (2, ELSEWHERE), (4, ELSEWHERE), (5, ELSEWHERE)],
            [None, None, None, "https://elsewhere/"],
            id="another address: from the start",
        ),
        pytest.param(
            [(0, MOVED), (1, Result(status=None)), (2, Result(status=503)), (3, MOVED), (4, MOVED)],
            [None, None, None, None, "https://new/"],
            id="failures say nothing",
        ),
        pytest.param(
            [(day, replace(MOVED, status=404)) for day in range(9)], [None] * 9, id="to where nothing is"
        ),
        pytest.param(
            [(0, MOVED), (1, MOVED), (3, MOVED), (4, Result())],
            [None, None, "https://new/", None],
            id="adopted once",
        ),
    ],
)
def test_a_permanent_redirect_is_adopted_once_it_lasts(
    polls: list[tuple[float, Result]], expected: list[str | None]
) -> None:
    """301 and 308 count when they led to the feed at three polls over three days at least."""
    assert moves(*polls) == expected


def test_hints_survive_304_and_failures_and_are_replaced_by_200() -> None:
    """What a document said stands until the next document; what a server said, until it says otherwise."""
    said = FeedHints(ttl=2 * HOUR)
    state = decide(PollState(), Result(hints=said, fresh_for=HOUR), NOW, POLICY, 0.0).state
    for result in (Result(status=304), Result(status=500), Result(status=429), Result(status=304)):
        state = decide(state, result, NOW, POLICY, 0.0).state
        assert (state.hints, state.fresh_for) == (said, HOUR)
    assert state.reason is Reason.TTL
    state = decide(state, Result(status=304, fresh_for=3 * HOUR), NOW, POLICY, 0.0).state
    assert (state.hints, state.fresh_for) == (said, 3 * HOUR)
    state = decide(state, Result(hints=FeedHints()), NOW, POLICY, 0.0).state
    assert (state.hints, state.fresh_for) == (FeedHints(), None)


def test_a_silent_source_is_polled_less_and_less() -> None:
    """The silence since the newest entry counts, up to a poll a day."""
    state = PollState(published=every(HOUR), since=NOW)
    waits = [
        (decide(state, Result(status=304), later, POLICY, 0.0).state.next_poll or NOW) - later
        for later in (NOW, NOW + 7 * DAY, NOW + 90 * DAY, NOW + 900 * DAY)
    ]
    assert waits == sorted(waits)
    assert waits[0] < 61 * MINUTE
    assert waits[-1] == DAY


def test_a_new_source_is_due_at_once() -> None:
    """And says why."""
    assert PollState().next_poll is None
    assert PollState().explain() == "now: it was never polled"


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    """In words for people, with the moment."""
    state = PollState(next_poll=NOW, reason=reason, failures=3, gone_since=NOW)
    text = state.explain()
    assert text.startswith("never: " if reason is Reason.GONE else "2026-06-01 12:00 UTC: ")
    assert len(text) > 30
    assert "{" not in text


class TestWaking:
    """After a start, a sleep or a leap of the clock."""

    def test_a_source_that_is_not_due_is_not_polled(self) -> None:
        """No poll before its time, also across restarts."""
        state = PollState(polled=NOW - HOUR, next_poll=NOW + HOUR)
        assert wake(state, NOW, POLICY, 0.5) == state

    @pytest.mark.parametrize(
        "state", [PollState(), PollState(reason=Reason.GONE, polled=NOW)], ids=["new", "gone"]
    )
    def test_a_source_without_a_next_poll_is_not_postponed(self, state: PollState) -> None:
        """A new source is due at once, one that is gone never."""
        assert wake(state, NOW + DAY, POLICY, 0.5) == state

    def test_after_a_stop_overdue_polls_are_spread_over_a_tenth_of_the_interval(self) -> None:
        """Ten thousand sources are not polled in the first second after a long stop."""
        state = PollState(polled=NOW - 2 * DAY, next_poll=NOW - 2 * DAY + 5 * HOUR)
        found = [wake(state, NOW, POLICY, n / 100).next_poll or NOW for n in range(100)]
        assert min(found) == NOW
        assert NOW + 29 * MINUTE < max(found) < NOW + 30 * MINUTE
        assert wake(state, NOW, POLICY, 0.5).reason is Reason.WAKING

    def test_slightly_late_polls_are_spread_over_a_short_time(self) -> None:
        """A restart of a minute delays nothing by more than a minute."""
        state = PollState(polled=NOW - DAY, next_poll=NOW - MINUTE)
        assert (wake(state, NOW, POLICY, 0.99).next_poll or NOW) < NOW + MINUTE

    def test_waking_in_an_hour_to_be_skipped_waits_it_out(self) -> None:
        """A poll that was missed is no reason to come at night."""
        hints = FeedHints(skip_hours=hours(12))
        state = PollState(polled=NOW - DAY, next_poll=NOW - HOUR, hints=hints)
        woken = wake(state, NOW, POLICY, 0.0)
        assert (woken.next_poll, woken.reason) == (NOW + HOUR, Reason.SKIP_HOURS)
        fixed = wake(state, NOW, Policy(is_fixed=True), 0.0)
        assert fixed.next_poll == NOW

    def test_a_clock_that_went_backwards_loses_no_source(self) -> None:
        """Polled in 2035 by a wrong clock: the wait begins anew instead of lasting nine years."""
        state = PollState(polled=NOW + 3000 * DAY, next_poll=NOW + 3000 * DAY + HOUR)
        assert wake(state, NOW, POLICY, 0.5).next_poll == NOW + HOUR


def test_chance_is_the_sources_own_and_even() -> None:
    """The same in every run; over sources and polls between 0 and 1, as many below a half as above."""
    assert chance_of("Planet", 7) == chance_of("Planet", 7)
    found = [chance_of(f"source {n}", polls) for n in range(100) for polls in range(20)]
    assert len(set(found)) == len(found)
    assert 0 <= min(found) < 0.01
    assert 0.99 < max(found) < 1
    assert 0.47 < sum(found) / len(found) < 0.53


SPANS = st.timedeltas(timedelta(0), timedelta(days=400))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
HINTS = st.builds(
    FeedHints,
    ttl=st.none() | SPANS.filter(bool),
    skip_hours=st.frozensets(st.integers(0, 23), max_size=23),
    skip_days=st.frozensets(st.integers(0, 6), max_size=6),
    period=st.none() | SPANS.filter(bool),
    base=st.none() | MOMENTS,
)
RESULTS = st.builds(
    Result,
    status=st.sampled_from([200, 200, 200, 304, 304, None, 301, 400, 401, 404, 410, 429, 500, 503]),
    is_broken=st.booleans(),
    answered=st.none() | MOMENTS,
    hints=st.none() | HINTS,
    fresh_for=st.none() | SPANS,
    retry_after=st.none() | MOMENTS,
    published=st.none() | st.lists(MOMENTS, max_size=20).map(tuple),
    moved_to=st.sampled_from([None, "https://a/", "https://b/"]),
    is_whole=st.booleans(),
    unread=st.sampled_from(["", "no feed"]),
) | st.builds(Result, status=st.none(), is_unconnected=st.just(True), answered=st.none() | MOMENTS)
POLICIES = st.builds(
    Policy,
    interval=st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=30)),
    is_fixed=st.booleans(),
)
CHANCES = st.floats(0, 1, exclude_max=True)


def floor_of(decision: Decision, result: Result, now: datetime, policy: Policy) -> datetime:
    """The earliest moment at which the rules, distinguished from the code, allow the next poll."""
    state = decision.state
    ok = result.status in (200, 304) and not result.is_broken
    if decision.is_offline:  # whatever else put it off then, such as skipHours
        return now + 5 * MINUTE
    limit = timedelta(days=7)
    is_first = not ok and result.status not in (429, 503) and state.failures == 1
    waits = [timedelta(0) if is_first else policy.interval or timedelta(0)]
    if ok and policy.is_fixed:
        waits = [policy.interval or HOUR]
    elif ok:
        waits += [
            MINUTE * 20 if policy.interval is None else timedelta(0),
            min(state.hints.ttl or timedelta(0), limit),
            min(state.fresh_for or timedelta(0), DAY),
        ]
        if state.hints.base is None:
            waits.append(min(state.hints.period or timedelta(0), limit))
    else:
        waits.append(30 * MINUTE if result.status is None and not result.is_broken else HOUR)
    if result.retry_after is not None:
        waits.append(min(result.retry_after - now, limit))
    return now + max(waits)


@settings(max_examples=examples(50), deadline=None)
@given(
    start=MOMENTS,
    policy=POLICIES,
    polls=st.lists(st.tuples(RESULTS, SPANS | st.just(timedelta(0)), CHANCES), min_size=1, max_size=12),
)
def test_every_decision_is_in_time_and_has_a_reason(
    start: datetime, policy: Policy, polls: list[tuple[Result, timedelta, float]]
) -> None:
    """Whatever a source gives, poll after poll, late or in time, and with its state stored in between."""
    state, now = PollState(), start
    for result, late, chance in polls:
        before = state
        decision = decide(state, result, now, policy, chance)
        state = PollState.from_json(decision.state.to_json())
        assert state == decision.state
        assert state.reason in Reason
        assert state.explain()
        if result.hints is None:
            assert state.hints == before.hints
        if result.status == 410:
            assert (state.next_poll, state.reason) == (None, Reason.GONE)
            now += late
            continue
        due = state.next_poll
        assert due is not None
        assert due >= floor_of(decision, result, now, policy)
        longest = max(timedelta(days=7), policy.interval or timedelta(0))
        # Six days of skipDays and 23 hours of skipHours may follow one another, and one hour of spread.
        assert due <= now + longest * 1.1 + timedelta(days=8)
        if not policy.is_fixed:
            assert due.hour not in state.hints.skip_hours
            assert due.weekday() not in state.hints.skip_days
        woken = wake(state, due + late, policy, chance)
        assert woken.next_poll is not None
        assert woken.next_poll >= due
        assert woken.next_poll <= due + late + HOUR + timedelta(days=8)
        now = woken.next_poll


@pytest.mark.parametrize(
    ("policy", "result"),
    [
        pytest.param(Policy(interval=HOUR, is_fixed=True), Result(status=304), id="a fixed hour"),
        pytest.param(POLICY, Result(status=304, hints=FeedHints(ttl=HOUR)), id="the same ttl"),
        pytest.param(POLICY, Result(status=None), id="one host that is down"),
    ],
)
def test_a_thousand_sources_started_together_do_not_march_in_step(policy: Policy, result: Result) -> None:
    """After a day of polls no minute has more than a tenth of them."""
    minutes: Counter[datetime] = Counter()
    for n in range(1000):
        state, now = PollState(), NOW
        while now < NOW + DAY:
            state = decide(state, result, now, policy, chance_of(f"source {n}", state.polls)).state
            assert state.next_poll is not None
            now = state.next_poll
        minutes[now.replace(second=0, microsecond=0)] += 1
    assert max(minutes.values()) < 100
    assert len(minutes) > 30


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"reason": "whim"}', '{"polled": "soon"}', '{"hints": [1]}', '{"polls": "x"}']
)
def test_a_state_that_cannot_be_read_raises_value_error(text: str) -> None:
    """The caller knows which row of its store it is."""
    with pytest.raises(ValueError):  # noqa: PT011
        PollState.from_json(text)


def test_a_state_of_another_version_is_read() -> None:
    """Keys that we do not know are passed over; keys that are missing are as in a new source."""
    assert PollState.from_json('{"failures": 2, "mood": "good"}') == PollState(failures=2)


Server = Callable[[datetime, PollState, random.Random], Result]


def _blog(now: datetime, state: PollState, dice: random.Random) -> Result:
    """Three posts a week, WordPress's hints."""
    newest = tuple(datetime(2026, 5, 1, 9, tzinfo=UTC) + n * 56 * HOUR for n in range(60))
    past = tuple(moment for moment in newest if moment <= now)
    if state.published[:1] == past[-1:]:
        return Result(status=304)
    return Result(hints=FeedHints(period=HOUR), published=past)


def _news(now: datetime, state: PollState, dice: random.Random) -> Result:
    """An entry every two minutes."""
    return Result(published=tuple(now - 2 * MINUTE * n for n in range(30)), fresh_for=5 * MINUTE)


def _flaky(now: datetime, state: PollState, dice: random.Random) -> Result:
    """A third of the polls fails."""
    return Result(status=500) if dice.random() < 1 / 3 else Result(status=304)


def _dead(now: datetime, state: PollState, dice: random.Random) -> Result:
    return Result(status=None)


def _throttled(now: datetime, state: PollState, dice: random.Random) -> Result:
    """At most one poll in two hours."""
    if state.polled and now - state.polled < 2 * HOUR:
        return Result(status=429, retry_after=state.polled + 2 * HOUR)
    return Result(published=tuple(now - MINUTE * n for n in range(16)))


def _gone(now: datetime, state: PollState, dice: random.Random) -> Result:
    return Result(status=410 if now > NOW + 10 * DAY else 304)


def _weekdays(now: datetime, state: PollState, dice: random.Random) -> Result:
    return Result(hints=FeedHints(skip_days=hours(5, 6), skip_hours=hours(*range(6))), published=(now,))


@pytest.mark.parametrize(
    ("server", "fewest", "most"),
    [
        pytest.param(_blog, 80, 130, id="blog: about every seven hours"),
        pytest.param(_news, 1_900, 2_160, id="news: three times an hour"),
        pytest.param(_flaky, 40, 200, id="flaky: recovers each time"),
        pytest.param(_dead, 10, 13, id="dead: back-off, never abandoned"),
        pytest.param(_throttled, 400, 720, id="throttled: within the hour never"),
        pytest.param(_gone, 20, 80, id="gone: stops"),
        pytest.param(_weekdays, 250, 400, id="weekdays: no poll at night or at the weekend"),
    ],
)
def test_polling_for_a_simulated_month(server: Server, fewest: int, most: int) -> None:
    """30 days of four sources of a kind: as many polls as the kind deserves, each one at its time."""
    for n in range(4):
        dice = random.Random(n)
        state, now, polls = PollState(), NOW, 0
        while now < NOW + 30 * DAY:
            state = decide(state, server(now, state, dice), now, POLICY, chance_of(f"{n}", polls)).state
            polls += 1
            if state.next_poll is None:
                break
            assert state.next_poll - now >= 20 * MINUTE
            now = state.next_poll
        assert fewest <= polls <= most


def test_a_source_whose_hub_reports_changes_is_polled_once_a_day() -> None:
    """However often it publishes; what its feed or its user asks for still counts."""
    pushed = replace(POLICY, is_pushed=True)
    busy = Result(published=tuple(NOW - n * HOUR / 4 for n in range(16)))
    decided = decide(PollState(), busy, NOW, pushed, 0.0).state
    assert (decided.next_poll, decided.reason) == (NOW + DAY, Reason.WEBSUB)
    week = decide(PollState(), Result(hints=FeedHints(ttl=7 * DAY)), NOW, pushed, 0.0).state
    assert (week.next_poll, week.reason) == (NOW + 7 * DAY, Reason.TTL)
    fixed = replace(pushed, is_fixed=True, interval=2 * HOUR)
    assert decide(PollState(), busy, NOW, fixed, 0.0).state.next_poll == NOW + 2 * HOUR
    slow = replace(pushed, interval=3 * DAY)
    assert decide(PollState(), busy, NOW, slow, 0.0).state.next_poll == NOW + 3 * DAY
    failed = decide(PollState(), Result(status=500), NOW, pushed, 0.0).state
    assert failed.reason is Reason.BACK_OFF
