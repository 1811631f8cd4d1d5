"""How times are stored: as whole microseconds since 1970, so that all databases order them alike."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["EPOCH", "microseconds"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Converts an aware datetime to whole microseconds since 1970. Raises TypeError for a naive one (a
    bug).
    """
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds  # a division is slower
