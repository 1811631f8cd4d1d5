"""The result of one poll of one source, as it is shown and counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aggregator.config.load import Source
from aggregator.errors import SourceError
from aggregator.model.article import Problem
from aggregator.schedule.state import PollState
from aggregator.store import Saved

__all__ = ["Poll", "lag_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """The result of one poll of one source; `error` is None when it succeeded.

    `next_poll`: when the source is polled again, and why. `move`: a message about a permanent move that was
    seen for days, else "". `is_offline`: the error seems to be a missing network of this machine; `notice`:
    a message about that network, to be shown once, mostly "". `is_list`: it gave feeds to follow.
    `size`: the bytes of what was fetched, once decompressed and without further pages. `lag`: how long after
    its due time it was asked, None when it had none, or was asked before it.
    """

    source: Source
    saved: Saved = field(default_factory=Saved)
    was_read: bool = False
    problems: tuple[Problem, ...] = ()
    error: SourceError | None = None
    next_poll: str = ""
    move: str = ""
    is_offline: bool = False
    notice: str = ""
    is_list: bool = False
    seconds: float = 0.0
    size: int = 0
    lag: timedelta | None = None


def lag_of(state: PollState, now: datetime) -> timedelta | None:
    """How long after its due time a source is polled at `now`; None when it is not due, or is new."""
    due = state.next_poll
    return now - due if due is not None and due <= now else None
