"""The sources: what is known from earlier polls; saves each poll completely or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

from aggregator.config.load import Source
from aggregator.model.struct import replace
from aggregator.normalise.links import without_login
from aggregator.schedule.health import PollRecord
from aggregator.schedule.state import PollState
from aggregator.store.article_changes import CURRENT, ArticleChanges
from aggregator.store.article_json import OriginOf, origin_face, origin_link
from aggregator.store.article_states import FOUND
from aggregator.store.column_types import Instant
from aggregator.store.commits import PollCommits
from aggregator.store.database import Database, remember
from aggregator.store.due_sources import POLLED
from aggregator.store.leases import Hold, check
from aggregator.store.poll_rows import following_poll, row_of, statements
from aggregator.store.raw_sql import change_rows
from aggregator.store.rebuilding import REBUILT
from aggregator.store.records import Saved, SourceRecord, Update
from aggregator.store.schema import articles, followed, revisions, settings, sources
from aggregator.store.sources_outside_config import mark_in
from aggregator.store.stored_article import NEWEST_REVISION, decoded
from aggregator.store.story_changes import NO_STORIES, StoryRules
from aggregator.store.write_transaction import Judge, WriteTransaction, by_categories

_NAMES_AT_ONCE = 500
_NEWEST_SUCCESSES = 5_000
_Key = TypeVar("_Key")


class Sources:
    """The part of the store that knows sources; every method is one transaction."""

    def __init__(
        self, database: Database, judge: Judge = by_categories, rules: StoryRules = NO_STORIES
    ) -> None:
        self._database = database
        self.judge = judge
        self._rules = rules
        self._commits = PollCommits(database, judge, rules)
        self._hold: Hold | None = None

    def holding(self, hold: Hold) -> Sources:
        """Returns the same for a worker that polls a shard; saving raises LeaseLost once another worker
        has it.
        """
        bound = copy(self)
        bound._hold = hold
        return bound

    @contextmanager
    def _saving(self, *, brief: bool = False) -> Iterator[sa.Connection]:
        with self._database.row_transaction() if brief else self._database.transaction() as connection:
            if self._hold is not None:
                check(connection, self._hold)
            yield connection

    def adopt(self, configured: Sequence[Source], now: datetime) -> None:
        """Brings the store in line with the config: new sources, changed categories, removed sources.

        Articles of removed sources are kept, leave the feeds, and return with the source. A source whose
        address changed is read again, unless it has moved there. Logins in addresses are not stored. Sources
        of the store that are not in `configured` are not changed.
        """
        names = {source.name for source in configured}
        with self._database.transaction() as connection:
            self._adopt(connection, configured, now)
            followed_as = _digest_of(names, mark_in(connection))
            if connection.scalar(_ADOPTED_AS) == followed_as:
                return  # of a million sources, none has to be looked at
            for name in connection.scalars(_NOT_FOLLOWED).all():
                if name not in names and name != REBUILT:
                    connection.execute(sources.update().where(sources.c.name == name).values(active=False))
                    self._leave_feeds(connection, name, now)
            remember(connection, _ADOPTED_SETTING, followed_as)

    def adopt_more(self, followed: Sequence[Source], now: datetime) -> None:
        """Updates some sources that are in the store and not in the config: new ones, and new settings."""
        with self._database.transaction() as connection:
            self._adopt(connection, followed, now)

    def _adopt(self, connection: sa.Connection, configured: Sequence[Source], now: datetime) -> None:
        for batch in _batches(configured):
            query = _ADOPTED.where(sources.c.name.in_([source.name for source in batch]))
            known = {row.name: row for row in connection.execute(query)}
            new: list[dict[str, Any]] = []
            for source in batch:
                row = known.get(source.name)
                address = without_login(source.address)
                is_there = row is not None and without_login(row.address) == address
                wanted = {
                    "address": address,
                    "active": True,
                    "is_enabled": source.enabled,
                    "categories": [*source.categories],
                    "moved_to": row.moved_to if row and is_there and not source.is_bound else None,
                }
                if row is None:
                    new.append({"name": source.name, **wanted, **_UNPOLLED})
                    continue
                changed = {key: value for key, value in wanted.items() if row._mapping[key] != value}
                if changed.keys() <= {"is_enabled"}:
                    if changed:
                        connection.execute(_OF_NAME.values(changed), {"of_source": source.name})
                    continue
                is_there = address in (without_login(row.address), row.moved_to)
                # Reading a folder again costs no server anything, and restores the categories in its files.
                again = _UNREAD if source.path or not is_there else {"body_hash": None}
                connection.execute(
                    sources.update()
                    .where(sources.c.name == source.name)
                    .values(**wanted, **again, shard=None)
                )
                self._recategorise(connection, source.name, row.categories, source.categories, now)
            if new:
                connection.execute(sources.insert(), new)

    def schedules(self, names: Collection[str] | None = None) -> dict[str, PollState]:
        """Returns the poll states of the known sources with these names; None: of all."""
        query = sa.select(sources.c.name, sources.c.schedule)
        batches = [query] if names is None else [query.where(sources.c.name.in_(b)) for b in _batches(names)]
        with self._database.snapshot() as connection:
            return {row.name: row.schedule for batch in batches for row in connection.execute(batch)}

    def states(self, names: Collection[str] | None = None) -> dict[str, SourceRecord]:
        """Returns the records of the known sources with these names; None: of all."""
        query = sa.select(sources.c.name, *_STATE)
        batches = [query] if names is None else [query.where(sources.c.name.in_(b)) for b in _batches(names)]
        with self._database.single() as connection:
            return {
                name: SourceRecord(**dict(zip(SourceRecord.__struct_fields__, values, strict=True)))
                for batch in batches
                for name, *values in connection.execute(batch)
            }

    def successes(self) -> dict[str, datetime]:
        """Returns when each source last succeeded, by name: only the newest thousands."""
        query = sa.select(sources.c.name, sources.c.succeeded).where(sources.c.succeeded.is_not(None))
        query = query.order_by(sources.c.succeeded.desc(), sources.c.name).limit(_NEWEST_SUCCESSES)
        with self._database.snapshot() as connection:
            return {row.name: row.succeeded for row in connection.execute(query)}

    def due(self, now: datetime, limit: int) -> tuple[str, ...]:
        """Returns the names of at most `limit` sources to poll now: new ones, then the longest due."""
        query = (
            sa.select(sources.c.name)
            .where(
                POLLED,
                sa.or_(sources.c.next_poll.is_(None), sources.c.next_poll <= now),
            )
            .order_by(sources.c.next_poll.nulls_first(), sources.c.name)
            .limit(limit)
        )
        with self._database.snapshot() as connection:
            return tuple(connection.scalars(query))

    def health(self, names: Collection[str] | None = None) -> tuple[PollRecord, ...]:
        """Returns the records of polls of these sources, by name; None: of all, also removed ones."""
        # Subqueries of one source each, as grouping all articles takes SQLite twice the time.
        is_kept = sa.and_(articles.c.source == sources.c.name, articles.c.state == FOUND)
        count = sa.select(sa.func.count()).select_from(articles).where(is_kept)
        newest = sa.select(sa.func.max(articles.c.published)).where(is_kept)
        shared = [sources.c[name] for name in PollRecord.__struct_fields__ if name in sources.c]
        query = (
            sa.select(*shared, count.scalar_subquery().label("articles"))
            .add_columns(sa.type_coerce(newest.scalar_subquery(), Instant).label("newest"))
            .where(*([] if names is None else [sources.c.name.in_(names)]))
            .order_by(sources.c.name)
        )
        with self._database.snapshot() as connection:
            return tuple(PollRecord(**row._mapping) for row in connection.execute(query))

    def pulse(self, names: Collection[str] | None = None) -> tuple[datetime | None, str]:
        """Returns the newest poll of any source, and a text that changes if the state of one does.

        `names`: only of these sources; None: of all that are followed.
        """
        facts = (
            sa.func.count(),
            sa.func.count(sources.c.error),
            sa.func.count(sa.case((sources.c.is_gone, 1))),
        )
        query = sa.select(sa.type_coerce(sa.func.max(sources.c.polled), Instant), *facts).where(
            sources.c.active
        )
        batches = [query] if names is None else [query.where(sources.c.name.in_(b)) for b in _batches(names)]
        with self._database.snapshot() as connection:
            found = [connection.execute(batch).one() for batch in batches]
        counts = [sum(numbers) for numbers in zip(*(row[1:] for row in found), strict=True)]
        return max((row[0] for row in found if row[0] is not None), default=None), f"{counts}"

    def last_poll(self) -> datetime | None:
        """Returns when any source was last polled; None: never."""
        query = sa.select(sa.type_coerce(sa.func.max(sources.c.polled), Instant))
        with self._database.snapshot() as connection:
            found: datetime | None = connection.scalar(query)
        return found

    def sites(self, names: Collection[str] | None = None) -> dict[str, str]:
        """Returns the web site of each of these sources (None: of all) that its newest article names, by
        name.
        """
        return {name: site for name, found in self._origins(names) if (site := origin_link(found))}

    def faces(self, names: Collection[str] | None = None) -> dict[str, str]:
        """Returns the address of each source's picture in its feed, in the same way."""
        return {name: face for name, found in self._origins(names) if (face := origin_face(found))}

    def _origins(self, names: Collection[str] | None) -> list[tuple[str, str]]:
        """Returns the origin of the newest article of each source, as JSON."""
        theirs = articles.alias()
        is_theirs = sa.and_(theirs.c.source == sources.c.name, theirs.c.state == FOUND)
        newest = sa.select(theirs.c.revision).where(is_theirs).order_by(theirs.c.published.desc()).limit(1)
        # Articles are not decoded, because only one field of each is needed.
        query = sa.select(sources.c.name, OriginOf(revisions.c.data)).where(sources.c.active)
        query = query.join_from(sources, revisions, revisions.c.pk == newest.scalar_subquery())
        batches = [query] if names is None else [query.where(sources.c.name.in_(b)) for b in _batches(names)]
        with self._database.snapshot() as connection:
            return [(row[0], row[1]) for batch in batches for row in connection.execute(batch)]

    def moves(self, names: Collection[str] | None = None) -> dict[str, str]:
        """Returns the addresses that these sources (None: all) have moved to permanently, by name."""
        query = sa.select(sources.c.name, sources.c.moved_to).where(sources.c.moved_to.is_not(None))
        batches = [query] if names is None else [query.where(sources.c.name.in_(b)) for b in _batches(names)]
        with self._database.snapshot() as connection:
            return {row.name: row.moved_to for batch in batches for row in connection.execute(batch)}

    def move(self, source: str, address: str | None) -> None:
        """Records where a source has moved to; None: back to the address in the config."""
        with self._saving(brief=True) as connection:
            moved_to = None if address is None else without_login(address)
            connection.execute(
                sources.update().where(sources.c.name == source).values(moved_to=moved_to, shard=None)
            )

    def plan(self, states: Mapping[str, PollState]) -> None:
        """Sets the next polls of several sources, and nothing else."""
        with self._saving(brief=True) as connection:
            for name, following in sorted(states.items()):
                connection.execute(
                    sources.update().where(sources.c.name == name).values(following_poll(following))
                )

    def fail(
        self,
        source: str,
        error: str,
        now: datetime,
        *,
        advice: str = "",
        following: PollState | None = None,
        validators: Mapping[str, Any] | None = None,
    ) -> None:
        """Records that a poll failed; articles stay as they are, and so do validators if `validators` is
        None.

        `validators`: those of a document that could not be read.
        """
        read = {} if validators is None else {"validators": dict(validators)}
        with self._saving(brief=True) as connection:
            connection.execute(
                sources.update()
                .where(sources.c.name == source)
                .values(
                    polled=now,
                    error=error,
                    advice=advice,
                    **read,
                    **following_poll(following),
                )
            )

    def commit(self, update: Update, now: datetime) -> Saved:
        """Saves a poll's articles, the validators of their documents, and which feeds become stale.

        A missing `published` becomes `now`, once; a later one becomes `now`. An article whose content hash
        changed keeps its `published`; its earlier versions are kept (the newest ten).
        """
        return self.commit_many([update], now)[0]

    def commit_many(self, updates: Sequence[Update], now: datetime) -> list[Saved]:
        """Saves the polls of several sources in one transaction (see `store.commits`)."""
        return self._commits.save(updates, now, self._hold)

    def commit_unchanged(self, updates: Sequence[Update], now: datetime) -> None:
        """Saves polls of several sources that change nothing but these, in one transaction."""
        rows = [row_of(update, now, update.reader_version) for update in updates]
        with self._saving(brief=True) as connection:
            for statement, values in statements(rows):
                change_rows(connection, statement, values)

    def _recategorise(
        self,
        connection: sa.Connection,
        source: str,
        before: Sequence[str],
        after: Sequence[str],
        now: datetime,
    ) -> None:
        writing = WriteTransaction(connection, now, self.judge, self._rules)
        changes = ArticleChanges(writing, source)
        query = sa.select(*CURRENT).join_from(articles, revisions, NEWEST_REVISION)
        for row in connection.execute(query.where(articles.c.source == source)).all():
            article = decoded(row)
            own = [name for name in article.categories if name not in before]
            categories = tuple(dict.fromkeys([*after, *own]))
            changes.file_under(row, replace(article, categories=categories))
        writing.placing.save()

    def _leave_feeds(self, connection: sa.Connection, source: str, now: datetime) -> None:
        writing = WriteTransaction(connection, now, self.judge, self._rules)
        pks = connection.scalars(sa.select(articles.c.pk).where(articles.c.source == source)).all()
        for batch in _batches(pks):
            writing.placing.leave_all(batch)
            writing.settle(writing.stories.of_any(batch))
        writing.placing.save()


