"""What one transaction does to the articles of one source: inserts, edits, versions, feeds gone stale."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from aggregator.model.article import Article
from aggregator.store import codec
from aggregator.store.edits import Edit, Found, Insert, Known, Same, decide, hash_of, is_read_anew
from aggregator.store.schema import ALL, articles, categories, memberships, tombstones, versions

MAX_VERSIONS = 10
COMPLETED = ("title", "authors", "headimg", "summary", "content")
"""What of an article its own page may give, beside its date."""

_BATCH = 500
_UNFILED: Mapping[str, int | None] = {}

# RFC 3986 §3 with RFC 3987's letters: a scheme, then anything but spaces and the delimiters of §2.4.3.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:[^\s<>\"{}|\\^`\x00-\x20\x7f-\x9f]{1,2000}")

# Built once: SQLAlchemy takes several times as long to build a statement as SQLite to run it (measured).
_SOURCE: sa.BindParameter[str] = sa.bindparam("of_source")
_IDS: sa.BindParameter[list[str]] = sa.bindparam("some_ids", expanding=True)
_KNOWN = sa.select(articles).where(articles.c.source == _SOURCE, articles.c.id.in_(_IDS))
_TAKEN = sa.union_all(*(sa.select(t.c.uid).where(t.c.uid.in_(_IDS)) for t in (articles, tombstones)))
_PRUNED = sa.select(tombstones.c.id).where(tombstones.c.source == _SOURCE, tombstones.c.id.in_(_IDS))
_MARK_PRUNED = tombstones.update().where(
    tombstones.c.source == _SOURCE, tombstones.c.id == sa.bindparam("of_id")
)
_INSERT = articles.insert().returning(articles.c.pk, sort_by_parameter_order=True)
_PK: sa.BindParameter[int] = sa.bindparam("of_pk")
_DATA = sa.select(articles.c.data).where(articles.c.pk == _PK)
_UPDATE = articles.update().where(articles.c.pk == _PK)
_JOINED = sa.select(memberships.c.category, memberships.c.archived).where(memberships.c.article == _PK)
_PKS: sa.BindParameter[list[int]] = sa.bindparam("some_pks", expanding=True)
_JOINED_BY_SOME = sa.select(memberships.c.category).where(memberships.c.article.in_(_PKS))
_DELETE = articles.delete().where(articles.c.pk.in_(_PKS))
_LEAVE = memberships.delete().where(memberships.c.article == _PK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An article as the store keeps it: its outward id, its fixed dates, and when it was first seen."""

    uid: str
    article: Article
    published: datetime
    updated: datetime
    first_seen: datetime


class Asks(Protocol):
    """Asks for the pages that complete articles."""

    def ask(self, pk: int, article: Article) -> None:
        """For the page of a new article."""
        ...

    def completed(self, pk: int, old: Article, article: Article, *, is_read_anew: bool) -> Article:
        """An article found again, with what its page gave before."""
        ...


