"""Prepares the first poll of a new store, before the config is checked and the other modules are imported."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["prepare"]

_KIND = re.compile(rb"""\bkind["']?\s*=\s*["']([a-z0-9-]{1,40})["']""")
_MANY = 100
"""With so many sources, documents are certainly written in several processes."""


def prepare(config: bytes | None, store: Path | None) -> bool:
    """Starts the process from which readers are forked if there is no store yet, and does not wait for it.

    It imports what reads documents, which the first poll does for certain; a later one may find that nothing
    changed. Returns whether the first poll has many sources.

    - `config`: the text of the config; None: it cannot be read.
    - `store`: the store's file; None: not known yet.
    """
    try:
        if config is None or store is None or store.exists():
            return False
    except OSError:  # opening the store says what is wrong
        return False
    from aggregator.reading.early_import import import_readers

    # A word that only looks like the kind of a source costs a few milliseconds.
    import_readers({name.decode() for name in _KIND.findall(config)})
    return config.count(b"[[sources]]") >= _MANY
