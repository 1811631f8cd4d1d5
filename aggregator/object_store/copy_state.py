"""This machine's record of the bucket: a hidden file in the folder `staging`, beside the copy itself.

It can be lost: a machine without it reads the bucket.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.errors import ObjectStoreError, WriteError
from aggregator.object_store.inventory import Inventory, dumped, loaded
from aggregator.writers.output_files import write_if_changed

__all__ = ["CopyState", "folder_lock", "load_state", "save_state"]

_FILE = ".bucket"
_LOCK = ".bucket.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyState:
    """The state when it was last saved.

    - `address`: the place in the object store.
    - `writer`: the random name of this copy, by which other machines know it.
    - `inventory`, `etag`: the inventory that the copy is equal to, and its ETag; "" if unknown.
    - `has_published`: whether it was the last to publish there, as far as it knows.
    - `audited`: the day when the bucket was last listed and compared, "" for never.
    - `failure`: why the last publication did not reach the bucket, "" if it did.
    """

    address: str
    writer: str = field(default_factory=lambda: secrets.token_hex(8))
    inventory: Inventory = field(default_factory=Inventory)
    etag: str = ""
    has_published: bool = False
    audited: str = ""
    failure: str = ""


def load_state(folder: Path, address: str) -> CopyState:
    """The saved state for this address; empty if none was saved, or for another address."""
    try:
        head, _, rest = (folder / _FILE).read_bytes().partition(b"\n")
        facts = json.loads(head)
        texts = {key: facts[key] for key in ("address", "writer", "etag", "audited", "failure")}
        if not all(isinstance(text, str) for text in texts.values()):
            return CopyState(address=address)
        if texts["address"] != address:
            return CopyState(address=address, writer=texts["writer"])
        return CopyState(**texts, inventory=loaded(rest), has_published=facts["has_published"] is True)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, ObjectStoreError):
        return CopyState(address=address)


def save_state(folder: Path, known: CopyState) -> None:
    """Raises ObjectStoreError."""
    facts = {
        key: getattr(known, key)
        for key in ("address", "writer", "etag", "audited", "failure", "has_published")
    }
    try:
        write_if_changed(folder / _FILE, json.dumps(facts).encode() + b"\n" + dumped(known.inventory))
    except WriteError as error:
        raise ObjectStoreError(str(error)) from error


@contextmanager
def folder_lock(folder: Path, *, waits: bool) -> Iterator[bool]:
    """Whether only this process changes the folder inside the block; always True if it `waits`.

    Raises ObjectStoreError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ObjectStoreError(f"{folder}: it cannot be made or written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if waits else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield waits  # a file system without locks, or another process is at work
        else:
            yield True
    finally:
        os.close(handle)
