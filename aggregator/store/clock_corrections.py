"""Corrects times that a wrong clock gave: of polls, pages and messages at once, of articles once a clock
is trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.schedule import decide as schedule
from aggregator.store import source_dates as given_dates
from aggregator.store.article_changes import CURRENT, ArticleChanges
from aggregator.store.column_types import Instant
from aggregator.store.database import Database
from aggregator.store.schema import aliases, articles, feeds, outbox, pages, revisions, sources
from aggregator.store.stored_article import NEWEST_REVISION, decoded
from aggregator.store.write_transaction import WriteTransaction

_BATCH = 500
_WAS = "was_"
_DATES = ("published", "updated", "first_seen")
_DATED: tuple[sa.ColumnElement[Any], ...] = (*CURRENT, articles.c.edits)
_Readings = tuple[datetime, datetime]


class ClockCorrections:
    """The part of the store that corrects times that a wrong clock gave."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def correct_schedule(self, now: datetime, wrong: _Readings | None = None) -> None:
        """Brings forward polls, pages and messages that wait for a time that only a wrong clock gave.

        `wrong`: the first and the last reading of a clock that was behind; None if it was not.
        """
        is_ahead = sa.or_(sources.c.polled > now, sources.c.succeeded > now)
        chosen = is_ahead if wrong is None else sa.or_(is_ahead, sources.c.polled.between(*wrong))
        is_queued = outbox.c.queued > now
        with self._database.snapshot() as connection:
            names = connection.scalars(sa.select(sources.c.name).where(chosen)).all()
            has_messages = connection.scalar(sa.select(sa.exists().where(is_queued)))
        if not names and not has_messages:
            return
        with self._database.transaction() as connection:
            ahead = connection.scalar(
                sa.select(sa.type_coerce(sa.func.min(sources.c.polled), Instant)).where(
                    sources.c.polled > now
                )
            )
            for row in connection.execute(sa.select(sources).where(chosen)).all():
                connection.execute(
                    sources.update().where(sources.c.name == row.name).values(_corrected(row, now, wrong))
                )
            if ahead is not None:
                connection.execute(
                    pages.update()
                    .where(pages.c.due >= ahead)
                    .values(due=_earlier(pages.c.due, ahead - now, now))
                )
            for row in connection.execute(sa.select(outbox).where(is_queued)).all():
                due = max(now, row.due - (row.queued - now))
                connection.execute(outbox.update().where(outbox.c.id == row.id).values(queued=now, due=due))

    def redate(self, source: str, found: Sequence[Article], now: datetime) -> None:
        """Gives articles the dates of another reading of the same entries, without counting an edit.

        A date that was not found stays, and so does that of an edit. None is later than `now`.
        """
        dated = {article.id: article for article in found if article.published is not None}
        ids = list(dated)
        for start in range(0, len(ids), _BATCH):
            some = ids[start : start + _BATCH]
            under = sa.select(aliases.c.article, aliases.c.alias).where(
                aliases.c.source == source, aliases.c.alias.in_(some)
            )
            with self._database.transaction() as connection:
                other_ids = {row.article: row.alias for row in connection.execute(under)}
                writing = WriteTransaction(connection, now)
                changes = ArticleChanges(writing, source)
                query = sa.select(*_DATED).join_from(articles, revisions, NEWEST_REVISION)
                is_found = sa.or_(articles.c.id.in_(some), articles.c.pk.in_(other_ids))
                query = query.where(articles.c.source == source, is_found)
                for row in connection.execute(query).all():
                    article = dated[row.id if row.id in dated else other_ids[row.pk]]
                    published = min(article.published or row.published, now)
                    updated = min(article.updated or published, now)
                    if row.edits:
                        updated = row.updated
                    if (published, updated) != (row.published, row.updated):
                        dated_so = replace(decoded(row), published=published, updated=updated)
                        changes.date(row, row.first_seen, dated_so, given_dates.read(row.given))
                writing.placing.save()

    def correct_articles(self, now: datetime, believed: datetime, newest: int, *, is_sure: bool) -> int:
        """Corrects dates of articles, edits and feeds that only a wrong clock gave; returns how many it
        corrected.

        No date stays later than `now`: permanently with `is_sure`, else until a call with a later `now`. For
        articles stored after the one numbered `newest`: a date that the clock had cut short becomes the
        source's date again, and one that the clock gave before `believed`, its last trusted reading, becomes
        `believed`.
        """
        later = sa.or_(*(articles.c[name] > now for name in _DATES))
        doubtful = sa.and_(articles.c.pk > newest, articles.c.given.is_not(None))
        lowered = articles.c.given.contains(f'"{_WAS}', autoescape=True)
        chosen = sa.or_(later, doubtful, lowered)
        place, corrected = 0, 0
        while True:
            query = sa.select(*CURRENT).join_from(articles, revisions, NEWEST_REVISION)
            query = query.where(articles.c.pk > place, chosen)
            with self._database.transaction() as connection:
                rows = connection.execute(query.order_by(articles.c.pk).limit(_BATCH)).all()
                writing = WriteTransaction(connection, now)
                changes = ArticleChanges(writing, "")
                for row in rows:
                    corrected += _correct(changes, row, now, believed, newest, is_sure=is_sure)
                writing.placing.save()
            if len(rows) < _BATCH:
                break
            place = rows[-1].pk
        with self._database.transaction() as connection:
            connection.execute(revisions.update().where(revisions.c.replaced > now).values(replaced=now))
            connection.execute(feeds.update().where(feeds.c.changed > now).values(changed=now))
        return corrected


