"""Articles, versions and validators in one SQLite file, through SQLAlchemy Core."""

from aggregator.store.announcements import Announcement
from aggregator.store.changes import Kept
from aggregator.store.edits import Found
from aggregator.store.pages import PageRequest
from aggregator.store.records import CategoryRecord, Saved, SourceRecord, Update, Version
from aggregator.store.schema import ALL
from aggregator.store.store import Store

__all__ = [
    "ALL",
    "Announcement",
    "CategoryRecord",
    "Found",
    "Kept",
    "PageRequest",
    "Saved",
    "SourceRecord",
    "Store",
    "Update",
    "Version",
]
