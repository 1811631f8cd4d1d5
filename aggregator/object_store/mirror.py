"""The copy of the bucket in the folder `staging`: pulls changes from the bucket, and pushes changes to it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aggregator.config.load import Config
from aggregator.errors import BucketInUse
from aggregator.model.struct import replace
from aggregator.object_store.bucket import Bucket, Conflict
from aggregator.object_store.copy_state import folder_lock, load_state, save_state
from aggregator.object_store.endpoint import endpoint_of
from aggregator.object_store.inventory import KEY, BucketFile, Inventory
from aggregator.object_store.inventory_lock import Register, Waits, current, waited_for
from aggregator.object_store.keys import Headers, is_sound
from aggregator.object_store.local_copy import fetch_changes, paths_in, wanted
from aggregator.object_store.object_metadata import file_of
from aggregator.object_store.parallel import run_parallel
from aggregator.object_store.upload import Push, Pushed
from aggregator.server.media_types import MediaTypes
from aggregator.writers import formats

__all__ = ["Mirror"]

_log = logging.getLogger("aggregator")


@dataclass(slots=True)
class _Remote:
    """The present content of the bucket: `odd` are files of ours with unknown bytes, by path, with their
    ETags.
    """

    inventory: Inventory
    etag: str
    odd: dict[str, str] = field(default_factory=dict)


class Mirror:
    """A copy of the bucket in the folder `staging`: the folder that the program publishes into and serves.

    A machine without a copy downloads it first, so that nothing is uploaded twice and nothing right is
    deleted. Its methods raise ObjectStoreError.

    `site` is a common name of machines that may publish in turns, "" for none: of two other machines, the one
    that came later continues, and the earlier one is refused.
    """

    def __init__(self, config: Config, *, site: str = "", waits: Waits | None = None) -> None:
        self._config = config
        self._folder = config.output
        self._site = site
        self._waits = waits or Waits()
        self._address = str(config.bucket)
        self._bucket: Bucket | None = None
        self._remote: _Remote | None = None
        self.known = load_state(self._folder, self._address)

    @property
    def folder(self) -> Path:
        """The folder of the copy."""
        return self._folder

    @property
    def has_copy(self) -> bool:
        """Whether the bucket was ever read from here."""
        return bool(self.known.etag)

    @contextmanager
    def alone(self, *, waits: bool = True) -> Iterator[bool]:
        """Whether only this process changes the copy inside the block; always True if it `waits`."""
        with folder_lock(self._folder, waits=waits) as is_alone:
            if is_alone:
                self.known = load_state(self._folder, self._address)
            yield is_alone

    def pull(self, *, publishes: bool, takes_over: bool = False) -> bool:
        """Downloads what other machines uploaded since the last time; returns whether anything was.

        `publishes`: waits for other writers, and reads what one left unfinished, so that `push` may follow.
        `takes_over`: also if another machine publishes now instead of this one.
        """
        bucket = self._opened()
        known = self.known
        try:
            found = current(bucket, unlike=known.etag)
        except Conflict:
            remote = _Remote(known.inventory, known.etag)
        else:
            if found is None:
                found = self._of_marks(bucket) if publishes else Inventory(), ""
            remote = _Remote(*found)
        if publishes and remote.inventory.run:
            start = remote.inventory, remote.etag
            remote = _Remote(*waited_for(bucket, start, known.writer, self._waits, _log.warning))
        if publishes:
            self._refuse_if_replaced(remote.inventory, takes_over=takes_over)
        is_news = remote.etag != known.etag and remote.inventory.writer != known.writer
        lacking: set[str] = set()
        if is_news:
            lacking = fetch_changes(bucket, self._folder, known.inventory.files, remote.inventory.files)
        if publishes:
            self._look_at(bucket, remote, remote.inventory.pending)
        if remote.etag != known.etag or known.failure:
            files = {path: file for path, file in remote.inventory.files.items() if path not in lacking}
            # Without an ETag everything is read again, and missing files are downloaded.
            etag = "" if lacking and not publishes else remote.etag
            self._save(inventory=replace(remote.inventory, files=files), etag=etag)
        self._remote = remote
        return is_news

    def push(self, *, audits: bool = False, day: str = "") -> Pushed:
        """Makes the bucket equal to the folder, after a `pull` that `publishes`.

        `audits`: every object is listed first; `day` is saved as the day of the audit.
        """
        bucket, remote = self._opened(), self._remote
        assert remote is not None, "`pull` was called first"
        self._remote = None
        if audits:
            self._look_at(bucket, remote, self._differing(bucket, remote.inventory.files))
        inventory = remote.inventory
        paths = paths_in(self._folder)
        headers = Headers(MediaTypes(formats()), self._config.max_age, paths)
        files = wanted(self._folder, inventory.files, headers, paths)
        is_equal = not remote.odd and _looks(files) == _looks(inventory.files)
        if is_equal and not inventory.run and not inventory.pending and remote.etag:
            self._save(failure="", audited=day if audits else self.known.audited)
            return Pushed()
        run = secrets.token_hex(8)
        register = Register(
            bucket,
            replace(inventory, writer=self.known.writer, site=self._site),
            remote.etag,
            self._waits,
            lambda made, etag: self._save(inventory=made, etag=etag, has_published=True),
        )
        push = Push(bucket, self._folder, headers, register, inventory.files, remote.odd, run)
        pushed = push.run(files)
        if not pushed.errors:
            self._save(failure="", audited=day if audits else self.known.audited)
        return pushed

    def differing(self) -> list[str]:
        """The paths at which the bucket differs from the folder; nothing is changed."""
        bucket = self._opened()
        found = current(bucket)
        return [] if found is None else self._differing(bucket, found[0].files)

    def summary(self) -> str:
        """A line about the bucket; nothing is changed."""
        found = current(self._opened())
        if found is None:
            return f"{self._address}: nothing was published there yet"
        inventory = found[0]
        size = sum(file.size for file in inventory.files.values())
        who = "here" if inventory.writer == self.known.writer else "elsewhere"
        state = "; a publication is going on, or was broken off" if inventory.run else ""
        return (
            f"{self._address}: {len(inventory.files):,} files, {size / 1e6:,.1f} MB, put from {who} (writer "
            f"{inventory.writer}; this one is {self.known.writer}){state}"
        )

    def failed(self, reason: str) -> None:
        """Records why the last publication did not reach the bucket."""
        self._save(failure=reason)

    def _opened(self) -> Bucket:
        if self._bucket is None:
            self._bucket = Bucket(self._config, endpoint_of(self._config))
        return self._bucket

    def _save(self, **changes: object) -> None:
        changed = replace(self.known, **changes)  # type: ignore[arg-type]
        if changed != self.known:
            save_state(self._folder, changed)
            self.known = changed

    def _refuse_if_replaced(self, inventory: Inventory, *, takes_over: bool) -> None:
        known = self.known
        is_other = bool(inventory.writer) and inventory.writer != known.writer
        if not is_other or not known.has_published or takes_over:
            return
        if self._site and inventory.site == self._site:
            return
        raise BucketInUse(
            f"{self._address}: another program publishes there now (writer {inventory.writer}; this one is "
            f"{known.writer}); stop one of the two, or give them prefixes of their own: "
            "'aggregator publish --take-over' publishes from here again"
        )

    def _differing(self, bucket: Bucket, files: Mapping[str, BucketFile]) -> list[str]:
        listed = bucket.list()
        return [
            path
            for path, file in files.items()
            if (found := listed.get(path)) is None or (found.size, found.etag) != (file.size, file.etag)
        ]

    def _look_at(self, bucket: Bucket, remote: _Remote, paths: list[str] | tuple[str, ...]) -> None:
        """Reads what is at these paths, by the marks of the objects themselves."""
        if not paths:
            return
        found, errors = run_parallel(bucket.attributes, paths)
        if errors:
            raise errors[0]
        files = dict(remote.inventory.files)
        for path, there in found.items():
            was_ours = files.pop(path, None) is not None
            if there is None:
                continue
            marked = file_of(there[1], there[0].size, there[0].etag)
            if marked is not None:
                files[path] = marked
            elif was_ours:
                remote.odd[path] = there[0].etag
        remote.inventory = replace(remote.inventory, files=files)

    def _of_marks(self, bucket: Bucket) -> Inventory:
        """An inventory of our objects below the prefix, made from their marks, if there is none."""
        listed = [path for path in bucket.list() if path != KEY and is_sound(path)]
        remote = _Remote(Inventory(), "")
        self._look_at(bucket, remote, listed)
        return remote.inventory


def _looks(files: Mapping[str, BucketFile]) -> dict[str, tuple[str, str]]:
    return {path: (file.digest, file.headers) for path, file in files.items()}
