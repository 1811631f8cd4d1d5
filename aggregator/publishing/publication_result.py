"""The result of a publication; apart from the modules that publish, which are slow to import."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from aggregator.errors import WriteError

__all__ = ["Published"]


POLLS_SHOWN_AFTER = timedelta(minutes=15)
"""How late documents that list sources may show that a source was polled, if nothing else changed."""

SHOWN_SOURCES = "shown sources"
"""The setting that begins with the time of the newest poll that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The result of a publication.

    - `feeds`, `rendered`: the number of feeds, and of those that were rendered and written.
    - `written`: the files whose bytes changed.
    - `errors`: files that could not be written.
    - `notes`: files that were left unchanged on purpose.
    - `seconds`: how long it took, including applying rules.
    """

    rendered: int = 0
    written: tuple[Path, ...] = ()
    feeds: int = 0
    errors: tuple[WriteError, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
