"""Prepares the first poll of a new store, before the config is read and the modules of a run are imported."""

from __future__ import annotations

from pathlib import Path

__all__ = ["prepare"]

_MANY = 100
"""With so many sources, documents are certainly written in several processes."""


def prepare(config_file: Path, store: Path | None) -> None:
    """Starts the process from which all others are forked if there is no store yet, and does not wait for it.

    It imports all readers: the first poll reads documents for certain; a later one may find that nothing
    changed. With many sources it also imports what writes documents.

    - `store`: the store's file; None: not known yet.
    """
    try:
        if store is None or store.exists():
            return
        is_large = config_file.read_bytes().count(b"[[sources]]") >= _MANY
    except OSError:  # opening the store, or reading the config, says what is wrong
        return
    from aggregator.reading.early_import import import_readers

    import_readers(*(["aggregator.publishing.parallel"] if is_large else []))
