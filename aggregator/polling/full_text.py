"""Full text: articles of feeds that carry only summaries get their text from their own pages."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from aggregator.adapters import kinds
from aggregator.config.load import Config, Source
from aggregator.errors import (
    BadAddress,
    BlockedAddress,
    Disallowed,
    HttpStatus,
    NoNetwork,
    ReadError,
    SourceError,
)
from aggregator.fetch import Hosts, Resource
from aggregator.model.article import Article, Problem
from aggregator.polling.gather import Reads
from aggregator.polling.turns import Turns
from aggregator.reading.context import Context
from aggregator.store import PageRequest, Store

MAX_PAGES = 2_000
ROUND = timedelta(seconds=20)
"""Pages that the pace of their publisher does not allow within this time are left for a later round."""
LONGEST_ROUND = timedelta(minutes=1)
"""No page is begun later than this after a round's start; the rest is left for the next round."""

AFTER = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=18))
"""The waits after the first, second and third failure of a page; after a fourth it is given up."""

_LONGEST_WAIT = timedelta(days=7)
_FOR_GOOD = frozenset((404, 410))
_HOPELESS = (Disallowed, ReadError, BadAddress, BlockedAddress)
_TAG = re.compile(r"<[^<>]*>")


class FetchesPages(Protocol):
    """Where pages come from; `hosts` says when an address may be asked."""

    hosts: Hosts

    def page(self, source: Source, url: str, now: datetime) -> Resource:
        """The page of an article of `source`. Raises FetchError."""
        ...


