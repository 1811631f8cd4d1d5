"""Finds what can be followed at an address: fetches, reads and ranks candidates. Stores nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

from aggregator.adapters import kinds
from aggregator.adapters.opml.outlines import Subscription, SubscriptionList
from aggregator.config.load import Fetch, Source
from aggregator.config.subscriptions import plan
from aggregator.discovery import (
    Candidate,
    ReadCandidate,
    address,
    common_paths,
    format_of,
    known_feeds,
    named_sitemaps,
    offered_feeds,
    ranked,
)
from aggregator.discovery.guess_kind import (
    MIN_ENTRIES,
    guessed_options,
    is_address,
    is_h_feed,
    kind_of_place,
    kinds_of,
    local_place,
)
from aggregator.discovery.preview import as_written, listed, preview
from aggregator.errors import (
    BlockedAddress,
    ChallengePage,
    ConfigError,
    FetchError,
    HttpStatus,
    Later,
    ReadError,
    SourceError,
)
from aggregator.fetch import Fetched, Fetcher, Hosts, user_agent
from aggregator.fetch.guard import Guard
from aggregator.fetch.platform_limits import paces
from aggregator.model.article import Document, Problem
from aggregator.model.resource import Resource
from aggregator.model.struct import replace
from aggregator.polling.read_documents import found as articles_found
from aggregator.polling.read_documents import gather
from aggregator.reading.document import Context
from aggregator.reading.workers import Workers

MAX_READ = 8
"""How many candidates of a page are fetched at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """Candidates that can be followed, the best first, and why others cannot."""

    found: tuple[ReadCandidate, ...]
    problems: tuple[Problem, ...] = ()


def discover(
    typed: str, settings: Fetch, now: datetime, report: Callable[[str], object] = lambda _: None
) -> Discovered:
    """The candidates at a typed address, the best first.

    The address, folder or file itself, if it is of any kind but a page for people; else feeds of the known
    site or that the page links to, and the page if it is an h-feed; else the first found at `common_paths`,
    one request a second; else a sitemap, and the page itself. `report` is called with each address before it
    is fetched. A typed host is allowed, as in `preview`; other addresses are checked. Raises SourceError if
    the address cannot be fetched, or nothing can be followed there.
    """
    path = local_place(typed)
    kind = kind_of_place(typed) if path is not None or is_address(typed) else None
    if kind is not None and kind != "rsshub":
        document = preview(typed, kind, settings, now)
        candidate = Candidate(url=typed, how="itself", kind=kind)
        return Discovered(
            found=(ReadCandidate(candidate=candidate, document=document, format=kind),),
            problems=document.problems,
        )
    typed = typed if path is None else path.as_uri()
    with _Search(address(typed), settings, now, report) as search:
        return search.run()


def as_source(
    found: ReadCandidate,
    sources: Sequence[Source],
    *,
    name: str | None = None,
    categories: Sequence[str] = (),
) -> Mapping[str, object] | None:
    """A new `[[sources]]` table for a candidate, None if its address is followed already.

    `name` None: the feed's title, else its host, with a number if another source has that name. Raises
    ConfigError if another source has the given name.
    """
    if name is not None and any(source.name == name for source in sources):
        raise ConfigError(f"a source is named {name!r} already; choose another --name")
    candidate = found.candidate
    if candidate.how == "itself" and kind_of_place(candidate.url) not in (None, "rsshub"):
        return as_written(
            candidate.url, candidate.kind, (), found.document, sources, name=name, categories=categories
        )
    title = name or found.document.title or candidate.title
    subscription = Subscription(url=candidate.url, title=title, categories=tuple(categories))
    new = plan(SubscriptionList(subscriptions=(subscription,)), sources).new
    if not new:
        return None
    rest = {key: value for key, value in new[0].items() if key != "name"}
    kind = candidate.kind if candidate.kind != "feed" else None
    return {"name": new[0]["name"], "kind": kind, **rest, "options": candidate.options or None}


def blocked(url: str, settings: Fetch) -> str | None:
    """Why polling `url` would be refused with the present config; None if it would not be."""
    host = urlsplit(url).hostname
    if not host:
        return None
    try:
        Guard(settings.allow).addresses(host, settings.timeout.total_seconds())
    except BlockedAddress as error:
        return error.message
    except FetchError:
        return None
    return None


