"""A source whose settings changed: due at once where that can mend or change anything, and only once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model.struct import replace
from aggregator.schedule.decide import Policy, Result, decide
from aggregator.schedule.settings import PollSettings, after_change, with_settings
from aggregator.schedule.state import PollState, Reason

HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
BEFORE = PollSettings(asked="a", read="r", at="u", host="h.example", pace="p")


def polled(*results: Result, settings: PollSettings = BEFORE) -> PollState:
    """The state after these polls."""
    state = PollState()
    for result in results:
        state = decide(state, result, NOW, Policy(interval=6 * HOUR), 0).state
    return with_settings(state, settings)


def changed(state: PollState, changes: Mapping[str, str] = {}, policy: Policy | None = None) -> PollState:
    """The state under other settings, ten minutes later."""
    return after_change(state, replace(BEFORE, **changes), LATER, policy or Policy(interval=6 * HOUR), 0)


@pytest.mark.parametrize(
    ("result", "changes", "is_due"),
    [
        pytest.param(Result(), {"asked": "b"}, False, id="a login of what is read"),
        pytest.param(Result(), {"asked": "b", "read": "s"}, True, id="options of what is read"),
        pytest.param(Result(), {"at": "v"}, True, id="the address"),
        pytest.param(Result(), {"pace": "q"}, False, id="the interval"),
        pytest.param(Result(status=401), {"asked": "b"}, True, id="a login of what failed"),
        pytest.param(Result(status=401), {"pace": "q"}, False, id="the interval of what failed"),
        pytest.param(Result(status=None), {"asked": "b"}, True, id="allow, or a proxy"),
        pytest.param(Result(status=410), {"at": "v"}, True, id="the address of what is gone"),
        pytest.param(Result(status=429), {"asked": "b"}, False, id="429 holds"),
        pytest.param(Result(status=429), {"at": "v"}, False, id="429 holds at the same server"),
        pytest.param(Result(status=429), {"at": "v", "host": "i.example"}, True, id="not at another"),
        pytest.param(Result(status=401, retry_after=NOW + 8 * HOUR), {"asked": "b"}, False, id="Retry-After"),
        pytest.param(Result(status=401), {}, False, id="nothing"),
    ],
)
def test_settings_that_make_a_source_due_at_once(
    result: Result, changes: dict[str, str], is_due: bool
) -> None:
    """The reason says so; and a second look at the same settings changes nothing any more."""
    state = polled(result)
    after = changed(state, changes)
    assert ((after.next_poll, after.reason) == (LATER, Reason.CHANGED)) is is_due
    assert changed(after, changes) == after
    assert PollState.from_json(after.to_json()) == after
    if is_due:
        assert "settings in the config changed" in after.explain()


def test_an_upgrade_is_no_change() -> None:
    """A state of an earlier version does not say how the source was asked; nor is a new source changed."""
    state = replace(
        polled(Result(status=500)), asked_as="", asked_at="", asked_host="", options_as="", paced_as=""
    )
    after = changed(state)
    assert (after.next_poll, after.asked_as, after.options_as) == (state.next_poll, "a", "r")
    assert changed(PollState()) == PollState()


def test_a_changed_interval_plans_the_next_poll_again() -> None:
    """As the last poll had planned it."""
    state = polled(Result())
    assert state.next_poll == NOW + 6 * HOUR
    sooner = changed(state, {"pace": "q"}, Policy(interval=2 * HOUR, is_fixed=True))
    assert (sooner.next_poll, sooner.reason) == (NOW + 2 * HOUR, Reason.INTERVAL)
    assert (
        changed(polled(Result(status=500)), {"pace": "q"}, Policy(interval=HOUR / 2)).next_poll == NOW + HOUR
    )


@pytest.mark.parametrize(
    ("result", "waits"),
    [
        (Result(status=None), [HOUR / 2, 6 * HOUR]),
        (Result(status=500), [HOUR, 6 * HOUR]),
        (Result(status=None, is_broken=True), [HOUR, 6 * HOUR]),
        (Result(status=None, is_unconnected=True), [HOUR / 12, HOUR / 6, HOUR / 3]),
    ],
    ids=["nobody answered", "an answer", "a broken one", "no network"],
)
def test_a_first_failure_waits_the_back_off(result: Result, waits: list[timedelta]) -> None:
    """Not the source's interval, which counts from the second in a row on."""
    state = PollState()
    for wait in waits:
        at = state.next_poll or NOW
        state = decide(state, result, at, Policy(interval=6 * HOUR), 0).state
        assert state.next_poll == at + wait
