"""The store: what was read stays read. SQLAlchemy Core over one SQLite file."""

from __future__ import annotations

from pathlib import Path

from aggregator.store.announcements import Announcements
from aggregator.store.archives import Archives
from aggregator.store.articles import Articles
from aggregator.store.database import Database
from aggregator.store.feeds import Feeds
from aggregator.store.mending import Mending
from aggregator.store.moments import Moments
from aggregator.store.pages import Pages
from aggregator.store.placements import Placements
from aggregator.store.posts import PostFiles
from aggregator.store.sources import Sources
from aggregator.store.subscriptions import Subscriptions
from aggregator.store.writing import Judge, by_categories


class Store:
    """Everything that is kept, by its parts, in one SQLite file.

    - `database`: settings, and the upkeep of the file itself.
    - `sources`, `articles`, `feeds`, `placements`, `archives`, `pages`, `posts`, `subscriptions`,
      `announcements`: what their names say.
    - `moments` corrects what a wrong clock stamped, `mending` what an earlier version let pass.

    `judge` decides which feeds each article stands in. With `reads_only` nothing is written, nor made.
    Raises StoreError, here and in every method, when the database refuses.
    """

    def __init__(self, path: Path, *, reads_only: bool = False, judge: Judge = by_categories) -> None:
        self.database = database = Database(path, reads_only=reads_only)
        self.sources = Sources(database, judge)
        self.articles = Articles(database)
        self.feeds = Feeds(database)
        self.archives = Archives(database)
        self.pages = Pages(database, judge)
        self.placements = Placements(database, judge)
        self.posts = PostFiles(database)
        self.subscriptions = Subscriptions(database)
        self.announcements = Announcements(database)
        self.moments = Moments(database)
        self.mending = Mending(database)

    def close(self) -> None:
        """Closes the database; the store cannot be used afterwards."""
        self.database.close()
