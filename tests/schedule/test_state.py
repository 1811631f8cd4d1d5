"""The stored state of a source's polling, as text."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.schedule.hints import FeedHints
from aggregator.schedule.state import PollState, Reason

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATES = {
    "new": PollState(),
    "no time at all is not the same as none": PollState(
        fresh_for=timedelta(0), hints=FeedHints(ttl=timedelta(0), period=timedelta(hours=1), base=NOW)
    ),
    "dates": PollState(since=NOW, published=(NOW, NOW - timedelta(microseconds=1)), reason=Reason.RATE),
    "hints": PollState(
        hints=FeedHints(
            skip_hours=frozenset({0, 23}), skip_days=frozenset({6}), moved_to="https://t.example/"
        )
    ),
    "counts": PollState(polls=3, failures=2, postponed=1, offline=4, moved_count=5, unread="no feed"),
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_a_state_is_read_as_it_was_written(state: PollState) -> None:
    """Whatever of it is as in a new one."""
    assert PollState.from_json(state.to_json()) == state


def test_default_values_of_a_state_are_not_written() -> None:
    """There are thousands of states, and most of each says nothing."""
    assert json.loads(PollState(polls=1).to_json()) == {"polls": 1, "hints": {}}


def test_states_of_earlier_versions_are_read() -> None:
    """They have every key, those that are not known any more too, and durations in seconds."""
    durations = {"fresh_for": 90.5, "hints": {"ttl": 0.0, "period": 3600.0}}
    text = json.dumps(
        {"next_poll": None, "polls": 7, "unread": "", "published": [], "of_earlier": 1} | durations
    )
    hints = FeedHints(ttl=timedelta(0), period=timedelta(hours=1))
    assert PollState.from_json(text) == PollState(polls=7, fresh_for=timedelta(seconds=90.5), hints=hints)


def test_equal_states_are_equal_texts() -> None:
    """Whatever the order in which the hours of a feed were found."""
    states = (PollState(hints=FeedHints(skip_hours=frozenset(hours))) for hours in ([0, 8, 16], [16, 8, 0]))
    assert len({state.to_json() for state in states}) == 1


@pytest.mark.parametrize(
    "text", ["[]", "1", '{"polls": []}', '{"next_poll": "soon"}', '{"since": "2026-03-01T12:00:00"}', "{"]
)
def test_an_unreadable_state_is_that_of_a_new_source(text: str) -> None:
    """So that a damaged row costs a poll, and nothing else."""
    assert PollState.remembered(text) == PollState()
