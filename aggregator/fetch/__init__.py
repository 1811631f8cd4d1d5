"""Sources' bytes: over HTTP, from files, from folders. The only room that knows requests."""

from __future__ import annotations

from aggregator.config import Fetch, Source
from aggregator.fetch.file import fetch_file, fetch_folder
from aggregator.fetch.http import HttpFetcher
from aggregator.fetch.resource import Fetched, NotModified, Resource, Validators

__all__ = ["Fetched", "Fetcher", "NotModified", "Resource", "Validators"]


class Fetcher:
    """Fetches any source by what its address is; safe to use from several threads."""

    def __init__(self, settings: Fetch, user_agent: str) -> None:
        self._max_bytes = settings.max_bytes
        self._http = HttpFetcher(settings, user_agent)

    def close(self) -> None:
        """Closes every connection that is kept open."""
        self._http.close()

    def fetch(self, source: Source, validators: Validators) -> Fetched | NotModified:
        """What is new at `source` since `validators` were given out. Raises FetchError and its kinds."""
        if source.path is not None:
            return fetch_folder(source.path, validators, max_bytes=self._max_bytes)
        if source.address.startswith("file:"):
            return fetch_file(source.address, validators, max_bytes=self._max_bytes)
        return self._http.fetch(source.address, validators)
