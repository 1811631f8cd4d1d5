"""An article as the store returns it, and the queries that read it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from aggregator.errors import DamagedStore
from aggregator.model.article import Article
from aggregator.model.article_json import Unreadable, unpack
from aggregator.model.struct import Struct, field
from aggregator.store.article_json import has_link
from aggregator.store.changed_ids import digest_of_link
from aggregator.store.column_types import moment
from aggregator.store.raw_sql import fetch_rows_of_each
from aggregator.store.schema import aliases, articles, decisions, revisions, sources

__all__ = [
    "ERASED",
    "JUDGED",
    "NEWEST_REVISION",
    "OF_ANY_SOURCE",
    "REVISION",
    "RecentArticles",
    "StoredArticle",
    "decoded",
    "from_row",
    "is_named",
    "of_newest",
]

MAX_BYTES = 8 * 1024 * 1024
"""The bytes of articles' texts in the cache; with what is rendered from them, about six times as much."""

_LEAST_BYTES = 1_000

JUDGED = "judged"
"""The key in `StoredArticle.made` of what rules said of a new article where it was read (`Found.judged`)."""

ERASED = "erased:"
"""The prefix of aliases that are digests of marks and links of a forgotten or pruned article."""


class StoredArticle(Struct, kw_only=True, eq=False):
    """A stored article.

    - `uid`: its published id, which never changes.
    - `published`, `updated`: its dates; `first_seen`: when it was stored.
    - `pk`, `revision`: the numbers of its row, and of the row with its content.
    - `decision`: the result of rules, as JSON; None: no rule matched.
    - `is_dated`: its source gave a date of publication.
    """

    uid: str
    article: Article
    published: datetime
    updated: datetime
    first_seen: datetime
    pk: int = 0
    revision: int = 0
    decision: str | None = None
    is_dated: bool = True
    made: dict[str, Any] = field(default_factory=dict)
    """A cache of what was made from it, for code that gets the same object again from `RecentArticles`."""

    def __eq__(self, other: object) -> bool:
        """Whether all but `made` is equal."""
        return isinstance(other, StoredArticle) and _facts(self) == _facts(other)


_facts = attrgetter(*(name for name in StoredArticle.__struct_fields__ if name != "made"))

_DECISION = sa.select(decisions.c.data).where(decisions.c.article == articles.c.pk).scalar_subquery()
REVISION: tuple[sa.ColumnElement[Any], ...] = (
    *(articles.c.pk, articles.c.uid, articles.c.source, articles.c.id, articles.c.first_seen),
    articles.c.given,
    *(revisions.c.pk.label("revision"), revisions.c.published, revisions.c.updated, revisions.c.data),
    _DECISION.label("decision"),
)
"""The columns of an article and one of its revisions that `from_row` expects."""

NEWEST_REVISION = revisions.c.pk == articles.c.revision
"""The condition that joins an article with its newest revision."""

OF_ANY_SOURCE = articles.c.source.in_(sa.select(sources.c.name).correlate(None))
"""A condition that every article meets: with it, SQLite uses indexes that begin with the source."""


def is_named(name: str) -> sa.ColumnElement[bool]:
    """Returns a condition: the article has this link, also in a stored earlier version, or this id.

    Forgotten articles are found by their links too.
    """
    of_link = sa.select(revisions.c.article).where(has_link(revisions.c.data, name))
    of_alias = sa.select(aliases.c.article).where(
        sa.or_(aliases.c.alias == name, aliases.c.alias.startswith(f"{ERASED}{digest_of_link(name)}"))
    )
    own = (articles.c.uid == name, sa.and_(articles.c.id == name, OF_ANY_SOURCE))
    return sa.or_(*own, articles.c.pk.in_(of_link), articles.c.pk.in_(of_alias))


