"""The shared clock: it counts on from what the database said."""

from __future__ import annotations

from datetime import timedelta

from aggregator.machines.shared_clock import SharedClock
from tests.conftest import NOW


def test_the_shared_clock_continues_with_a_monotonic_clock() -> None:
    """It follows the database again at the next reading."""
    moments = iter((100.0, 107.5, 110.0, 111.0))
    clock = SharedClock(NOW, lambda: next(moments))
    assert clock.read() == NOW + timedelta(seconds=7.5)
    clock.set(NOW)
    assert clock.read() == NOW + timedelta(seconds=1)
