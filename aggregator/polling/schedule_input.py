"""Converts errors of polls, and hints in documents, to what the schedule needs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.errors import (
    BadAddress,
    BlockedAddress,
    BrokenExchange,
    Disallowed,
    HttpStatus,
    NoNetwork,
    ReadError,
    SourceError,
    TooLarge,
    TooManyRedirects,
)
from aggregator.model.reading import Reading
from aggregator.model.struct import replace
from aggregator.schedule import decide as schedule
from aggregator.schedule.hints import FeedHints, read_hints

if TYPE_CHECKING:
    from aggregator.config.load import Source

__all__ = ["hints_of", "result_of"]

_ANSWERED = (TooLarge, TooManyRedirects, BrokenExchange, BadAddress, BlockedAddress, Disallowed)
"""Failures in which the server answered, or must not be asked: trying again sooner would not help."""


def result_of(error: SourceError, result: schedule.Result, now: datetime) -> schedule.Result:
    """Returns the result of a poll that failed; `result` is what was known of the answer before the error."""
    if isinstance(error, HttpStatus):
        wait = None if error.retry_after is None else now + error.retry_after
        return schedule.Result(status=error.status, retry_after=wait, is_whole=result.is_whole)
    if isinstance(error, ReadError):
        return replace(result, is_broken=True)
    return schedule.Result(
        status=None,
        is_whole=result.is_whole,
        is_broken=isinstance(error, _ANSWERED),
        is_unconnected=isinstance(error, NoNetwork),
    )


def hints_of(reading: Reading, source: Source) -> FeedHints:
    """Returns what a document says about its next poll, and about a move unless it is a file of this
    machine.
    """
    hints = read_hints(reading.hints)
    return replace(hints, moved_to=None) if source.is_local else hints
