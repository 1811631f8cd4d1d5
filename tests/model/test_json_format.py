"""Structs as JSON text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model.json_format import JsonFormat, Moment
from aggregator.model.struct import Struct, replace

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Note(Struct, frozen=True, omit_defaults=True):
    """Something to keep."""

    text: str = ""
    at: Moment | None = None
    lasting: timedelta | None = None
    hours: frozenset[int] = frozenset()


NOTES = JsonFormat(Note)


def test_a_value_is_read_as_it_was_written() -> None:
    """To the microsecond."""
    note = Note("ü\x00", NOW + timedelta(microseconds=1), timedelta(days=-3, microseconds=7), frozenset({3}))
    assert NOTES.loads(NOTES.dumps(note)) == note


def test_a_lone_surrogate_is_replaced() -> None:
    """No database keeps it, and what is beside it must not be lost."""
    note = Note("a\ud800b", NOW, timedelta(seconds=2), frozenset({1}))
    assert NOTES.loads(NOTES.dumps(note)) == replace(note, text="a?b")


def test_seconds_are_a_duration_too() -> None:
    """As text was written once."""
    assert NOTES.loads('{"lasting": 1.5, "unknown": 1}') == Note(lasting=timedelta(seconds=1.5))


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"at": "2026-03-01T12:00:00"}', '{"lasting": 1e300}', '{"text": "\ud800"}', '{"text": 1}'],
)
def test_other_text_raises_value_error(text: str) -> None:
    """A time without a zone cannot be compared with others."""
    with pytest.raises(ValueError, match="no Note: "):
        NOTES.loads(text)
