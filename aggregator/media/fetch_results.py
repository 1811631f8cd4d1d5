"""The results of fetching what articles show: what is recorded and counted, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aggregator.errors import (
    BadAddress,
    BlockedAddress,
    HttpStatus,
    NoNetwork,
    SourceError,
    TooLarge,
    TooManyRedirects,
)
from aggregator.model.article import Problem
from aggregator.model.media_copies import CopiedFile
from aggregator.store import CopyOutcome, WantedFile

__all__ = ["AFTER", "LONGEST_WAIT", "CopyReport", "FetchedFile", "again_at", "outcome_of"]

AFTER = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""The waits after the first, second and third failure; after the fourth it is given up."""

LONGEST_WAIT = timedelta(days=7)
_PERMANENT = frozenset((404, 410))
_NEVER_AGAIN = (BadAddress, BlockedAddress, TooLarge, TooManyRedirects)
_MAX_PROBLEMS = 20


@dataclass(slots=True, kw_only=True)
class CopyReport:
    """The result of a run: how many addresses were copied, are pixels, were refused, and failed.

    `waiting` are left for a later run. `problems` are the first of those that were given up.
    """

    copied: int = 0
    pixels: int = 0
    refused: int = 0
    failed: int = 0
    waiting: int = 0
    bytes: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def has_changed(self) -> bool:
        """Whether any address has a result: more may be due now."""
        return bool(self.copied or self.pixels or self.refused or self.failed)

    @property
    def summary(self) -> str:
        """The counts in one line."""
        parts = [f"{self.copied} copied"]
        counts = {"tracking pixels": self.pixels, "refused": self.refused, "failed": self.failed}
        parts += [f"{count} {what}" for what, count in (*counts.items(), ("later", self.waiting)) if count]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """The result for one address: a copy, a pixel, why it is refused, an error, or how long to wait.

    `is_stopped`: no result, because this program is stopping.
    """

    file: CopiedFile | None = None
    is_pixel: bool = False
    refusal: str = ""
    error: SourceError | None = None
    wait: timedelta | None = None
    is_stopped: bool = False


def outcome_of(wanted: WantedFile, had: FetchedFile, report: CopyReport, now: datetime) -> CopyOutcome | None:
    """Counts a result, and returns the record for its address; None without a result."""
    address = wanted.address
    if had.is_stopped:
        return None
    if had.file is not None:
        report.copied += 1
        report.bytes += had.file.bytes
        return CopyOutcome(address=address, file=had.file)
    if had.is_pixel:
        report.pixels += 1
        return CopyOutcome(address=address, is_pixel=True)
    if had.refusal:
        report.refused += 1
        _report(report, address, had.refusal)
        return CopyOutcome(address=address, error=had.refusal, attempts=wanted.attempts + 1)
    if had.error is None:
        due = now + min(had.wait or AFTER[0], LONGEST_WAIT)
        return CopyOutcome(address=address, attempts=wanted.attempts, due=due)
    report.failed += 1
    attempts = wanted.attempts + (not isinstance(had.error, NoNetwork))
    again = again_at(had.error, attempts, now)
    if again is None:
        _report(report, address, had.error.reason)
    return CopyOutcome(address=address, error=had.error.reason, attempts=attempts, due=again)


def again_at(error: SourceError, attempts: int, now: datetime) -> datetime | None:
    """When an address that failed `attempts` times is fetched again; None: never."""
    if isinstance(error, _NEVER_AGAIN) or (isinstance(error, HttpStatus) and error.status in _PERMANENT):
        return None
    if attempts > len(AFTER):
        return None
    wait = AFTER[max(attempts, 1) - 1]
    if isinstance(error, HttpStatus) and error.retry_after:
        wait = max(wait, min(error.retry_after, LONGEST_WAIT))
    return now + wait


def _report(report: CopyReport, address: str, why: str) -> None:
    if len(report.problems) < _MAX_PROBLEMS:
        report.problems.append(Problem(text=f"not copied: {why}", where=address))
