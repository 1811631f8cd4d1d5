"""What goes into the store and comes out of it, beside articles: plain data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aggregator.model.article import Article
from aggregator.model.entry import Subscription
from aggregator.schedule.state import PollState
from aggregator.store.edits import Found
from aggregator.store.kept import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What is known of a source from earlier polls; `body_hash` and `identity` are None before the first.

    `schedule` is what the schedule remembers of its polls; `succeeded` is when a poll did last;
    `reader_version` is the reader's that read the body last. `moved_to`: the address that it has moved to for
    good, where the config has the old one. `has_articles`: anything is kept of any.
    """

    validators: Mapping[str, Any] = field(default_factory=dict)
    body_hash: str | None = None
    identity: str | None = None
    schedule: PollState = field(default_factory=PollState)
    succeeded: datetime | None = None
    reader_version: int = 1
    moved_to: str | None = None
    has_articles: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What one successful poll gave: articles of unique ids, none when nothing changed.

    `unchanged` counts entries that were not even made into articles, as their fingerprint was known.
    `pages` asks for the pages of new and changed articles, so many at once; 0 for none.
    `subscriptions` are the feeds that a list lists now; None for what is no list.
    `refused` are files of a folder that must not be read: the articles that they gave are deleted.
    `withdrawn` are those that are gone, or no longer to be published: their articles leave the feeds.
    `present` are the fingerprints by which entries were known.
    `reader_version` is the reader's that read the documents.
    """

    source: str
    validators: Mapping[str, Any]
    body_hash: str | None
    identity: str | None = None
    title: str = ""
    found: Sequence[Found] = ()
    unchanged: int = 0
    pages: int = 0
    schedule: PollState | None = None
    subscriptions: Sequence[Subscription] | None = None
    refused: Collection[str] = ()
    withdrawn: Collection[str] = ()
    present: Collection[str] = ()
    reader_version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledArticles:
    """What a poll goes by of the articles that are kept of a source.

    - `fingerprints`: of the entries that are kept as they were found, or were pruned; less those that another
      version of the reader read, which are to be read anew.
    - `files`: the path inside the folder that each article was found in, by its id.
    - `newest`: when the newest were published, newest first.
    """

    fingerprints: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    newest: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What an article was until the edit at `replaced`."""

    article: Article
    replaced: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """How many articles a commit found new, edited, and as they were."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRecord:
    """A feed of a category, of a saved query, or of a source.

    `folder` and `feed_id` are None until it is first published. `kind` is "category" (`all` too), "query" or
    "source". `total` is how many articles stand in it. `listed` is the stamp of its files when they were last
    written, None before.
    """

    name: str
    kind: str
    folder: str | None
    feed_id: str | None
    changed: datetime
    generation: int
    is_stale: bool
    total: int = 0
    listed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What became of an article: its state (see `schema`), and the feeds in which it stands, `all` as "".

    `kept` is None once only its id is kept; `is_followed`: the config names its source.
    """

    uid: str
    id: str
    source: str
    state: str
    is_followed: bool
    kept: Kept | None
    feeds: tuple[str, ...]
