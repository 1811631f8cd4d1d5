"""Finds which articles are stored already: by id, by earlier ids, or by other marks that they share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from aggregator.model.article import Article
from aggregator.model.article_json import title_and_link, unpack
from aggregator.model.struct import replace
from aggregator.store import source_dates
from aggregator.store.article_states import FORGOTTEN, FOUND, PRUNED, WITHDRAWN
from aggregator.store.changed_ids import Identity, host_of, matched, normalised_addresses
from aggregator.store.edits import Found
from aggregator.store.raw_sql import insert_rows
from aggregator.store.schema import aliases, articles, revisions, sources
from aggregator.store.stored_article import ERASED, NEWEST_REVISION, REVISION, decoded

__all__ = ["ALIASES", "MAX_CANDIDATES", "KnownIds", "as_dated_by_source"]

MAX_CANDIDATES = 2_000
"""How many of a source's newest articles are compared: without a limit, polls would get slower each year."""

MAX_ALIASES = 20
"""How many ids of one article are stored: some feeds make a new one with every poll."""

ALIASES = "aliases (source, alias, article)"
_BATCH = 500
_ENDED = frozenset((PRUNED, FORGOTTEN))

# Built once: building a statement takes SQLAlchemy several times as long as running it takes SQLite.
_SOURCE: sa.BindParameter[str] = sa.bindparam("of_source")
_IDS: sa.BindParameter[list[str]] = sa.bindparam("some_ids", expanding=True)
_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    *(*REVISION, articles.c.state, articles.c.edits, articles.c.fingerprint, articles.c.reader_version),
    *(articles.c.file, revisions.c.content_hash),
)
_ROWS = sa.select(*_COLUMNS).join_from(
    articles, revisions, revisions.c.pk == articles.c.revision, isouter=True
)
_KNOWN = _ROWS.where(articles.c.source == _SOURCE)
_BY_ID = _KNOWN.where(articles.c.id.in_(_IDS))
_BY_ALIAS = (
    _KNOWN.add_columns(aliases.c.alias)
    .join(aliases, aliases.c.article == articles.c.pk)
    .where(aliases.c.source == _SOURCE, aliases.c.alias.in_(_IDS))
)
# Without the source, whose index SQLite would use instead of the numbers.
_BY_PK = _ROWS.where(articles.c.pk.in_(sa.bindparam("some_articles", expanding=True)))
_NEWEST = (
    sa.select(articles.c.pk, articles.c.id, revisions.c.data)
    .join_from(articles, revisions, NEWEST_REVISION)
    .where(articles.c.source == _SOURCE, articles.c.state.in_((FOUND, WITHDRAWN)))
    .order_by(articles.c.published.desc())
    .limit(sa.bindparam("so_many"))
)
_NEWEST_DATA = (
    sa.select(revisions.c.data)
    .join(articles, NEWEST_REVISION)
    .where(articles.c.source == _SOURCE, articles.c.state == FOUND)
    .order_by(articles.c.published.desc())
    .limit(1)
)
_HAS_ERASED = sa.select(
    sa.exists().where(aliases.c.source == _SOURCE, aliases.c.alias.between(ERASED, f"{ERASED}g"))
)
_ADDRESSES = sa.select(sources.c.address, sources.c.moved_to).where(sources.c.name == _SOURCE)
_ALIASES = sa.select(sa.func.count()).where(aliases.c.article == sa.bindparam("of_article"))


