"""Changes the articles of one source in one transaction: inserts, edits, versions, withdrawals."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from aggregator.model.article import Article
from aggregator.model.article_json import pack, pack_utf8
from aggregator.model.struct import replace
from aggregator.store import source_dates as dates
from aggregator.store.article_states import FORGOTTEN, FOUND, PRUNED, RECALLED, WITHDRAWN
from aggregator.store.column_types import microseconds
from aggregator.store.digests_of_pruned import keep_digests
from aggregator.store.edits import Edit, Found, Insert, Known, Same, decide, hash_of, is_read_anew, versioned
from aggregator.store.known_ids import KnownIds
from aggregator.store.published_ids import is_permanent, uuid_of
from aggregator.store.schema import archive_entries, articles, decisions, pages, revisions, stories
from aggregator.store.stored_article import JUDGED, REVISION, StoredArticle, decoded, from_row, of_newest
from aggregator.store.write_transaction import WriteTransaction

MAX_VERSIONS = 10
COMPLETED = ("title", "authors", "headimg", "summary", "content")
"""The fields of an article that its web page may change, apart from its date."""

_BATCH = 500
_ENDED = frozenset((PRUNED, FORGOTTEN))

# Built once: building a statement takes SQLAlchemy several times as long as running it takes SQLite.
_PK: sa.BindParameter[int] = sa.bindparam("of_pk")
_UPDATE = articles.update().where(articles.c.pk == _PK)
_REWRITE = revisions.update().where(revisions.c.pk == _PK)
_IS_FILED = sa.select(sa.exists().where(archive_entries.c.revision == _PK))

_ARTICLES = (
    "articles (pk, source, id, uid, state, published, updated, first_seen, revision, edits, fingerprint, "
    "reader_version, file)"
)
_DATED_ARTICLES = f"{_ARTICLES[:-1]}, given)"
_REVISIONS = "revisions (pk, article, published, updated, content_hash, data)"


class RequestsPages(Protocol):
    """Queues requests for the web pages that complete articles."""

    def ask(self, pk: int, article: Article) -> None:
        """Queues a request for the page of a new article."""
        ...

    def completed(self, pk: int, old: Article, article: Article, *, is_read_anew: bool) -> Article:
        """Returns an article that was found again, with the fields that its page gave before."""
        ...


class ArticleChanges:
    """Changes the articles of one source in one transaction; `wanted` requests their web pages."""

    def __init__(self, writing: WriteTransaction, source: str, wanted: RequestsPages | None = None) -> None:
        self._wanted = wanted
        self._writing = writing
        self._placing = writing.placing
        self._now = writing.now
        self._source = source
        self.new = self.changed = self.unchanged = self.pruned = 0

    @property
    def _connection(self) -> sa.Connection:
        return self._writing.connection

    def take(
        self, found: Sequence[Found], present: Collection[str] = (), moving_to: str | None = None
    ) -> None:
        """Inserts articles, or updates stored ones, also under other ids; pruned ones stay pruned.

        Ids must be unique. `present` and `moving_to`: see `KnownIds`.
        """
        if not found:
            return
        if not self._writing.pending.has_articles(self._source):
            for start in range(0, len(found), _BATCH):
                self._insert(found[start : start + _BATCH])
            return
        known = KnownIds(self._connection, self._source, found, present, moving_to)
        new: list[Found] = []
        for start in range(0, len(found), _BATCH):
            batch = found[start : start + _BATCH]
            rows = known.rows(batch)
            for f in batch:
                if (row := rows.get(f.article.id)) is None:
                    new.append(f)
                elif row.state == RECALLED:
                    self._connection.execute(articles.delete().where(articles.c.pk == row.pk))
                    new.append(replace(f, article=replace(f.article, id=row.id)))
                else:
                    self._take_known(row, f)
        renamed = known.renamed(new)
        for f in new:
            if (row := renamed.get(f.article.id)) is not None:
                self._take_known(row, f, is_renamed=True)
        new = [f for f in new if f.article.id not in renamed]
        for start in range(0, len(new), _BATCH):
            self._insert(new[start : start + _BATCH])

    def _insert(self, found: Sequence[Found]) -> None:
        if not found:
            return
        made = [decide(None, f, self._now) for f in found]
        new = [m.article for m in made if isinstance(m, Insert)]
        uids = [*self._uids([article.id for article in new])]
        article_rows, dated_rows, revision_rows, kept_new = [], [], [], []
        now = microseconds(self._now)
        pks, numbers = (self._writing.numbers(table, len(new)) for table in (articles, revisions))
        for article, f, uid, pk, revision in zip(new, found, uids, pks, numbers, strict=True):
            assert article.published is not None, "decide gave it one"
            assert article.updated is not None, "decide gave it one"
            published = updated = microseconds(article.published)
            if article.updated != article.published:
                updated = microseconds(article.updated)
            facts = (pk, self._source, article.id, uid, FOUND, published, updated, now, revision, 0)
            given = None if f.article is article else dates.written(dates.other(f.article, article))
            row = (*facts, f.fingerprint, f.reader_version, f.file)
            if given is None:
                article_rows.append(row)
            else:
                dated_rows.append((*row, given))
            content_hash = versioned(f.content_hash) if f.content_hash else hash_of(article)
            data = bytearray(f.packed or pack_utf8(article))
            revision_rows.append((revision, pk, published, updated, content_hash, data))
            one = StoredArticle(
                pk=pk,
                revision=revision,
                uid=uid,
                article=article,
                published=article.published,
                updated=article.updated,
                first_seen=self._now,
                is_dated=f.article.published is not None,
            )
            if f.judged is not None and _has_dates_of(article, f.article):
                one.made[JUDGED] = f.judged
            kept_new.append(one)
        pending = self._writing.pending
        pending.insert(_ARTICLES, article_rows)
        pending.insert(_DATED_ARTICLES, dated_rows)
        pending.insert(_REVISIONS, revision_rows)
        pending.enter(self._source, uids)
        self._writing.enter(kept_new)
        self.new += len(new)
        if self._wanted is not None:
            pending.flush()  # requests for pages refer to rows of articles
            for pk, f in zip(pks, found, strict=True):
                self._wanted.ask(pk, f.article)

    def _uids(self, ids: Sequence[str]) -> Iterator[str]:
        """Yields published ids: the source's id if it is a URI that no other source's article has."""
        wanted = [*filter(is_permanent, ids)]
        free = {*wanted} - self._writing.pending.taken(wanted)
        for id in ids:  # noqa: A001 - the field's own name
            if id in free:
                yield id
            else:
                yield uuid_of(self._source, id)

    def _take_known(self, row: sa.Row[Any], found: Found, *, is_renamed: bool = False) -> None:
        if row.state in _ENDED:
            self.unchanged += 1
            self._mark(row.pk, found)
            return
        if row.id != found.article.id:  # it was found by an alias
            found = replace(found, article=replace(found.article, id=row.id))
        self._compare(row, found, is_renamed=is_renamed)
        if row.state == WITHDRAWN:
            self._set_state(row.pk, FOUND)
            self._placing.hide(row.pk, is_hidden=False)
            self._place(row.pk)

    def _compare(self, row: sa.Row[Any], found: Found, *, is_renamed: bool) -> None:
        known = _known(row)
        if self._wanted is not None:
            is_anew = is_read_anew(known, found)
            article = self._wanted.completed(row.pk, known.article, found.article, is_read_anew=is_anew)
            found = replace(found, article=article, content_hash="", packed=b"")
        decision = decide(known, found, self._now, is_renamed=is_renamed)
        if isinstance(decision, Same):
            self.unchanged += 1
            if decision.is_marked:
                self._mark(row.pk, found)
            return
        article, is_edit = decision.article, isinstance(decision, Edit)
        self.changed += is_edit
        self.unchanged += not is_edit
        edits = {"edits": decision.edits} if isinstance(decision, Edit) else {}
        self._save(row, article, is_edit=is_edit, fields={"updated": article.updated, **edits})
        self._mark(row.pk, found)
        if row.state == FOUND:
            self._place(row.pk, is_edited=is_edit)

    def _mark(self, pk: int, found: Found) -> None:
        marks = {
            "fingerprint": found.fingerprint,
            "file": found.file,
            "reader_version": found.reader_version,
        }
        self._connection.execute(_UPDATE.values(marks), {"of_pk": pk})

    def _set_state(self, pk: int, state: str) -> None:
        self._connection.execute(_UPDATE.values(state=state), {"of_pk": pk})

    def _place(self, pk: int, *, is_edited: bool = False) -> None:
        """Decides the feeds of an article as it is stored now."""
        row = self._connection.execute(of_newest().where(articles.c.pk == pk)).one()
        self._writing.place(from_row(row), is_edited=is_edited)

    def _save(
        self,
        row: sa.Row[Any],
        article: Article,
        *,
        is_edit: bool = False,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Saves the new form of an article; for an edit, the old form is kept as an earlier version.

        Any other change overwrites the revision, unless a full archive shows it: archives keep their bytes.
        """
        values = {
            "published": article.published,
            "updated": article.updated,
            "content_hash": hash_of(article),
            "data": pack(article),
        }
        changed = dict(fields or {})
        if is_edit or self._connection.scalar(_IS_FILED, {"of_pk": row.revision}):
            new = {"pk": self._writing.number(revisions), "article": row.pk, **values}
            self._connection.execute(revisions.insert().values(new))
            changed["revision"] = new["pk"]
            if is_edit:
                self._connection.execute(_REWRITE.values(replaced=self._now), {"of_pk": row.revision})
                self._drop_surplus(row.pk)
        else:
            self._connection.execute(_REWRITE.values(values), {"of_pk": row.revision})
            changed["indexed"] = changed["illustrated"] = None
        self._connection.execute(_UPDATE.values(changed), {"of_pk": row.pk})

    def _drop_surplus(self, pk: int) -> None:
        """Deletes versions of an article, except the newest `MAX_VERSIONS` and those that archives show."""
        surplus = (
            sa.select(revisions.c.pk)
            .where(revisions.c.article == pk, revisions.c.replaced.is_not(None))
            .order_by(revisions.c.pk.desc())
            .offset(MAX_VERSIONS)
        )
        drop_versions(self._connection, self._connection.scalars(surplus).all())

    def complete(self, row: sa.Row[Any], own: Article, merged: Article) -> bool:
        """Saves an article, a row of `CURRENT`, completed by its page; `own` is the article as in its feed.

        Returns whether it changed. An article that was not published yet gets no earlier version, and may
        still get its date.
        """
        old = decoded(row)
        is_new = row.first_seen == self._now
        published, updated = row.published, row.updated
        given = dates.read(row.given)
        if is_new and own.published is None and merged.published is not None:
            published = min(merged.published, self._now)
            updated = min(own.updated or published, self._now)
            given = {"published": merged.published} if merged.published > self._now else {}
        page = {name: getattr(merged, name) for name in COMPLETED}
        article = replace(old, published=published, updated=updated, **page)
        if article == old:
            return False
        is_edit = False
        if not is_new:
            article = replace(article, updated=self._now)
            was_complete = any(getattr(old, name) != getattr(own, name) for name in COMPLETED)
            # The edit that requested the page may have stored the earlier version already.
            of_now = sa.select(revisions.c.pk).where(
                revisions.c.article == row.pk, revisions.c.replaced == self._now
            )
            is_edit = was_complete and self._connection.scalar(of_now.limit(1)) is None
        fields = {"published": article.published, "updated": article.updated, "given": dates.written(given)}
        self._save(row, article, is_edit=is_edit, fields=fields)
        if row.state == FOUND:
            self._place(row.pk, is_edited=True)
        return True

    def mend(self, row: sa.Row[Any], article: Article) -> None:
        """Saves a revision as today's reader would make it, archived or not, without counting an edit."""
        values = {"content_hash": hash_of(article), "data": pack(article)}
        self._connection.execute(_REWRITE.values(values), {"of_pk": row.revision})
        self._connection.execute(_UPDATE.values(indexed=None, illustrated=None), {"of_pk": row.pk})
        self._placing.renew_of(row.pk)

    def file_under(self, row: sa.Row[Any], article: Article) -> None:
        """Saves an article of which only the categories changed, and decides its feeds again."""
        if article != decoded(row):
            self._save(row, article)
        if row.state == FOUND:
            self._place(row.pk)

    def date(self, row: sa.Row[Any], first_seen: datetime, article: Article, given: dates.Given) -> None:
        """Saves corrected dates of an article: those of `article`, and when it was first seen."""
        fields = {"published": article.published, "updated": article.updated}
        self._save(row, article, fields={**fields, "first_seen": first_seen, "given": dates.written(given)})
        # Articles of a removed source are in no feed.
        if article.published is not None and (names := self._placing.names(row.pk)):
            self._placing.place(row.pk, article.published, names)

    def withdraw(self, files: Collection[str]) -> int:
        """Withdraws articles whose files are gone from feeds and archives; returns how many."""
        gone = self._of_files(files, FOUND)
        for pk in gone:
            self._placing.leave(pk)
            self._placing.hide(pk)
            self._set_state(pk, WITHDRAWN)
        self._writing.settle(self._writing.stories.of_any(gone), anew=True)
        return len(gone)

    def _of_files(self, files: Collection[str], *states: str) -> list[int]:
        if not files:
            return []
        names, found = sorted(files), list[int]()
        wanted = articles.c.state.in_(states)
        for start in range(0, len(names), _BATCH):
            these = articles.c.file.in_(names[start : start + _BATCH])
            query = sa.select(articles.c.pk).where(articles.c.source == self._source, these, wanted)
            found += self._connection.scalars(query)
        return found

    def delete(self, files: Collection[str]) -> None:
        """Deletes the source's articles from these files, as if they had never been read.

        Forgotten articles are not deleted, because they must not come back.
        """
        gone = self._of_files(files, FOUND, WITHDRAWN, PRUNED)
        touched = self._writing.stories.of_any(gone)
        for pk in gone:
            self._placing.leave(pk)
            self._placing.hide(pk)
            theirs = sa.select(revisions.c.pk).where(revisions.c.article == pk)
            of_these = archive_entries.c.revision.in_(theirs)
            self._connection.execute(archive_entries.delete().where(of_these))
            self._connection.execute(articles.delete().where(articles.c.pk == pk))
        self._writing.settle(touched, anew=True)

    def prune(self, pks: Sequence[int]) -> None:
        """Prunes these articles, of any source: only their ids and what full archives show are kept."""
        if not pks:
            return
        self._placing.leave_all(pks)
        keep_digests(self._connection, pks)
        touched = self._writing.stories.of_any(pks)
        values = {"state": PRUNED, "revision": None, "given": None, "indexed": None}
        self._connection.execute(articles.update().where(articles.c.pk.in_(pks)).values(values))
        for derived in (pages, decisions, stories):
            self._connection.execute(derived.delete().where(derived.c.article.in_(pks)))
        theirs = sa.select(revisions.c.pk).where(revisions.c.article.in_(pks))
        drop_versions(self._connection, self._connection.scalars(theirs).all())
        self._writing.settle(touched, anew=True)
        self.pruned += len(pks)


def drop_versions(connection: sa.Connection, pks: Sequence[int]) -> None:
    """Deletes these revisions. Those that full archives show stay, but do not count as versions any more."""
    for start in range(0, len(pks), _BATCH):
        some = revisions.c.pk.in_(pks[start : start + _BATCH])
        filed = sa.exists().where(archive_entries.c.revision == revisions.c.pk)
        connection.execute(revisions.delete().where(some, ~filed))
        connection.execute(revisions.update().where(some).values(replaced=None))


def _has_dates_of(article: Article, found: Article) -> bool:
    """Whether an article is stored with the dates with which its reader judged it."""
    return (article.published, article.updated) == (found.published, found.updated or found.published)


CURRENT: tuple[sa.ColumnElement[Any], ...] = (*REVISION, articles.c.state)
"""The columns of an article as it is now, as methods of `ArticleChanges` expect them."""


def _known(row: sa.Row[Any]) -> Known:
    return Known(
        article=decoded(row),
        updated=row.updated,
        content_hash=row.content_hash,
        edits=row.edits,
        fingerprint=row.fingerprint,
        file=row.file,
        reader_version=row.reader_version,
    )
