"""What was forgotten travels with what is published, and comes back from there into a store that is older."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from aggregator.config.load import Config
from aggregator.errors import WriteError
from aggregator.store import Erasable, Store
from aggregator.writers.files import write_if_changed

__all__ = ["FILE", "merge_published", "publish_tombstones"]

FILE = "forgotten.txt"
MAX_BYTES = 16 * 1024 * 1024
_log = logging.getLogger("aggregator")


def merge_published(store: Store, config: Config, now: datetime) -> None:
    """Forgets what the output says that was forgotten since this store was saved. Raises StoreError."""
    if (text := _text(config.output / FILE)) is None:
        return
    forgotten, recalled = store.tombstones.merge(text)
    if forgotten:
        from aggregator.notify.digests import forget_in_digests

        found = _named(store, forgotten)
        forget_in_digests(store, found, now)
        store.forgetting.forget(found, now)
        _log.warning("%d articles were forgotten, as the output says; the store was older", len(forgotten))
    if recalled:
        store.forgetting.recall(_named(store, recalled))


def publish_tombstones(store: Store, config: Config) -> tuple[list[Path], list[WriteError]]:
    """Writes the file beside the feeds, where anything was forgotten: what was written, and what failed."""
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
