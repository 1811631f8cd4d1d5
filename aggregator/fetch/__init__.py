"""Sources' bytes: over HTTP, from files, from folders. The only room that knows requests."""

from __future__ import annotations

import time
from datetime import datetime

from aggregator.config import Fetch, Source
from aggregator.errors import HttpStatus
from aggregator.fetch.file import fetch_file, fetch_folder
from aggregator.fetch.guard import Guard, Resolve
from aggregator.fetch.hosts import Hosts
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.resource import Fetched, Hints, NotModified, Resource, Validators

__all__ = ["Fetched", "Fetcher", "Hints", "Hosts", "NotModified", "Resource", "Validators"]


class Fetcher:
    """Fetches any source by what its address is; safe to use from several threads.

    `hosts` says when an address may be asked: whoever polls many sources orders them by it. A host's
    Retry-After is entered there by `fetch` itself. `resolve` stands in for the system's resolver.
    """

    def __init__(self, settings: Fetch, user_agent: str, resolve: Resolve | None = None) -> None:
        guard = Guard(settings.allow, resolve)
        self._max_bytes = settings.max_bytes
        self._http = HttpFetcher(settings, user_agent, guard)
        self.hosts = Hosts(at_once=settings.host_at_once, gap=settings.host_gap, is_own=guard.is_own)

    def close(self) -> None:
        """Closes every connection that is kept open."""
        self._http.close()

    def further(self, source: Source, url: str, now: datetime) -> Resource:
        """A document that one of the source's documents leads to, fetched in its publisher's turn.

        What is for the origin of the source's own address alone is sent there alone. Raises FetchError.
        """
        with self.hosts.turn(url):
            try:
                fetched = self._http.fetch(source, {}, now, url=url)
            except HttpStatus as error:
                self._heed(url, error)
                raise
        assert isinstance(fetched, Fetched), "nothing was known, so nothing can be unchanged"
        return fetched.resources[0]

    def fetch(self, source: Source, validators: Validators, now: datetime) -> Fetched | NotModified:
        """What is new at `source` since `validators` were given out. Raises FetchError and its kinds."""
        if source.path is not None:
            return fetch_folder(source.path, validators, max_bytes=self._max_bytes)
        if source.address.startswith("file:"):
            return fetch_file(source.address, validators, max_bytes=self._max_bytes)
        try:
            return self._http.fetch(source, validators, now)
        except HttpStatus as error:
            self._heed(source.address, error)
            raise

    def _heed(self, url: str, error: HttpStatus) -> None:
        if error.retry_after:
            self.hosts.hold(url, error.retry_after, time.monotonic())
