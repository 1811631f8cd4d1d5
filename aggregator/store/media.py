"""Records of copies of pictures and recordings: which are wanted, which exist, and which articles show them.

The pictures of an article are stored by its revision, as long as a feed or an archive shows that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from aggregator.model.article import Article
from aggregator.model.media_copies import CopiedFile
from aggregator.model.struct import Struct
from aggregator.store.article_states import FOUND
from aggregator.store.database import Database, remember
from aggregator.store.schema import (
    archive_entries,
    articles,
    feeds,
    media,
    media_uses,
    placements,
    revisions,
    settings,
)
from aggregator.store.stored_article import NEWEST_REVISION, REVISION, from_row

__all__ = ["CopyOutcome", "MediaCounts", "MediaRecords", "WantedFile"]

FACES = "faces"
"""The setting of the store with the pictures of members: each address, its source, and its copy's path.

The path is None without a copy, and "" for a tracking pixel.
"""

_BATCH = 500
_NOTED_AT_ONCE = 5_000
"""How many revisions are searched for pictures at a time. Finding the next ones reads all articles, so the
number is large."""

_NOTED = "media noted"
_PIXEL = ""
_FILE = (media.c.hash, media.c.type, media.c.bytes, media.c.width, media.c.height)

Finds = Callable[[Article], Mapping[str, bool]]
"""Returns the addresses of pictures and recordings in an article, each with whether it is a recording."""


class WantedFile(Struct, frozen=True, kw_only=True):
    """A file to fetch for articles of `source`; `attempts`: how many have failed."""

    address: str
    source: str
    is_recording: bool = False
    attempts: int = 0


class CopyOutcome(Struct, frozen=True, kw_only=True):
    """The result of fetching an address: a copy, a tracking pixel, or an error.

    `due`: when it is tried again; None for never.
    """

    address: str
    file: CopiedFile | None = None
    is_pixel: bool = False
    error: str | None = None
    attempts: int = 0
    due: datetime | None = None


class MediaCounts(Struct, frozen=True, kw_only=True):
    """How many addresses have a copy, wait, are tracking pixels, and were given up; and the `bytes` of all
    copies.
    """

    copied: int = 0
    waiting: int = 0
    pixels: int = 0
    given_up: int = 0
    bytes: int = 0


_IS_PLACED = sa.exists().where(placements.c.article == articles.c.pk)
_IS_UNFILED = sa.exists().where(placements.c.article == articles.c.pk, placements.c.archived.is_(None))


def _of_newest(query: sa.Select[Any]) -> sa.Select[Any]:
    """Joins a query of `media_uses` with the articles whose newest revisions these are, by primary keys."""
    query = query.join(revisions, revisions.c.pk == media_uses.c.revision)
    is_newest = sa.and_(articles.c.pk == revisions.c.article, articles.c.revision == revisions.c.pk)
    return query.join(articles, is_newest)


_SHOWN_NOW = _of_newest(sa.select(media_uses.c.address)).where(_IS_PLACED)
_SHOWN_IN_ARCHIVES = (
    sa.select(media_uses.c.address)
    .join(archive_entries, archive_entries.c.revision == media_uses.c.revision)
    .where(sa.not_(archive_entries.c.is_hidden))
)
_IS_SHOWN = sa.or_(media.c.address.in_(_SHOWN_NOW), media.c.address.in_(_SHOWN_IN_ARCHIVES))
_IS_KNOWN = media.c.address.in_(sa.select(media_uses.c.address))
_ARTICLES = sa.select(*REVISION).join_from(articles, revisions, NEWEST_REVISION)
_OF_FILES = (
    sa.select(media.c.hash, sa.func.max(media.c.bytes).label("bytes"))
    .where(media.c.hash.is_not(None))
    .group_by(media.c.hash)
    .subquery()
)


class MediaRecords:
    """The part of the store that keeps records of copies; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, finds: Finds, since: datetime | None, mark: str, now: datetime) -> int:
        """Stores which files some articles show, the newest articles first; returns the number of articles.

        Only for articles that were published after `since` and are not in full archives. 0: all are done. If
        `mark` differs from the last call, `finds` has changed, and all articles are searched again.
        """
        with self._database.snapshot() as connection:
            state = f"{mark} {connection.scalar(sa.select(sa.func.sum(feeds.c.generation)))}"
        if (known := self._database.setting(_NOTED)) == state:
            return 0
        query = sa.select(articles.c.pk, articles.c.revision).where(articles.c.revision.is_not(None))
        query = query.where(_IS_UNFILED, articles.c.illustrated.is_distinct_from(articles.c.revision))
        query = query.where(articles.c.state == FOUND).order_by(articles.c.published.desc(), articles.c.pk)
        if since is not None:
            query = query.where(articles.c.published >= since)
        with self._database.transaction() as connection:
            if known is None or not known.startswith(f"{mark} "):
                remember(connection, _NOTED, f"{mark} ")
                are_noted = articles.c.illustrated.is_not(None)
                connection.execute(articles.update().where(are_noted).values(illustrated=None))
            found = connection.execute(query.limit(_NOTED_AT_ONCE)).all()
            for some in _batches(found):
                numbers = [each.revision for each in some]
                rows = connection.execute(_ARTICLES.where(revisions.c.pk.in_(numbers))).all()
                shown = {row.revision: finds(from_row(row).article) for row in rows}
                # Also if a revision is missing: it is stored as showing nothing.
                self._note(connection, shown, [each.pk for each in some], now)
            if len(found) < _NOTED_AT_ONCE:
                remember(connection, _NOTED, state)
        return len(found)

    def _note(
        self,
        connection: sa.Connection,
        shown: Mapping[int, Mapping[str, bool]],
        pks: Sequence[int],
        now: datetime,
    ) -> None:
        connection.execute(media_uses.delete().where(media_uses.c.revision.in_(shown)))
        wanted = {
            address: is_recording for found in shown.values() for address, is_recording in found.items()
        }
        known = set[str]()
        for some in _batches(sorted(wanted)):
            known |= {*connection.scalars(sa.select(media.c.address).where(media.c.address.in_(some)))}
        new = [
            {"address": address, "is_recording": is_recording, "attempts": 0, "due": now}
            for address, is_recording in wanted.items()
            if address not in known
        ]
        if new:
            connection.execute(media.insert(), new)
        uses = [{"revision": pk, "address": address} for pk, found in shown.items() for address in found]
        if uses:
            connection.execute(media_uses.insert(), uses)
        noted = articles.update().where(articles.c.pk.in_(pks))
        connection.execute(noted.values(illustrated=articles.c.revision))

    def due(self, since: datetime | None, now: datetime, limit: int) -> tuple[WantedFile, ...]:
        """Returns what to fetch now for articles in feeds published after `since`, for the newest articles
        first.
        """
        newest = sa.func.max(articles.c.published)
        wanted = sa.select(media.c.address, media.c.attempts, media.c.is_recording)
        wanted = wanted.join(media_uses, media_uses.c.address == media.c.address)
        query = (
            _of_newest(wanted)
            .add_columns(sa.func.min(articles.c.source).label("source"))
            .where(media.c.due <= now, _IS_PLACED)
            .group_by(media.c.address, media.c.attempts, media.c.is_recording)
            .order_by(newest.desc(), media.c.address)
            .limit(limit)
        )
        if since is not None:
            query = query.where(articles.c.published >= since)
        with self._database.snapshot() as connection:
            return tuple(WantedFile(**row._mapping) for row in connection.execute(query))

    def record(self, outcomes: Sequence[CopyOutcome], now: datetime) -> None:
        """Stores the results of fetching; feeds whose articles look different now become stale."""
        if not outcomes:
            return
        with self._database.transaction() as connection:
            for each in outcomes:
                found = each.file
                values: dict[str, Any] = {"attempts": each.attempts, "due": each.due, "error": each.error}
                if found is not None:
                    values |= {name: getattr(found, name) for name in ("hash", "type", "bytes")}
                    values |= {"width": found.width, "height": found.height, "fetched": now}
                elif each.is_pixel:
                    values |= {"type": _PIXEL, "fetched": now}
                connection.execute(media.update().where(media.c.address == each.address).values(values))
            _renew(connection, [o.address for o in outcomes if o.is_pixel or o.file is not None])

    def of(self, numbers: Collection[int]) -> dict[int, dict[str, CopiedFile | None]]:
        """Returns the copies of files that these revisions show, by address; None for a tracking pixel."""
        found: dict[int, dict[str, CopiedFile | None]] = {}
        query = sa.select(media_uses.c.revision, media.c.address, *_FILE).join(
            media, media.c.address == media_uses.c.address
        )
        query = query.where(media.c.type.is_not(None)).order_by(media_uses.c.revision, media.c.address)
        with self._database.snapshot() as connection:
            for some in _batches(sorted(numbers)):
                for row in connection.execute(query.where(media_uses.c.revision.in_(some))):
                    found.setdefault(row.revision, {})[row.address] = _file(row)
        return found

    def marks(self) -> dict[str, str]:
        """Returns, by the published id of each article with copies, a text that changes with the copies."""
        of_media = sa.select(media.c.address, media.c.hash)
        of_media = of_media.join(media_uses, media_uses.c.address == media.c.address)
        query = (
            _of_newest(of_media)
            .add_columns(articles.c.uid)
            .where(media.c.type.is_not(None), _IS_PLACED)
            .order_by(articles.c.uid, media.c.address)
        )
        with self._database.snapshot() as connection:
            return {
                uid: _digest([(row.address, row.hash) for row in rows])
                for uid, rows in groupby(connection.execute(query), key=lambda row: str(row.uid))
            }

    def counts(self) -> MediaCounts:
        """Returns how many addresses are in which state, and the bytes of all copies."""
        counted = {
            "copied": media.c.hash.is_not(None),
            "waiting": media.c.due.is_not(None),
            "pixels": media.c.type == _PIXEL,
            "given_up": sa.and_(media.c.due.is_(None), media.c.type.is_(None)),
        }
        query = sa.select(
            *(sa.func.count().filter(is_it).label(name) for name, is_it in counted.items())
        ).select_from(media)
        with self._database.snapshot() as connection:
            row = connection.execute(query).one()
            return MediaCounts(**row._mapping, bytes=_bytes(connection))

    def files(self) -> tuple[CopiedFile, ...]:
        """Returns every copy, once."""
        query = sa.select(*_FILE).where(media.c.hash.is_not(None)).order_by(media.c.hash)
        with self._database.snapshot() as connection:
            found = {row.hash: _file(row) for row in connection.execute(query)}
        return tuple(file for file in found.values() if file is not None)

    def lost(self, hashes: Collection[str], now: datetime) -> None:
        """Records that files are missing or damaged: articles show the originals until they are fetched
        again.
        """
        with self._database.transaction() as connection:
            for some in _batches(sorted(hashes)):
                these = media.c.hash.in_(some)
                addresses = connection.scalars(sa.select(media.c.address).where(these)).all()
                connection.execute(
                    media.update().where(these).values(hash=None, type=None, due=now, attempts=0, bytes=None)
                )
                _renew(connection, addresses)

    def let_go(self, now: datetime, keep: timedelta, max_bytes: int) -> frozenset[str]:
        """Deletes records of copies that nothing shows any more; returns the hashes whose files may be
        deleted.

        Copies that no version of an article shows are deleted at once; those that are not published, after
        `keep`. If all copies together have more than `max_bytes`, unpublished ones are deleted earlier, the
        longest unused first.
        """
        with self._database.transaction() as connection:
            before = {*connection.scalars(sa.select(_OF_FILES.c.hash))}
            is_shown = sa.or_(_IS_SHOWN, media.c.address.in_(wanted_faces(connection)))
            connection.execute(
                media.update().where(media.c.unused.is_(None), sa.not_(is_shown)).values(unused=now)
            )
            connection.execute(
                media.update().where(media.c.unused.is_not(None), is_shown).values(unused=None)
            )
            is_over = sa.or_(sa.not_(_IS_KNOWN), media.c.unused <= now - keep)
            gone = [
                *connection.scalars(sa.select(media.c.address).where(media.c.unused.is_not(None), is_over))
            ]
            _forget(connection, gone)
            oldest = sa.select(media.c.address).where(media.c.unused.is_not(None), media.c.hash.is_not(None))
            oldest = oldest.order_by(media.c.unused, media.c.address).limit(_BATCH)
            while _bytes(connection) > max_bytes and (some := connection.scalars(oldest).all()):
                for address in some:
                    _forget(connection, [address])
                    if _bytes(connection) <= max_bytes:
                        break
            return frozenset(before - {*connection.scalars(sa.select(_OF_FILES.c.hash))})

    def any(self) -> bool:
        """Returns whether there are any records of copies."""
        with self._database.snapshot() as connection:
            return connection.scalar(sa.select(media.c.address).limit(1)) is not None

    def forget_all(self) -> None:
        """Deletes all records, when copies are switched off."""
        with self._database.transaction() as connection:
            for table in (media_uses, media):
                connection.execute(table.delete())
            are_noted = articles.c.illustrated.is_not(None)
            connection.execute(articles.update().where(are_noted).values(illustrated=None))
            remember(connection, _NOTED, "")


