"""Reads the stored positions of notices and digests, from a store that may be damaged. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

__all__ = ["moment_of", "number_of"]


def number_of(written: Any) -> int:
    """The number of an article. Raises ValueError and TypeError for anything else."""
    if type(written) is not int or not 0 <= written < 1 << 63:
        raise ValueError(written)
    return written


def moment_of(written: Any) -> datetime:
    """A moment with its offset. Raises ValueError and TypeError for anything else."""
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError(written)
    return moment
