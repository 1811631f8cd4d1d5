"""Output in a bucket: files are written into a local copy (`staging`), and what changed is uploaded."""

from __future__ import annotations

import importlib.util
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

from aggregator.config.load import Config
from aggregator.config.store_address import DatabaseAddress
from aggregator.errors import BucketInUse, ObjectStoreError
from aggregator.model.struct import replace
from aggregator.publishing.publication_result import Published
from aggregator.store import Store
from aggregator.store.checking import Fault

__all__ = ["BucketOutput", "CopyKeeper", "bucket_facts", "bucket_failure", "bucket_faults"]
__all__ += ["bucket_mistakes", "copied"]

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 30.0, 600.0
LOOK_SECONDS = 15.0
_log = logging.getLogger("aggregator")


class BucketOutput:
    """Publishes into the config's bucket.

    After a failure the bucket is not tried for half a minute, then for twice as long each time, at most ten
    minutes. Meanwhile files are written into the local copy, and uploaded later.

    Processes that share a PostgreSQL `store` publish one at a time.
    """

    def __init__(
        self, config: Config, store: Store | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        from aggregator.object_store.mirror import Mirror

        is_shared = store is not None and isinstance(config.store, DatabaseAddress)
        self._mirror = Mirror(config, site=_site_of(store) if is_shared and store else "")
        self._clock = clock
        self._failures = 0
        self._again = 0.0

    @property
    def is_behind(self) -> bool:
        """Whether an upload failed and it is time to try it again."""
        return self._failures > 0 and self._clock() >= self._again

    def published(
        self,
        publish: Callable[[], Published],
        merge: Callable[[], None],
        now: datetime,
        *,
        everything: bool = False,
        takes_over: bool = False,
    ) -> Published:
        """Downloads what other machines uploaded, publishes into the local copy, and uploads what changed.

        `merge` is called once the copy equals the bucket. `written` of the result has what was uploaded. If
        the bucket cannot be reached, that is one of `errors`, and the local copy is published into if there
        is one.
        """
        mirror = self._mirror
        done = Published()
        try:
            with mirror.alone():
                failed = self._pulled(takes_over=takes_over, hurries=everything or takes_over)
                if failed is not None and not mirror.has_copy:
                    raise failed
                merge()
                done = replace(publish(), written=())
                if failed is not None:
                    raise failed
                day = f"{now:%Y-%m-%d}"
                pushed = mirror.push(audits=everything or mirror.known.audited != day, day=day)
        except _Waiting:
            return done
        except ObjectStoreError as error:
            return replace(done, errors=(*done.errors, self._failed(error)))
        written = tuple(mirror.folder / path for path in pushed.put)
        if not pushed.errors:
            self._failures = 0
            return replace(done, written=written)
        return replace(done, written=written, errors=(*done.errors, self._failed(pushed.errors[0])))

    def _pulled(self, *, takes_over: bool, hurries: bool) -> ObjectStoreError | None:
        """Updates the local copy; returns the failure, None if there was none. Raises BucketInUse."""
        if self._failures and self._clock() < self._again and not hurries:
            return _Waiting("")
        try:
            self._mirror.pull(publishes=True, takes_over=takes_over)
        except BucketInUse:
            raise
        except ObjectStoreError as error:
            return error
        return None

    def _failed(self, error: ObjectStoreError) -> ObjectStoreError:
        wait = min(FIRST_WAIT_SECONDS * 2.0**self._failures, LONGEST_WAIT_SECONDS)
        self._failures = min(self._failures + 1, 16)
        self._again = self._clock() + wait
        with suppress(ObjectStoreError):
            self._mirror.failed(str(error))
        return error


def _site_of(store: Store) -> str:
    """Returns a random name that is kept in the store, and so is the same for all processes that share it."""
    if store.database.setting("site") is None:
        store.database.remember("site", secrets.token_hex(8))
    return store.database.setting("site") or ""


class _Waiting(ObjectStoreError):
    """The bucket failed a short time ago."""


class CopyKeeper:
    """Keeps the local copy equal to the bucket, in a thread of its own."""

    def __init__(self, config: Config) -> None:
        from aggregator.object_store.mirror import Mirror

        self._mirror = Mirror(config)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="copy", daemon=True)
        self._last_failure = ""

    def start(self) -> None:
        """Starts the thread; the first copy may take a while."""
        self._thread.start()

    def stop(self) -> None:
        """Ends soon; an unfinished download is completed the next time."""
        self._is_over.set()
        self._thread.join(1.0)

    def _keep(self) -> None:
        wait = LOOK_SECONDS
        while True:
            wait = LOOK_SECONDS if self._look() else min(2 * wait, LONGEST_WAIT_SECONDS)
            if self._is_over.wait(wait):
                return

    def _look(self) -> bool:
        try:
            with self._mirror.alone(waits=False) as is_alone:
                if is_alone and self._mirror.pull(publishes=False):
                    _log.info("%s: the copy in %s is up to date", *self._names)
        except ObjectStoreError as error:
            if (failure := str(error)) != self._last_failure:
                _log.warning(
                    "%s; the local copy is served as it is, and the bucket will be asked again", failure
                )
            self._last_failure = str(error)
            return False
        self._last_failure = ""
        return True

    @property
    def _names(self) -> tuple[str, str]:
        return self._mirror.known.address, str(self._mirror.folder)


def copied(config: Config) -> None:
    """Downloads the local copy of the config's bucket, if its output goes to one. Raises ObjectStoreError."""
    if config.bucket is None:
        return
    from aggregator.object_store.mirror import Mirror

    mirror = Mirror(config)
    with mirror.alone():
        mirror.pull(publishes=False)


def bucket_mistakes(config: Config) -> Iterator[str]:
    """Yields mistakes in the bucket's settings in config and environment; the bucket is not asked."""
    if config.bucket is None:
        return
    from aggregator.object_store.endpoint import endpoint_of

    try:
        endpoint_of(config)
    except ObjectStoreError as error:
        if not error.is_passing:
            yield f"output: {error}"


def bucket_facts(config: Config) -> str:
    """Returns one line about what the config's bucket contains; changes nothing. Raises ObjectStoreError."""
    from aggregator.object_store.mirror import Mirror

    return Mirror(config).summary()


def bucket_failure(config: Config) -> str:
    """Returns why the last publication did not reach the bucket, "" if it did; the bucket is not asked."""
    if config.bucket is None:
        return ""
    from aggregator.object_store.copy_state import load_state

    return load_state(config.output, str(config.bucket)).failure


def bucket_faults(config: Config) -> Iterator[Fault]:
    """Yields objects of the bucket that are missing or differ from what was uploaded; changes nothing."""
    if config.bucket is None or importlib.util.find_spec("obstore") is None:
        return
    from aggregator.object_store.mirror import Mirror

    mirror = Mirror(config)
    advice = "'aggregator publish --all' uploads them again"
    try:
        wrong = mirror.differing()
    except ObjectStoreError as error:
        yield Fault(
            kind="a bucket that cannot be read", count=1, places=(str(error),), advice="see the error"
        )
        return
    if wrong:
        places = tuple(f"{config.bucket}/{path}" for path in wrong[:20])
        kind = "objects of the bucket that are missing or differ from what was uploaded"
        yield Fault(kind=kind, count=len(wrong), places=places, advice=advice)
    if mirror.known.failure:
        kind = "a publication that did not reach the bucket"
        yield Fault(
            kind=kind, count=1, places=(mirror.known.failure,), advice="'aggregator publish' tries again"
        )
