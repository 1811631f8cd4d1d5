"""Renames a source; its articles, their ids and all other records stay."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

import sqlalchemy as sa

from aggregator.errors import StoreError
from aggregator.store.database import Database, remember
from aggregator.store.decide_placements import DECIDED
from aggregator.store.hubs.tables import hub_subscriptions
from aggregator.store.schema import (
    OF_SOURCE,
    aliases,
    articles,
    feeds,
    followed,
    placements,
    posts,
    settings,
    sources,
    subscriptions,
)
from aggregator.store.write_transaction import WriteTransaction

__all__ = ["rename_source"]

_NAMED = (articles.c.source, aliases.c.source, posts.c.source, hub_subscriptions.c.source)


def rename_source(
    database: Database,
    old: str,
    new: str,
    now: datetime,
    confirm: Callable[[], object],
    notes: Mapping[str, Callable[[str, str, str], str]] = MappingProxyType({}),
) -> int:
    """Renames a source in the store; returns how many articles it has. Their ids do not change.

    - `confirm`: called last; if it raises, nothing is changed.
    - `notes`: settings that contain names of sources, each with a function: (text, old, new) -> new text.

    Feeds that show its articles are published again. Raises StoreError if another source has, or had, that
    name.
    """
    with database.transaction() as connection:
        database.dialect.defer_references(connection)
        known = {row.name: row for row in connection.execute(sa.select(sources))}
        taken = sa.select(sa.func.count()).select_from(articles).where(articles.c.source == new)
        if new in known and new != old and connection.scalar(taken):
            raise StoreError(
                f"the store has articles of another source that was named {new!r}; choose another name"
            )
        pks = connection.scalars(sa.select(articles.c.pk).where(articles.c.source == old)).all()
        if old in known:
            if new in known:
                connection.execute(sources.delete().where(sources.c.name == new))
            connection.execute(sources.update().where(sources.c.name == old).values(name=new))
            for column in _NAMED:
                table = column.table
                assert isinstance(table, sa.Table), "each is a column of a table"
                connection.execute(table.update().where(column == old).values(source=new))
            # Files of posts name the source of their article.
            connection.execute(posts.update().where(posts.c.source == new).values(mark=""))
            connection.execute(followed.update().where(followed.c.name == old).values(name=new))
            of_list = subscriptions.update().where(subscriptions.c.list == old)
            connection.execute(of_list.values({"list": new}))
            _rename_feed(connection, OF_SOURCE + old, OF_SOURCE + new)
            is_theirs = articles.c.source == new
            # Names are in the search index.
            connection.execute(articles.update().where(is_theirs).values(indexed=None))
            writing = WriteTransaction(connection, now)
            standing = sa.select(placements.c.article).distinct().join(articles).where(is_theirs)
            for pk in connection.scalars(standing).all():
                writing.placing.show_again(pk)
            writing.placing.save()
            for setting, renamed in notes.items():
                text = connection.scalar(sa.select(settings.c.value).where(settings.c.name == setting))
                if text is not None:
                    remember(connection, setting, renamed(text, old, new))
            were_decided = sa.select(settings.c.value).where(settings.c.name == DECIDED)
            if connection.scalar(were_decided) is not None:  # rules may contain the name
                remember(connection, DECIDED, json.dumps(["renamed", 0]))
        confirm()
    return len(pks)


def _rename_feed(connection: sa.Connection, old: str, new: str) -> None:
    """Renames the feed of a source, with its folder and id, unless a feed has the new name already."""
    taken = connection.scalar(sa.select(feeds.c.pk).where(feeds.c.name == new))
    if taken is None:
        connection.execute(feeds.update().where(feeds.c.name == old).values(name=new))
