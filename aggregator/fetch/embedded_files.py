"""Fetches pictures and recordings as a visitor's browser would: without a source's login, cookies or headers.

robots.txt is not asked: it is for programs that find pages by themselves. A picture is fetched because an
article shows it, once, in place of every visitor. Browsers and the picture proxies of readers do not ask.

An article may name any address, and what is fetched is published. So of the private addresses in fetch.allow,
only the host of the article's own source may be reached.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aggregator.fetch.guard import Guard, Resolve
from aggregator.fetch.http import HttpFetcher
from aggregator.model.retrieved import Fetched, Resource
from aggregator.model.struct import Struct
from aggregator.normalise.links import without_login

if TYPE_CHECKING:
    from aggregator.config.load import Fetch, Source

__all__ = ["EmbeddedFiles", "FileBounds"]

ACCEPT = "image/webp, image/jpeg, image/png, image/gif;q=0.9, audio/*;q=0.8, video/*;q=0.8, */*;q=0.1"


class FileBounds(Struct, frozen=True):
    """How large a file may be (bytes), and how long fetching it may take."""

    max_bytes: int
    deadline: timedelta


class _Unnamed(HttpFetcher):
    def __init__(self, settings: Fetch, user_agent: str, guard: Guard) -> None:
        super().__init__(settings, user_agent, guard)
        self._headers["Accept"] = ACCEPT


class EmbeddedFiles:
    """Fetches pictures and recordings; safe to use from several threads. `guard` is the sources' guard."""

    def __init__(self, settings: Fetch, user_agent: str, guard: Guard, resolve: Resolve | None) -> None:
        self._settings = settings
        self._user_agent = user_agent
        self._guard = guard
        self._resolve = resolve
        self._fetchers: dict[tuple[str, FileBounds], _Unnamed] = {}

    def close(self) -> None:
        """Closes all idle connections."""
        for fetcher in self._fetchers.values():
            fetcher.close()

    def get(self, source: Source, url: str, now: datetime, bounds: FileBounds) -> Resource:
        """Fetches a file that an article of `source` shows. Raises FetchError and its kinds."""
        from aggregator.config.sources import Source

        own, host = _host(source.address), _host(url)
        is_own = bool(own) and own == host
        stand_in = Source.model_construct(
            name=source.name,
            url=without_login(url),
            proxy=source.proxy,
            user_agent=source.user_agent,
            tls_ca=source.tls_ca if is_own else None,
            tls_verify=source.tls_verify or not is_own,
        )
        allowed = own if is_own and self._guard.is_own(own) else ""
        fetched = self._fetcher(allowed, bounds).fetch(stand_in, {}, now)
        assert isinstance(fetched, Fetched), "without validators there is no 304"
        return fetched.resources[0]

    def _fetcher(self, allowed: str, bounds: FileBounds) -> _Unnamed:
        if (found := self._fetchers.get((allowed, bounds))) is not None:
            return found
        update = {"max_bytes": bounds.max_bytes, "deadline": bounds.deadline}
        settings = self._settings.model_copy(update=update)
        guard = Guard((allowed,) if allowed else (), self._resolve)
        return self._fetchers.setdefault((allowed, bounds), _Unnamed(settings, self._user_agent, guard))


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").rstrip(".").lower() if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""
