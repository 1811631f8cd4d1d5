"""Completing: articles of feeds that carry only summaries get their text from their own pages."""

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
from aggregator.reading.document import Context
from aggregator.store import PageRequest, Store

MAX_PAGES = 2_000
ROUND = timedelta(seconds=20)
"""What its publisher's pace does not let begin by then is left for a later round: others are to be polled."""
LONGEST_ROUND = timedelta(minutes=1)
"""Whatever holds a round up, what is not begun by then is left for the next."""

AFTER = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=18))
"""After each failure the page is asked for again so much later; after the last it is given up."""

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

    `read` pages completed their articles, `spare` ones had no more than their feeds, `later` ones are asked
    for again, `given_up` ones are not; the problems say why.
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
    """What asking for one page gave: an article, an error, or a publisher that wants to be left alone."""

    article: Article | None = None
    problems: tuple[Problem, ...] = ()
    error: SourceError | None = None
    wait: timedelta | None = None


class Completing:
    """Completes the articles of the sources with `full_text`, each publisher paced, robots.txt honoured.

    A page that cannot be had is no failure of its source: its article stays as the feed gave it.
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
        """Asks for the pages of these sources that are due, and saves what they give.

        Yields one result for each source of which a page was asked for.
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
        """Of each publisher's pages as many as can begin in this round."""
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
        """Begins no page any more; what comes within some seconds is saved."""
        self._is_stopping = True
        self._end.set()

    def _ask(self, source: Source, page: PageRequest, now: datetime) -> _Had:
        assert source.full_text is not None, "only such sources are here"
        context = Context(
            kind="article-page",
            options=kinds.named("article-page").parse(source.full_text.options),
            source=source.name,
            players=self._players,
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
    """When a page that could not be had `attempts` times is asked for again; None: never.

    What the publisher says for good, or does not let us fetch, is not asked for again.
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
    """An article as its feed gave it, with what its page has besides.

    A page with less text than the feed gave, or without the pictures that it gave, was not understood: the
    article stays as it is. What the feed says in a field of its own is kept; its title gives way where it
    had nothing else, as titles of sitemaps are made from addresses. `author` is who stands in where a feed
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
