"""Stores as earlier versions of the schema had made them, made of one of today's."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.article_json import unpack
from aggregator.store.column_types import moment

# The tables of schema 6, frozen as SQLite had them.
_TABLES = """
CREATE TABLE settings (name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name));
CREATE TABLE announcements (
    hub TEXT NOT NULL, topic TEXT NOT NULL, queued BIGINT NOT NULL, due BIGINT NOT NULL,
    attempts INTEGER NOT NULL, PRIMARY KEY (hub, topic));
CREATE INDEX ix_announcements_due ON announcements (due);
CREATE TABLE sources (
    name TEXT NOT NULL, address TEXT NOT NULL, active BOOLEAN NOT NULL, categories JSON NOT NULL,
    validators JSON NOT NULL, body_hash TEXT, reader_version INTEGER DEFAULT '1' NOT NULL, identity TEXT,
    title TEXT NOT NULL, polled BIGINT, succeeded BIGINT, error TEXT, advice TEXT, schedule TEXT NOT NULL,
    next_poll BIGINT, is_gone BOOLEAN NOT NULL, moved_to TEXT, PRIMARY KEY (name));
CREATE INDEX ix_sources_next_poll ON sources (next_poll);
CREATE TABLE categories (
    name TEXT NOT NULL, position INTEGER NOT NULL, folder TEXT, feed_id TEXT, changed BIGINT NOT NULL,
    generation INTEGER NOT NULL, rendered INTEGER NOT NULL, total INTEGER DEFAULT '0' NOT NULL, listed TEXT,
    PRIMARY KEY (name), UNIQUE (position), UNIQUE (folder), UNIQUE (feed_id));
CREATE TABLE posts (
    folder TEXT NOT NULL, uid TEXT NOT NULL, path TEXT NOT NULL, body_hash TEXT NOT NULL, mark TEXT NOT NULL,
    source TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (folder, uid), UNIQUE (folder, path));
CREATE TABLE articles (
    pk INTEGER NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL, uid TEXT NOT NULL, published BIGINT NOT NULL,
    updated BIGINT NOT NULL, first_seen BIGINT NOT NULL, content_hash TEXT NOT NULL, edits INTEGER NOT NULL,
    fingerprint TEXT NOT NULL, reader_version INTEGER DEFAULT '1' NOT NULL, file TEXT NOT NULL,
    data TEXT NOT NULL, PRIMARY KEY (pk), UNIQUE (source, id), FOREIGN KEY(source) REFERENCES sources (name),
    UNIQUE (uid));
CREATE INDEX articles_newest ON articles (source, published);
CREATE TABLE subscriptions (
    pk INTEGER NOT NULL, list TEXT NOT NULL, "key" TEXT NOT NULL, name TEXT NOT NULL, url TEXT NOT NULL,
    link TEXT, categories JSON NOT NULL, missing INTEGER NOT NULL, PRIMARY KEY (pk), UNIQUE (list, "key"),
    FOREIGN KEY(list) REFERENCES sources (name), UNIQUE (name));
CREATE TABLE tombstones (
    source TEXT NOT NULL, id TEXT NOT NULL, uid TEXT NOT NULL, fingerprint TEXT NOT NULL,
    reader_version INTEGER DEFAULT '1' NOT NULL, file TEXT NOT NULL, PRIMARY KEY (source, id),
    FOREIGN KEY(source) REFERENCES sources (name), UNIQUE (uid));
CREATE TABLE archives (
    category TEXT NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL, look TEXT,
    PRIMARY KEY (category, number), FOREIGN KEY(category) REFERENCES categories (name));
CREATE INDEX archives_looks ON archives (category, number, look);
CREATE TABLE versions (
    pk INTEGER NOT NULL, article INTEGER NOT NULL, replaced BIGINT NOT NULL, content_hash TEXT NOT NULL,
    data TEXT NOT NULL, PRIMARY KEY (pk), FOREIGN KEY(article) REFERENCES articles (pk) ON DELETE CASCADE);
CREATE INDEX versions_by_article ON versions (article);
CREATE TABLE memberships (
    category TEXT NOT NULL, article INTEGER NOT NULL, published BIGINT NOT NULL, archived INTEGER,
    PRIMARY KEY (category, article), FOREIGN KEY(category) REFERENCES categories (name),
    FOREIGN KEY(article) REFERENCES articles (pk) ON DELETE CASCADE);
CREATE INDEX memberships_newest ON memberships (category, published);
CREATE INDEX memberships_unfiled ON memberships (category, published) WHERE archived IS NULL;
CREATE INDEX memberships_by_article ON memberships (article);
CREATE TABLE pages (
    article INTEGER NOT NULL, url TEXT NOT NULL, own TEXT NOT NULL, times INTEGER NOT NULL,
    attempts INTEGER NOT NULL, due BIGINT, PRIMARY KEY (article),
    FOREIGN KEY(article) REFERENCES articles (pk) ON DELETE CASCADE);
