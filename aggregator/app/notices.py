"""The steps of a run that concern notices and digests: queue what is new once it is published, and send
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.config.load import Config, Source
from aggregator.config.store_address import is_there
from aggregator.errors import ConfigError, DeliveryError
from aggregator.model.struct import Struct
from aggregator.store import Erasable, Store

if TYPE_CHECKING:
    from aggregator.fetch import Fetcher
    from aggregator.notify.channels.protocol import Outside
    from aggregator.notify.delivery import Delivery
    from aggregator.notify.digests import Digests
    from aggregator.notify.new_notices import NewNotices
    from aggregator.notify.notice_trial import NoticeTrial

__all__ = ["Notices", "Waiting", "try_notices", "waiting"]


class Notices:
    """Queues and sends messages; modules of channels that the config does not use are not imported."""

    def __init__(self, config: Callable[[], Config], store: Store, fetcher: Callable[[], Fetcher]) -> None:
        self._config = config
        self._store = store
        self._fetcher = fetcher
        self._watching: NewNotices | None = None
        self._digests: Digests | None = None

    def begin(self, now: datetime) -> None:
        """Call this before polling: a notice that is new in the config does not report articles stored
        before.
        """
        if self._config().notify or self._config().mastodon:
            from aggregator.notify.new_notices import NewNotices

            self._watching = NewNotices(self._config, self._store)
            self._watching.begin(now)
        if self._config().digest:
            from aggregator.notify.digests import Digests

            self._digests = Digests(self._config, self._store)
            self._digests.begin(now)

    def sources(self) -> tuple[Source, ...]:
        """Returns the sources that the entries of digests have: one for each digest."""
        if not self._config().digest:
            return ()
        from aggregator.notify.digests import sources_of

        return sources_of(self._config())

    def is_due(self, now: datetime) -> bool:
        """Returns whether a digest is to be made and published."""
        return self._digests is not None and self._digests.is_due(now)

    def make_digests(self, now: datetime) -> None:
        """Makes the digests that are due, before a publication, and queues their mails."""
        if self._digests is not None:
            self._digests.make(now)

    def forget(self, found: Sequence[Erasable], now: datetime) -> None:
        """Removes erased articles from digests."""
        from aggregator.notify.digests import forget_in_digests

        forget_in_digests(self._store, found, now)

    def published(self) -> None:
        """Records that new articles are published: notices may report them from now on."""
        if self._watching is not None:
            self._watching.published()

    def send(self, now: datetime, is_over: Callable[[], bool]) -> Iterator[Delivery]:
        """Queues notices about new articles, and sends all messages that are due, until `is_over`."""
        if self._watching is not None:
            self._watching.collect(now)
        if not self._store.outbox.channels():
            return
        from aggregator.notify.channels.protocol import Outside
        from aggregator.notify.delivery import deliver

        outside = Outside(config=self._config(), fetcher=self._fetcher)
        yield from deliver(self._store, outside, now, is_over)


class Waiting(Struct, frozen=True, kw_only=True):
    """A message that waits; `place` is its receiver, without secrets, and `subject` what it is about."""

    id: str
    channel: str
    place: str
    subject: str
    queued: datetime
    due: datetime
    attempts: int
    error: str


def waiting(config: Config, limit: int) -> list[Waiting]:
    """Returns at most `limit` messages that wait in the outbox. Raises StoreError if there is no store."""
    from aggregator.notify.channels import channel

    store = Store(config.store, reads_only=True)
    try:
        with _outside(config) as outside:
            ways = {name: channel(name, outside) for name in store.outbox.channels()}
        return [
            Waiting(
                id=each.id,
                channel=each.channel,
                place=each.target if (way := ways[each.channel]) is None else way.place(each.target),
                subject="" if way is None else way.subject(each),
                queued=each.queued,
                due=each.due,
                attempts=each.attempts,
                error=each.error,
            )
            for each in store.outbox.waiting(limit)
        ]
    finally:
        store.close()


def try_notices(
    config: Config, names: Sequence[str], now: datetime, *, sends: bool
) -> list[tuple[NoticeTrial, str]]:
    """Returns what the notices with these names (all if there are none) would say, each with the error of
    sending it ("" if there was none).

    Nothing is sent unless `sends`. Raises ConfigError for a name that no notice has.
    """
    from aggregator.notify.notice_trial import send_test
    from aggregator.notify.notice_trial import tried as tried_on

    known = {rule.name for rule in config.notify}
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(*(_no_notice(config, name) for name in unknown))
    found = []
    with ExitStack() as opened:
        store = None
        if is_there(config.store):
            store = Store(config.store, reads_only=True)
            opened.callback(store.close)
        outside = opened.enter_context(_outside(config))
        for rule in config.notify:
            if names and rule.name not in names:
                continue
            trial, error = tried_on(config, store, rule, now), ""
            if sends:
                try:
                    send_test(trial, outside, now)
                except DeliveryError as failure:
                    error = str(failure)
            found.append((trial, error))
    return found


def _no_notice(config: Config, name: str) -> str:
    """Returns a sentence that explains why no notice has this name."""
    others = {each.name: "a [[mastodon]] table" for each in config.mastodon}
    others.update((each.name, "a digest") for each in config.digest)
    if name in others:
        return f"{name!r} is {others[name]}, which `notify test` does not try"
    there = ", ".join(repr(rule.name) for rule in config.notify)
    return f"no notice is named {name!r}; " + (
        f"there are {there}" if there else "the config has no [[notify]]"
    )


@contextmanager
def _outside(config: Config) -> Iterator[Outside]:
    """Yields connections for a command, and closes them at the end."""
    from aggregator.fetch import Fetcher, user_agent
    from aggregator.notify.channels.protocol import Outside

    made = Fetcher(config.fetch, user_agent(config.fetch))
    try:
        yield Outside(config=config, fetcher=lambda: made)
    finally:
        made.close()