def of_newest(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Returns a query for articles with their newest revisions and these further columns, without pruned
    ones.

    Articles whose newest revision is missing are included, so that `from_row` reports them.
    """
    query = sa.select(*REVISION, *columns).join_from(articles, revisions, NEWEST_REVISION, isouter=True)
    return query.where(articles.c.revision.is_not(None))


def from_row(row: sa.Row[Any]) -> StoredArticle:
    """Converts a row of `REVISION`. Raises DamagedStore."""
    return StoredArticle(
        pk=row.pk,
        revision=row.revision,
        uid=row.uid,
        article=decoded(row),
        published=row.published,
        updated=row.updated,
        first_seen=row.first_seen,
        decision=row.decision,
        is_dated=_is_dated(row.given),
    )


_REVISIONS = """
    SELECT r.pk, a.pk, a.uid, a.source, a.id, a.first_seen, a.given, r.published, r.updated, r.data, d.data
    FROM revisions AS r JOIN articles AS a ON a.pk = r.article LEFT JOIN decisions AS d ON d.article = a.pk
    WHERE r.pk IN ({})
"""
# As text, SQLite's driver would decode the articles, and `unpack` encode them again.
_REVISIONS_OF_SQLITE = _REVISIONS.replace("r.data", "CAST(r.data AS BLOB)")


class RecentArticles:
    """A cache of the articles that were read last, by the numbers of their revisions.

    An article is in the feed of its category, in `all`, and in archives of both: if these are written in the
    order of dates, it is read and decoded once. `max_bytes`: the largest total of articles' texts.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._left_bytes = max_bytes
        self._known: OrderedDict[int, StoredArticle] = OrderedDict()

    def read(self, connection: sa.Connection, numbers: Sequence[int]) -> tuple[StoredArticle, ...]:
        """Returns the articles of these revisions, in their order. Raises DamagedStore."""
        known = self._known
        wanted = dict.fromkeys(numbers)
        found = {number: known[number] for number in wanted if number in known}
        for number in found:
            known.move_to_end(number)
        for made in _read(connection, [number for number in wanted if number not in found]):
            found[made.revision] = known[made.revision] = made
            self._left_bytes -= _size(made)
        while self._left_bytes < 0 and len(known) > 1:
            self._left_bytes += _size(known.popitem(last=False)[1])
        try:
            return tuple([found[number] for number in numbers])
        except KeyError as error:
            raise _lost(connection, error.args[0]) from None


def _read(connection: sa.Connection, numbers: Sequence[int]) -> Iterator[StoredArticle]:
    """Yields the articles of these revisions. Raises DamagedStore."""
    query = _REVISIONS_OF_SQLITE if connection.dialect.name == "sqlite" else _REVISIONS
    seen, seen_at = None, None  # of many articles one run was the first that saw them
    for (
        revision,
        pk,
        uid,
        source,
        own_id,
        first_seen,
        given,
        published,
        updated,
        data,
        decision,
    ) in fetch_rows_of_each(connection, query, numbers):
        if seen_at is None or first_seen != seen:
            seen, seen_at = first_seen, moment(first_seen)
        date = moment(published)
        changed = date if updated == published else moment(updated)
        try:
            article = unpack(data, source=source, id=own_id, published=date, updated=changed)
        except Unreadable as error:
            raise _damaged(own_id, source, error) from error
        yield StoredArticle(
            pk=pk,
            revision=revision,
            uid=uid,
            article=article,
            published=date,
            updated=changed,
            first_seen=seen_at,
            decision=decision,
            is_dated=_is_dated(given),
        )


def _is_dated(given: str | None) -> bool:
    return '"published": null' not in (given or "")


def _lost(connection: sa.Connection, number: int) -> DamagedStore:
    """Returns the error for a missing revision; it names the article if it is the newest revision of one."""
    of_it = sa.select(articles.c.id, articles.c.source).where(articles.c.revision == number)
    if (row := connection.execute(of_it).first()) is None:
        return DamagedStore(f"the revision {number}, which a full archive shows", "it is lost")
    return _damaged(row.id, row.source, "its newest revision is lost")


def _damaged(own_id: object, source: object, cause: object) -> DamagedStore:
    return DamagedStore(f"the article {own_id!r} of source {source!r} in the store", cause)


def _size(stored: StoredArticle) -> int:
    return _LEAST_BYTES + len(stored.article.content) + len(stored.article.summary)


def decoded(row: sa.Row[Any]) -> Article:
    """Decodes the article of a row. Raises DamagedStore."""
    if row.data is None:
        raise _damaged(row.id, row.source, "its newest revision is lost")
    try:
        return unpack(row.data, source=row.source, id=row.id, published=row.published, updated=row.updated)
    except Unreadable as error:
        raise _damaged(row.id, row.source, error) from error
