"""Publishes from the store: applies changed rules, priorities and stories, then writes the output."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from aggregator import __version__
from aggregator.app.feed_membership import FeedChooser
from aggregator.app.notices import Notices
from aggregator.app.resanitising import resanitise_store
from aggregator.app.stories import StoryPolicy
from aggregator.app.tombstones import publish_tombstones
from aggregator.config.load import Config
from aggregator.errors import WriteError
from aggregator.model.struct import replace
from aggregator.publishing.copies_in_articles import address_of_copies
from aggregator.publishing.public_addresses import public_addresses_of
from aggregator.publishing.publication_result import Published
from aggregator.publishing.publish import SectionCache, publish
from aggregator.store import Store
from aggregator.writers import SITE_WRITERS, Writer

if TYPE_CHECKING:
    from aggregator.media.copying import Copying
    from aggregator.publishing.writing_processes import WritingProcesses

_log = logging.getLogger("aggregator")


class Publication:
    """Publishes from a store.

    - `config`: returns the config, with the feeds of OPML lists among its sources.
    - `copying`: returns what copies pictures.
    - `opened`: when the store was opened.
    - `forked`: processes for the first publication (see `publishing.writing_processes.forked_writers`).
    """

    def __init__(
        self,
        config: Callable[[], Config],
        store: Store,
        chooser: FeedChooser,
        story_policy: StoryPolicy,
        notices: Notices,
        copying: Callable[[], Copying],
        writers: Mapping[str, Writer],
        opened: datetime,
        forked: WritingProcesses | None = None,
    ) -> None:
        self._config = config
        self._store = store
        self._chooser = chooser
        self._story_policy = story_policy
        self._notices = notices
        self._copying = copying
        self._opened = opened
        self._forked = forked
        self._writers = writers
        self._sections = SectionCache()
        self._is_stopping = False

    def stop(self) -> None:
        """Ends long steps soon; the rest is done by the next publication."""
        self._is_stopping = True

    def publish(self, now: datetime, *, everything: bool) -> Published:
        """Publishes into the output folder."""
        resanitise_store(self._store, self._config(), self._opened, lambda: self._is_stopping)
        self._choose(now)
        self._notices.make_digests(now)
        if self._config().publish.media is not None:
            self._copying().note(now)
        forked, self._forked = self._forked, None
        try:
            published = publish(
                store=self._store,
                config=self._config(),
                writers=self._writers,
                site_writers=SITE_WRITERS,
                version=__version__,
                everything=everything,
                cache=self._sections,
                forked=forked,
            )
        except WriteError as error:
            published = Published(errors=(error,))
        written, errors = publish_tombstones(self._store, self._config())
        published = replace(
            published, written=(*published.written, *written), errors=(*published.errors, *errors)
        )
        if (posts := self._config().publish.posts) is None:
            return published
        from aggregator.publishing.posts import write_posts

        done = write_posts(
            store=self._store,
            posts=posts,
            disclosure=public_addresses_of(self._config(), self._store),
            rules=self._chooser.rules,
            version=__version__,
            everything=everything,
            copies_at=address_of_copies(self._config()),
        )
        return replace(
            published,
            written=(*published.written, *done.written),
            errors=(*published.errors, *done.errors),
            notes=(*published.notes, *done.notes),
        )

    def index_words(self) -> None:
        """Brings the search index up to date, if the pages have a search. Raises StoreError."""
        if not self._config().serve.search:
            return
        from aggregator.app.article_search import words_of

        done = 0
        for count in self._store.search.index(partial(words_of, rules=self._chooser.rules)):
            done += count
            if count and done % 10_000 < count:
                _log.info("search: %d articles were indexed", done)
            if self._is_stopping:
                return

    def _choose(self, now: datetime) -> None:
        """Applies changed rules and saved feeds to stored articles, and those that depend on the time."""
        self._store.placements.define([feed.name for feed in self._config().feeds], now)
        looked = 0
        for count, _, total in self._store.placements.decide_all(self._chooser.digest, now):
            looked += count
            if looked % 10_000 < count:
                _log.info("rules changed: they were applied to %d of %d stored articles", looked, total)
            if self._is_stopping:
                return
        self._store.placements.decide_in_time(self._chooser.date_changes, now)
        self.arrange(now)

    def arrange(self, now: datetime) -> None:
        """Applies changed priorities of sources, and changes of which feeds show one article of a story."""
        self._store.stories.arrange(self._story_policy.shows, self._story_policy.order, now)
