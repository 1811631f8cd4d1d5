"""Starts the process from which readers are forked before anything else that reading needs is imported."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.processes import import_early, preload

__all__ = ["expect", "import_readers"]

_READERS = "aggregator.reading.preload"
"""The module that imports what reads feeds: not imported here, as it takes a tenth of a second."""


def expect(of_kinds: Iterable[str]) -> None:
    """Names what the process from which readers are forked imports, unless it has been started already.

    `of_kinds`: the kinds of sources that are certainly read.
    """
    preload(_READERS, *_modules(of_kinds))


def import_readers(of_kinds: Iterable[str]) -> None:
    """Starts the process from which all others are forked, and does not wait for it.

    It imports what reads these kinds of sources.
    """
    expect(of_kinds)
    import_early()


def _modules(of_kinds: Iterable[str]) -> list[str]:
    if not (further := {*of_kinds} - {"feed"}):
        return []
    from aggregator.adapters.entry_points import ADAPTERS, entry_points

    modules = {entry.module for entry in entry_points(ADAPTERS) if entry.name in further}
    return sorted({*modules, "aggregator.normalise.single_article"})
