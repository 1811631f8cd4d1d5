"""Lets commands that write to one store run one after another."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aggregator.cli.terminal import ERR, shown

if TYPE_CHECKING:
    from aggregator.config.store_address import StoreAddress

__all__ = ["true_after", "wait_for_store"]

WAIT_SECONDS = 300
"""How long a command waits for another that is using the same store."""


def true_after(seconds: float) -> Callable[[], bool]:
    """A function that returns True when `seconds` have passed since its first call."""
    began: list[float] = []

    def is_over() -> bool:
        began.append(time.monotonic())
        del began[1:-1]
        return began[-1] - began[0] > seconds

    return is_over


def wait_for_store(store: StoreAddress, command: str) -> AbstractContextManager[object]:
    """Waits for another command that uses the store, and prints that it waits. Raises StoreInUse."""
    from aggregator.app.store_lock import lock_work

    return lock_work(
        store,
        command,
        datetime.now(UTC),
        is_over=true_after(WAIT_SECONDS),
        report=lambda sentence: ERR.print(shown(sentence)),
    )