class KnownIds:
    """Finds the stored articles of one source that the documents of one poll contain.

    - `present`: fingerprints of entries that are in the documents but not in `found`, because they are
      unchanged.
    - `moving_to`: the address that the source permanently redirects to.
    """

    def __init__(
        self,
        connection: sa.Connection,
        source: str,
        found: Sequence[Found],
        present: Collection[str] = (),
        moving_to: str | None = None,
    ) -> None:
        self._connection = connection
        self._source = source
        self._ids = frozenset(f.article.id for f in found)
        self._present = present
        self._moving_to = moving_to
        self._met: set[int] = set()

    def rows(self, found: Sequence[Found]) -> dict[str, sa.Row[Any]]:
        """Returns the stored articles that have these ids, or had one of them before, by id.

        If the documents have two entries for one article, only the one with its current id is that article.
        """
        asked = {"of_source": self._source, "some_ids": [f.article.id for f in found]}
        known = {row.id: row for row in self._connection.execute(_BY_ID, asked)}
        self._met.update(row.pk for row in known.values())
        if len(known) == len(found):
            return known
        for row in self._connection.execute(_BY_ALIAS, asked).all():
            if row.alias in known:
                continue
            if row.state not in _ENDED and not self._is_gone(row):
                is_it = (aliases.c.source == self._source) & (aliases.c.alias == row.alias)
                self._connection.execute(aliases.delete().where(is_it))
                continue
            known[row.alias] = row
            self._met.add(row.pk)
        return known

    def renamed(self, found: Sequence[Found]) -> dict[str, sa.Row[Any]]:
        """Returns stored articles that have got new ids, by new id, and stores these as aliases."""
        if not found:
            return {}
        known = {f.article.id: row for f, row in self._drifted(found)}
        known |= {
            f.article.id: row for f, row in self._erased([f for f in found if f.article.id not in known])
        }
        for id_, row in known.items():
            self._remember(id_, row)
        return known

    def _is_gone(self, row: sa.Row[Any]) -> bool:
        """Returns whether the documents have no other entry for an article; a changed file says nothing
        about others.
        """
        if row.file:
            return bool(row.state == WITHDRAWN)
        is_there = row.id in self._ids or (row.fingerprint and row.fingerprint in self._present)
        return not is_there and row.pk not in self._met

    def _drifted(self, found: Sequence[Found]) -> Iterator[tuple[Found, sa.Row[Any]]]:
        hosts = self._hosts(f.article for f in found)
        new = [Identity.of(f.article, hosts) for f in found]
        rows = self._candidates(new, hosts)
        old = [Identity.of(as_dated_by_source(row), hosts) for row in rows]
        for n, o in sorted(matched(new, old, [self._is_gone(row) for row in rows]).items()):
            yield found[n], rows[o]

    def _candidates(self, new: Sequence[Identity], hosts: Collection[str]) -> list[sa.Row[Any]]:
        """Returns the newest stored articles that share an address with a new one, or the title if that
        has no address.
        """
        addresses = frozenset[str]().union(*(each.addresses for each in new))
        titles = {each.article.title for each in new if not each.addresses}
        count = len(self._ids) + len(self._present)
        asked = {"of_source": self._source, "so_many": min(4 * count + 100, MAX_CANDIDATES)}
        chosen = []
        for pk, id_, data in self._connection.execute(_NEWEST, asked):
            title, link = title_and_link(data)
            if title in titles or not addresses.isdisjoint(normalised_addresses(id_, link, hosts)):
                chosen.append(pk)
        rows: list[sa.Row[Any]] = []
        for start in range(0, len(chosen), _BATCH):
            some = chosen[start : start + _BATCH]
            rows += self._connection.execute(_BY_PK, {"some_articles": some})
        return rows

    def _erased(self, found: Sequence[Found]) -> Iterator[tuple[Found, sa.Row[Any]]]:
        if not found or not self._connection.scalar(_HAS_ERASED, {"of_source": self._source}):
            return
        hosts = self._hosts(f.article for f in found)
        by_digest: dict[str, list[Found]] = {}
        for f in found:
            for host in ("", *hosts):
                for digest in Identity.of(f.article, hosts if host else (), host=host).digests():
                    by_digest.setdefault(f"{ERASED}{digest}", []).append(f)
        names = sorted(by_digest)
        for start in range(0, len(names), _BATCH):
            asked = {"of_source": self._source, "some_ids": names[start : start + _BATCH]}
            for row in self._connection.execute(_BY_ALIAS, asked).all():
                for f in by_digest[row.alias]:
                    yield f, row

    def _hosts(self, found: Iterable[Article]) -> frozenset[str]:
        """Returns the hosts that count as one because the source has moved between them; none without a
        move.
        """
        row = self._connection.execute(_ADDRESSES, {"of_source": self._source}).one_or_none()
        addresses = (row.address, row.moved_to, self._moving_to) if row else ()
        hosts = {host for address in addresses if (host := host_of(address or ""))}
        if len(hosts) < 2:
            return frozenset()
        # A feed may be at another host than its site, which moves with it.
        before = self._connection.scalars(_NEWEST_DATA, {"of_source": self._source}).all()
        kept = [unpack(data, source="", id="", published=None, updated=None) for data in before]
        sites = {host_of(article.origin.link or "") for article in (*found, *kept)}
        return frozenset(hosts | sites) - {""}

    def _remember(self, alias: str, row: sa.Row[Any]) -> None:
        if (self._connection.scalar(_ALIASES, {"of_article": row.pk}) or 0) >= MAX_ALIASES:
            if row.state == FORGOTTEN:
                return
            self._connection.execute(aliases.delete().where(aliases.c.article == row.pk))
        is_it = (aliases.c.source == self._source) & (aliases.c.alias == alias)
        self._connection.execute(aliases.delete().where(is_it))
        insert_rows(self._connection, ALIASES, [(self._source, alias, row.pk)])


def as_dated_by_source(row: sa.Row[Any]) -> Article:
    """Returns the article of a row with the date that its source gave; None if it gave none."""
    article = decoded(row)
    given = source_dates.read(row.given)
    return replace(article, published=given["published"]) if "published" in given else article
