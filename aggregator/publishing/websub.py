"""WebSub: hubs are notified of the feeds that changed, after they were written and never before.

A hub is notified of one feed a request. The specification leaves its form to publisher and hub (W3C WebSub
§5); what hubs have taken since PubSubHubbub 0.3 is `hub.mode=publish` with `hub.url`. Some take several
`hub.url` at once, others then hear only the last, so each feed has a request of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.config.load import Config
from aggregator.errors import HttpStatus, SourceError
from aggregator.publishing.outputs import public_url
from aggregator.store import Announcement, Store
from aggregator.writers import formats

if TYPE_CHECKING:
    from aggregator.fetch import Fetcher

__all__ = ["Notification", "announce", "next_attempt", "topics"]

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=6)
_LONGEST_ASKED = timedelta(days=1)
_MAX_ATTEMPTS = 8
_MAX_REFUSALS = 3
_BATCH = 500
_LATER = frozenset((408, 425, 429))


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """How it went with one hub and feed: `error` None is well; `again` when it is tried next, None: never."""

    hub: str
    topic: str
    error: SourceError | None = None
    again: datetime | None = None


def topics(written: Iterable[Path], config: Config) -> list[str]:
    """The public addresses of the feeds among these files, as their self links have them.

    There are none without site.url. Nobody subscribes to archive documents, which lie deeper.
    """
    if not config.site.url:
        return []
    feeds = {one.file_name for one in formats(config.all_formats) if one.is_feed}
    return [
        public_url(config, path.parent.name, path.name)
        for path in written
        if path.name in feeds and path.parent.parent == config.output
    ]


def next_attempt(attempts: int, error: SourceError, now: datetime) -> datetime | None:
    """When a hub is notified again after `attempts` failed, the last of them so; None: no more.

    A minute, then four times as long each, at most six hours: about a day in all. A hub that refuses
    (4xx, or a redirect) is asked three times. Retry-After is honoured, up to a day.
    """
    status = error.status if isinstance(error, HttpStatus) else 0
    is_refusal = 300 <= status < 500 and status not in _LATER
    if attempts >= (_MAX_REFUSALS if is_refusal else _MAX_ATTEMPTS):
        return None
    wait = min(_FIRST_WAIT * (1 << 2 * (attempts - 1)), _LONGEST_WAIT)
    if isinstance(error, HttpStatus) and error.retry_after:
        wait = max(wait, min(error.retry_after, _LONGEST_ASKED))
    return now + wait


def announce(
    store: Store, fetcher: Fetcher, hubs: Collection[str], now: datetime, is_over: Callable[[], bool]
) -> Iterator[Notification]:
    """Notifies hubs of what is due, until all is done or `is_over`; what is left stays in the store.

    A hub that fails is left alone for the rest of it. What is meant for hubs that are not among `hubs` any
    more is forgotten.
    """
    store.announcements.forget_hubs(hubs)
    failed: set[str] = set()
    for queued in store.announcements.due(now, _BATCH):
        if is_over():
            return
        if queued.hub in failed:
            continue
        try:
            fetcher.announce(queued.hub, queued.topic, now)
        except SourceError as error:
            again = next_attempt(queued.attempts + 1, error, now)
            yield Notification(hub=queued.hub, topic=queued.topic, error=error, again=again)
            if again is None:
                store.announcements.done(queued)
            else:
                failed.add(queued.hub)
                store.announcements.put_off(queued, again)
        else:
            store.announcements.done(queued)
            yield Notification(hub=queued.hub, topic=queued.topic)


def queue(store: Store, written: Iterable[Path], config: Config, now: datetime) -> int:
    """Stores which of the config's hubs are to be notified of these files; how many announcements that is."""
    found = topics(written, config) if config.publish.hubs else []
    pairs = [Announcement(hub=hub, topic=topic, queued=now) for hub in config.publish.hubs for topic in found]
    if pairs:
        store.announcements.queue(pairs)
    return len(pairs)
