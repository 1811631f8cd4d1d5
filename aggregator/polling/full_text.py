"""Full text: articles of feeds that have only summaries get their text from their web pages."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
from aggregator.model.struct import replace
from aggregator.polling.paced_threads import PacedThreads
from aggregator.polling.read_documents import Reads
from aggregator.reading.context import Context
from aggregator.store import PageRequest, Store

MAX_PAGES = 2_000
ROUND = timedelta(seconds=20)
"""Pages that the request rate of their publisher does not allow within this time wait for a later round."""
LONGEST_ROUND = timedelta(minutes=1)
"""No page is requested later than this after the start of a round; the rest waits for the next one."""

AFTER = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=18))
"""The waits after the first, second and third failure of a page; after the fourth it is given up."""

_LONGEST_WAIT = timedelta(days=7)
_PERMANENT = frozenset((404, 410))
_NEVER_AGAIN = (Disallowed, ReadError, BadAddress, BlockedAddress)
_TAG = re.compile(r"<[^<>]*>")


class FetchesPages(Protocol):
    """Fetches pages; `hosts` decides when an address may be asked."""

    hosts: Hosts

    def page(self, source: Source, url: str, now: datetime) -> Resource:
        """Fetches the page of an article of `source`. Raises FetchError."""
        ...


@dataclass(slots=True, kw_only=True)
class Completed:
    """The result of one round of fetching pages, for one source.

    Numbers of pages: `read` completed their articles; `spare` had no more text than the feed; `later` failed
    and will be fetched again; `given_up` will not. `problems` say why.
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
class _PageResult:
    """The result of fetching one page: an article, an error, or how long its publisher asks us to wait."""

    article: Article | None = None
    problems: tuple[Problem, ...] = ()
    error: SourceError | None = None
    wait: timedelta | None = None


class Completing:
    """Completes articles of sources with `full_text`, within each publisher's request rate and robots.txt.

    If a page cannot be fetched, the source does not fail: the article stays as it is in the feed.
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
        """Fetches the pages of these sources that are due, and saves the completed articles.

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
            turns = PacedThreads(
                self._fetcher.hosts,
                [page.url for page in due],
                workers=self._workers,
                work=lambda n: self._ask(wanted[due[n].source], due[n], now),
                postponed=lambda _, error: _PageResult(wait=error.retry_after),
                stop=self._end,
            )
            for batch in turns:
                for number, result in batch:
                    self._save(due[number], result, completed[due[number].source], now)
        finally:
            timer.cancel()
            if not self._is_stopping:
                self._end.clear()
        yield from completed.values()

    def _chosen(self, due: Sequence[PageRequest]) -> list[PageRequest]:
        """Returns the pages that this round can request, within the request rates of their publishers."""
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
        """Requests no more pages; responses that arrive within some seconds are still saved."""
        self._is_stopping = True
        self._end.set()

    def _ask(self, source: Source, page: PageRequest, now: datetime) -> _PageResult:
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
            return _PageResult(error=error)
        return _PageResult(article=document.articles[0], problems=document.problems)

    def _save(self, page: PageRequest, result: _PageResult, completed: Completed, now: datetime) -> None:
        completed.problems += (replace(problem, where=page.url) for problem in result.problems)
        if result.article is not None:
            article = result.article
            stand_in = completed.source.author
            is_changed = self._store.pages.complete(page, lambda own: merged(own, article, stand_in), now)
            completed.read += is_changed
            completed.spare += not is_changed
        elif result.error is None:
            self._store.pages.postpone(page, now + min(result.wait or AFTER[0], _LONGEST_WAIT), page.attempts)
            completed.later += 1
        else:
            attempts = page.attempts + (not isinstance(result.error, NoNetwork))
            due = again_at(result.error, attempts, now)
            self._store.pages.postpone(page, due, attempts)
            if due is None:
                completed.given_up += 1
                text = f"its page was given up: {result.error.message}"
                completed.problems.append(Problem(text=text, where=page.url))
            else:
                completed.later += 1


def again_at(error: SourceError, attempts: int, now: datetime) -> datetime | None:
    """Returns when to fetch a page again that failed `attempts` times; None: never.

    Pages with permanent errors (404, 410 …) and those that robots.txt forbids are not fetched again.
    """
    if isinstance(error, _NEVER_AGAIN) or (isinstance(error, HttpStatus) and error.status in _PERMANENT):
        return None
    if attempts > len(AFTER):
        return None
    wait = AFTER[max(attempts, 1) - 1]
    if isinstance(error, HttpStatus) and error.retry_after:
        wait = max(wait, min(error.retry_after, _LONGEST_WAIT))
    return now + wait


def merged(own: Article, page: Article, author: str | None = None) -> Article:
    """Returns an article of a feed, completed with the text of its page.

    If the page has less text than the feed, or lacks the feed's pictures, its main text was not found, and
    the article stays as it is. Fields that the feed has are kept, except titles without any other text,
    because titles of sitemaps are made from addresses. `author` is the configured author, for a feed that
    names none.
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
