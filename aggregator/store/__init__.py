"""Articles, versions and validators in one SQLite file, through SQLAlchemy Core."""

from aggregator.store.announcements import Announcement
from aggregator.store.changes import Found, Kept
from aggregator.store.pages import Page
from aggregator.store.records import Category, Next, Saved, State, Update, Version
from aggregator.store.schema import ALL
from aggregator.store.store import Store

__all__ = [
    "ALL",
    "Announcement",
    "Category",
    "Found",
    "Kept",
    "Next",
    "Page",
    "Saved",
    "State",
    "Store",
    "Update",
    "Version",
]