class Changes:
    """What one transaction does to the articles of one source; `wanted` completes them by their pages."""

    def __init__(
        self, connection: sa.Connection, source: str, now: datetime, wanted: Asks | None = None
    ) -> None:
        self._wanted = wanted
        self._connection = connection
        self._source = source
        self._now = now
        self._known_categories: set[str] | None = None
        # By how many articles each stale feed has grown.
        self._stale: Counter[str] = Counter()
        self.new = self.changed = self.unchanged = self.pruned = 0

    def take(self, found: Sequence[Found]) -> None:
        """Inserts articles, or updates those whose ids are there; pruned ones stay so. Ids must be unique."""
        for start in range(0, len(found), _BATCH):
            batch = found[start : start + _BATCH]
            ids = [f.article.id for f in batch]
            rows = self._connection.execute(_KNOWN, {"of_source": self._source, "some_ids": ids})
            known = {row.id: row for row in rows}
            self._insert(self._without_pruned([f for f in batch if f.article.id not in known]))
            for f in batch:
                if (row := known.get(f.article.id)) is not None:
                    self._compare(row, f)

    def _without_pruned(self, found: Sequence[Found]) -> Sequence[Found]:
        if not found:
            return found
        ids = [f.article.id for f in found]
        pruned = set(self._connection.scalars(_PRUNED, {"of_source": self._source, "some_ids": ids}))
        for f in found:
            if f.article.id in pruned:
                self.unchanged += 1
                of_id = {"of_source": self._source, "of_id": f.article.id}
                self._connection.execute(_MARK_PRUNED.values(**_marks(f)), of_id)
        return [f for f in found if f.article.id not in pruned] if pruned else found

    def _insert(self, found: Sequence[Found]) -> None:
        if not found:
            return
        made = [decide(None, f, self._now) for f in found]
        dated = [replace(m.article, source=self._source) for m in made if isinstance(m, Insert)]
        uids = self._uids([article.id for article in dated])
        rows = [
            {
                "source": self._source,
                "id": article.id,
                "uid": uid,
                "published": article.published,
                "updated": article.updated,
                "first_seen": self._now,
                "content_hash": hash_of(article),
                "edits": 0,
                **_marks(f),
                "data": codec.encode(article, codec.other_dates(f.article, article)),
            }
            for article, f, uid in zip(dated, found, uids, strict=True)
        ]
        pks = self._connection.scalars(_INSERT, rows).all()
        self._join_feeds([*zip(pks, dated, strict=True)])
        self.new += len(rows)
        if self._wanted is not None:
            for pk, f in zip(pks, found, strict=True):
                self._wanted.ask(pk, f.article)

    def _uids(self, ids: Sequence[str]) -> Iterator[str]:
        """An origin id that is a URI leaves verbatim, unless another source's article has it already."""
        taken = set(self._connection.scalars(_TAKEN, {"some_ids": ids}))
        for id in ids:  # noqa: A001 - the field's own name
            if _URI.fullmatch(id) and id not in taken:
                yield id
            else:
                yield uuid.uuid5(uuid.NAMESPACE_URL, f"{self._source}\n{id}").urn

    def _compare(self, row: sa.Row[Any], found: Found) -> None:
        known = _known(row)
        if self._wanted is not None:
            is_anew = is_read_anew(known, found)
            article = self._wanted.completed(row.pk, known.article, found.article, is_read_anew=is_anew)
            found = replace(found, article=article)
        decision = decide(known, found, self._now)
        if isinstance(decision, Same):
            self.unchanged += 1
            if decision.is_marked:
                self._connection.execute(_UPDATE.values(**_marks(found)), {"of_pk": row.pk})
            return
        is_edit = isinstance(decision, Edit)
        if is_edit:
            self._keep_version(row)
        self.changed += is_edit
        self.unchanged += not is_edit
        article = decision.article
        self._connection.execute(
            _UPDATE.values(
                updated=article.updated,
                content_hash=hash_of(article),
                edits=decision.edits if isinstance(decision, Edit) else row.edits,
                data=codec.encode(article, codec.given(row.data)),
                **_marks(found),
            ),
            {"of_pk": row.pk},
        )
        filed = self.leave_feeds(row.pk)
        # Edited, it comes again in a newer archive: those that are full never change.
        self._join_feeds([(row.pk, article)], {} if is_edit else filed)

    def _keep_version(self, row: sa.Row[Any]) -> None:
        self._connection.execute(
            versions.insert().values(
                article=row.pk, replaced=self._now, content_hash=row.content_hash, data=row.data
            )
        )
        surplus = (
            sa.select(versions.c.pk)
            .where(versions.c.article == row.pk)
            .order_by(versions.c.pk.desc())
            .offset(MAX_VERSIONS)
        )
        self._connection.execute(versions.delete().where(versions.c.pk.in_(surplus)))

    def complete(self, row: sa.Row[Any], own: Article, merged: Article) -> bool:
        """Saves a row of `articles` with what its page gave; `own` is what its feed gave. True: it changed.

        What was not published yet is not edited: it has no earlier version, and may still get its date.
        """
        old = kept(row).article
        is_new = row.first_seen == self._now
        published, updated = row.published, row.updated
        given = codec.given(row.data)
        if is_new and own.published is None and merged.published is not None:
            published = min(merged.published, self._now)
            updated = min(own.updated or published, self._now)
            given = {"published": merged.published} if merged.published > self._now else {}
        page = {name: getattr(merged, name) for name in COMPLETED}
        article = replace(old, published=published, updated=updated, **page)
        if article == old:
            return False
        if not is_new:
            article = replace(article, updated=self._now)
            was_complete = any(getattr(old, name) != getattr(own, name) for name in COMPLETED)
            # The edit that asked for the page may have kept what was there before.
            of_now = sa.select(versions.c.pk).where(
                versions.c.article == row.pk, versions.c.replaced == self._now
            )
            if was_complete and self._connection.scalar(of_now.limit(1)) is None:
                self._keep_version(row)
        self._connection.execute(
            _UPDATE.values(
                published=article.published,
                updated=article.updated,
                content_hash=hash_of(article),
                data=codec.encode(article, given),
            ),
            {"of_pk": row.pk},
        )
        self.leave_feeds(row.pk)
        self._join_feeds([(row.pk, article)])
        return True

    def mend(self, row: sa.Row[Any], article: Article) -> None:
        """Saves a row of `articles` with what a newer reader would have made of it; it is no edit."""
        changed = {"content_hash": hash_of(article), "data": codec.encode(article, codec.given(row.data))}
        self._connection.execute(_UPDATE.values(**changed), {"of_pk": row.pk})
        self.renew(*self._connection.scalars(_JOINED, {"of_pk": row.pk}))

    def renew(self, *names: str) -> None:
        """Marks feeds as stale in which something changed, but no article joined or left."""
        self._stale.update(dict.fromkeys(names, 0))

    def file_under(self, pk: int, article: Article) -> None:
        """Saves an article whose categories changed, and nothing else of it."""
        given = codec.given(self._connection.scalar(_DATA, {"of_pk": pk}) or "")
        self._connection.execute(_UPDATE.values(data=codec.encode(article, given)), {"of_pk": pk})
        self._join_feeds([(pk, article)], self.leave_feeds(pk))

    def date(self, row: sa.Row[Any], first_seen: datetime, article: Article, given: codec.Given) -> None:
        """Saves other dates of a row of `articles`: those of `article`, and when it was first seen."""
        self._connection.execute(
            _UPDATE.values(
                published=article.published,
                updated=article.updated,
                first_seen=first_seen,
                data=codec.encode(article, given),
            ),
            {"of_pk": row.pk},
        )
        if filed := self.leave_feeds(row.pk):  # those of a source that is not followed stand in none
            self._join_feeds([(row.pk, article)], filed)

    def leave_feeds(self, pk: int) -> Mapping[str, int | None]:
        """Takes an article out of every feed that it stands in; they become stale.

        Returns the full archive of each that holds it, None for none.
        """
        filed = {row.category: row.archived for row in self._connection.execute(_JOINED, {"of_pk": pk})}
        self._stale.subtract(filed.keys())
        self._connection.execute(_LEAVE, {"of_pk": pk})
        return filed

    def prune(self, rows: Sequence[sa.Row[Any]]) -> None:
        """Leaves a tombstone of each of these rows of `articles`, and nothing else; of any source."""
        if not rows:
            return
        pks = {"some_pks": [row.pk for row in rows]}
        self._stale.subtract(self._connection.scalars(_JOINED_BY_SOME, pks))
        buried = [{column.name: row._mapping[column.name] for column in tombstones.c} for row in rows]
        self._connection.execute(tombstones.insert(), buried)
        self._connection.execute(_DELETE, pks)
        self.pruned += len(rows)

    def delete(self, files: Collection[str]) -> set[str]:
        """Deletes what the source has of articles from these files, as if they had never been read.

        Returns their uids, which full archives may still hold.
        """
        gone: set[str] = set()
        names = sorted(files)
        for start in range(0, len(names), _BATCH):
            for table in (articles, tombstones):
                of_these = sa.and_(
                    table.c.source == self._source, table.c.file.in_(names[start : start + _BATCH])
                )
                gone.update(self._connection.scalars(sa.select(table.c.uid).where(of_these)))
                if table is articles:
                    for pk in self._connection.scalars(sa.select(articles.c.pk).where(of_these)).all():
                        self.leave_feeds(pk)
                self._connection.execute(table.delete().where(of_these))
        return gone

    def _join_feeds(
        self, joining: Sequence[tuple[int, Article]], filed: Mapping[str, int | None] = _UNFILED
    ) -> None:
        rows = [
            {
                "category": name,
                "article": pk,
                "published": article.published,
                "archived": filed.get(name),
            }
            for pk, article in joining
            for name in dict.fromkeys((ALL, *article.categories))
        ]
        names = Counter(str(row["category"]) for row in rows)
        self._ensure(names)
        self._stale.update(names)
        self._connection.execute(memberships.insert(), rows)

    def _ensure(self, names: Iterable[str]) -> None:
        if self._known_categories is None:
            self._known_categories = set(self._connection.scalars(sa.select(categories.c.name)))
        for name in names:
            if name not in self._known_categories:
                self._connection.execute(
                    categories.insert().values(
                        name=name,
                        position=len(self._known_categories),
                        changed=self._now,
                        generation=0,
                        rendered=0,
                        total=0,
                    )
                )
                self._known_categories.add(name)

    def save(self) -> None:
        """Marks every feed that an article joined, left or changed in as stale."""
        if self._stale:
            self._connection.execute(
                categories.update()
                .where(categories.c.name == sa.bindparam("stale"))
                .values(
                    generation=categories.c.generation + 1,
                    changed=self._now,
                    total=categories.c.total + sa.bindparam("grown"),
                ),
                [{"stale": name, "grown": grown} for name, grown in self._stale.items()],
            )


def _marks(found: Found) -> dict[str, str | int]:
    return {
        "fingerprint": found.fingerprint,
        "file": found.file,
        "reader_version": found.reader_version,
    }


def _known(row: sa.Row[Any]) -> Known:
    return Known(
        article=kept(row).article,
        updated=row.updated,
        content_hash=row.content_hash,
        edits=row.edits,
        fingerprint=row.fingerprint,
        file=row.file,
        reader_version=row.reader_version,
    )


def kept(row: sa.Row[Any]) -> Kept:
    """A row of `articles` as the store gives it out."""
    return Kept(
        uid=row.uid,
        article=codec.decode(row.data, source=row.source, id=row.id),
        published=row.published,
        updated=row.updated,
        first_seen=row.first_seen,
    )
