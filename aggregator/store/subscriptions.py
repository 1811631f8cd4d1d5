"""The feeds of OPML lists, as of the last time each list was read, with names that do not change."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa

from aggregator.config.subscriptions import Listed, address_key, unused_name
from aggregator.model.entry import Subscription
from aggregator.model.struct import replace
from aggregator.store.article_states import PRUNED
from aggregator.store.database import Database
from aggregator.store.records import Update
from aggregator.store.schema import articles, revisions, sources, subscriptions
from aggregator.store.sources_outside_config import mark_changed

__all__ = ["FORGOTTEN_AFTER", "MISSING_IS_GONE", "Subscriptions", "save_lists"]

MISSING_IS_GONE = 2
"""After this many polls without it, a feed has left its list: a list may be read while it is saved."""

FORGOTTEN_AFTER = timedelta(days=90)
"""How long after its last poll a feed that left its list is deleted, if no article of it is stored."""

_LEFT = subscriptions.c.missing >= MISSING_IS_GONE


class Subscriptions:
    """The part of the store that keeps the feeds of OPML lists."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self) -> tuple[Listed, ...]:
        """Returns every feed that is in a list, in the order in which they were first listed."""
        query = (
            sa.select(subscriptions)
            .where(subscriptions.c.missing < MISSING_IS_GONE)
            .order_by(subscriptions.c.pk)
        )
        with self._database.snapshot() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Listed(
                list=row.list,
                name=row.name,
                subscription=Subscription(url=row.url, link=row.link, categories=tuple(row.categories)),
                is_missing=bool(row.missing),
            )
            for row in rows
        )

    def left(self) -> dict[str, str]:
        """Returns the feeds that have left their list, by name, with the list; without those that are
        sources otherwise.
        """
        query = sa.select(subscriptions.c.name, subscriptions.c.list).join(
            sources, sources.c.name == subscriptions.c.name
        )
        with self._database.snapshot() as connection:
            return {
                row.name: row.list
                for row in connection.execute(query.where(_LEFT, sa.not_(sources.c.active)))
            }

    def forget(self, now: datetime) -> None:
        """Deletes feeds that left their list long ago and have no stored articles; their names become
        free.
        """
        of_left = sources.c.name.in_(sa.select(subscriptions.c.name).where(_LEFT))
        shown = sa.exists().where(revisions.c.article == articles.c.pk)
        held = sa.exists().where(
            articles.c.source == sources.c.name, sa.or_(articles.c.state != PRUNED, shown)
        )
        is_old = sa.or_(sources.c.polled.is_(None), sources.c.polled <= now - FORGOTTEN_AFTER)
        old = sa.select(sources.c.name).where(of_left, sa.not_(sources.c.active), is_old, ~held)
        with self._database.transaction() as connection:
            if names := connection.scalars(old).all():
                connection.execute(articles.delete().where(articles.c.source.in_(names)))
                connection.execute(sources.delete().where(sources.c.name.in_(names)))
            unknown = subscriptions.c.name.not_in(sa.select(sources.c.name))
            connection.execute(subscriptions.delete().where(_LEFT, unknown))


def save_lists(connection: sa.Connection, update: Update) -> Update:
    """Stores the feeds of a list within the transaction that saves its poll; returns other updates unchanged.

    If a feed is missing for the first time, the update is returned without validators, so that the next poll
    reads the list again.
    """
    if update.subscriptions is None:
        return update
    of_list = sa.select(subscriptions).where(subscriptions.c.list == update.source)
    known = {row.key: row for row in connection.execute(of_list)}
    taken = {*connection.scalars(sa.select(sources.c.name))}
    taken.update(connection.scalars(sa.select(subscriptions.c.name)))
    seen: set[str] = set()
    is_changed = False
    new: list[dict[str, object]] = []
    for each in update.subscriptions:
        if (of_feed := address_key(each.url)) in seen:
            continue
        seen.add(of_feed)
        values = {"url": each.url, "link": each.link, "categories": [*each.categories], "missing": 0}
        row = known.get(of_feed)
        if row is None:
            name = unused_name(
                f"{update.source}: {each.title or urlsplit(each.url).hostname or 'feed'}", taken
            )
            taken.add(name)
            new.append({"list": update.source, "key": of_feed, "name": name, **values})
        elif (row.url, row.link, row.categories, row.missing) != tuple(values.values()):
            is_changed = True
            connection.execute(subscriptions.update().where(subscriptions.c.pk == row.pk).values(values))
    if new:
        connection.execute(subscriptions.insert(), new)
    missing = [row for row in known.values() if row.key not in seen and row.missing < MISSING_IS_GONE]
    if missing:
        more = sa.update(subscriptions).where(subscriptions.c.pk == sa.bindparam("of_pk"))
        more = more.values(missing=subscriptions.c.missing + 1)
        connection.execute(more, [{"of_pk": row.pk} for row in missing])
    if new or missing or is_changed:
        mark_changed(connection)
    is_doubtful = any(row.missing + 1 < MISSING_IS_GONE for row in missing)
    return replace(update, validators={}, body_hash=None) if is_doubtful else update
