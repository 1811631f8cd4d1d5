"""The tables of the store."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)

from aggregator.store.column_types import Instant, Number, Schedule, Shaped, Words
from aggregator.store.hubs.tables import metadata as metadata

VERSION = 7
"""The number of this schema; `store.migrations` upgrades stores of earlier ones."""

ALL = ""
"""The name of the feed `all`, which has every article that is shown."""

OF_SOURCE = "source: "
"""The prefix of the names of sources' own feeds; a source's name follows."""

# No index has `postgresql_where`: it makes SQLAlchemy import that whole dialect, 5% of a start.

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# Messages to be sent: to hubs (WebSub), webhooks, mailboxes and services. `id` is the idempotency key;
# `queued` is when it was queued or last changed, and `due` when it is sent; addresses are in the
# config.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("payload", Shaped(dict), nullable=False),
    Column("queued", Instant, nullable=False),
    Column("due", Instant, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    Index("outbox_by_target", "channel", "target"),
)

sources = Table(
    "sources",
    metadata,
    Column("name", Words(required=True), primary_key=True),
    Column("address", Words(required=True), nullable=False),
    # False once the source is removed: its articles are kept, but leave the feeds.
    Column("active", Boolean, nullable=False),
    Column("categories", Shaped(list), nullable=False),
    Column("validators", Shaped(dict), nullable=False),
    Column("body_hash", Words()),
    # Of the code that read the body; another version reads it again.
    Column("reader_version", Integer, nullable=False, server_default="1"),
    Column("identity", Words()),
    Column("title", Words(required=True), nullable=False),
    Column("polled", Instant),
    Column("succeeded", Instant),
    Column("error", Words()),
    Column("advice", Words()),
    Column("schedule", Schedule, nullable=False),
    # Copied from `schedule`, for an index of what is due; None: at once, or never (see `is_gone`).
    Column("next_poll", Instant, index=True),
    Column("is_gone", Boolean, nullable=False),
    # The target of permanent redirects that lasted for days; polled while the config has the old address.
    Column("moved_to", Words()),
    # From the config; a source that is not enabled is never due.
    Column("is_enabled", Boolean, nullable=False, server_default="1"),
    # The shard that it is in, if several machines poll (see `store.leases`); None: not assigned yet.
    Column("shard", Integer),
)

articles = Table(
    "articles",
    metadata,
    Column("pk", Number, primary_key=True),
    Column("source", Text, ForeignKey("sources.name"), nullable=False),
    Column("id", Text, nullable=False),
    # The published id: a URI, unique over all sources, never changed.
    Column("uid", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("published", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("first_seen", Instant, nullable=False),
    # Its newest revision; None once it is pruned or forgotten.
    Column("revision", Number),
    Column("edits", Integer, nullable=False),
    # Hash of the entry as found, "" for none; if it is equal, nothing is computed again.
    Column("fingerprint", Text, nullable=False),
    Column("reader_version", Integer, nullable=False, server_default="1"),
    # The file of a folder in which it was found; "" for an entry of a feed.
    Column("file", Text, nullable=False),
    # Dates that its source gave, if ours differ; JSON.
    Column("given", Text),
    # The revision that is in the search index; None: none.
    Column("indexed", Number),
    # The revision whose pictures are in `media_uses`; None: none.
    Column("illustrated", Number),
    UniqueConstraint("source", "id"),
    # With the state, so that each source's articles are counted from the index alone.
    Index("articles_newest", "source", "published", "state"),
)
Index(
    "articles_unindexed",
    articles.c.pk,
    sqlite_where=articles.c.indexed.is_distinct_from(articles.c.revision),
)

# The contents of articles: newest revisions, earlier versions, and those that archives show.
revisions = Table(
    "revisions",
    metadata,
    Column("pk", Number, primary_key=True),
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), nullable=False),
    # When an edit replaced it, which makes it an earlier version; None: it is not one.
    Column("replaced", Instant),
    Column("published", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("revisions_by_article", "article"),
)
# Only of earlier versions, which are few: each source is checked for versions that are too old.
Index(
    "revisions_replaced",
    revisions.c.replaced,
    sqlite_where=revisions.c.replaced.is_not(None),
)

# A packed article begins with its title, then its link; a quote inside a JSON text is escaped. For
# `json_extract`, SQLite parses the whole text: a fifth of the time of storing articles. It does not accept
# NaN as JSON, and then refuses the whole statement.
WITHOUT_LINK = """CASE
WHEN substr(revisions.data, 10 + instr(substr(revisions.data, 11, 500), '"'), 10) = '","link":"'
AND revisions.data GLOB '{"title":"*' THEN 0
WHEN revisions.data GLOB '{"link":"*' THEN 0
WHEN json_valid(revisions.data) THEN json_extract(revisions.data, '$.link') IS NULL
ELSE 1 END"""
"""The SQL condition for revisions of articles without a link; an index has only these."""
REVISIONS_WITHOUT_LINK = Index(
    "revisions_without_link",
    revisions.c.article,
    sqlite_where=text(WITHOUT_LINK.replace("revisions.", "")),
)

# Earlier ids and links of an article at its source, to recognise it when its guid changes.
aliases = Table(
    "aliases",
    metadata,
    Column("source", Text, ForeignKey("sources.name"), primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

# The feeds in OPML lists among the sources; each is a source.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("pk", Number, primary_key=True),
    Column("list", Text, ForeignKey("sources.name"), nullable=False),
    # Equal for addresses of the same feed (see aggregator.config.subscriptions).
    Column("key", Text, nullable=False),
    # Assigned when it was first listed, and never changed: ids are made from it.
    Column("name", Text, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("link", Text),
    Column("categories", Shaped(list), nullable=False),
    # In how many polls of the list in a row it was missing.
    Column("missing", Integer, nullable=False),
    UniqueConstraint("list", "key"),
)

# Sources that are not in the config; each is in `sources` too.
followed = Table(
    "followed",
    metadata,
    Column("name", Words(required=True), primary_key=True),
    # A [[sources]] table without `name` and `enabled`; secrets are names of variables.
    Column("settings", Shaped(dict), nullable=False),
    Column("enabled", Boolean, nullable=False),
    # Equal for addresses of the same feed (see aggregator.config.subscriptions).
    Column("key", Text, nullable=False, index=True),
    # Whether it has settings that publishing, completing or upkeep need: then a run holds it in memory.
    Column("is_special", Boolean, nullable=False),
    # Whether no run has loaded it since it was changed.
    Column("is_changed", Boolean, nullable=False),
)
for _mark in ("is_special", "is_changed"):  # in the form in which queries have the condition
    Index(f"followed_{_mark}", followed.c.name, sqlite_where=followed.c[_mark] == true())

# The published feeds: one for each category, for each saved query, and `all`.
feeds = Table(
    "feeds",
    metadata,
    Column("pk", Number, primary_key=True),  # in order of first appearance
    Column("name", Text, nullable=False, unique=True),
    # "category" (`all` too), "query" or "source".
    Column("kind", Text, nullable=False),
    # Assigned at the first publication and never changed: subscribers rely on both.
    Column("folder", Text, unique=True),
    Column("feed_id", Text, unique=True),
    Column("changed", Instant, nullable=False),
    # `generation` counts changes, `rendered` is the last published one; if they differ, the feed is stale.
    Column("generation", Integer, nullable=False),
    Column("rendered", Integer, nullable=False),
    # How many articles are in it: counting those of `all` each time took as long as rendering it.
    Column("total", Integer, nullable=False, server_default="0"),
    # The stamp of its files when they were last written.
    Column("listed", Text),
)

# Which articles are in which feed. Derived from articles, their sources' categories, and rules.
placements = Table(
    "placements",
    metadata,
    Column("feed", Number, ForeignKey("feeds.pk"), primary_key=True),
    Column("published", Instant, primary_key=True),
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    # The full archive of this feed that has it unchanged; None: none has, or it was edited since.
    Column("archived", Integer),
    Index("placements_by_article", "article"),
    sqlite_with_rowid=False,
)
# `archived` is always NULL in it, but without this column SQLite uses the primary key, and reads all rows.
Index(
    "placements_unfiled",
    placements.c.feed,
    placements.c.archived,
    placements.c.published,
    sqlite_where=placements.c.archived.is_(None),
)

# The results of rules for an article, as JSON: which matched, and their effects. No row if none matched.
decisions = Table(
    "decisions",
    metadata,
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    Column("data", Text, nullable=False),
)

# Articles of several sources about the same story; its number is usually that of its first article.
stories = Table(
    "stories",
    metadata,
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    Column("story", Number, nullable=False, index=True),
    # Its place in the order, from 0; the first is shown.
    Column("place", Integer, nullable=False),
    # It came after places were assigned, and so is after all of these, in every feed.
    Column("is_late", Boolean, nullable=False),
    # Why it joined, or that a person joined it or split it off, as JSON; "" for the first.
    Column("why", Text, nullable=False),
)

# Keys by which articles about the same story are found. Not indexed by article: the index took as
# much space as everything else. Keys of deleted articles do no harm; upkeep deletes them.
story_keys = Table(
    "story_keys",
    metadata,
    Column("key", Number, primary_key=True),
    Column("article", Number, primary_key=True),
    sqlite_with_rowid=False,
)

# The files of articles in folders of posts. Other files are not ours, and are never changed.
posts = Table(
    "posts",
    metadata,
    Column("folder", Text, primary_key=True),
    Column("uid", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    # Changes if the article would be written differently.
    Column("mark", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    UniqueConstraint("folder", "path"),
)

# The full archives of each feed (RFC 5005 §4).
archives = Table(
    "archives",
    metadata,
    Column("feed", Number, ForeignKey("feeds.pk"), primary_key=True),
    Column("number", Integer, primary_key=True),  # from 1, the oldest
    # The look of its files when they were written; None before.
    Column("look", Text),
    sqlite_with_rowid=False,
)

# The revisions in a full archive, newest first; kept when their articles are edited or pruned.
archive_entries = Table(
    "archive_entries",
    metadata,
    Column("feed", Number, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("revision", Number, ForeignKey("revisions.pk"), nullable=False, index=True),
    # Hidden because a rule, a story or a withdrawal removed its article from the feed.
    Column("is_hidden", Boolean, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

# The pages that complete the articles of sources with `full_text`.
pages = Table(
    "pages",
    metadata,
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False, index=True),
    # The article as in its feed: fields that differ now came from the page.
    Column("own", Text, nullable=False),
    Column("own_published", Instant),
    Column("own_updated", Instant),
    Column("times", Integer, nullable=False),  # how often it was requested again because its entry changed
    Column("attempts", Integer, nullable=False),  # failed since then
    # None: it was fetched, or given up.
    Column("due", Instant, index=True),
)

# Copies of pictures and recordings that articles show, by the addresses of the originals.
media = Table(
    "media",
    metadata,
    Column("address", Text, primary_key=True),
    # A recording of a podcast, which is copied byte for byte; else a picture.
    Column("is_recording", Boolean, nullable=False),
    # The name of its file; several addresses may have the same. None: there is no copy.
    Column("hash", Text, index=True),
    # "" for a tracking pixel, which has no file, and is removed from what is published.
    Column("type", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("bytes", BigInteger),
    Column("fetched", Instant),
    Column("attempts", Integer, nullable=False),  # that failed
    # None: it was fetched, or given up.
    Column("due", Instant, index=True),
    Column("error", Text),
    # Since when nothing published shows it; None: something does.
    Column("unused", Instant),
)

# The pictures that each revision shows, for articles whose pictures are to be copied.
media_uses = Table(
    "media_uses",
    metadata,
    Column("revision", Number, ForeignKey("revisions.pk", ondelete="CASCADE"), primary_key=True),
    Column("address", Text, primary_key=True),
    Index("media_uses_by_address", "address"),
    sqlite_with_rowid=False,
)

# Shards of the sources, each polled by one worker at a time (see `store.leases`).
shards = Table(
    "shards",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Increases with each claim; what workers with an earlier claim save is refused.
    Column("fence", BigInteger, nullable=False),
    Column("worker", Text, nullable=False),
    # When its worker stopped asking publishers, by the database's clock; None while it may ask.
    Column("ended", Instant),
    # Publishers that asked us to wait, and until when; JSON.
    Column("holds", Text, nullable=False),
)

# Processes that poll and publish on this or other machines.
workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("jobs", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("started", Instant, nullable=False),
    Column("seen", Instant, nullable=False),
    Column("polls", Integer, nullable=False),
)
