"""What a publication did. Imports nothing that publishes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import WriteError

__all__ = ["Published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a publication did: how many feeds were rendered and written, the files whose bytes changed.

    `errors` are files that could not be written. `notes` name files that were left alone on purpose.
    `seconds`: how long it took, with the rules that were applied for it.
    """

    rendered: int = 0
    written: tuple[Path, ...] = ()
    feeds: int = 0
    errors: tuple[WriteError, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
