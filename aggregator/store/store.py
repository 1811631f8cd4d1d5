"""The store: one object for each kind of record, over one database, with SQLAlchemy Core."""

from __future__ import annotations

from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING

from aggregator.config.store_address import StoreAddress
from aggregator.store.archives import Archives
from aggregator.store.arrivals import Arrivals
from aggregator.store.articles import Articles
from aggregator.store.articles_with_pages import ArticlesWithPages
from aggregator.store.clock_corrections import ClockCorrections
from aggregator.store.counts_by_time import Calendar
from aggregator.store.database import Database
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
from aggregator.store.sources import Sources
from aggregator.store.sources_outside_config import SourcesOutsideConfig
from aggregator.store.stories import Stories
from aggregator.store.story_changes import NO_STORIES, StoryRules
from aggregator.store.subscriptions import Subscriptions
from aggregator.store.tombstones import Tombstones
from aggregator.store.write_transaction import Judge, by_categories

if TYPE_CHECKING:
    from aggregator.store.search import Search


class Store:
    """Everything that is stored, by parts, in one database: a SQLite file, or PostgreSQL.

    - `database`: settings, and the upkeep of the database itself.
    - `sources`, `articles`, `feeds`, `placements`, `archives`, `pages`, `posts`, `subscriptions`, `followed`,
      `arrivals`, `outbox`, `stories`, `search`: as their names say.
    - `hub_subscriptions`, `hub_pings`: which hubs report changes, and what they sent; `pushed` saves the
      articles in it.
    - `queue`: which sources are due, and how late.
    - `linkless`: articles that get pages of their own.
    - `forgetting`: erases articles. `tombstones`: records of erased articles.
    - `clock_corrections`: corrects times that a wrong clock gave.
    - `resanitising`: sanitises stored texts after an upgrade.
    - `media`: records of copies of pictures.
    - `leases`: divide the work among workers on several machines.

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
        self.database = database = Database(address, reads_only=reads_only)
        self.sources = Sources(database, judge, stories)
        self.due_sources = DueSources(database)
        self.sources_outside_config = SourcesOutsideConfig(database)
        self.articles = Articles(database, judge, stories)
        self.feeds = Feeds(database)
        self.archives = Archives(database)
        self.pages = Pages(database, judge, stories)
        self.placements = Placements(database, judge, stories)
        self.stories = Stories(database, judge, stories)
        self.posts = PostFiles(database)
        self.articles_with_pages = ArticlesWithPages(database)
        self.calendar = Calendar(database)
        self.subscriptions = Subscriptions(database)
        self.arrivals = Arrivals(database)
        self.outbox = Outbox(database)
        self.hub_subscriptions = HubSubscriptions(database)
        self.hub_pings = HubPings(database)
        self.pushed = PushedArticles(database, judge, stories)
        self.tombstones = Tombstones(database)
        self.forgetting = Forgetting(database, judge, stories)
        self.clock_corrections = ClockCorrections(database)
        self.resanitising = Resanitising(database)
        self.media = MediaRecords(database)
        self.faces = MemberPictureRecords(database)
        self.leases = Leases(database)

    def holding(self, hold: Hold) -> Store:
        """Returns the same store for a worker that polls a shard; saving sources raises LeaseLost once
        another worker has the shard.
        """
        bound = copy(self)
        bound.sources = self.sources.holding(hold)
        return bound

    @cached_property
    def search(self) -> Search:
        """Full-text search."""
        # Imported only when it is used: it imports the query language with its regexes.
        from aggregator.store.search import Search

        return Search(self.database)

    def close(self) -> None:
        """Closes the database; the store cannot be used afterwards."""
        self.database.close()
