"""The tables of the store. Everything that a restart must find again is here, and nothing else."""

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

from aggregator.store.columns import Instant, Number, Schedule, Shaped, Words
from aggregator.store.hubs.tables import metadata as metadata

VERSION = 7
"""The number of this schema; `migrations` makes a store of it from one of any earlier."""

ALL = ""
"""The feed in which every article that is shown stands: `all`."""

OF_SOURCE = "source: "
"""Before the name of a source in that of its own feed, where each source has one."""

FOUND, WITHDRAWN, PRUNED, FORGOTTEN, RECALLED = "found", "withdrawn", "pruned", "forgotten", "recalled"
"""The states of an article: to be shown; its file is gone; only its id is kept, for its age or number, so
that it does not come back; the same, as its content was erased on demand; that was taken back, and it is new
as soon as its source has it."""

# No index has `postgresql_where`: for it SQLAlchemy imports all of that dialect, a twentieth of a start.

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# What is still to be sent: to hubs (WebSub), webhooks, mailboxes and services. `id` is the key of its
# idempotency; `queued` is when it was queued or renewed last, and `due` when it is sent; addresses are in the
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
    # As the config says: what is not enabled is never due.
    Column("is_enabled", Boolean, nullable=False, server_default="1"),
    # Which of its parts polls it where several machines do (see `store.leases`); None: not given yet.
    Column("shard", Integer),
)

