"""The tables of the store. Everything that a restart must find again is here, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from aggregator.schedule.state import PollState

VERSION = 6
UPGRADES = {
    1: (
        "ALTER TABLE sources ADD COLUMN moved_to TEXT",
        "CREATE INDEX articles_newest ON articles (source, published)",
    ),
    2: (
        "ALTER TABLE memberships ADD COLUMN archived INTEGER",
        "CREATE INDEX memberships_unfiled ON memberships (category, published) WHERE archived IS NULL",
    ),
    3: ("ALTER TABLE sources DROP COLUMN failures",),
    4: (
        "ALTER TABLE categories ADD COLUMN total INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE categories ADD COLUMN listed TEXT",
        "UPDATE categories SET total = (SELECT count(*) FROM memberships WHERE category = name)",
        "CREATE INDEX IF NOT EXISTS archives_looks ON archives (category, number, look)",
    ),
    5: tuple(
        f"ALTER TABLE {table} ADD COLUMN reader_version INTEGER NOT NULL DEFAULT 1"
        for table in ("sources", "articles", "tombstones")
    ),
}
"""What turns a store of each earlier version into one of the next; whole new tables come by themselves."""

ALL = ""
"""The category under which every article stands: the feed `all`."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unreadable(ValueError):
    """What a column holds cannot have been written by this program; it becomes a DamagedStore."""


def from_json(text: str | bytes) -> Any:
    """The value of a JSON text in the store. Raises Unreadable."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise Unreadable(f"no JSON: {error}") from error


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime as whole microseconds since 1970: sorts and compares alike in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware datetime -> microseconds. A naive one raises TypeError, as a naive date is a bug."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Microseconds -> aware datetime. Raises Unreadable."""
        try:
            return None if value is None else _EPOCH + timedelta(microseconds=value)
        except (TypeError, OverflowError) as error:
            raise Unreadable(f"no date: {error}") from error


class Words(TypeDecorator[str]):
    """A text of a source; `required` where there must be one."""

    impl = Text
    cache_ok = True

    def __init__(self, *, required: bool = False) -> None:
        super().__init__()
        self.required = required

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """The text itself. Raises Unreadable for what is none."""
        if isinstance(value, str) or (value is None and not self.required):
            return value
        raise Unreadable(f"no text: {str(value)[:40]!r}")


class Shaped(TypeDecorator[Any]):
    """JSON of one type, `dict` or `list`."""

    impl = JSON
    cache_ok = True

    def __init__(self, shape: type) -> None:
        super().__init__()
        self.shape = shape

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """The value itself. Raises Unreadable for one of another type."""
        if not isinstance(value, self.shape):
            raise Unreadable(f"no {self.shape.__name__}: {str(value)[:40]!r}")
        return value


class Schedule(TypeDecorator[PollState]):
    """What the schedule remembers of a source, as JSON text; "" before the first poll."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: PollState | None, dialect: Dialect) -> str:
        """A state -> its JSON."""
        return value.to_json() if value else ""

    def process_result_value(self, value: Any, dialect: Dialect) -> PollState:
        """JSON -> the state; what no version wrote is a new source's."""
        return PollState.remembered(value) if isinstance(value, str) else PollState()


