"""Prepares the first poll of a new store, before the config is read and the modules of a run are imported."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["prepare"]

_KIND = re.compile(rb"""\bkind["']?\s*=\s*["']([a-z0-9-]{1,40})["']""")
_MANY = 100
"""With so many sources, documents are certainly written in several processes."""


def prepare(config_file: Path, store: Path | None) -> bool:
    """Starts the process from which readers are forked if there is no store yet, and does not wait for it.

    It imports what reads documents, which the first poll does for certain; a later one may find that nothing
    changed. Returns whether the first poll has many sources.

    - `store`: the store's file; None: not known yet.
    """
    try:
        if store is None or store.exists():
            return False
        config = config_file.read_bytes()
    except OSError:  # opening the store, or reading the config, says what is wrong
        return False
    from aggregator.reading.early_import import import_readers

    # A word that only looks like the kind of a source costs a few milliseconds.
    import_readers({name.decode() for name in _KIND.findall(config)})
    return config.count(b"[[sources]]") >= _MANY
