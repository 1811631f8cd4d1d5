"""Requests for the web pages that complete articles: which are wanted and when, and each article as in its
feed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from aggregator.model.article import Article
from aggregator.model.article_json import pack, unpack
from aggregator.model.struct import Struct, replace
from aggregator.store.article_changes import COMPLETED, CURRENT, ArticleChanges
from aggregator.store.database import Database
from aggregator.store.schema import articles, pages, revisions
from aggregator.store.stored_article import NEWEST_REVISION
from aggregator.store.story_changes import NO_STORIES, StoryRules
from aggregator.store.write_transaction import Judge, WriteTransaction, by_categories

MAX_TIMES = 24
"""How often an article's page is requested again because its entry changed: some change all the time."""

LATER = timedelta(hours=1)
"""Pages beyond a source's limit are requested this much later, those beyond twice the limit twice as late."""

_WEB = ("http://", "https://")


class PageRequest(Struct, frozen=True, kw_only=True):
    """A page that is to complete the article `pk`; `attempts`: how many have failed."""

    pk: int
    source: str
    url: str
    attempts: int = 0


class PageRequests:
    """Queues requests for the pages of new and edited articles in one transaction; `at_once` of them are
    due now.
    """

    def __init__(self, connection: sa.Connection, source: str, now: datetime, at_once: int) -> None:
        self._connection = connection
        self._source = source
        self._now = now
        self._at_once = at_once
        self._count = 0

    def ask(self, pk: int, article: Article) -> None:
        """Queues a request for an article's page, unless other articles have the same page.

        Some feeds link every entry to the site, or many entries to one list: only the first is requested.
        """
        url = _page_of(article.link)
        if not url.startswith(_WEB) or url == _page_of(article.origin.link):
            return
        others = sa.select(pages.c.article).join(articles, articles.c.pk == pages.c.article)
        same = others.where(pages.c.url == url, articles.c.source == self._source).limit(1)
        if self._connection.scalar(same) is None:
            asked = {"article": pk, "times": 1, **self._asked(article)}
            self._connection.execute(pages.insert(), asked)

    def completed(self, pk: int, old: Article, article: Article, *, is_read_anew: bool) -> Article:
        """Returns the article as in its feed now, completed with what its page gave before.

        The page is requested again if the entry changed, or if it was given up and everything is read again.
        `is_read_anew`: the reader changed, not the entry.
        """
        row = self._connection.execute(sa.select(pages).where(pages.c.article == pk)).one_or_none()
        if row is None:
            self.ask(pk, article)
            return article
        own = _own(row, article.source, article.id)
        if is_read_anew:
            own_now = _written(article)
            self._connection.execute(pages.update().where(pages.c.article == pk).values(own_now))
            return replace(article, **_given(own, old))
        was_given_up = row.due is None and row.attempts > 0
        if (was_given_up or own.content_hash != article.content_hash) and row.times < MAX_TIMES:
            again = {"times": row.times + 1, **self._asked(article)}
            self._connection.execute(pages.update().where(pages.c.article == pk).values(**again))
        return replace(article, **_given(own, old))

    def _asked(self, article: Article) -> dict[str, object]:
        due = self._now + (self._count // self._at_once) * LATER
        self._count += 1
        return {"url": _page_of(article.link), "attempts": 0, "due": due, **_written(article)}


def _written(article: Article) -> dict[str, object]:
    """Returns the fields of an article as in its feed, as columns of `pages`."""
    return {"own": pack(article), "own_published": article.published, "own_updated": article.updated}


def _own(row: sa.Row[Any], source: str, id_: str) -> Article:
    return unpack(row.own, source=source, id=id_, published=row.own_published, updated=row.own_updated)


def _page_of(link: str | None) -> str:
    """Returns the address of the page of a link, without its fragment; "" for none."""
    return (link or "").partition("#")[0]


def _given(own: Article, old: Article) -> dict[str, Any]:
    """Returns the fields that a page changed in an article."""
    return {name: value for name in COMPLETED if (value := getattr(old, name)) != getattr(own, name)}


_COMPLETED: tuple[sa.ColumnElement[Any], ...] = (
    *(*CURRENT, pages.c.own, pages.c.own_published, pages.c.own_updated),
)


class Pages:
    """The part of the store that keeps requests for pages."""

    def __init__(
        self, database: Database, judge: Judge = by_categories, rules: StoryRules = NO_STORIES
    ) -> None:
        self._database = database
        self.judge = judge
        self._rules = rules

    def due(self, sources: Collection[str], now: datetime, limit: int) -> tuple[PageRequest, ...]:
        """Returns the pages of these sources to request now, the longest due first."""
        query = (
            sa.select(pages.c.article, articles.c.source, pages.c.url, pages.c.attempts)
            .join(articles, articles.c.pk == pages.c.article)
            .where(pages.c.due <= now, articles.c.source.in_(sources))
            .order_by(pages.c.due, pages.c.article)
            .limit(limit)
        )
        with self._database.snapshot() as connection:
            rows = connection.execute(query).all()
        return tuple(
            PageRequest(pk=row.article, source=row.source, url=row.url, attempts=row.attempts) for row in rows
        )

    def complete(self, page: PageRequest, merge: Callable[[Article], Article], now: datetime) -> bool:
        """Saves an article completed by its page: `merge` gets it as in its feed. Returns whether it changed.

        The page is not requested again until the entry changes. If another worker has completed the request
        meanwhile, nothing is saved.
        """
        is_open = sa.and_(
            pages.c.article == page.pk,
            pages.c.url == page.url,
            pages.c.attempts == page.attempts,
            pages.c.due.is_not(None),
        )
        wanted = (
            sa.select(*_COMPLETED)
            .join_from(articles, revisions, NEWEST_REVISION)
            .join(pages, pages.c.article == articles.c.pk)
        )
        with self._database.transaction() as connection:
            row = connection.execute(wanted.where(is_open)).one_or_none()
            if row is None:
                return False
            own = _own(row, row.source, row.id)
            made = merge(own)
            writing = WriteTransaction(connection, now, self.judge, self._rules)
            # If this page added nothing, what an earlier fetch added is kept.
            is_changed = made != own and ArticleChanges(writing, row.source).complete(row, own, made)
            writing.placing.save()
            _settle(connection, page, None, 0)
            return is_changed

    def postpone(self, page: PageRequest, due: datetime | None, attempts: int) -> None:
        """Records that a page could not be fetched; `due` None: it is given up until its entry changes."""
        with self._database.row_transaction() as connection:
            _settle(connection, page, due, attempts)


def _settle(connection: sa.Connection, page: PageRequest, due: datetime | None, attempts: int) -> None:
    chosen = pages.update().where(pages.c.article == page.pk)
    connection.execute(chosen.values(due=due, attempts=attempts))