@dataclass(slots=True, kw_only=True)
class Completed:
    """What one round of fetching pages gave for a source.

    Numbers of pages: `read` completed their articles, `spare` had no more text than the feed, `later` are
    fetched again, `given_up` are not; the problems say why.
    """

    source: Source
    read: int = 0
    spare: int = 0
    later: int = 0
    given_up: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The counts in one line."""
        parts = [f"{self.read} pages read"]
        parts += [f"{self.spare} without more text than the feed"] if self.spare else []
        parts += [f"{self.later} later"] if self.later else []
        return ", ".join(parts + ([f"{self.given_up} given up"] if self.given_up else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Had:
    """The result of fetching one page: an article, an error, or how long its publisher asks us to wait."""

    article: Article | None = None
    problems: tuple[Problem, ...] = ()
    error: SourceError | None = None
    wait: timedelta | None = None


class Completing:
    """Completes the articles of the sources with `full_text`, each publisher paced, robots.txt honoured.

    A page that cannot be fetched does not make its source fail: the article stays as the feed gave it.
    """

    def __init__(self, config: Config, store: Store, fetcher: FetchesPages, read: Reads) -> None:
        self._workers = config.fetch.workers
        self._players = config.html.players
        self._store = store
        self._fetcher = fetcher
        self._read = read
        self._end = threading.Event()
        self._is_stopping = False

    def complete(self, sources: Sequence[Source], now: datetime) -> Iterator[Completed]:
        """Fetches the pages of these sources that are due, and saves what they give.

        Yields one result for each source of which a page was fetched.
        """
        wanted = {source.name: source for source in sources if source.full_text}
        if not wanted or self._is_stopping:
            return
        due = self._chosen(self._store.pages.due(wanted, now, MAX_PAGES))
        if not due:
            return
        completed = {name: Completed(source=wanted[name]) for name in dict.fromkeys(p.source for p in due)}
        timer = threading.Timer(LONGEST_ROUND.total_seconds(), self._end.set)
        timer.daemon = True
        timer.start()
        try:
            turns = Turns(
                self._fetcher.hosts,
                [page.url for page in due],
                workers=self._workers,
                work=lambda n: self._ask(wanted[due[n].source], due[n], now),
                held_back=lambda _, error: _Had(wait=error.retry_after),
                stop=self._end,
            )
            for batch in turns:
                for number, had in batch:
                    self._save(due[number], had, completed[due[number].source], now)
        finally:
            timer.cancel()
            if not self._is_stopping:
                self._end.clear()
        yield from completed.values()

    def _chosen(self, due: Sequence[PageRequest]) -> list[PageRequest]:
        """The pages that can begin in this round, at the pace of their publishers."""
        hosts, moment = self._fetcher.hosts, time.monotonic()
        left: dict[str, int] = {}
        chosen = []
        for page in due:
            publisher = hosts.publisher(page.url)
            if publisher not in left:
                left[publisher] = hosts.places(page.url, moment, ROUND)
            if left[publisher] > 0:
                left[publisher] -= 1
                chosen.append(page)
        return chosen

    def stop(self) -> None:
        """Begins no more pages; answers that arrive within some seconds are still saved."""
        self._is_stopping = True
        self._end.set()

    def _ask(self, source: Source, page: PageRequest, now: datetime) -> _Had:
        assert source.full_text is not None, "only such sources are here"
        context = Context(
            kind="article-page",
            options=kinds.named("article-page").parse(source.full_text.options),
            source=source.name,
            players=self._players,
            timezone=source.timezone,
        )
        try:
            document = self._read(self._fetcher.page(source, page.url, now), context).document
        except SourceError as error:
            return _Had(error=error)
        return _Had(article=document.articles[0], problems=document.problems)

    def _save(self, page: PageRequest, had: _Had, completed: Completed, now: datetime) -> None:
        completed.problems += (replace(problem, where=page.url) for problem in had.problems)
        if had.article is not None:
            article = had.article
            stand_in = completed.source.author
            is_changed = self._store.pages.complete(page, lambda own: merged(own, article, stand_in), now)
            completed.read += is_changed
            completed.spare += not is_changed
        elif had.error is None:
            self._store.pages.postpone(page, now + min(had.wait or AFTER[0], _LONGEST_WAIT), page.attempts)
            completed.later += 1
        else:
            attempts = page.attempts + (not isinstance(had.error, NoNetwork))
            due = again_at(had.error, attempts, now)
            self._store.pages.postpone(page, due, attempts)
            if due is None:
                completed.given_up += 1
                text = f"its page was given up: {had.error.message}"
                completed.problems.append(Problem(text=text, where=page.url))
            else:
                completed.later += 1


def again_at(error: SourceError, attempts: int, now: datetime) -> datetime | None:
    """When a page that failed `attempts` times is fetched again; None: never.

    Permanent answers (404, 410 …) and pages that robots.txt forbids are not fetched again.
    """
    if isinstance(error, _HOPELESS) or (isinstance(error, HttpStatus) and error.status in _FOR_GOOD):
        return None
    if attempts > len(AFTER):
        return None
    wait = AFTER[max(attempts, 1) - 1]
    if isinstance(error, HttpStatus) and error.retry_after:
        wait = max(wait, min(error.retry_after, _LONGEST_WAIT))
    return now + wait


def merged(own: Article, page: Article, author: str | None = None) -> Article:
    """An article as its feed gave it, completed by its page.

    A page with less text than the feed, or without the feed's pictures, was not understood: the article stays
    as it is. Fields that the feed has are kept, except a title without any other text, as titles of sitemaps
    are made from addresses. `author` is the configured author of a feed that names none.
    """
    text = own.content or own.summary
    lost_pictures = "<img" in own.content and "<img" not in page.content
    if _length(page.content) <= _length(text) or lost_pictures:
        return own
    named = own.authors if own.authors != (author,) else page.authors or own.authors
    return replace(
        own,
        title=own.title if own.title and text else page.title or own.title,
        content=page.content,
        summary=own.summary or page.summary,
        authors=named or page.authors,
        headimg=own.headimg or page.headimg,
        published=own.published or page.published,
    )


def _length(markup: str) -> int:
    return len("".join(_TAG.sub("", markup).split()))