def _batches(names: Iterable[_Key]) -> Iterator[list[_Key]]:
    left = iter(names)
    while batch := list(islice(left, _NAMES_AT_ONCE)):
        yield batch


def _digest_of(names: Iterable[str], mark: str) -> str:
    """A digest of the followed sources: the names in the config, and the mark of those in the store."""
    digest = hashlib.blake2b(mark.encode(), digest_size=16)
    for name in sorted(names):
        digest.update(f"\n{name}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


_ADOPTED_SETTING = "adopted as"
_ADOPTED_AS = sa.select(settings.c.value).where(settings.c.name == _ADOPTED_SETTING)
_NOT_FOLLOWED = sa.select(sources.c.name).where(
    sources.c.active, ~sa.exists().where(followed.c.name == sources.c.name)
)
_OF_NAME = sources.update().where(sources.c.name == sa.bindparam("of_source"))
_ADOPTED = sa.select(
    *(sources.c.name, sources.c.address, sources.c.active, sources.c.is_enabled),
    *(sources.c.categories, sources.c.moved_to),
)

_HAS_ARTICLES = sa.exists().where(articles.c.source == sources.c.name).label("has_articles")
_STATE = tuple(sources.c.get(name, _HAS_ARTICLES) for name in SourceRecord.__struct_fields__)
_UNREAD: dict[str, Any] = {"validators": {}, "body_hash": None}
_UNPOLLED: dict[str, Any] = {**_UNREAD, "title": "", "schedule": None, "is_gone": False}