class _Search:
    """One search: the addresses that were fetched, what was found, and its problems."""

    def __init__(self, url: str, settings: Fetch, now: datetime, report: Callable[[str], object]) -> None:
        self._url = url
        self._now = now
        self._report = report
        self._found: list[ReadCandidate] = []
        self._problems: list[Problem] = []
        self._asked: set[str] = set()
        # The typed host is paced like any other, although it is allowed.
        self._hosts = Hosts(
            at_once=1, gap=settings.host_gap, paces=paces(settings), is_own=Guard(settings.allow).is_own
        )
        with contextlib.suppress(ValueError):
            host = (urlsplit(url).hostname or "").rstrip(".")
            settings = settings.model_copy(update={"allow": (*settings.allow, host)})
        self._fetcher = Fetcher(settings, user_agent(settings))
        self._workers = Workers(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._workers.close()
        self._fetcher.close()

    def run(self) -> Discovered:
        page = self._look()
        if not self._found and page is not None:
            is_marked_up = is_h_feed(page.body, page.content_type)
            offered = self._offers(page)
            # A page that lists its entries itself needs only the documents that its head names.
            self._try(each for each in offered if not is_marked_up or each.how in ("site", "link"))
            if is_marked_up:
                self._try_page(page, "microformats", least=1)
            if not self._has_feed():
                self._try(each for each in offered if is_marked_up)
            is_web = page.url.startswith(("http:", "https:"))
            if is_web and not self._has_feed():
                self._try_paths(page.url)
            if not self._has_feed():
                if is_web:
                    self._try_sitemaps(page.url)
                self._try_page(page, "page", least=MIN_ENTRIES)
        return Discovered(
            found=ranked(self._found, page.url if page else self._url), problems=tuple(self._problems)
        )

    def _look(self) -> Resource | None:
        """The page at the address, None if it is a feed itself or only its site is known."""
        known = known_feeds(self._url)
        try:
            page, moved_to = self._get(self._url)
        except FetchError as error:
            if not known:
                raise
            self._problems.append(Problem(text=error.message, where=self._url))
            self._try(known)
            return None
        guesses = ("rsshub",) if self._url.startswith("rsshub:") else kinds_of(page)
        if is_page := "page" in guesses:
            guesses = ("feed",)
        failed: ReadError | None = None
        for kind in guesses:
            candidate = Candidate(url=moved_to or self._url, how="itself", kind=kind)
            try:
                self._found.append(self._read(candidate, page))
            except ReadError as error:
                failed = failed or error
            else:
                return None
        if failed is not None and not (known or is_page):
            raise failed
        return page

    def _offers(self, page: Resource) -> tuple[Candidate, ...]:
        try:
            return offered_feeds(page)
        except ReadError as error:
            self._problems.append(Problem(text=error.message, where=page.url))
            return known_feeds(page.url)

    def _has_feed(self) -> bool:
        return any(not each.candidate.is_of_comments for each in self._found)

    def _try(self, candidates: Iterable[Candidate]) -> None:
        for candidate in tuple(candidates)[:MAX_READ]:
            with self._source_errors(candidate.url):
                self._take(candidate)

    def _take(self, candidate: Candidate) -> None:
        resource, moved_to = self._get(candidate.url)
        self._found.append(self._read(replace(candidate, url=moved_to or candidate.url), resource))

    def _try_paths(self, url: str) -> None:
        for path in common_paths(url):
            if path in self._asked:
                continue
            try:
                self._take(Candidate(url=path, how="path"))
            except (Later, ChallengePage) as error:
                self._problems.append(Problem(text=error.message, where=path))
                return
            except (HttpStatus, ReadError):
                continue  # not a problem: it was only a guess
            except FetchError as error:
                self._problems.append(Problem(text=error.message, where=path))
                return
            return

    def _try_sitemaps(self, url: str) -> None:
        robots = b""
        with contextlib.suppress(FetchError):
            robots = self._get(urljoin(url, "/robots.txt"))[0].body
        for each in named_sitemaps(robots, url):
            with self._source_errors(each):
                self._take(Candidate(url=each, how="sitemap", kind="sitemap"))
                return

    def _try_page(self, page: Resource, kind: str, *, least: int) -> None:
        if kinds.mistakes(kind, {}):  # what it needs is not installed
            return
        with self._source_errors(page.url):
            found = self._read(Candidate(url=page.url, how="page", kind=kind), page)
            if len(found.document.articles) >= least:
                self._found.append(found)

    @contextlib.contextmanager
    def _source_errors(self, url: str) -> Iterator[None]:
        try:
            yield
        except SourceError as error:
            self._problems.append(Problem(text=error.message, where=url))

    def _get(self, url: str) -> tuple[Resource, str | None]:
        """The document at `url`, and its address after permanent redirects. Raises FetchError."""
        self._asked.add(url)
        self._report(url)
        # Not validated: the fetcher explains what is wrong with an address.
        source = Source.model_construct(name=url, url=url)
        with self._hosts.turn(url):
            fetched = self._fetcher.fetch(source, {}, self._now)
        assert isinstance(fetched, Fetched), "without validators there is no 304"
        return fetched.resources[0], fetched.hints.moved_to

    def _read(self, candidate: Candidate, resource: Resource) -> ReadCandidate:
        """The content of a candidate's document. Raises ReadError."""
        options = kinds.named(candidate.kind).parse(candidate.options)
        context = Context(kind=candidate.kind, options=options)
        gathered = gather((resource,), context, self._workers.read, lambda url: self._get(url)[0], self._now)
        first = gathered.readings[0][1].document
        articles = tuple(each.article for each in articles_found(gathered, (), {}))
        articles += listed(gathered)
        document: Document = replace(first, articles=articles, problems=tuple(gathered.problems))
        candidate = replace(candidate, options=guessed_options(candidate.kind, document, candidate.options))
        name = format_of(resource.body) if candidate.kind == "feed" else candidate.kind
        return ReadCandidate(candidate=candidate, document=document, format=name)
