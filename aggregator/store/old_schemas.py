"""Copies stores of schema 1 to 6 into one of schema 7."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.article_json import pack, unpack
from aggregator.store import source_dates
from aggregator.store.article_states import FOUND, PRUNED
from aggregator.store.column_types import Unreadable, microseconds, moment
from aggregator.store.edits import hash_of
from aggregator.store.outbox_messages import announcement

__all__ = ["OldStore"]

_STEP = 10_000
_OF_ARTICLES = (
    *("pk", "source", "id", "uid", "published", "updated", "first_seen"),
    *("edits", "fingerprint", "file"),
)
_SAME = ("settings", "sources", "subscriptions", "posts")
"""Tables whose columns are the same, in versions that had them."""

_SINCE = {
    **dict.fromkeys(("sources", "articles", "versions", "categories", "memberships"), 1),
    "tombstones": 2,
    "archives": 3,
    **dict.fromkeys(("announcements", "subscriptions", "posts", "pages"), 6),
}
"""The version since which every store has a table; in older stores it may be missing."""


class OldStore:
    """Copies an old store into a new one, within the open transaction of `new`."""

    def __init__(self, old: sqlite3.Connection, version: int, new: sqlite3.Connection) -> None:
        self._old = old
        self._version = version
        self._new = new
        self._revision = 0

    def copy(self) -> Iterator[tuple[int, int]]:
        """Copies everything; yields the number of articles copied so far, and of all, from time to time.

        Raises Unreadable, or errors of Python and sqlite3 for values of a wrong type.
        """
        for table in _SAME:
            self._copy_same(table)
        self._copy_announcements()
        total = self._old.execute("SELECT count(*) FROM articles").fetchone()[0]
        for done, row in enumerate(self._rows("articles"), 1):
            self._copy_article(row)
            if done % _STEP == 0:
                yield done, total
        self._copy_versions()
        self._copy_tombstones()
        self._copy_feeds()
        self._copy_archives()
        self._copy_pages()

    def _rows(self, table: str, order: str = "1") -> Iterator[dict[str, Any]]:
        if not self._old.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
            if self._version >= _SINCE.get(table, 1):
                raise Unreadable(f"it has no table {table}")
            return
        cursor = self._old.execute(f"SELECT * FROM {table} ORDER BY {order}")  # noqa: S608 - names of ours
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        columns = ", ".join(row)
        marks = ", ".join("?" * len(row))
        self._new.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", [*row.values()])  # noqa: S608

    def _copy_same(self, table: str) -> None:
        known = {row[1] for row in self._new.execute(f"PRAGMA table_info({table})")}
        for row in self._rows(table):
            self._insert(table, {name: value for name, value in row.items() if name in known})

    def _copy_announcements(self) -> None:
        for row in self._rows("announcements"):
            made = announcement(row["hub"], row["topic"], moment(row["queued"]))
            same = {name: row[name] for name in ("queued", "due", "attempts")}
            text = json.dumps(made.payload)
            new = {"id": made.id, "channel": made.channel, "target": made.target, "payload": text, **same}
            self._insert("outbox", new)

    def _add_revision(self, row: Mapping[str, Any]) -> int:
        self._revision += 1
        self._insert("revisions", {"pk": self._revision, **row})
        return self._revision

    def _copy_article(self, row: Mapping[str, Any]) -> None:
        article, given = _decoded(row["data"], row["source"], row["id"])
        for name in ("published", "updated", "first_seen"):
            moment(row[name])
        revision = {
            "article": row["pk"],
            "published": row["published"],
            "updated": row["updated"],
            "content_hash": row["content_hash"],
            "data": _packed(article),
        }
        self._insert(
            "articles",
            {
                **{name: row[name] for name in _OF_ARTICLES},
                "reader_version": row.get("reader_version", 1),
                "state": FOUND,
                "given": source_dates.written(given),
                "revision": self._revision + 1,
            },
        )
        self._add_revision(revision)

    def _copy_versions(self) -> None:
        query = "SELECT source, id FROM articles WHERE pk = ?"
        for row in self._rows("versions", "pk"):
            if (owner := self._new.execute(query, (row["article"],)).fetchone()) is None:
                continue
            article, _ = _decoded(row["data"], *owner)
            self._add_revision(
                {
                    "article": row["article"],
                    "replaced": row["replaced"],
                    "published": _moment(article.published, row["replaced"]),
                    "updated": _moment(article.updated, row["replaced"]),
                    "content_hash": row["content_hash"],
                    "data": _packed(article),
                }
            )

    def _copy_tombstones(self) -> None:
        for row in self._rows("tombstones"):
            self._bury(row)

    def _bury(self, row: Mapping[str, Any]) -> int:
        """Inserts an article of which only the id is kept; returns its number."""
        cursor = self._new.execute(
            """INSERT INTO articles (source, id, uid, state, published, updated, first_seen, edits,
            fingerprint, reader_version, file) VALUES (?, ?, ?, ?, 0, 0, 0, 0, ?, ?, ?)""",
            (
                *(row["source"], row["id"], row["uid"], PRUNED),
                *(row.get("fingerprint", ""), row.get("reader_version", 1), row.get("file", "")),
            ),
        )
        return int(cursor.lastrowid or 0)

    def _copy_feeds(self) -> None:
        numbers: dict[str, int] = {}
        for row in self._rows("categories", "position"):
            numbers[row["name"]] = row["position"] + 1
            same = ("name", "folder", "feed_id", "changed", "generation", "rendered")
            feed = {name: row[name] for name in same}
            listed = row.get("listed")
            self._insert("feeds", {"pk": row["position"] + 1, "kind": "category", "listed": listed, **feed})
        for row in self._rows("memberships"):
            placed = (numbers[row["category"]], row["published"], row["article"], row.get("archived"))
            self._new.execute("INSERT INTO placements VALUES (?, ?, ?, ?)", placed)
        self._new.execute("UPDATE feeds SET total = (SELECT count(*) FROM placements WHERE feed = feeds.pk)")

    def _copy_archives(self) -> None:
        query = "SELECT pk FROM feeds WHERE name = ?"
        for row in self._rows("archives", "category, number"):
            feed = self._new.execute(query, (row["category"],)).fetchone()[0]
            self._insert("archives", {"feed": feed, "number": row["number"], "look": row["look"]})
            for position, fact in enumerate(_facts(row["data"]), 1):
                entry = (feed, row["number"], position, self._archived(fact))
                self._new.execute("INSERT INTO archive_entries VALUES (?, ?, ?, ?, 0)", entry)

    def _archived(self, fact: Sequence[Any]) -> int:
        """Returns the revision that an archive shows, an existing or a new one."""
        uid, source, id_, text, published, updated, first_seen = fact
        article, _ = _decoded(text, source, id_)
        data = _packed(article)
        moments = tuple(microseconds(datetime.fromisoformat(each)) for each in (published, updated))
        query = (
            "SELECT pk FROM articles WHERE uid = ? OR (source = ? AND id = ?) ORDER BY uid = ? DESC LIMIT 1"
        )
        owner = self._new.execute(query, (uid, source, id_, uid)).fetchone()
        pk = owner[0] if owner else self._unknown(uid, source, id_, first_seen)
        found = self._new.execute(
            "SELECT pk FROM revisions WHERE article = ? AND data = ? AND published = ? AND updated = ?",
            (pk, data, *moments),
        ).fetchone()
        if found:
            return int(found[0])
        return self._add_revision(
            {
                "article": pk,
                "published": moments[0],
                "updated": moments[1],
                "content_hash": hash_of(article),
                "data": data,
            }
        )

    def _unknown(self, uid: str, source: str, id_: str, first_seen: str) -> int:
        """Inserts an article that only an archive shows, and of which not even the source is known."""
        self._new.execute(
            """INSERT OR IGNORE INTO sources (name, address, active, categories, validators, title, schedule,
            is_gone) VALUES (?, '', 0, '[]', '{}', '', '', 1)""",
            (source,),
        )
        pk = self._bury({"source": source, "id": id_, "uid": uid})
        moment = microseconds(datetime.fromisoformat(first_seen))
        self._new.execute("UPDATE articles SET first_seen = ? WHERE pk = ?", (moment, pk))
        return pk

    def _copy_pages(self) -> None:
        query = "SELECT source, id FROM articles WHERE pk = ?"
        for row in self._rows("pages"):
            article, _ = _decoded(row["own"], *self._new.execute(query, (row["article"],)).fetchone())
            same = {name: row[name] for name in ("article", "url", "times", "attempts", "due")}
            own = {
                "own": _packed(article),
                "own_published": article.published and microseconds(article.published),
                "own_updated": article.updated and microseconds(article.updated),
            }
            self._insert("pages", {**same, **own})


def _moment(found: datetime | None, otherwise: int) -> int:
    return otherwise if found is None else microseconds(found)


def _facts(data: bytes) -> list[list[Any]]:
    try:
        return list(json.loads(zlib.decompress(data)))
    except (zlib.error, ValueError, TypeError) as error:
        raise Unreadable(f"an archive: {error}") from error


def _decoded(text: str, source: str, id_: str) -> tuple[Article, source_dates.Given]:
    """Decodes an article of schema 1 to 6, with the dates that its source gave. Raises Unreadable."""
    try:
        kept: dict[str, Any] = _read(text)
        given = kept.pop("given", {})
        source_dates.read(source_dates.written(given))
        for name in ("authors", "categories", "tags"):
            if name in kept:
                kept[name] = tuple(kept[name])
        if "enclosures" in kept:
            kept["enclosures"] = tuple(Enclosure(**each) for each in kept["enclosures"])
        if "origin" in kept:
            kept["origin"] = Origin(**kept["origin"])
        return Article(source=source, id=id_, **kept), given
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"the article {id_!r} of source {source!r}: {error}") from error


def _packed(article: Article) -> str:
    """Encodes an article for today's store. Raises Unreadable if it could not be decoded again."""
    text = pack(article)
    unpack(text, source=article.source, id=article.id, published=article.published, updated=article.updated)
    return text


def _special(found: dict[str, Any]) -> Any:
    if len(found) == 1:
        try:
            if isinstance(date := found.get("$date"), str):
                return datetime.fromisoformat(date)
            if isinstance(count := found.get("$microseconds"), int):
                return timedelta(microseconds=count)
        except (ValueError, OverflowError):
            return found
    return found


_read = json.JSONDecoder(object_hook=_special).decode
