"""Takedowns: erases an article's content everywhere; only what recognises it again is kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import chain
from typing import Any

import sqlalchemy as sa

from aggregator.model.article_json import title_and_link
from aggregator.model.struct import Struct
from aggregator.store.article_states import FORGOTTEN, RECALLED
from aggregator.store.changed_ids import Identity, digest_of_link, normalised_addresses
from aggregator.store.database import Database
from aggregator.store.known_ids import ALIASES, MAX_CANDIDATES, as_dated_by_source
from aggregator.store.outbox import forget_article
from aggregator.store.raw_sql import insert_rows
from aggregator.store.schema import (
    aliases,
    archive_entries,
    articles,
    decisions,
    pages,
    revisions,
    sources,
    stories,
    story_keys,
)
from aggregator.store.stored_article import ERASED, NEWEST_REVISION, REVISION, decoded, is_named
from aggregator.store.story_changes import NO_STORIES, StoryRules
from aggregator.store.write_transaction import Judge, WriteTransaction, by_categories

__all__ = ["Erasable", "Forgetting"]

_UNREAD: dict[str, Any] = {"validators": {}, "body_hash": None}


class Erasable(Struct, frozen=True, kw_only=True):
    """An article that can be erased, or was; `title` and `link` are "" afterwards."""

    pk: int
    uid: str
    source: str
    id: str
    title: str
    link: str
    is_forgotten: bool


class Forgetting:
    """The part of the store that erases articles."""

    def __init__(
        self, database: Database, judge: Judge = by_categories, rules: StoryRules = NO_STORIES
    ) -> None:
        self._database = database
        self._judge = judge
        self._rules = rules

    def named(self, name: str) -> tuple[Erasable, ...]:
        """Returns articles whose link or id this is or was, also erased ones, oldest first.

        Links are compared with every stored version.
        """
        return self._found(is_named(name))

    def forgotten(self) -> tuple[Erasable, ...]:
        """Returns all erased articles, oldest first."""
        return self._found(articles.c.state == FORGOTTEN)

    def _found(self, these: sa.ColumnElement[bool]) -> tuple[Erasable, ...]:
        query: sa.Select[Any] = (
            sa.select(*REVISION, articles.c.state)
            .join_from(articles, revisions, revisions.c.pk == articles.c.revision, isouter=True)
            .where(these)
            .order_by(articles.c.pk)
        )
        with self._database.snapshot() as connection:
            return tuple(_erasable(row) for row in connection.execute(query))

    def forget(self, found: Collection[Erasable], now: datetime) -> None:
        """Erases these articles: every version, and everything made from them.

        Their ids stay, with digests that recognise them under other ids, so that they never come back. Feeds
        and archives that showed them are published again. Deleted text may remain in unused parts of the
        database file: see `Database.rewrite`.
        """
        with self._database.transaction() as connection, self._database.dialect.overwriting(connection):
            writing = WriteTransaction(connection, now, self._judge, self._rules)
            touched = writing.stories.of_any([each.pk for each in found])
            for each in found:
                if not each.is_forgotten:
                    _erase(writing, each)
            writing.settle(touched, anew=True)  # other articles of the story list it
            writing.placing.save()

    def recall(self, found: Collection[Erasable]) -> None:
        """Allows erased articles to be stored again under their published ids; their sources are read
        again.
        """
        pks = [each.pk for each in found if each.is_forgotten]
        names = {each.source for each in found if each.is_forgotten}
        with self._database.transaction() as connection:
            connection.execute(
                articles.update()
                .where(articles.c.pk.in_(pks), articles.c.state == FORGOTTEN)
                .values(state=RECALLED, fingerprint="", file="")
            )
            is_digest = aliases.c.alias.startswith(ERASED, autoescape=True)
            connection.execute(aliases.delete().where(aliases.c.article.in_(pks), is_digest))
            connection.execute(sources.update().where(sources.c.name.in_(names)).values(_UNREAD))


def _erase(writing: WriteTransaction, each: Erasable) -> None:
    connection, pk = writing.connection, each.pk
    theirs = revisions.c.article == pk
    query = sa.select(*REVISION).join_from(articles, revisions, theirs & (articles.c.pk == pk))
    versions = [as_dated_by_source(row) for row in connection.execute(query)]
    digests = {
        digest for article in versions for digest in Identity.of(article).digests(_shared(connection, each))
    }
    # Several articles of a source may have the same link: each gets its own alias for it.
    digests |= {f"{digest_of_link(article.link)}.{pk}" for article in versions if article.link}
    erased_as = [(each.source, f"{ERASED}{digest}", pk) for digest in sorted(digests)]
    insert_rows(connection, ALIASES, erased_as, known="DO NOTHING")
    writing.placing.show_again(pk)
    writing.placing.leave(pk)
    of_theirs = archive_entries.c.revision.in_(sa.select(revisions.c.pk).where(theirs))
    connection.execute(archive_entries.delete().where(of_theirs))
    for derived in (pages, decisions, stories, story_keys):
        connection.execute(derived.delete().where(derived.c.article == pk))
    connection.execute(revisions.delete().where(theirs))
    forget_article(connection, each.uid)
    erased = {"state": FORGOTTEN, "revision": None, "given": None, "indexed": None, "edits": 0}
    connection.execute(articles.update().where(articles.c.pk == pk).values(erased))


def _shared(connection: sa.Connection, each: Erasable) -> frozenset[str]:
    """Returns the addresses that other articles of the source have too."""
    query = (
        sa.select(articles.c.id, revisions.c.data)
        .join_from(articles, revisions, NEWEST_REVISION)
        .where(articles.c.source == each.source, articles.c.pk != each.pk)
        .order_by(articles.c.published.desc())
        .limit(MAX_CANDIDATES)
    )
    found = (normalised_addresses(id_, title_and_link(data)[1]) for id_, data in connection.execute(query))
    return frozenset(chain.from_iterable(found)) - {""}


def _erasable(row: sa.Row[Any]) -> Erasable:
    article = decoded(row) if row.data is not None else None
    return Erasable(
        pk=row.pk,
        uid=row.uid,
        source=row.source,
        id=row.id,
        title=article.title if article else "",
        link=article.link or "" if article else "",
        is_forgotten=row.state == FORGOTTEN,
    )
