"""Prepares the first poll of a new store, before the modules that a run needs are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.config.load import Config

__all__ = ["prepare"]


def prepare(config: Config) -> None:
    """Starts the import of all readers in another process if there is no store yet, and does not wait for it.

    The first poll reads documents for certain; a later one may find that nothing changed.
    """
    from aggregator.config.store_address import is_there

    if not is_there(config.store):
        from aggregator.reading.workers import import_readers

        import_readers()
