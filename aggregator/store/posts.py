"""The files of articles in folders of posts, and which articles changed since they were written."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import sqlalchemy as sa

from aggregator.model.struct import Struct
from aggregator.store.database import Database
from aggregator.store.schema import ALL, articles, decisions, feeds, placements, posts, revisions
from aggregator.store.stored_article import NEWEST_REVISION, StoredArticle, from_row, of_newest

__all__ = ["PostFile", "PostFiles"]

_AT_ONCE = 500


class PostFile(Struct, frozen=True, kw_only=True):
    """The file of an article: its `path` inside the folder, the hash of its bytes, and the article's mark
    when it was written.
    """

    path: str
    body_hash: str
    mark: str
    source: str
    id: str


class PostFiles:
    """The part of the store that knows the files of articles in folders of posts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def generation(self) -> int:
        """Returns a number that changes when any article is added, removed or changed."""
        query = sa.select(feeds.c.generation).where(feeds.c.name == ALL)
        with self._database.snapshot() as connection:
            return connection.scalar(query) or 0

    def marks(self, names: Collection[str] | None) -> dict[str, str]:
        """Returns the mark of each published article by published id, oldest first; if it changes, the file
        may too.

        `names`: only articles that have one of these categories; None: all articles.
        """
        # An entry's fingerprint changes with the entry in its feed; an article of a folder has none.
        unmarked = sa.case((articles.c.fingerprint == "", revisions.c.data), else_="")
        query = (
            sa.select(articles.c.uid, revisions.c.content_hash, articles.c.updated, articles.c.edits)
            .add_columns(articles.c.fingerprint, unmarked.label("data"), decisions.c.data.label("decision"))
            .add_columns(feeds.c.name.label("category"))
            .join_from(articles, revisions, NEWEST_REVISION)
            .join(placements, placements.c.article == articles.c.pk)
            .join(feeds, feeds.c.pk == placements.c.feed)
            .outerjoin(decisions, decisions.c.article == articles.c.pk)
            .order_by(articles.c.published, articles.c.uid)
        )
        found: dict[str, str] = {}
        with self._database.snapshot() as connection:
            for uid, rows in groupby(connection.execute(query), key=lambda row: str(row.uid)):
                several = [*rows]
                joined = sorted(row.category for row in several)
                if names is None or not set(names).isdisjoint(joined):
                    facts = repr((*several[0][1:-2], *filter(None, several[0][-2:-1]), joined)).encode(
                        "utf-8", "surrogatepass"
                    )
                    found[uid] = hashlib.blake2b(facts, digest_size=16).hexdigest()
        return found

    def some(self, uids: Sequence[str]) -> Iterator[StoredArticle]:
        """Yields the articles with these published ids that exist, in this order."""
        for start in range(0, len(uids), _AT_ONCE):
            batch = uids[start : start + _AT_ONCE]
            with self._database.snapshot() as connection:
                rows = connection.execute(of_newest().where(articles.c.uid.in_(batch))).all()
            found = {row.uid: row for row in rows}
            yield from (from_row(found[uid]) for uid in batch if uid in found)

    def key(self, folder: Path) -> str:
        """Returns the key under which a folder is stored: its path relative to the store, so that both can be
        moved.

        Keys of earlier versions, with the folder's full path, are converted.
        """
        key = self._database.dialect.folder_key(folder)
        moved = posts.update().where(posts.c.folder == str(folder)).values(folder=key)
        known = sa.select(posts.c.folder).where(posts.c.folder.in_([str(folder), key])).distinct()
        with self._database.snapshot() as connection:
            found = {*connection.scalars(known)}
        if found == {str(folder)}:
            with self._database.row_transaction() as connection:
                connection.execute(moved)
        return key

    def written(self, folder: str) -> dict[str, PostFile]:
        """Returns every post that was written to this folder, by the published id of its article."""
        with self._database.snapshot() as connection:
            rows = connection.execute(
                sa.select(posts).where(posts.c.folder == folder).order_by(posts.c.path)
            ).all()
        return {
            row.uid: PostFile(
                path=row.path, body_hash=row.body_hash, mark=row.mark, source=row.source, id=row.id
            )
            for row in rows
        }

    def record(self, folder: str, changed: Mapping[str, PostFile | None]) -> None:
        """Stores posts by the published ids of their articles, and deletes those that are None."""
        rows = [
            {
                "folder": folder,
                "uid": uid,
                "path": post.path,
                "body_hash": post.body_hash,
                "mark": post.mark,
                "source": post.source,
                "id": post.id,
            }
            for uid, post in changed.items()
            if post is not None
        ]
        gone = posts.delete().where(posts.c.folder == folder, posts.c.uid == sa.bindparam("of_uid"))
        with self._database.row_transaction() as connection:
            if changed:
                connection.execute(gone, [{"of_uid": uid} for uid in changed])
            if rows:
                connection.execute(posts.insert(), rows)
