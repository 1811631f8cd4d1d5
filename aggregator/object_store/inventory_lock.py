"""Reads, waits for and writes the inventory, by which writers take turns."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aggregator.errors import BucketInUse, ObjectStoreError
from aggregator.model.struct import replace
from aggregator.object_store.bucket import Bucket, Conflict
from aggregator.object_store.inventory import KEY, BucketFile, Inventory, dumped, loaded

__all__ = ["Register", "Waits", "current", "waited_for"]

_HEADERS = {"Content-Type": "application/gzip", "Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long writers wait for each other, in seconds by their own clocks: no two clocks are compared.

    A writer renews the inventory `renew` seconds after the last time, before it uploads more; a request takes
    at most 75. One that was silent for `silence` is considered dead, and another takes over. No writer waits
    longer than `most` for one that is active. It checks every `look` seconds.
    """

    renew: float = 15
    silence: float = 120
    most: float = 300
    look: float = 3
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def current(bucket: Bucket, unlike: str = "") -> tuple[Inventory, str] | None:
    """The present inventory and its ETag; None if there is none. Raises Conflict if it is `unlike`."""
    got = bucket.get(KEY, unlike=unlike)
    return None if got is None else (loaded(got.body), got.etag)


def waited_for(
    bucket: Bucket,
    found: tuple[Inventory, str],
    own_writer: str,
    waits: Waits,
    report: Callable[[str], None],
) -> tuple[Inventory, str]:
    """The inventory once no other writer is changing anything, or the active one is silent for too long.

    What `own_writer` started has ended: nothing else publishes from this copy. Raises BucketInUse.
    """
    begun = seen = waits.clock()
    while found[0].run and found[0].writer != own_writer:
        now = waits.clock()
        if now == begun:
            report(
                f"{bucket}: another program is publishing there (writer {found[0].writer}); it is waited for"
            )
        if now - seen > waits.silence:
            report(f"{bucket}: writer {found[0].writer} has stopped in the middle; its work is finished here")
            return found
        if now - begun > waits.most:
            raise BucketInUse(
                f"{bucket}: another program is publishing there (writer {found[0].writer}) and goes on; this "
                "is tried again at the next publication",
                is_passing=True,
            )
        waits.sleep(waits.look)
        try:
            changed = current(bucket, unlike=found[1])
        except Conflict:
            continue
        seen = waits.clock()
        found = changed or (Inventory(), "")
    return found


class Register:
    """Writes versions of the inventory, while no other writer does. Safe to use from several threads.

    `etag` is that of the present version, "" for none. `on_change` is called with each version that was
    written.
    """

    def __init__(
        self,
        bucket: Bucket,
        inventory: Inventory,
        etag: str,
        waits: Waits,
        on_change: Callable[[Inventory, str], None],
    ) -> None:
        self._bucket = bucket
        self._inventory = inventory
        self._etag = etag
        self._waits = waits
        self._on_change = on_change
        self._written = waits.clock() - waits.renew
        self._lock = threading.Lock()

    def write(self, files: Mapping[str, BucketFile], pending: tuple[str, ...], run: str) -> None:
        """Writes the next version. Raises BucketInUse if another writer has written since the last one."""
        with self._lock:
            self._write(replace(self._inventory, files={**files}, pending=pending, run=run))

    def renew(self) -> None:
        """Shows that this writer is active and still the only one, if that is due. Raises BucketInUse."""
        with self._lock:
            if self._waits.clock() - self._written > self._waits.renew:
                self._write(self._inventory)

    def _write(self, inventory: Inventory) -> None:
        begun = self._waits.clock()
        made = replace(inventory, token=secrets.token_hex(8))
        try:
            etag = self._bucket.put(KEY, dumped(made), _HEADERS, self._etag or None)
        except Conflict:
            # A request that was repeated after its response was lost finds its own result.
            found = current(self._bucket)
            if found is None or found[0].token != made.token:
                who = f" (writer {found[0].writer})" if found else ""
                raise BucketInUse(
                    f"{self._bucket}: another program has begun to publish there{who}; nothing more is put, "
                    "and this is tried again at the next publication",
                    is_passing=True,
                ) from None
            etag = found[1]
        if not self._etag:
            self._try_conditions()
        self._inventory, self._etag, self._written = made, etag, begun
        self._on_change(made, etag)

    def _try_conditions(self) -> None:
        """Tests whether a new store honours conditions: some ignore them."""
        for expected in (None, '"00000000000000000000000000000000"'):
            try:
                self._bucket.put(KEY, b"", _HEADERS, expected)
            except Conflict:
                continue
            self._bucket.delete([KEY])
            raise ObjectStoreError(
                f"{self._bucket}: this store ignores conditions of writes (If-Match, If-None-Match), so that "
                "two programs could not be kept apart; use one that knows them"
            )
