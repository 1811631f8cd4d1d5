"""The feeds of lists: what each list had when it was last read, under names that stay."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import sqlalchemy as sa

from aggregator.entry import Subscription
from aggregator.store.database import Database
from aggregator.store.records import Update
from aggregator.store.schema import sources, subscriptions
from aggregator.subscriptions import Listed, key, unlike

__all__ = ["MISSING_IS_GONE", "listed", "take"]

MISSING_IS_GONE = 2
"""So many readings in a row must miss a feed before it leaves: a file is cut short while it is saved."""


def listed(store: Database) -> tuple[Listed, ...]:
    """Every feed of every list that has not left it, in the order in which they came."""
    query = (
        sa.select(subscriptions).where(subscriptions.c.missing < MISSING_IS_GONE).order_by(subscriptions.c.pk)
    )
    with store._snapshot() as connection:
        # A store that is only read may have been made before there were lists.
        if not sa.inspect(connection).has_table(subscriptions.name):
            return ()
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


def take(connection: sa.Connection, update: Update) -> Update:
    """Keeps what a list lists now, in the transaction that saves its poll; any other update is left alone.

    While a feed is missing for the first time, the update goes without validators, so that the next poll
    reads the list again.
    """
    if update.subscriptions is None:
        return update
    of_list = sa.select(subscriptions).where(subscriptions.c.list == update.source)
    known = {row.key: row for row in connection.execute(of_list)}
    taken = {*connection.scalars(sa.select(sources.c.name))}
    taken.update(connection.scalars(sa.select(subscriptions.c.name)))
    seen: set[str] = set()
    new: list[dict[str, object]] = []
    for each in update.subscriptions:
        if (of_feed := key(each.url)) in seen:
            continue
        seen.add(of_feed)
        values = {"url": each.url, "link": each.link, "categories": [*each.categories], "missing": 0}
        row = known.get(of_feed)
        if row is None:
            name = unlike(f"{update.source}: {each.title or urlsplit(each.url).hostname or 'feed'}", taken)
            taken.add(name)
            new.append({"list": update.source, "key": of_feed, "name": name, **values})
        elif (row.url, row.link, row.categories, row.missing) != tuple(values.values()):
            connection.execute(subscriptions.update().where(subscriptions.c.pk == row.pk).values(values))
    if new:
        connection.execute(subscriptions.insert(), new)
    missing = [row for row in known.values() if row.key not in seen and row.missing < MISSING_IS_GONE]
    if missing:
        more = sa.update(subscriptions).where(subscriptions.c.pk == sa.bindparam("of_pk"))
        more = more.values(missing=subscriptions.c.missing + 1)
        connection.execute(more, [{"of_pk": row.pk} for row in missing])
    is_doubtful = any(row.missing + 1 < MISSING_IS_GONE for row in missing)
    return replace(update, validators={}, body_hash=None) if is_doubtful else update
