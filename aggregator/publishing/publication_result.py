"""The result of a publication; apart from the modules that publish, which are slow to import."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from aggregator.errors import WriteError
from aggregator.model.struct import Struct

__all__ = ["POLLS_SHOWN_AFTER", "SHOWN_SOURCES", "Published", "shows_polls_of"]


POLLS_SHOWN_AFTER = timedelta(minutes=15)
"""How late documents that list sources may show that a source was polled, if nothing else changed."""

SHOWN_SOURCES = "shown sources"
"""The setting that begins with the time of the newest poll that is shown."""


class Published(Struct, frozen=True, kw_only=True):
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


def shows_polls_of(mark: str, moment: datetime) -> bool:
    """Returns whether documents that list sources need not be written again for a poll at `moment`.

    `mark`: the setting `SHOWN_SOURCES`; "" for none. False also if its time is later, as a clock that was
    ahead may have stored it, or if it is damaged.
    """
    try:
        shown = datetime.fromisoformat(mark.partition(" ")[0])
        return timedelta(0) <= moment - shown < POLLS_SHOWN_AFTER
    except (ValueError, TypeError):  # TypeError: a time without a zone
        return False
