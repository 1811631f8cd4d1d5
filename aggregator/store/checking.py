"""Checks the store for damage: SQLite's own checks, and what every version of this program ensures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from aggregator.errors import DamagedStore, StoreError
from aggregator.store.database import Database
from aggregator.store.edits import hash_of, is_of_this_version
from aggregator.store.schema import articles, outbox, revisions
from aggregator.store.search import SETTING
from aggregator.store.stored_article import decoded

__all__ = ["Fault", "check_store"]

_MOST = 20
_BATCH = 500
_RESTORE = "restore a backup, or move the store away and run 'aggregator rebuild'"
_PUBLISH = "'aggregator publish --all' writes what it shows again; if the fault stays, restore a backup"
_SEARCH = "'aggregator verify --mend' deletes the index, and the next search builds it again"
_URN = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Rows that refer to missing rows, and facts that are stored twice.
_QUERIES = {
    "an article whose newest revision is missing": (
        (
            "SELECT a.source || ': ' || a.id FROM articles a LEFT JOIN revisions r "
            "ON r.pk = a.revision AND r.article = a.pk WHERE r.pk IS NULL "
            "AND (a.revision IS NOT NULL OR a.state IN ('found', 'withdrawn'))"
        ),
        _RESTORE,
    ),
    "an archive that shows a missing revision": (
        (
            "SELECT e.feed || '/' || e.number FROM archive_entries e LEFT JOIN revisions r "
            "ON r.pk = e.revision WHERE r.pk IS NULL"
        ),
        _RESTORE,
    ),
    "an entry of a missing archive": (
        (
            "SELECT e.feed || '/' || e.number FROM archive_entries e LEFT JOIN archives a "
            "ON a.feed = e.feed AND a.number = e.number WHERE a.feed IS NULL"
        ),
        _RESTORE,
    ),
    "a feed with a wrong number of articles": (
        "SELECT f.name FROM feeds f WHERE f.total <> (SELECT count(*) FROM placements p WHERE p.feed = f.pk)",
        _PUBLISH,
    ),
    "an article that is in a feed although it is not to be shown": (
        (
            "SELECT a.source || ': ' || a.id FROM placements p JOIN articles a ON a.pk = p.article "
            "WHERE a.state <> 'found'"
        ),
        _RESTORE,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A kind of damage: what it is, how often it was found, the first few places, and what to do."""

    kind: str
    count: int
    places: tuple[str, ...]
    advice: str


def check_store(database: Database, advance: Callable[[int], object] = lambda _: None) -> Iterator[Fault]:
    """Yields every fault of the store; writes nothing. `advance` is called with the number of articles
    checked.
    """
    found_by: tuple[tuple[str, Callable[[], Iterator[Fault]]], ...] = (
        ("the file", lambda: _file(database)),
        ("rows that refer to missing rows", lambda: _orphans(database)),
        ("the outbox", lambda: _outbox(database)),
        ("revisions", lambda: _contents(database, advance)),
        ("the search index", lambda: _index(database)),
    )
    for what, checked in found_by:
        try:
            yield from checked()
        except DamagedStore as error:
            yield Fault(kind=f"damage in {what}", count=1, places=(str(error.cause),), advice=_RESTORE)
        except StoreError as error:
            yield Fault(kind=f"{what} cannot be read", count=1, places=(str(error),), advice=_RESTORE)


def _file(database: Database) -> Iterator[Fault]:
    if lines := [*database.dialect.damage()]:
        yield _fault("damage in the file", lines, _RESTORE)


def _orphans(database: Database) -> Iterator[Fault]:
    if rows := database.dialect.orphans():
        yield Fault(
            kind="rows that refer to missing rows",
            count=len(rows),
            places=tuple(sorted({*rows})[:_MOST]),
            advice=_RESTORE,
        )
    with database.snapshot() as connection:
        for kind, (query, advice) in _QUERIES.items():
            if places := [str(row[0]) for row in connection.exec_driver_sql(query)]:
                yield _fault(kind, places, advice)


def _outbox(database: Database) -> Iterator[Fault]:
    """Yields messages that cannot be read; with one of them, nothing would be sent any more."""
    yield from ()
    with database.snapshot() as connection:
        for _ in connection.execute(sa.select(outbox)):
            pass


def _contents(database: Database, advance: Callable[[int], object]) -> Iterator[Fault]:
    """Yields revisions that cannot be read or do not match their hash, and ids that no version made."""
    unreadable, changed, odd = [], [], []
    last = 0
    query = (
        sa.select(revisions.c.pk.label("at"), articles.c.source, articles.c.id, articles.c.uid)
        .add_columns(revisions.c.published, revisions.c.updated, revisions.c.data, revisions.c.content_hash)
        .join(articles, articles.c.pk == revisions.c.article)
        .order_by(revisions.c.pk)
        .limit(_BATCH)
    )
    while rows := _some(database, query.where(revisions.c.pk > last)):
        for row in rows:
            place = f"{row.source}: {row.id}"
            try:
                content_hash = hash_of(decoded(row))
            except (DamagedStore, TypeError, ValueError):
                unreadable.append(place)
                continue
            if is_of_this_version(row.content_hash) and content_hash != row.content_hash:
                changed.append(place)
            if row.uid != row.id and not _URN.fullmatch(row.uid):
                odd.append(place)
        last = rows[-1].at
        advance(len(rows))
    for kind, places in {
        "a version of an article that cannot be read": unreadable,
        "a version of an article that does not match its hash": changed,
        "an article with an id that no version of this program makes": odd,
    }.items():
        if places:
            yield _fault(kind, places, _RESTORE)


def _some(database: Database, query: sa.Select[Any]) -> list[sa.Row[Any]]:
    with database.snapshot() as connection:
        return [*connection.execute(query)]


def _index(database: Database) -> Iterator[Fault]:
    if not database.setting(SETTING):
        return
    with database.snapshot() as connection:
        held = database.dialect.search.held(connection)
        query = "SELECT pk FROM articles WHERE indexed IS NOT NULL"
        wanted = set(connection.exec_driver_sql(query).scalars())
        lacking = [f"article {pk}" for pk in sorted(wanted - held)]
        further = [f"article {pk}" for pk in sorted(held - wanted)]
    if lacking:
        yield _fault("an article that the search index lacks", lacking, _SEARCH)
    if further:
        yield _fault("an article that should not be in the search index", further, _SEARCH)


def _fault(kind: str, places: list[str], advice: str) -> Fault:
    return Fault(kind=kind, count=len(places), places=tuple(places[:_MOST]), advice=advice)