CREATE INDEX ix_pages_due ON pages (due);
CREATE INDEX ix_pages_url ON pages (url);
"""
_SAME = ("settings", "sources", "posts", "subscriptions")

# What each version brought, undone: by the version that is left.
_UNDONE = {
    5: tuple(
        f"alter table {table} drop column reader_version" for table in ("sources", "articles", "tombstones")
    ),
    4: (
        "drop index archives_looks",
        "alter table categories drop column total",
        "alter table categories drop column listed",
    ),
    3: ("alter table sources add column failures integer not null default 0",),
    2: (
        "drop table archives",
        "drop index memberships_unfiled",
        "alter table memberships drop column archived",
    ),
    1: (
        "drop table tombstones",
        "drop index articles_newest",
        "alter table sources drop column moved_to",
        "pragma auto_vacuum = none",
        "vacuum",
    ),
}


def take_back(file: Path, version: int) -> None:
    """Makes a closed store of today's one of this version, 1 to 6."""
    older = Path(f"{file}.older")
    with closing(sqlite3.connect(file)) as today:
        today.execute("pragma wal_checkpoint(truncate)")
        today.row_factory = sqlite3.Row
        with closing(sqlite3.connect(older, isolation_level=None)) as direct:
            for pragma in ("auto_vacuum=incremental", "journal_mode=wal"):
                direct.execute(f"pragma {pragma}")
            direct.executescript(_TABLES)
            direct.execute("begin")
            _copy(today, direct)
            direct.execute("update settings set value = ? where name = 'schema'", (str(version),))
            direct.execute("commit")
            for undone in range(max(_UNDONE), version - 1, -1):
                for statement in _UNDONE[undone]:
                    direct.execute(statement)
            direct.execute("pragma wal_checkpoint(truncate)")
    older.chmod(file.stat().st_mode)
    older.replace(file)


def _copy(today: sqlite3.Connection, older: sqlite3.Connection) -> None:
    def insert(table: str, **row: Any) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        older.execute(
            f"insert into {table} ({names}) values ({', '.join('?' * len(row))})",
            [*row.values()],
        )

    def rows(query: str) -> Iterator[sqlite3.Row]:
        yield from today.execute(query).fetchall()

    for table in _SAME:
        known = [row[1] for row in older.execute(f"pragma table_info({table})")]
        for row in rows(f"select * from {table}"):
            insert(table, **_only(row, *known))
    for row in rows("select * from outbox where channel = 'websub'"):
        topic = json.loads(row["payload"])["topic"]
        insert("announcements", hub=row["target"], topic=topic, **_only(row, "queued", "due", "attempts"))
    facts = ("pk", "source", "id", "uid", "published", "updated", "first_seen", "edits", "fingerprint")
    marks = ("source", "id", "uid", "fingerprint", "reader_version", "file")
    for row in rows("select * from articles where revision is null"):
        insert("tombstones", **_only(row, *marks))
    newest = "select a.*, r.content_hash, r.data from articles a join revisions r on r.pk = a.revision"
    for row in rows(f"{newest} where a.state = 'found'"):
        insert(
            "articles",
            **_only(row, *facts, "reader_version", "file", "content_hash"),
            data=encode(_article(row), _given(row["given"])),
        )
    revision = (
        "select r.*, a.source, a.id, a.uid, a.first_seen from revisions r join articles a on a.pk = r.article"
    )
    for row in rows(f"{revision} where r.replaced is not null order by r.pk"):
        insert("versions", **_only(row, "article", "replaced", "content_hash"), data=encode(_article(row)))
    same = ("name", "folder", "feed_id", "changed", "generation", "rendered", "total", "listed")
    for position, row in enumerate(rows("select * from feeds order by pk")):
        insert("categories", position=position, **_only(row, *same))
    for row in rows("select p.*, f.name from placements p join feeds f on f.pk = p.feed"):
        insert("memberships", category=row["name"], **_only(row, "article", "published", "archived"))
    for row in rows("select a.*, f.name from archives a join feeds f on f.pk = a.feed"):
        shown = rows(
            f"{revision} join archive_entries e on e.revision = r.pk where "
            f"e.feed = {row['feed']} and e.number = {row['number']} and not e.is_hidden order by e.position"
        )
        archived = [
            [
                *(one["uid"], one["source"], one["id"], encode(_article(one))),
                *(moment(one[name]).isoformat() for name in ("published", "updated", "first_seen")),
            ]
            for one in shown
        ]
        data = zlib.compress(json.dumps(archived, ensure_ascii=False, separators=(",", ":")).encode())
        insert("archives", category=row["name"], data=data, **_only(row, "number", "look"))
    for row in rows("select p.*, a.source, a.id from pages p join articles a on a.pk = p.article"):
        article = unpack(
            row["own"],
            source=row["source"],
            id=row["id"],
            published=row["own_published"] and moment(row["own_published"]),
            updated=row["own_updated"] and moment(row["own_updated"]),
        )
        insert("pages", **_only(row, "article", "url", "times", "attempts", "due"), own=encode(article))


def _only(row: sqlite3.Row, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _article(row: sqlite3.Row) -> Article:
    dates = {name: moment(row[name]) for name in ("published", "updated")}
    return unpack(row["data"], source=row["source"], id=row["id"], **dates)


def _given(text: str | None) -> Mapping[str, datetime | None]:
    found = json.loads(text or "{}")
    return {name: value and datetime.fromisoformat(value) for name, value in found.items()}


def encode(article: Article, given: Mapping[str, datetime | None] | None = None) -> str:
    """An article as schema 1 to 6 kept it: all but source and id, and the dates that its source gave."""
    kept = {
        name: getattr(article, name)
        for name in article.__struct_fields__
        if name not in ("source", "id") and getattr(article, name) not in (None, "", (), {}, Origin())
    }
    if given:
        kept["given"] = given
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return {"$date": value.astimezone(UTC).isoformat()}
    if isinstance(value, timedelta):
        return {"$microseconds": value // timedelta(microseconds=1)}
    if isinstance(value, (Enclosure, Origin)):
        return {n: v for n in value.__struct_fields__ if (v := getattr(value, n)) not in (None, False)}
    raise TypeError(f"an article cannot keep a {type(value).__name__}")
