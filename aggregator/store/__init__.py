"""Articles, versions and validators in one SQLite file, through SQLAlchemy Core."""

from aggregator.store.changes import Found, Kept
from aggregator.store.schema import ALL
from aggregator.store.store import Category, Saved, State, Store, Update

__all__ = ["ALL", "Category", "Found", "Kept", "Saved", "State", "Store", "Update"]
