"""Publishes which articles were erased, so that an older copy of the store, restored later, erases them
too.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from aggregator.config.load import Config
from aggregator.errors import WriteError
from aggregator.store import Erasable, Store
from aggregator.writers.output_files import write_if_changed

__all__ = ["FILE", "merge_published", "publish_tombstones"]

FILE = "forgotten.txt"
MAX_BYTES = 16 * 1024 * 1024
_log = logging.getLogger("aggregator")


def merge_published(store: Store, config: Config, now: datetime) -> None:
    """Erases articles that the output lists as erased and that this store still has. Raises StoreError."""
    if (text := _text(config.output / FILE)) is None:
        return
    forgotten, recalled = store.tombstones.merge(text)
    if forgotten:
        from aggregator.notify.digests import forget_in_digests

        found = _named(store, forgotten)
        forget_in_digests(store, found, now)
        store.forgetting.forget(found, now)
        _log.warning(
            "%d articles were erased: the output lists them as erased, and the store was older",
            len(forgotten),
        )
    if recalled:
        store.forgetting.recall(_named(store, recalled))


def publish_tombstones(store: Store, config: Config) -> tuple[list[Path], list[WriteError]]:
    """Writes the list of erased articles, if there are any; returns what was written and what failed."""
    if not (text := store.tombstones.text()):
        return [], []
    path = config.output / FILE
    try:
        return ([path] if write_if_changed(path, text.encode()) else []), []
    except WriteError as error:
        return [], [error]


def _named(store: Store, uids: tuple[str, ...]) -> list[Erasable]:
    return [each for uid in uids for each in store.forgetting.named(uid) if each.uid == uid]


def _text(path: Path) -> str | None:
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        return path.read_text("utf-8", "replace")
    except OSError:
        return None
