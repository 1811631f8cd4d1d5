"""Articles, revisions, validators and schedule in one database, through SQLAlchemy Core.

A name is imported when it is first used: polls that find nothing new need no SQLAlchemy (`store.polls`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aggregator.store.arrivals import Arrival
    from aggregator.store.due_sources import Lag
    from aggregator.store.edits import Found
    from aggregator.store.forgetting import Erasable
    from aggregator.store.hubs.pings import HubPing
    from aggregator.store.hubs.subscriptions import HubState, HubSubscription
    from aggregator.store.leases import Claim, Hold, WorkerRecord
    from aggregator.store.media import CopyOutcome, MediaCounts, WantedFile
    from aggregator.store.outbox_messages import IN_DOUBT, OutboxMessage, announcement, message_id_of
    from aggregator.store.page_requests import PageRequest
    from aggregator.store.records import (
        FeedRecord,
        PolledArticles,
        Saved,
        SourceRecord,
        Update,
        Version,
        Whereabouts,
    )
    from aggregator.store.schema import ALL, OF_SOURCE
    from aggregator.store.sources_outside_config import NewSource, SourceOutsideConfig
    from aggregator.store.store import Store
    from aggregator.store.stored_article import RecentArticles, StoredArticle
    from aggregator.store.stories import StoryArticle, StoryRecord
    from aggregator.store.story_changes import StoryMember
    from aggregator.store.write_transaction import Placement, by_categories

__all__ = [
    "ALL",
    "IN_DOUBT",
    "OF_SOURCE",
    "Arrival",
    "Claim",
    "CopyOutcome",
    "Erasable",
    "FeedRecord",
    "Found",
    "Hold",
    "HubPing",
    "HubState",
    "HubSubscription",
    "Lag",
    "MediaCounts",
    "NewSource",
    "OutboxMessage",
    "PageRequest",
    "Placement",
    "PolledArticles",
    "RecentArticles",
    "Saved",
    "SourceOutsideConfig",
    "SourceRecord",
    "Store",
    "StoredArticle",
    "StoryArticle",
    "StoryMember",
    "StoryRecord",
    "Update",
    "Version",
    "WantedFile",
    "Whereabouts",
    "WorkerRecord",
    "announcement",
    "by_categories",
    "message_id_of",
]

_PLACES = {
    "arrivals": ("Arrival",),
    "due_sources": ("Lag",),
    "edits": ("Found",),
    "forgetting": ("Erasable",),
    "hubs.pings": ("HubPing",),
    "hubs.subscriptions": ("HubState", "HubSubscription"),
    "leases": ("Claim", "Hold", "WorkerRecord"),
    "media": ("CopyOutcome", "MediaCounts", "WantedFile"),
    "outbox_messages": ("IN_DOUBT", "OutboxMessage", "announcement", "message_id_of"),
    "page_requests": ("PageRequest",),
    "records": ("FeedRecord", "PolledArticles", "Saved", "SourceRecord", "Update", "Version", "Whereabouts"),
    "schema": ("ALL", "OF_SOURCE"),
    "sources_outside_config": ("NewSource", "SourceOutsideConfig"),
    "store": ("Store",),
    "stored_article": ("RecentArticles", "StoredArticle"),
    "stories": ("StoryArticle", "StoryRecord"),
    "story_changes": ("StoryMember",),
    "write_transaction": ("Placement", "by_categories"),
}
_MODULES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
