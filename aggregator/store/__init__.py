"""Articles, revisions, validators and schedule in one database, through SQLAlchemy Core."""

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
