"""Brings what is stored to today's rules: articles, earlier versions, pages, full archives, posts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime

import sqlalchemy as sa

from aggregator.model.article import Article
from aggregator.store import codec
from aggregator.store.archives import mended as mended_archive
from aggregator.store.changes import Changes, kept
from aggregator.store.database import Database
from aggregator.store.schema import archives, articles, pages, posts, settings, versions

Mend = Callable[[Article], Article]
"""An article as today's rules let it be published: the very same object where nothing is to be mended."""

_SETTING = "mended"
_STEPS = ("articles", "versions", "pages", "archives")
_BATCH = 200
_ARCHIVES_AT_ONCE = 5


class Mending:
    """The part of the store that mends what it holds after an upgrade."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mend(self, mend: Mend, version: int, now: datetime) -> Iterator[tuple[int, int]]:
        """Mends everything once for each `version` of the rules; yields how much was looked at and mended.

        Each step is a transaction of its own that remembers how far it came: what was killed goes on there.
        Feeds, archives and posts in which anything was mended are written anew by the next publication.
        """
        step, place = self._place(version)
        while step < len(_STEPS):
            with self._database.transaction() as connection:
                looked, mended, last = _ONE_STEP[step](connection, mend, place, now)
                step, place = (step, last) if looked else (step + 1, 0)
                _remember(connection, version, step, place)
            if looked:
                yield looked, mended

    def _place(self, version: int) -> tuple[int, int]:
        try:
            found, step, place = json.loads(self._database.setting(_SETTING) or "[]")
            return (int(step), int(place)) if found == version else (0, 0)
        except (ValueError, TypeError):
            return 0, 0


_Done = tuple[int, int, int]


def _mend_articles(connection: sa.Connection, mend: Mend, place: int, now: datetime) -> _Done:
    query = sa.select(articles).where(articles.c.pk > place).order_by(articles.c.pk).limit(_BATCH)
    rows = connection.execute(query).all()
    changes = Changes(connection, "", now)
    mended = []
    for row in rows:
        article = kept(row).article
        if (made := mend(article)) is not article:
            changes.mend(row, made)
            mended.append(row.uid)
    changes.save()
    # Another mark has a post written again.
    connection.execute(posts.update().where(posts.c.uid.in_(mended)).values(mark=""))
    return len(rows), len(mended), rows[-1].pk if rows else place


def _mend_versions(connection: sa.Connection, mend: Mend, place: int, _now: datetime) -> _Done:
    return _mend_texts(connection, mend, place, versions.c.pk, versions.c.article, versions.c.data)


def _mend_pages(connection: sa.Connection, mend: Mend, place: int, _now: datetime) -> _Done:
    return _mend_texts(connection, mend, place, pages.c.article, pages.c.article, pages.c.own)


def _mend_texts(
    connection: sa.Connection,
    mend: Mend,
    place: int,
    key: sa.Column[int],
    article_key: sa.Column[int],
    text: sa.Column[str],
) -> _Done:
    query = sa.select(key.label("key"), text.label("text"), articles.c.source, articles.c.id)
    query = query.join(articles, articles.c.pk == article_key).where(key > place).order_by(key)
    rows = connection.execute(query.limit(_BATCH)).all()
    mended = 0
    for row in rows:
        article = codec.decode(row.text, source=row.source, id=row.id)
        if (made := mend(article)) is not article:
            values = {text.name: codec.encode(made, codec.given(row.text))}
            connection.execute(sa.update(text.table).where(key == row.key).values(values))
            mended += 1
    return len(rows), mended, rows[-1].key if rows else place


def _mend_archives(connection: sa.Connection, mend: Mend, place: int, now: datetime) -> _Done:
    query = sa.select(archives).order_by(archives.c.category, archives.c.number)
    rows = connection.execute(query.offset(place).limit(_ARCHIVES_AT_ONCE)).all()
    changes = Changes(connection, "", now)
    total = 0
    for row in rows:
        data, count = mended_archive(row.data, mend)
        if count:
            this = (archives.c.category == row.category) & (archives.c.number == row.number)
            # Without a look, its files are written again.
            connection.execute(archives.update().where(this).values(data=data, look=None))
            changes.renew(row.category)
            total += count
    changes.save()
    return len(rows), total, place + len(rows)


def _remember(connection: sa.Connection, version: int, step: int, place: int) -> None:
    connection.execute(settings.delete().where(settings.c.name == _SETTING))
    value = json.dumps([version, step, place])
    connection.execute(settings.insert().values(name=_SETTING, value=value))


_ONE_STEP = (_mend_articles, _mend_versions, _mend_pages, _mend_archives)