metadata = MetaData()

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# What WebSub hubs have still to be told; `queued` is the change that they are told of.
announcements = Table(
    "announcements",
    metadata,
    Column("hub", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("queued", Instant, nullable=False),
    Column("due", Instant, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
)

sources = Table(
    "sources",
    metadata,
    Column("name", Words(required=True), primary_key=True),
    Column("address", Words(required=True), nullable=False),
    # False once the config names it no longer: its articles are kept, but leave the feeds.
    Column("active", Boolean, nullable=False),
    Column("categories", Shaped(list), nullable=False),
    Column("validators", Shaped(dict), nullable=False),
    Column("body_hash", Words()),
    # Of the code that read the body; another reads it anew.
    Column("reader_version", Integer, nullable=False, server_default="1"),
    Column("identity", Words()),
    Column("title", Words(required=True), nullable=False),
    Column("polled", Instant),
    Column("succeeded", Instant),
    Column("error", Words()),
    Column("advice", Words()),
    Column("schedule", Schedule, nullable=False),
    # Repeated from it, so that what is due is found by an index; None: at once, or never (see `is_gone`).
    Column("next_poll", Instant, index=True),
    Column("is_gone", Boolean, nullable=False),
    # Where permanent redirects have led for days: it is polled there while the config has the old address.
    Column("moved_to", Words()),
)

articles = Table(
    "articles",
    metadata,
    Column("pk", Integer, primary_key=True),
    Column("source", Text, ForeignKey("sources.name"), nullable=False),
    Column("id", Text, nullable=False),
    # The id under which it leaves us: a URI, unique over all sources, never changed.
    Column("uid", Text, nullable=False, unique=True),
    Column("published", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("edits", Integer, nullable=False),
    # Hash of the entry as found, "" where none was taken: equal means that nothing need be made anew.
    Column("fingerprint", Text, nullable=False),
    Column("reader_version", Integer, nullable=False, server_default="1"),
    # The file in a folder that it was found in, "" for an entry of a feed.
    Column("file", Text, nullable=False),
    Column("data", Text, nullable=False),
    UniqueConstraint("source", "id"),
    Index("articles_newest", "source", "published"),
)

# The feeds that lists among the sources list, each a source of its own.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("pk", Integer, primary_key=True),
    Column("list", Text, ForeignKey("sources.name"), nullable=False),
    # The same for addresses that mean the same feed (see aggregator.config.subscriptions).
    Column("key", Text, nullable=False),
    # Given when it was first listed, and kept for good: ids are made of it.
    Column("name", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("link", Text),
    Column("categories", Shaped(list), nullable=False),
    # How many readings of the list in a row were without it.
    Column("missing", Integer, nullable=False),
    UniqueConstraint("list", "key"),
)

# What is left of an article that was pruned, so that it does not come back while its feed still lists it.
tombstones = Table(
    "tombstones",
    metadata,
    Column("source", Text, ForeignKey("sources.name"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("uid", Text, nullable=False, unique=True),
    Column("fingerprint", Text, nullable=False),
    Column("reader_version", Integer, nullable=False, server_default="1"),
    Column("file", Text, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("pk", Integer, primary_key=True),
    Column("article", Integer, ForeignKey("articles.pk", ondelete="CASCADE"), nullable=False),
    Column("replaced", Instant, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("versions_by_article", "article"),
)

categories = Table(
    "categories",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False, unique=True),  # order of first appearance
    # Given at the first publication and kept for good: subscribers rely on both.
    Column("folder", Text, unique=True),
    Column("feed_id", Text, unique=True),
    Column("changed", Instant, nullable=False),
    # `generation` counts changes, `rendered` is the one that was last published: unequal is stale.
    Column("generation", Integer, nullable=False),
    Column("rendered", Integer, nullable=False),
    # How many articles stand in it. Counting those of `all` took as long as rendering it.
    Column("total", Integer, nullable=False, server_default="0"),
    # The times of its folder when all its files were last seen in it.
    Column("listed", Text),
)

memberships = Table(
    "memberships",
    metadata,
    Column("category", Text, ForeignKey("categories.name"), primary_key=True),
    Column("article", Integer, ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    Column("published", Instant, nullable=False),
    # The full archive of this category that holds it as it is; None: none does, or it was edited since.
    Column("archived", Integer),
    Index("memberships_newest", "category", "published"),
    Index("memberships_by_article", "article"),
)

# The files of articles in folders of posts. What is not here is somebody else's, and never touched.
posts = Table(
    "posts",
    metadata,
    Column("folder", Text, primary_key=True),
    Column("uid", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    # Stands for the article as it was written.
    Column("mark", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    UniqueConstraint("folder", "path"),
)

Index(
    "memberships_unfiled",
    memberships.c.category,
    memberships.c.published,
    sqlite_where=memberships.c.archived.is_(None),
    postgresql_where=memberships.c.archived.is_(None),
)

# The full archives of each category's feed (RFC 5005 §4): their articles as they were when it was made.
archives = Table(
    "archives",
    metadata,
    Column("category", Text, ForeignKey("categories.name"), primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1, the oldest
    Column("data", LargeBinary, nullable=False),
    # What decided the look of its files when they were written, None before that.
    Column("look", Text),
    # In the table, it lies behind the data: a thousand of them were 8 ms.
    Index("archives_looks", "category", "number", "look"),
)

# The pages that complete the articles of sources with `full_text`.
pages = Table(
    "pages",
    metadata,
    Column("article", Integer, ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False, index=True),
    # The article as its feed gave it, from which what the page gives is told.
    Column("own", Text, nullable=False),
    Column("times", Integer, nullable=False),  # that it was asked for, as its entry changed
    Column("attempts", Integer, nullable=False),  # that failed since
    # None: it was had, or given up.
    Column("due", Instant, index=True),
)
