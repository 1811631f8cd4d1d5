"""Starts the process from which readers are forked before anything else that reading needs is imported."""

from __future__ import annotations

from aggregator.processes import import_early, preload

__all__ = ["READERS", "import_readers"]

READERS = "aggregator.reading.preload"
"""The module that imports all readers: not imported here, as the reader of each kind takes half a second."""


def import_readers(*more: str) -> None:
    """Starts the process from which all others are forked, and does not wait for it.

    It imports all readers, and then these further modules.
    """
    preload(READERS, *more)
    import_early()
