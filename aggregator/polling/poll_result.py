"""The result of one poll of one source, as it is shown and counted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aggregator.errors import SourceError
from aggregator.model.article import Problem
from aggregator.model.struct import Struct, field
from aggregator.schedule.state import PollState
from aggregator.store import Saved

if TYPE_CHECKING:
    from aggregator.config.load import Source

__all__ = ["PollResult", "lag_of"]


class PollResult(Struct, frozen=True, kw_only=True):
    """The result of one poll of one source.

    - `was_read`: its document was read; else it was unchanged.
    - `error`: None if it succeeded.
    - `following`: the state of its polls after this one; None if it is not known.
    - `move`: a message about a permanent move that was seen for days, else "".
    - `is_offline`: the error seems to come from this machine being offline.
    - `notice`: a message about this machine's network, to be shown once, else "".
    - `is_list`: it is an OPML list whose feeds are sources.
    - `seconds`: how long it took.
    - `size`: the bytes that were fetched, decompressed, without further documents.
    - `lag`: how long after its due time it was polled; None if it had none, or was polled before it.
    """

    source: Source
    saved: Saved = field(default_factory=Saved)
    was_read: bool = False
    problems: tuple[Problem, ...] = ()
    error: SourceError | None = None
    following: PollState | None = None
    move: str = ""
    is_offline: bool = False
    notice: str = ""
    is_list: bool = False
    seconds: float = 0.0
    size: int = 0
    lag: timedelta | None = None

    @property
    def next_poll(self) -> str:
        """When the source is polled again, and why, in one sentence; "" if it is not known."""
        return self.following.explain() if self.following else ""


def lag_of(state: PollState, now: datetime) -> timedelta | None:
    """Returns how long after its due time a source is polled at `now`; None if it is not due, or is new."""
    due = state.next_poll
    return now - due if due is not None and due <= now else None
