"""The database's time, which all machines share, without asking for it each time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

__all__ = ["SharedClock"]


class SharedClock:
    """Counts on from when it was set last; `monotonic` gives seconds. Safe to use from several threads."""

    def __init__(self, now: datetime, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._set = (now, monotonic())

    def set(self, now: datetime) -> None:
        """Sets it to what the database says."""
        self._set = (now, self._monotonic())

    def read(self) -> datetime:
        """The database's time."""
        then, at = self._set
        return then + timedelta(seconds=self._monotonic() - at)
