"""Plain data that the store takes and returns, other than articles."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aggregator.model.article import Article
from aggregator.model.entry import Subscription
from aggregator.model.struct import Struct, field
from aggregator.schedule.state import PollState
from aggregator.store.edits import Found

if TYPE_CHECKING:
    from aggregator.store.stored_article import StoredArticle


class SourceRecord(Struct, frozen=True, kw_only=True):
    """The stored record of a source from earlier polls.

    - `body_hash`, `identity`: None before the first poll.
    - `schedule`: the state of its polls.
    - `succeeded`: when a poll last succeeded.
    - `reader_version`: of the reader that last read the document.
    - `moved_to`: the address that it has moved to permanently, while the config has the old one.
    - `has_articles`: the store has any article of it.
    """

    validators: Mapping[str, Any] = field(default_factory=dict)
    body_hash: str | None = None
    identity: str | None = None
    schedule: PollState = field(default_factory=PollState)
    succeeded: datetime | None = None
    reader_version: int = 1
    moved_to: str | None = None
    has_articles: bool = True


class Update(Struct, frozen=True, kw_only=True):
    """The result of one successful poll.

    - `found`: articles with unique ids; empty if nothing changed.
    - `unchanged`: the number of entries that were not converted, because their fingerprint was known.
    - `pages`: how many pages of new and changed articles are requested at once; 0: none is.
    - `subscriptions`: the feeds that an OPML list has now; None: the source is not a list.
    - `refused`: files of a folder that must not be read: their articles are deleted.
    - `withdrawn`: files that are gone or no longer to be published: their articles leave the feeds.
    - `present`: the fingerprints of known entries.
    - `reader_version`: of the reader that read the documents; None: none was read.
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
    reader_version: int | None = None

    @property
    def is_of_source_alone(self) -> bool:
        """Whether it changes nothing but the row of its source: nothing new was found."""
        return not (self.found or self.refused or self.withdrawn) and self.subscriptions is None


class PolledArticles(Struct, frozen=True, kw_only=True):
    """The facts about a source's stored articles that a poll needs.

    - `fingerprints`: of entries that are stored unchanged, or were pruned; without those that another version
      of the reader read, which must be read again.
    - `files`: the path inside the folder of each article, by its id.
    - `newest`: the dates of the newest articles, newest first.
    """

    fingerprints: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    newest: tuple[datetime, ...] = ()


class Version(Struct, frozen=True, kw_only=True):
    """An earlier version of an article, until the edit at `replaced`."""

    article: Article
    replaced: datetime


class Saved(Struct, frozen=True, kw_only=True):
    """How many articles of a poll were new, edited and unchanged."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


class FeedRecord(Struct, frozen=True, kw_only=True):
    """A feed of a category, of a saved query, or of a source.

    - `kind`: "category" (also for `all`), "query" or "source".
    - `folder`, `feed_id`: None until it is first published.
    - `total`: how many articles it has.
    - `listed`: the stamp of its files when they were last written; None before.
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


class Whereabouts(Struct, frozen=True, kw_only=True):
    """The state of an article (see `schema`), and its feeds; `all` is "".

    - `kept`: None if only its id is stored.
    - `is_followed`: its source is in the config or the store.
    """

    uid: str
    id: str
    source: str
    state: str
    is_followed: bool
    kept: StoredArticle | None
    feeds: tuple[str, ...]
