"""Sanitises all stored texts again after an upgrade: articles, earlier versions, archives and pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime

import sqlalchemy as sa

from aggregator.model.article import Article
from aggregator.model.article_json import pack, unpack
from aggregator.store.article_changes import ArticleChanges
from aggregator.store.database import Database, remember
from aggregator.store.schema import archive_entries, archives, articles, pages, posts, revisions
from aggregator.store.stored_article import REVISION, decoded
from aggregator.store.write_transaction import WriteTransaction

Mend = Callable[[Article], Article]
"""Returns an article sanitised by today's rules; the same object if nothing changes."""

_SETTING = "mended"
_STEPS = ("revisions", "pages")
_BATCH = 200


class Resanitising:
    """The part of the store that sanitises its texts again after an upgrade."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mend(self, mend: Mend, version: int, now: datetime) -> Iterator[tuple[int, int]]:
        """Applies `mend` to everything once for each `version` of the rules; yields how many texts were
        checked and changed.

        Each step is one transaction that also stores the progress, so that an interrupted run continues
        there. Feeds, archives and posts with changed articles are written again by the next publication.
        """
        step, place = self._place(version)
        while step < len(_STEPS):
            with self._database.transaction() as connection:
                looked, mended, last = _ONE_STEP[step](connection, mend, place, now)
                step, place = (step, last) if looked else (step + 1, 0)
                _remember(connection, version, step, place)
            if looked:
                yield looked, mended

    def begin(self, version: int) -> None:
        """Records that a store without articles needs nothing; any other is left to `mend`."""
        with self._database.snapshot() as connection:
            if connection.scalar(sa.select(sa.exists().select_from(articles))):
                return
        if self._place(version) != (len(_STEPS), 0):
            with self._database.transaction() as connection:
                _remember(connection, version, len(_STEPS), 0)

    def _place(self, version: int) -> tuple[int, int]:
        try:
            found, step, place = json.loads(self._database.setting(_SETTING) or "[]")
            return (int(step), int(place)) if found == version else (0, 0)
        except (ValueError, TypeError):
            return 0, 0


_Done = tuple[int, int, int]


def _mend_revisions(connection: sa.Connection, mend: Mend, place: int, now: datetime) -> _Done:
    query = sa.select(*REVISION).join_from(revisions, articles, revisions.c.article == articles.c.pk)
    query = query.where(revisions.c.pk > place).order_by(revisions.c.pk).limit(_BATCH)
    rows = connection.execute(query).all()
    writing = WriteTransaction(connection, now)
    changes = ArticleChanges(writing, "")
    mended = []
    for row in rows:
        article = decoded(row)
        if (made := mend(article)) is not article:
            changes.mend(row, made)
            mended.append(row)
    if mended:
        # Posts are written again because their mark changes; archives must be marked.
        uids, numbers = [row.uid for row in mended], [row.revision for row in mended]
        connection.execute(posts.update().where(posts.c.uid.in_(uids)).values(mark=""))
        of = (archive_entries.c.feed, archive_entries.c.number)
        shown = sa.select(*of).where(archive_entries.c.revision.in_(numbers)).distinct()
        for feed, number in connection.execute(shown).all():
            this = (archives.c.feed == feed) & (archives.c.number == number)
            connection.execute(archives.update().where(this).values(look=None))
            writing.placing.renew(feed)
    writing.placing.save()
    return len(rows), len(mended), rows[-1].revision if rows else place


def _mend_pages(connection: sa.Connection, mend: Mend, place: int, _now: datetime) -> _Done:
    query = sa.select(pages.c.article, pages.c.own, articles.c.source, articles.c.id)
    query = query.join(articles, articles.c.pk == pages.c.article).where(pages.c.article > place)
    rows = connection.execute(query.order_by(pages.c.article).limit(_BATCH)).all()
    mended = 0
    for row in rows:
        article = unpack(row.own, source=row.source, id=row.id, published=None, updated=None)
        if (made := mend(article)) is not article:
            this = pages.c.article == row.article
            connection.execute(pages.update().where(this).values(own=pack(made)))
            mended += 1
    return len(rows), mended, rows[-1].article if rows else place


def _remember(connection: sa.Connection, version: int, step: int, place: int) -> None:
    remember(connection, _SETTING, json.dumps([version, step, place]))


_ONE_STEP = (_mend_revisions, _mend_pages)
