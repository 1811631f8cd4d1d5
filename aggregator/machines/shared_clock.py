"""The database's time, which all machines share, without asking for it each time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["SharedClock"]


class SharedClock:
    """The database's time, counted on since it was last set. Safe to use from several threads.

    `monotonic` returns seconds.
    """

    def __init__(self, now: datetime, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._set = (now, monotonic())

    def set(self, now: datetime) -> None:
        """Sets the clock to `now`, the time that the database just returned."""
        self._set = (now, self._monotonic())

    def read(self) -> datetime:
        """Returns the database's time."""
        then, at = self._set
        return then + timedelta(seconds=self._monotonic() - at)