def wanted_faces(connection: sa.Connection) -> dict[str, tuple[str, str | None]]:
    """Returns the wanted pictures of members, from the setting; none if it cannot be read."""
    text = connection.scalar(sa.select(settings.c.value).where(settings.c.name == FACES))
    try:
        return {address: (str(source), path) for address, (source, path) in json.loads(text or "{}").items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def copies_at(connection: sa.Connection, addresses: Collection[str]) -> dict[str, str | None]:
    """Returns the known ones of these addresses, each with the path of its copy, as in the setting
    `FACES`.
    """
    found: dict[str, str | None] = {}
    query = sa.select(media.c.address, *_FILE)
    for some in _batches(sorted(addresses)):
        for row in connection.execute(query.where(media.c.address.in_(some))):
            file = _file(row)
            found[row.address] = file.path if file else "" if row.type == _PIXEL else None
    return found


def _forget(connection: sa.Connection, addresses: Sequence[str]) -> None:
    """Deletes records of addresses; if their article is published again, they are stored again."""
    for some in _batches(addresses):
        theirs = media_uses.c.address.in_(some)
        of_these = sa.select(revisions.c.article).join(media_uses, media_uses.c.revision == revisions.c.pk)
        noted = articles.update().where(articles.c.pk.in_(of_these.where(theirs)))
        connection.execute(noted.values(illustrated=None))
        connection.execute(media_uses.delete().where(theirs))
        connection.execute(media.delete().where(media.c.address.in_(some)))


def _renew(connection: sa.Connection, addresses: Sequence[str]) -> None:
    """Marks feeds as stale that have articles which show these addresses."""
    stale = set[int]()
    shown = _of_newest(sa.select(placements.c.feed).select_from(media_uses))
    of_articles = shown.join(placements, placements.c.article == articles.c.pk).distinct()
    for some in _batches(addresses):
        stale |= {*connection.scalars(of_articles.where(media_uses.c.address.in_(some)))}
    for numbers in _batches(sorted(stale)):
        these = feeds.update().where(feeds.c.pk.in_(numbers))
        connection.execute(these.values(generation=feeds.c.generation + 1))


def _bytes(connection: sa.Connection) -> int:
    return int(connection.scalar(sa.select(sa.func.sum(_OF_FILES.c.bytes))) or 0)


def _file(row: Any) -> CopiedFile | None:
    if row.hash is None:
        return None
    return CopiedFile(hash=row.hash, type=row.type, bytes=row.bytes, width=row.width, height=row.height)


def _digest(facts: object) -> str:
    return hashlib.blake2b(repr(facts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _batches(values: Sequence[Any]) -> list[Sequence[Any]]:
    return [values[start : start + _BATCH] for start in range(0, len(values), _BATCH)]
