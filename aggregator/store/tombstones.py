"""Records of erased articles, as they are published: digests, and when.

A store that was lost, or restored from an older backup, learns from them which articles must not come back.
They reveal nothing of an article. Of two records of one article the newer counts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import sqlalchemy as sa

from aggregator.store.article_states import FORGOTTEN, FOUND, WITHDRAWN
from aggregator.store.changed_ids import Identity
from aggregator.store.database import Database, remember
from aggregator.store.edits import Found
from aggregator.store.known_ids import ALIASES
from aggregator.store.published_ids import uuid_of
from aggregator.store.raw_sql import insert_rows
from aggregator.store.schema import aliases, articles, settings
from aggregator.store.stored_article import ERASED
from aggregator.store.write_transaction import WriteTransaction

__all__ = ["Tombstone", "Tombstones", "insert_forgotten"]

MAX_TOMBSTONES = 100_000
_SETTING = "tombstones"
_HEAD = "# Digests of articles that were forgotten, so that they do not come back; keep this file.\n"
_LINE = re.compile(
    r"([0-9a-f]{32}) (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z) (forgotten|recalled)((?: [0-9a-f]{32}){0,64})"
)
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """The record of an article: when it was erased or recalled; `marks`: digests that recognise it under
    other ids.
    """

    when: str
    is_recalled: bool = False
    marks: frozenset[str] = frozenset()


class Tombstones:
    """The part of the store that keeps records of erased articles, by digests of published ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def text(self) -> str:
        """Returns all records as the text of a file; "" if there are none."""
        return self._database.setting(_SETTING) or ""

    def record(self, pks: Collection[int], now: datetime, *, is_recalled: bool = False) -> None:
        """Records that these articles were erased, or recalled, at `now`."""
        of_them = sa.select(articles.c.pk, articles.c.uid).where(articles.c.pk.in_(pks))
        marks = sa.select(aliases.c.article, aliases.c.alias).where(aliases.c.article.in_(pks))
        with self._database.transaction() as connection:
            by_pk: dict[int, set[str]] = {pk: set() for pk in pks}
            for row in connection.execute(marks):
                if row.alias.startswith(ERASED):
                    by_pk[row.article].add(row.alias.removeprefix(ERASED).partition(".")[0])
            known = _read(_stored(connection))
            for row in connection.execute(of_them):
                known[_digest(row.uid)] = Tombstone(
                    when=f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                    is_recalled=is_recalled,
                    marks=frozenset() if is_recalled else frozenset(sorted(by_pk[row.pk])[:64]),
                )
            remember(connection, _SETTING, _written(known))

    def merge(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Stores the records of such a text that are newer; invalid lines are skipped.

        Returns the published ids of stored articles that are to be erased, and of those to be recalled.
        """
        if text == self.text():
            return (), ()
        with self._database.transaction() as connection:
            known = _read(_stored(connection))
            newer = {
                digest: found
                for digest, found in _read(text).items()
                if digest not in known or found.when > known[digest].when
            }
            if not newer:
                return (), ()
            remember(connection, _SETTING, _written(known | newer))
            forgotten, recalled = [], []
            for row in connection.execute(sa.select(articles.c.uid, articles.c.state)):
                found = newer.get(_digest(row.uid))
                if found is None:
                    continue
                if found.is_recalled and row.state == FORGOTTEN:
                    recalled.append(row.uid)
                elif not found.is_recalled and row.state in (FOUND, WITHDRAWN):
                    forgotten.append(row.uid)
        return tuple(forgotten), tuple(recalled)


def insert_forgotten(writing: WriteTransaction, source: str, found: Sequence[Found]) -> None:
    """Inserts those of these articles as forgotten that are recorded as erased and not in the store."""
    text = writing.setting(_SETTING) if found else None
    if not text:
        return
    connection, now = writing.connection, writing.now
    known, by_mark = _buried(text)
    for start in range(0, len(found), _BATCH):
        some = {each.article.id: each.article for each in found[start : start + _BATCH]}
        stored = sa.select(articles.c.id).where(articles.c.source == source, articles.c.id.in_([*some]))
        for id_ in {*some}.difference(connection.scalars(stored)):
            article = some[id_]
            made = uuid_of(source, id_)
            uid = next((each for each in (made, id_) if _digest(each) in known), None)
            digest = _digest(uid) if uid else None
            if digest is None:
                digests = sorted(Identity.of(article).digests())
                digest = next((by_mark[mark] for mark in digests if mark in by_mark), None)
            if digest is None:
                continue
            moment = min(article.published or now, now)
            if connection.scalar(sa.select(articles.c.pk).where(articles.c.uid == (uid or made))) is not None:
                continue  # an article of another source has that id
            pk = writing.number(articles)
            row = {"pk": pk, "source": source, "id": id_, "uid": uid or made, "state": FORGOTTEN, "edits": 0}
            dates = {"published": moment, "updated": moment, "first_seen": now}
            connection.execute(articles.insert().values(**row, **dates, fingerprint="", file=""))
            marks = [(source, f"{ERASED}{mark}", pk) for mark in sorted(known[digest].marks)]
            insert_rows(connection, ALIASES, marks, known="DO NOTHING")


@lru_cache(maxsize=1)  # called for each source with articles, mostly with the same text
def _buried(text: str) -> tuple[Mapping[str, Tombstone], Mapping[str, str]]:
    """Returns the records of erased articles by digest, and these digests by the articles' marks."""
    known = {digest: each for digest, each in _read(text).items() if not each.is_recalled}
    return known, {mark: digest for digest, each in known.items() for mark in each.marks}


def _stored(connection: sa.Connection) -> str:
    return connection.scalar(sa.select(settings.c.value).where(settings.c.name == _SETTING)) or ""


def _digest(uid: str) -> str:
    return hashlib.blake2b(uid.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _read(text: str) -> dict[str, Tombstone]:
    found: dict[str, Tombstone] = {}
    for line in text.splitlines()[: MAX_TOMBSTONES + 1]:
        if match := _LINE.fullmatch(line):
            made = Tombstone(
                when=match[2], is_recalled=match[3] == "recalled", marks=frozenset(match[4].split())
            )
            if match[1] not in found or found[match[1]].when <= made.when:
                found[match[1]] = made
    return found


def _written(known: Mapping[str, Tombstone]) -> str:
    lines = [
        " ".join((digest, each.when, "recalled" if each.is_recalled else "forgotten", *sorted(each.marks)))
        for digest, each in sorted(known.items())
    ]
    return _HEAD + "".join(f"{line}\n" for line in lines) if lines else ""
