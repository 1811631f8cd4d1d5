"""Full archives of feeds (RFC 5005 §4): made once, in one transaction with what they file, never updated."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aggregator.model.article import Article
from aggregator.store import codec
from aggregator.store.changes import Kept, kept
from aggregator.store.database import Database
from aggregator.store.schema import Unreadable, archives, articles, from_json, memberships

_AT_ONCE = 50


class Archives:
    """The part of the store that keeps full archives; every method but `file_away` is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def file_away(self, category: str, entries: int) -> None:
        """Files what lies beyond the newest `entries` of a category, the oldest first, `entries` an archive.

        What does not fill one stays unfiled. Fifty archives at most are made in one transaction.
        """
        made = _AT_ONCE
        while made == _AT_ONCE:
            with self._database.transaction() as connection:
                made = _file(connection, category, entries)

    def unfiled(self, category: str, last: Kept) -> tuple[Kept, ...]:
        """The articles of a category that stand behind `last` and in no full archive, newest first."""
        beyond = _behind(last.published, last.uid)
        query = _unfiled(category).where(beyond).order_by(memberships.c.published.desc(), articles.c.uid)
        with self._database.snapshot() as connection:
            rows = connection.execute(query).all()
        return tuple(kept(row) for row in rows)

    def count(self, category: str, look: str) -> tuple[int, frozenset[int]]:
        """How many full archives a category has, and the numbers of those not yet written in this look."""
        of_this = archives.c.category == category
        count = sa.select(sa.func.count()).where(of_this)
        unwritten = sa.select(archives.c.number).where(of_this, archives.c.look.is_distinct_from(look))
        with self._database.snapshot() as connection:
            total = connection.scalar(count) or 0
            return total, frozenset(connection.scalars(unwritten))

    def articles(self, category: str, number: int) -> tuple[Kept, ...]:
        """The articles of a full archive as they were when it was made, newest first."""
        query = sa.select(archives.c.data).where(archives.c.category == category, archives.c.number == number)
        with self._database.snapshot() as connection:
            return _unpacked(connection.execute(query).scalar_one())

    def written(self, category: str, numbers: Collection[int], look: str) -> None:
        """Records that the files of these archives are in place, in this look."""
        if not numbers:
            return
        statement = (
            archives.update()
            .where(archives.c.category == category, archives.c.number == sa.bindparam("of_number"))
            .values(look=look)
        )
        with self._database.transaction() as connection:
            connection.execute(statement, [{"of_number": number} for number in numbers])


def remove_from_archives(connection: sa.Connection, uids: Collection[str]) -> None:
    """Takes articles that were deleted out of every full archive, which is written anew."""
    if not uids:
        return
    key = (archives.c.category, archives.c.number)
    for category, number in connection.execute(sa.select(*key)).all():
        of_this = sa.and_(archives.c.category == category, archives.c.number == number)
        data = connection.execute(sa.select(archives.c.data).where(of_this)).scalar_one()
        facts = _facts(data)
        left = [fact for fact in facts if fact[0] not in uids]
        if len(left) < len(facts):
            # Without a look, its files are written again.
            connection.execute(archives.update().where(of_this).values(data=_compressed(left), look=None))


def mended(data: bytes, mend: Callable[[Article], Article]) -> tuple[bytes, int]:
    """The data of a full archive with its articles as `mend` gives them, and how many it changed."""
    facts = _facts(data)
    count = 0
    for kept_one, fact in zip(_unpacked(data), facts, strict=True):
        if (made := mend(kept_one.article)) is not kept_one.article:
            fact[3] = codec.encode(made, codec.given(fact[3]))
            count += 1
    return (_compressed(facts) if count else data), count


def _file(connection: sa.Connection, category: str, entries: int) -> int:
    """Makes up to `_AT_ONCE` archives; how many."""
    last_shown = connection.execute(
        sa.select(articles.c.published, articles.c.uid)
        .join(memberships, memberships.c.article == articles.c.pk)
        .where(memberships.c.category == category)
        .order_by(memberships.c.published.desc(), articles.c.uid)
        .offset(entries - 1)
        .limit(1)
    ).one_or_none()
    if last_shown is None:
        return 0
    beyond = _behind(last_shown.published, last_shown.uid)
    oldest = _unfiled(category).where(beyond).order_by(memberships.c.published, articles.c.uid.desc())
    newest = sa.select(sa.func.max(archives.c.number)).where(archives.c.category == category)
    number = connection.scalar(newest) or 0
    for made in range(_AT_ONCE):
        rows = connection.execute(oldest.limit(entries)).all()
        if len(rows) < entries:
            return made
        number += 1
        connection.execute(
            archives.insert().values(category=category, number=number, data=_packed(rows[::-1]))
        )
        connection.execute(
            memberships.update()
            .where(memberships.c.category == category, memberships.c.article == sa.bindparam("of_article"))
            .values(archived=number),
            [{"of_article": row.pk} for row in rows],
        )
    return _AT_ONCE


def _unfiled(category: str) -> sa.Select[Any]:
    return (
        sa.select(articles)
        .join(memberships, memberships.c.article == articles.c.pk)
        .where(memberships.c.category == category, memberships.c.archived.is_(None))
    )


def _behind(published: object, uid: str) -> sa.ColumnElement[bool]:
    """Articles that come after this one in their feed, as `Feeds.newest` orders it."""
    date = memberships.c.published
    # The first condition is for the index, which cannot use the second.
    return sa.and_(
        date <= published, sa.or_(date < published, sa.and_(date == published, articles.c.uid > uid))
    )


def _packed(rows: Sequence[sa.Row[Any]]) -> bytes:
    facts = [
        [r.uid, r.source, r.id, r.data, *(d.isoformat() for d in (r.published, r.updated, r.first_seen))]
        for r in rows
    ]
    return _compressed(facts)


def _compressed(facts: list[list[Any]]) -> bytes:
    return zlib.compress(json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode())


def _facts(data: bytes) -> list[list[Any]]:
    """What `_compressed` was given. Raises Unreadable."""
    try:
        return list(from_json(zlib.decompress(data)))
    except (zlib.error, TypeError) as error:
        raise Unreadable(f"an archive: {error}") from error


def _unpacked(data: bytes) -> tuple[Kept, ...]:
    try:
        return tuple(
            Kept(
                uid=uid,
                article=codec.decode(text, source=source, id=id),
                published=datetime.fromisoformat(published),
                updated=datetime.fromisoformat(updated),
                first_seen=datetime.fromisoformat(first_seen),
            )
            for uid, source, id, text, published, updated, first_seen in _facts(data)  # noqa: A001
        )
    except (ValueError, TypeError) as error:
        raise Unreadable(f"an archive: {error}") from error
