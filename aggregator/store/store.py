"""The store: one object for each kind of record, over one database, with SQLAlchemy Core.

Each is made, and its module imported, when it is first used: most commands need only a few.
"""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

from aggregator.config.store_address import StoreAddress
from aggregator.store.database import Database
from aggregator.store.story_changes import NO_STORIES, StoryRules
from aggregator.store.write_transaction import Judge, by_categories

if TYPE_CHECKING:
    from aggregator.store.archives import Archives
    from aggregator.store.arrivals import Arrivals
    from aggregator.store.articles import Articles
    from aggregator.store.articles_with_pages import ArticlesWithPages
    from aggregator.store.clock_corrections import ClockCorrections
    from aggregator.store.counts_by_time import Calendar
    from aggregator.store.decide_placements import Placements
    from aggregator.store.due_sources import DueSources
    from aggregator.store.feeds import Feeds
    from aggregator.store.forgetting import Forgetting
    from aggregator.store.hubs.pings import HubPings
    from aggregator.store.hubs.pushed_articles import PushedArticles
    from aggregator.store.hubs.subscriptions import HubSubscriptions
    from aggregator.store.leases import Hold, Leases
    from aggregator.store.media import MediaRecords
    from aggregator.store.member_pictures import MemberPictureRecords
    from aggregator.store.outbox import Outbox
    from aggregator.store.page_requests import Pages
    from aggregator.store.posts import PostFiles
    from aggregator.store.resanitising import Resanitising
    from aggregator.store.search import Search
    from aggregator.store.sources import Sources
    from aggregator.store.sources_outside_config import SourcesOutsideConfig
    from aggregator.store.stories import Stories
    from aggregator.store.subscriptions import Subscriptions
    from aggregator.store.tombstones import Tombstones


class Store:
    """Everything that is stored, by parts, in one database: a SQLite file, or PostgreSQL.

    `database`: settings, and the upkeep of the database itself.

    `judge` decides which feeds each article is in, `stories` which articles are about the same story.
    `reads_only`: nothing is written or created. Raises StoreError, here and in every method, if the database
    fails.
    """

    def __init__(
        self,
        address: StoreAddress,
        *,
        reads_only: bool = False,
        judge: Judge = by_categories,
        stories: StoryRules = NO_STORIES,
    ) -> None:
        self.database = Database(address, reads_only=reads_only)
        self._judge = judge
        self._story_rules = stories

    @cached_property
    def sources(self) -> Sources:
        """The followed sources, and what polls save."""
        from aggregator.store.sources import Sources

        return Sources(self.database, self._judge, self._story_rules)

    @cached_property
    def due_sources(self) -> DueSources:
        """Which sources are due, and how late."""
        from aggregator.store.due_sources import DueSources

        return DueSources(self.database)

    @cached_property
    def sources_outside_config(self) -> SourcesOutsideConfig:
        """Sources that are followed without being in the config."""
        from aggregator.store.sources_outside_config import SourcesOutsideConfig

        return SourcesOutsideConfig(self.database)

    @cached_property
    def articles(self) -> Articles:
        """The articles and their revisions."""
        from aggregator.store.articles import Articles

        return Articles(self.database, self._judge, self._story_rules)

    @cached_property
    def feeds(self) -> Feeds:
        """The published feeds."""
        from aggregator.store.feeds import Feeds

        return Feeds(self.database)

    @cached_property
    def archives(self) -> Archives:
        """The archives of feeds."""
        from aggregator.store.archives import Archives

        return Archives(self.database)

    @cached_property
    def pages(self) -> Pages:
        """Requests for the pages of articles that are completed."""
        from aggregator.store.page_requests import Pages

        return Pages(self.database, self._judge, self._story_rules)

    @cached_property
    def placements(self) -> Placements:
        """Which feeds each article is in."""
        from aggregator.store.decide_placements import Placements

        return Placements(self.database, self._judge, self._story_rules)

    @cached_property
    def stories(self) -> Stories:
        """Articles about the same story."""
        from aggregator.store.stories import Stories

        return Stories(self.database, self._judge, self._story_rules)

    @cached_property
    def posts(self) -> PostFiles:
        """The files that articles are written to for site generators."""
        from aggregator.store.posts import PostFiles

        return PostFiles(self.database)

    @cached_property
    def articles_with_pages(self) -> ArticlesWithPages:
        """Articles that get pages of their own."""
        from aggregator.store.articles_with_pages import ArticlesWithPages

        return ArticlesWithPages(self.database)

    @cached_property
    def calendar(self) -> Calendar:
        """How many articles each day has."""
        from aggregator.store.counts_by_time import Calendar

        return Calendar(self.database)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """Feeds that OPML lists named."""
        from aggregator.store.subscriptions import Subscriptions

        return Subscriptions(self.database)

    @cached_property
    def arrivals(self) -> Arrivals:
        """New articles, in the order in which they came."""
        from aggregator.store.arrivals import Arrivals

        return Arrivals(self.database)

    @cached_property
    def outbox(self) -> Outbox:
        """Messages that wait to be sent."""
        from aggregator.store.outbox import Outbox

        return Outbox(self.database)

    @cached_property
    def hub_subscriptions(self) -> HubSubscriptions:
        """Which hubs report changes."""
        from aggregator.store.hubs.subscriptions import HubSubscriptions

        return HubSubscriptions(self.database)

    @cached_property
    def hub_pings(self) -> HubPings:
        """Documents that hubs sent."""
        from aggregator.store.hubs.pings import HubPings

        return HubPings(self.database)

    @cached_property
    def pushed(self) -> PushedArticles:
        """Saves the articles in what hubs sent."""
        from aggregator.store.hubs.pushed_articles import PushedArticles

        return PushedArticles(self.database, self._judge, self._story_rules)

    @cached_property
    def tombstones(self) -> Tombstones:
        """Records of erased articles."""
        from aggregator.store.tombstones import Tombstones

        return Tombstones(self.database)

    @cached_property
    def forgetting(self) -> Forgetting:
        """Erases articles."""
        from aggregator.store.forgetting import Forgetting

        return Forgetting(self.database, self._judge, self._story_rules)

    @cached_property
    def clock_corrections(self) -> ClockCorrections:
        """Corrects times that a wrong clock gave."""
        from aggregator.store.clock_corrections import ClockCorrections

        return ClockCorrections(self.database)

    @cached_property
    def resanitising(self) -> Resanitising:
        """Sanitises stored texts after an upgrade."""
        from aggregator.store.resanitising import Resanitising

        return Resanitising(self.database)

    @cached_property
    def media(self) -> MediaRecords:
        """Records of copies of pictures."""
        from aggregator.store.media import MediaRecords

        return MediaRecords(self.database)

    @cached_property
    def faces(self) -> MemberPictureRecords:
        """Records of the pictures of members."""
        from aggregator.store.member_pictures import MemberPictureRecords

        return MemberPictureRecords(self.database)

    @cached_property
    def leases(self) -> Leases:
        """Divide the work among workers on several machines."""
        from aggregator.store.leases import Leases

        return Leases(self.database)

    @cached_property
    def search(self) -> Search:
        """Full-text search."""
        from aggregator.store.search import Search

        return Search(self.database)

    def holding(self, hold: Hold) -> Store:
        """Returns the same store for a worker that polls a shard; saving sources raises LeaseLost once
        another worker has the shard.
        """
        bound = copy(self)
        bound.sources = self.sources.holding(hold)
        return bound

    def close(self) -> None:
        """Closes the database; the store cannot be used afterwards."""
        self.database.close()
