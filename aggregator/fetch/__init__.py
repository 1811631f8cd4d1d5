"""Fetches the bytes of sources: over HTTP, from files, folders and mailboxes. The only room that imports
requests.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aggregator.adapters import kinds
from aggregator.errors import HttpStatus
from aggregator.fetch.embedded_files import EmbeddedFiles, FileBounds
from aggregator.fetch.guard import Guard, Resolve
from aggregator.fetch.http import HttpFetcher, Permit, user_agent
from aggregator.fetch.local_files import fetch_file
from aggregator.fetch.pacing import Hosts
from aggregator.fetch.platform_limits import paces
from aggregator.fetch.robots import Robots
from aggregator.fetch.transport import retrieved
from aggregator.model.retrieved import AnswerHints, Fetched, NotModified, Resource, Validators

if TYPE_CHECKING:
    from aggregator.config.load import Auth, Fetch, Source

__all__ = [
    "AnswerHints",
    "Fetched",
    "Fetcher",
    "FileBounds",
    "Hosts",
    "NotModified",
    "Resource",
    "Validators",
    "user_agent",
]

ANNOUNCE_DEADLINE = timedelta(seconds=10)
"""How long a hub may take to accept an announcement; after that it is announced again later."""

DELIVERY_DEADLINE = timedelta(seconds=20)
"""How long a receiver of messages may take to accept one."""


class Fetcher:
    """Fetches any source by its kind and address; safe to use from several threads.

    `hosts` decides when an address may be requested; polls of many sources are ordered by it. `fetch` records
    a host's Retry-After there. `resolve` replaces the system's resolver; None uses the system's.
    """

    def __init__(self, settings: Fetch, user_agent: str, resolve: Resolve | None = None) -> None:
        guard = Guard(settings.allow, resolve)
        self._settings = settings
        self._guard = guard
        self._http = HttpFetcher(settings, user_agent, guard)
        self._embedded = EmbeddedFiles(settings, user_agent, guard, resolve)
        self.hosts = Hosts(
            at_once=settings.host_at_once,
            gap=settings.host_gap,
            paces=paces(settings),
            is_own=guard.is_own,
        )
        self._robots = Robots(self._robots_txt, self.hosts.slow)

    def close(self) -> None:
        """Closes all idle connections."""
        self._http.close()
        self._embedded.close()

    def further(self, source: Source, url: str, now: datetime) -> Resource:
        """Fetches a document that one of the source's documents links to, when its publisher may be asked.

        Logins, headers and the like are sent only to the origin of the source's own address. Raises
        FetchError.
        """
        with self.hosts.turn(url, within=source.address):
            return _one(self._get(source, url, {}, now, permit=self._permit(source, now)))

    def page(self, source: Source, url: str, now: datetime) -> Resource:
        """The page of an article, if robots.txt allows it; the caller holds its publisher's turn.

        Raises FetchError and its kinds.
        """
        return _one(self._get(source, url, {}, now, permit=self._permit(source, now, is_page=True)))

    def embedded(self, source: Source, url: str, now: datetime, bounds: FileBounds) -> Resource:
        """A picture or recording that an article of `source` shows; the caller holds its publisher's turn.

        Raises FetchError and its kinds.
        """
        try:
            return self._embedded.get(source, url, now, bounds)
        except HttpStatus as error:
            self._heed(url, error)
            raise

    def fetch(self, source: Source, validators: Validators, now: datetime) -> Fetched | NotModified:
        """The new documents of `source` since `validators` were sent, or NotModified. Raises FetchError."""
        if retrieve := kinds.named(source.kind).retrieve:
            return retrieved(
                retrieve,
                source,
                validators,
                self._settings,
                self._guard,
                lambda url, known, secret: self._in_turn(source, url, known, now, secret),
            )
        if source.path is not None or source.address.startswith("file:"):
            url = source.address if source.path is None else source.path.as_uri()
            return fetch_file(url, validators, max_bytes=self._settings.max_bytes)
        return self._get(source, None, validators, now, permit=self._permit(source, now))

    def _in_turn(
        self, source: Source, url: str, validators: Validators, now: datetime, secret: str
    ) -> Fetched | NotModified:
        """GETs an address for a retriever, in its publisher's turn."""
        with self.hosts.turn(url, within=source.address):
            return self._get(source, url, validators, now, secret=secret)

    def _get(
        self,
        source: Source,
        url: str | None,
        validators: Validators,
        now: datetime,
        *,
        permit: Permit | None = None,
        secret: str = "",
    ) -> Fetched | NotModified:
        try:
            return self._http.fetch(source, validators, now, url=url, permit=permit, secret=secret)
        except HttpStatus as error:
            self._heed(url or source.address, error)
            raise

    def announce(self, hub: str, topic: str, now: datetime) -> None:
        """Announces to a WebSub hub that `topic` has changed. Raises FetchError."""
        self._http.post(hub, {"hub.mode": "publish", "hub.url": topic}, now, ANNOUNCE_DEADLINE)

    def post(self, url: str, body: bytes, headers: Mapping[str, str], now: datetime) -> Mapping[str, str]:
        """POSTs to a receiver that the config names; returns the headers of its response.

        Raises FetchError.
        """
        return self._http.post(url, body, now, DELIVERY_DEADLINE, headers)

    def ask_hub(self, hub: str, form: Mapping[str, str], now: datetime) -> None:
        """Asks a WebSub hub to start or end a subscription; the hub confirms later with its own request.

        The caller holds the hub's turn. Raises FetchError and its kinds.
        """
        try:
            self._http.post(hub, form, now, ANNOUNCE_DEADLINE)
        except HttpStatus as error:
            self._heed(hub, error)
            raise

    def get(self, url: str, auth: Auth, now: datetime) -> bytes:
        """GETs an address of a service that the config names, with a login. Raises FetchError."""
        from aggregator.config.sources import Source

        source = Source.model_construct(name=url, url=url, auth=auth)
        return _one(self._http.fetch(source, {}, now)).body

    def _permit(self, source: Source, now: datetime, *, is_page: bool = False) -> Permit | None:
        """The function that checks robots.txt before a request.

        None for feeds, which are made for programs.
        """
        if not (is_page or kinds.named(source.kind).is_scraped):
            return None
        if not source.robots:
            return lambda _: None
        return lambda url: self._robots.check(source, url, now)

    def _robots_txt(self, source: Source, url: str, now: datetime) -> bytes:
        return _one(self._http.fetch(source, {}, now, url=url)).body

    def _heed(self, url: str, error: HttpStatus) -> None:
        if error.retry_after:
            self.hosts.hold(url, error.retry_after, time.monotonic())


def _one(fetched: Fetched | NotModified) -> Resource:
    assert isinstance(fetched, Fetched), "without validators there is no 304"
    return fetched.resources[0]