def _corrected(row: sa.Row[Any], now: datetime, wrong: _Readings | None) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: now
        for name in ("polled", "succeeded")
        if row._mapping[name] is not None and row._mapping[name] > now
    }
    state = schedule.corrected(row.schedule, now, wrong)
    if state != row.schedule:
        values |= {"schedule": state, "next_poll": state.next_poll}
    return values or {"polled": row.polled}


def _earlier(due: sa.Column[Any], by: timedelta, now: datetime) -> sa.ColumnElement[Any]:
    moment = due - sa.bindparam(None, by // timedelta(microseconds=1), sa.BigInteger)
    at_least = sa.bindparam(None, now, Instant)
    return sa.case((moment > at_least, moment), else_=at_least)


def _correct(
    changes: ArticleChanges,
    row: sa.Row[Any],
    now: datetime,
    believed: datetime,
    newest: int,
    *,
    is_sure: bool,
) -> bool:
    given = dict(given_dates.read(row.given))
    before = {name: row._mapping[name] for name in _DATES}
    dates = dict(before)
    if max(dates.values()) > now:
        _lower(dates, given, now, is_sure=is_sure)
    else:
        for name in _DATES:
            was = given.get(_WAS + name)
            if was is not None and was <= now:
                dates[name] = was
                del given[_WAS + name]
        if row.pk > newest:
            _raise(dates, given, now, believed)
    article = decoded(row)
    if dates == before and given == given_dates.read(row.given):
        return False
    dated = replace(article, published=dates["published"], updated=dates["updated"])
    changes.date(row, dates["first_seen"], dated, given)
    return True


def _lower(
    dates: dict[str, datetime], given: dict[str, datetime | None], now: datetime, *, is_sure: bool
) -> None:
    for name in _DATES:
        if dates[name] > now:
            if not is_sure:
                given.setdefault(_WAS + name, dates[name])
            elif name != "first_seen":
                given.setdefault(name, dates[name])
            dates[name] = now
        if is_sure:
            given.pop(_WAS + name, None)


def _raise(
    dates: dict[str, datetime], given: dict[str, datetime | None], now: datetime, believed: datetime
) -> None:
    is_one_date = dates["published"] == dates["updated"] and "updated" not in given
    is_early = dates["first_seen"] < believed <= now
    for name in ("published", "updated"):
        said = given.get(name)
        if said is not None and dates[name] < said <= now:
            dates[name] = said
    if is_early:
        if "published" in given and given["published"] is None:
            dates["published"] = max(dates["published"], believed)
        dates["first_seen"] = believed
    if is_one_date:
        dates["updated"] = dates["published"]