articles = Table(
    "articles",
    metadata,
    Column("pk", Number, primary_key=True),
    Column("source", Text, ForeignKey("sources.name"), nullable=False),
    Column("id", Text, nullable=False),
    # The id under which it leaves us: a URI, unique over all sources, never changed.
    Column("uid", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("published", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("first_seen", Instant, nullable=False),
    # Its newest revision; None once it is pruned or forgotten.
    Column("revision", Number),
    Column("edits", Integer, nullable=False),
    # Hash of the entry as found, "" where none was taken: equal means that nothing must be computed again.
    Column("fingerprint", Text, nullable=False),
    Column("reader_version", Integer, nullable=False, server_default="1"),
    # The file in a folder that it was found in, "" for an entry of a feed.
    Column("file", Text, nullable=False),
    # Dates as its source gave them, where ours are others; JSON.
    Column("given", Text),
    # The revision that the search index holds; None: none.
    Column("indexed", Number),
    # The revision of which `media_uses` says what it shows; None: none.
    Column("illustrated", Number),
    UniqueConstraint("source", "id"),
    # With the state, so that each source's articles are counted without looking at them.
    Index("articles_newest", "source", "published", "state"),
)
Index(
    "articles_unindexed",
    articles.c.pk,
    sqlite_where=articles.c.indexed.is_distinct_from(articles.c.revision),
)

# What an article was at one time: its newest revision, earlier versions, and those that archives show.
revisions = Table(
    "revisions",
    metadata,
    Column("pk", Number, primary_key=True),
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), nullable=False),
    # When an edit replaced it, which makes it an earlier version; None for what no reader need see again.
    Column("replaced", Instant),
    Column("published", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("data", Text, nullable=False),
    Index("revisions_by_article", "article"),
)
# Of earlier versions alone, which are few: whether any is too old is asked for each source.
Index(
    "revisions_replaced",
    revisions.c.replaced,
    sqlite_where=revisions.c.replaced.is_not(None),
)

# A number that is none (NaN) is no JSON to SQLite, which then refuses the whole statement.
WITHOUT_LINK = "CASE WHEN json_valid(revisions.data) THEN json_extract(revisions.data, '$.link') END IS NULL"
"""SQL for revisions of articles without a link; an index has these alone."""
Index(
    "revisions_without_link",
    revisions.c.article,
    sqlite_where=text(WITHOUT_LINK.replace("revisions.", "")),
)

# Other ids, or links, that an article has had at its source: how it is known again when its guid changes.
aliases = Table(
    "aliases",
    metadata,
    Column("source", Text, ForeignKey("sources.name"), primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

# The feeds that lists among the sources list, each a source of its own.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("pk", Number, primary_key=True),
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

# Sources that are followed beside those of the config; each is in `sources` too.
followed = Table(
    "followed",
    metadata,
    Column("name", Words(required=True), primary_key=True),
    # As the config has a [[sources]] table, less its name and `enabled`; secrets are names of variables.
    Column("settings", Shaped(dict), nullable=False),
    Column("enabled", Boolean, nullable=False),
    # The same for addresses that mean the same feed (see aggregator.config.subscriptions).
    Column("key", Text, nullable=False, index=True),
    # Whether it has settings that publishing, completing or upkeep ask for: a run has it in memory.
    Column("is_special", Boolean, nullable=False),
    # Whether no run has seen it since it was changed.
    Column("is_changed", Boolean, nullable=False),
)
for _mark in ("is_special", "is_changed"):  # as SQLite writes the condition when it is asked for them
    Index(f"followed_{_mark}", followed.c.name, sqlite_where=followed.c[_mark] == true())

# The feeds that are published: one for each category, for each saved query, and `all`.
feeds = Table(
    "feeds",
    metadata,
    Column("pk", Number, primary_key=True),  # in order of first appearance
    Column("name", Text, nullable=False, unique=True),
    # "category" (`all` too), "query" or "source".
    Column("kind", Text, nullable=False),
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

# Which articles stand in which feed. Derived: articles, their sources' categories and rules decide it.
placements = Table(
    "placements",
    metadata,
    Column("feed", Number, ForeignKey("feeds.pk"), primary_key=True),
    Column("published", Instant, primary_key=True),
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    # The full archive of this feed that holds it as it is; None: none does, or it was edited since.
    Column("archived", Integer),
    Index("placements_by_article", "article"),
    sqlite_with_rowid=False,
)
# `archived` is always NULL in it, but without that column SQLite takes the table's own key, and so reads all.
Index(
    "placements_unfiled",
    placements.c.feed,
    placements.c.archived,
    placements.c.published,
    sqlite_where=placements.c.archived.is_(None),
)

# What rules did to an article: which matched, and what came of it, as JSON. None where none matched.
decisions = Table(
    "decisions",
    metadata,
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    Column("data", Text, nullable=False),
)

# Articles of several sources that tell the same story; a story's number is mostly its first article's.
stories = Table(
    "stories",
    metadata,
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    Column("story", Number, nullable=False, index=True),
    # Where it stands among the others, from 0; the first is shown.
    Column("place", Integer, nullable=False),
    # It came after the places were given, and so behind all of these, in every feed.
    Column("is_late", Boolean, nullable=False),
    # What joined it, or that an editor did or split it off, as JSON; "" for the first.
    Column("why", Text, nullable=False),
)

# By what an article is found that may tell the same story as another. Not indexed by article: that took as
# much room as all the rest. What is left of articles that are gone does no harm; upkeep deletes it.
story_keys = Table(
    "story_keys",
    metadata,
    Column("key", Number, primary_key=True),
    Column("article", Number, primary_key=True),
    sqlite_with_rowid=False,
)

# The files of articles in folders of posts. Files that are not here are not ours, and never touched.
posts = Table(
    "posts",
    metadata,
    Column("folder", Text, primary_key=True),
    Column("uid", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    # Another as soon as the article would be written otherwise.
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
    # What decided the look of its files when they were written, None before that.
    Column("look", Text),
    sqlite_with_rowid=False,
)

# Which revisions a full archive shows, newest first. They stay when their articles are edited or pruned.
archive_entries = Table(
    "archive_entries",
    metadata,
    Column("feed", Number, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("revision", Number, ForeignKey("revisions.pk"), nullable=False, index=True),
    # Not shown for now: a rule, a story or a withdrawal took its article out of the feed.
    Column("is_hidden", Boolean, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

# The pages that complete the articles of sources with `full_text`.
pages = Table(
    "pages",
    metadata,
    Column("article", Number, ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False, index=True),
    # The article as its feed gave it: what differs from it now came from the page.
    Column("own", Text, nullable=False),
    Column("own_published", Instant),
    Column("own_updated", Instant),
    Column("times", Integer, nullable=False),  # that it was asked for, as its entry changed
    Column("attempts", Integer, nullable=False),  # that failed since
    # None: it was had, or given up.
    Column("due", Instant, index=True),
)

# Copies of the pictures and recordings that articles show, by the addresses of the originals.
media = Table(
    "media",
    metadata,
    Column("address", Text, primary_key=True),
    # A recording of a podcast, which is kept byte for byte, not a picture.
    Column("is_recording", Boolean, nullable=False),
    # Names its file; several addresses may have the same. None: there is none.
    Column("hash", Text, index=True),
    # "" for a tracking pixel, which has no file, and is taken out of what is published.
    Column("type", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("bytes", BigInteger),
    Column("fetched", Instant),
    Column("attempts", Integer, nullable=False),  # that failed
    # None: it was had, or given up.
    Column("due", Instant, index=True),
    Column("error", Text),
    # Since when nothing that is published shows it; None: something does.
    Column("unused", Instant),
)

# What each version of an article shows, of those whose pictures are to be copied.
media_uses = Table(
    "media_uses",
    metadata,
    Column("revision", Number, ForeignKey("revisions.pk", ondelete="CASCADE"), primary_key=True),
    Column("address", Text, primary_key=True),
    Index("media_uses_by_address", "address"),
    sqlite_with_rowid=False,
)

# Parts of the sources, each polled by one worker at a time (see `store.leases`).
shards = Table(
    "shards",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Grows with each claim: what an earlier one would save is refused.
    Column("fence", BigInteger, nullable=False),
    Column("worker", Text, nullable=False),
    # When its worker asked no publisher any more, by the database's clock; None while it may.
    Column("ended", Instant),
    # Publishers that asked for a longer wait, and until when; JSON.
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
