"""The main job: poll, complete, do upkeep, publish, announce. Commands and the daemon both call it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.app.app import App
    from aggregator.config.load import Source
    from aggregator.media.fetch_results import CopyReport
    from aggregator.notify.delivery import Delivery
    from aggregator.polling.full_text import Completed
    from aggregator.polling.poll_result import PollResult
    from aggregator.publishing.publication_result import Published


class RunWatcher:
    """Receives the events of a run; each method does nothing unless it is overridden."""

    def polled(self, poll: PollResult) -> None:
        """A poll has ended, and its articles are saved."""

    def completed(self, completed: Completed) -> None:
        """Articles of a source were completed with the text of their pages."""

    def copied(self, report: CopyReport) -> None:
        """Pictures that articles show were copied, or could not be."""

    def pruned(self, count: int) -> None:
        """A step of upkeep has pruned `count` articles."""

    def published(self, published: Published) -> None:
        """Feeds and posts were written."""

    def announced(self, delivery: Delivery) -> None:
        """A hub was notified of a feed, or a notice was sent; or that failed."""


def run_once(
    app: App,
    sources: Sequence[Source],
    now: datetime,
    watcher: RunWatcher,
    *,
    completing: Sequence[Source] | None = None,
    refetch: bool = False,
    drains: bool = False,
    is_stopping: Callable[[], bool] = lambda: False,
    is_over: Callable[[], bool] | None = None,
) -> bool:
    """Polls these sources, completes articles, copies pictures, does the upkeep, publishes and announces.

    Before polling it reads what hubs have sent.

    - `completing`: the sources whose articles are completed; None for those of `sources`.
    - `refetch`: polls without validators.
    - `drains`: also polls all other sources that are due, those of the store included.
    - `is_over`: once it returns True, no more messages are sent; the rest is sent later. None leaves out
      upkeep and announcing, and publishes only if something was polled or completed: the daemon does both in
      other jobs, so that a slow hub or a long upkeep delays no poll.
    - `is_stopping`: once it returns True, nothing more is published.

    Returns whether something was polled, completed or copied. Raises StoreError.
    """
    is_busy = False
    for poll in app.hubs.read(now):
        is_busy = True
        watcher.polled(poll)
    for poll in app.fetch(sources, now, refetch=refetch, drains=drains):
        is_busy = True
        watcher.polled(poll)
    for completed in app.complete(sources if completing is None else completing, now):
        is_busy = True
        watcher.completed(completed)
    if (copied := app.copy_media(now)) is not None:
        is_busy = is_busy or copied.has_changed
        watcher.copied(copied)
    if is_stopping() or (is_over is None and not is_busy):
        return is_busy
    if is_over is not None:
        app.end_reading()
        for count in app.upkeep(now):
            watcher.pruned(count)
    publish(app, now, watcher)
    if is_over is not None:
        app.tidy_media(now)
    for delivery in app.announce(now, is_over) if is_over is not None else ():
        watcher.announced(delivery)
    return is_busy


def publish(
    app: App, now: datetime, watcher: RunWatcher, *, everything: bool = False, takes_over: bool = False
) -> Published:
    """Publishes, queues notifications of hubs, and updates the search index. Raises StoreError."""
    from aggregator.model.struct import replace  # a run that does not publish never imports it

    began = time.monotonic()
    published = app.publish(now, everything=everything, takes_over=takes_over)
    published = replace(published, seconds=time.monotonic() - began)
    app.queue_announcements(published, now)
    app.index_words()
    watcher.published(published)
    return published
