"""The output in a bucket: published by way of the copy in `staging`, which `serve` keeps up to date."""

from __future__ import annotations

import importlib.util
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from aggregator.config.load import Config
from aggregator.config.store_address import DatabaseAddress
from aggregator.errors import BucketInUse, ObjectStoreError
from aggregator.publishing.published import Published
from aggregator.store import Store
from aggregator.store.checking import Fault

__all__ = ["BucketOutput", "CopyKeeper", "bucket_facts", "bucket_failure", "bucket_faults"]
__all__ += ["bucket_mistakes", "copied"]

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 30.0, 600.0
LOOK_SECONDS = 15.0
_log = logging.getLogger("aggregator")


class BucketOutput:
    """Publications of one process into its config's bucket.

    After a failure the bucket is left alone for half a minute, then for twice as long each time, at most ten
    minutes; meanwhile the copy is published into, and what it has goes to the bucket later.

    With a `store` on a server, that several machines may share, these publish in turns.
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
        """Whether something is to be put that could not be, and it is time to try again."""
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
        """Fetches what other machines put, publishes into the copy, and puts what changed.

        `merge` is called once the copy is equal to the bucket. What is `written` is what the bucket has got.
        A bucket that cannot be asked is one of `errors`; the copy is then published into, if there is any.
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
        """What went wrong as the bucket was asked, None: nothing. Raises BucketInUse."""
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
    """A random name that all who share the store know."""
    if store.database.setting("site") is None:
        store.database.remember("site", secrets.token_hex(8))
    return store.database.setting("site") or ""


class _Waiting(ObjectStoreError):
    """The bucket failed a short time ago."""


class CopyKeeper:
    """Brings the copy to what the bucket has, at the start and as it changes, in a thread of its own."""

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
        """Ends soon; what is left of a copy comes the next time."""
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
                _log.warning("%s; what the copy has is served, and the bucket is asked again", failure)
            self._last_failure = str(error)
            return False
        self._last_failure = ""
        return True

    @property
    def _names(self) -> tuple[str, str]:
        return self._mirror.known.address, str(self._mirror.folder)


def copied(config: Config) -> None:
    """Fetches the copy of the config's bucket, if its output goes to one. Raises ObjectStoreError."""
    if config.bucket is None:
        return
    from aggregator.object_store.mirror import Mirror

    mirror = Mirror(config)
    with mirror.alone():
        mirror.pull(publishes=False)


def bucket_mistakes(config: Config) -> Iterator[str]:
    """What is wrong with the bucket's settings, in the config and the environment; nothing is asked of it."""
    if config.bucket is None:
        return
    from aggregator.object_store.endpoint import endpoint_of

    try:
        endpoint_of(config)
    except ObjectStoreError as error:
        if not error.is_passing:
            yield f"output: {error}"


def bucket_facts(config: Config) -> str:
    """What is in the config's bucket, in a line; nothing is changed. Raises ObjectStoreError."""
    from aggregator.object_store.mirror import Mirror

    return Mirror(config).summary()


def bucket_failure(config: Config) -> str:
    """Why the last publication did not reach the bucket, "" where it did; the bucket is not asked."""
    if config.bucket is None:
        return ""
    from aggregator.object_store.copy_state import load_state

    return load_state(config.output, str(config.bucket)).failure


def bucket_faults(config: Config) -> Iterator[Fault]:
    """What is in the bucket and should not be so, or is not there and should be; nothing is changed."""
    if config.bucket is None or importlib.util.find_spec("obstore") is None:
        return
    from aggregator.object_store.mirror import Mirror

    mirror = Mirror(config)
    advice = "'aggregator publish --all' puts them again"
    try:
        wrong = mirror.differing()
    except ObjectStoreError as error:
        yield Fault(
            kind="a bucket that cannot be looked at", count=1, places=(str(error),), advice="as it says"
        )
        return
    if wrong:
        places = tuple(f"{config.bucket}/{path}" for path in wrong[:20])
        kind = "objects of the bucket that are missing or not as they were put"
        yield Fault(kind=kind, count=len(wrong), places=places, advice=advice)
    if mirror.known.failure:
        kind = "a publication that did not reach the bucket"
        yield Fault(
            kind=kind, count=1, places=(mirror.known.failure,), advice="'aggregator publish' tries again"
        )
