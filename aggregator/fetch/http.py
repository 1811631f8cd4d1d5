"""HTTP(S): conditional GETs with limits; redirects are followed here and not by requests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from aggregator import __version__, errors
from aggregator.fetch import bot_protection, freshness
from aggregator.fetch.addresses import (
    fetchable,
    is_own_place,
    is_same_place,
    parts_of,
    place_of,
    shown_address,
    target_of,
)
from aggregator.fetch.connection import Verify, exchange, too_large
from aggregator.fetch.cookies import Cookies
from aggregator.fetch.direct import DirectRequests, PlainAnswer, head_of
from aggregator.fetch.guard import Guard
from aggregator.fetch.http_results import challenged, conditions, fetched, hints_in, not_modified
from aggregator.fetch.late_imports import import_requests
from aggregator.fetch.map_errors import map_errors
from aggregator.fetch.request_headers import own_headers, set_header
from aggregator.model.retrieved import AnswerHints, Fetched, NotModified, Validators
from aggregator.model.struct import Struct, replace

if TYPE_CHECKING:
    import requests

    from aggregator.config.load import Fetch, Source
    from aggregator.fetch.requests_adapter import Adapter

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
ACCEPT_PAGE = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
ACCEPT_ENCODING = "gzip, deflate, br, zstd"
PERMANENT = frozenset((301, 308))
WHOLE = frozenset((200, 203, 226))
"""Statuses of complete documents.

A proxy may have modified the body of a 203, and a 226 is like a 200 for clients that ask for no
delta (RFC 9110 §15.3.4, RFC 3229 §10.4.1).
"""
REDIRECTS = PERMANENT | {302, 303, 307}
_CHUNK_BYTES = 64 * 1024
_REASONS = {
    401: ("it asks for a login (401)", "set the source's auth"),
    403: ("it refuses us (403)", "try it in a browser; the publisher may refuse feed readers"),
    404: ("there is nothing at this address (404)", "look for the feed's new place"),
    407: ("the proxy asks for a login (407)", "put user and password into the proxy's address"),
}

Permit = Callable[[str], None]
"""Called before each request for a web page. Raises FetchError when robots.txt forbids it."""


class _Hop(Struct, frozen=True):
    """One request of a fetch; `is_own` while every request so far went to the origin that the user named.

    `secret` is appended to the query of the request only, at the origin of the first request: it is in no
    address that is stored or shown.
    """

    url: str
    source: Source
    is_own: bool = True
    permit: Permit | None = None
    secret: str = ""

    def next(self, response: requests.Response) -> _Hop:
        url = target_of(self.url, response.headers["Location"])
        is_same = is_same_place(self.url, url)
        if self.secret:
            # Some servers repeat the query in their redirect.
            parts = urlsplit(url)
            left = "&".join(pair for pair in parts.query.split("&") if pair != self.secret)
            url = parts._replace(query=left).geturl()
        return replace(self, url=url, is_own=self.is_own and is_same, secret=self.secret if is_same else "")

    @property
    def on_the_wire(self) -> str:
        parts = urlsplit(self.url)
        return parts._replace(query="&".join(filter(None, (parts.query, self.secret)))).geturl()


def user_agent(settings: Fetch) -> str:
    """Product, version and, if the config has one, the contact address (RFC 9110 §10.1.5)."""
    contact = f" (+{settings.contact})" if settings.contact else ""
    return f"Aggregator/{__version__}{contact}"


class HttpFetcher:
    """Fetches documents over HTTP(S) within the config's limits; safe to use from several threads.

    Sends nothing that identifies the reader: no cookies but the configured ones and those of the same fetch,
    no Referer, no credentials from the environment. `guard` decides which addresses may be reached.
    """

    def __init__(self, settings: Fetch, user_agent: str, guard: Guard | None = None) -> None:
        self._settings = settings
        self._headers = {"User-Agent": user_agent, "Accept": ACCEPT, "Accept-Encoding": ACCEPT_ENCODING}
        self._guard = guard or Guard(settings.allow)
        self._direct = DirectRequests(2 * settings.workers)
        self._adapters: dict[Verify, Adapter] = {}

    def close(self) -> None:
        """Closes all idle connections."""
        self._direct.close()
        for adapter in self._adapters.values():
            adapter.close()

    def fetch(
        self,
        source: Source,
        validators: Validators,
        now: datetime,
        *,
        url: str | None = None,
        permit: Permit | None = None,
        secret: str = "",
    ) -> Fetched | NotModified:
        """GETs the source's address, or `url`; conditionally if `validators` belong to the same URL.

        With `permit` the document is a page for people, and `permit` is called before each request. `secret`,
        such as `key=…`, is appended to the query of the request, and is in no address that is stored or
        shown.

        ETag and Last-Modified are sent back unchanged, both when both are known (RFC 9110 §13.1). Redirects
        are followed here. `now` is used only if a response has a date but no Date header. Raises FetchError
        and its kinds.
        """
        with exchange.within(
            self._guard,
            deadline_seconds=self._settings.deadline.total_seconds(),
            silence_seconds=self._settings.timeout.total_seconds(),
        ):
            try:
                first = _Hop(fetchable(url or source.address), source, permit=permit, secret=secret)
                if url is not None:
                    first = replace(first, is_own=is_own_place(source, first.url))
                return self._follow(first, validators, now)
            except errors.FetchError as error:
                error.url = error.url or shown_address(url or source.address)
                raise

    def post(
        self,
        url: str,
        body: Mapping[str, str] | bytes,
        now: datetime,
        deadline: timedelta,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, str]:
        """POSTs a form or bytes and returns the headers of the response; any 2xx status is success.

        Follows no redirect, so that `headers`, which may contain secrets, are sent nowhere else. Raises
        FetchError and its kinds.
        """
        from aggregator.config.sources import Source

        hop = _Hop(fetchable(url), Source.model_construct(name=url, url=url))
        with exchange.within(
            self._guard,
            deadline_seconds=min(deadline, self._settings.deadline).total_seconds(),
            silence_seconds=self._settings.timeout.total_seconds(),
        ):
            try:
                with map_errors(), self._posted(hop, headers or {}, body) as response:
                    if 200 <= response.status_code < 300:
                        _settle(response)
                    else:
                        wait = freshness.retry_after(response.headers, now)
                        wait = wait or freshness.until_reset(response.headers, now)
                        self._refuse(response, AnswerHints(retry_after=wait))
                    return response.headers
            except errors.FetchError as error:
                error.url = error.url or shown_address(url)
                raise

    def _follow(self, hop: _Hop, validators: Validators, now: datetime) -> Fetched | NotModified:
        cookies, first = Cookies(now), hop.url
        seen = {(hop.url, "")}
        is_permanent = True
        for _ in range(self._settings.max_redirects + 1):
            asked = conditions(hop.url, validators)
            moved_to = hop.url if is_permanent and hop.url != first else None
            if hop.permit:
                hop.permit(hop.url)
            with map_errors():
                answer = self._get(hop, asked, cookies)
            if isinstance(answer, PlainAnswer):
                hints = hints_in(answer.headers, now, moved_to)
                if answer.status == 304:
                    return not_modified(validators, answer.headers, hints)
                return fetched(hop.url, answer.status, answer.headers, answer.body, hints)
            with map_errors(), answer as response:
                status = response.status_code
                if status in REDIRECTS and response.headers.get("Location"):
                    _settle(response)
                    cookies.take(hop.url, response.raw.headers.getlist("Set-Cookie"))
                    hop = hop.next(response)
                    if (step := (hop.url, cookies.header(hop.url))) in seen:
                        raise errors.TooManyRedirects(f"its redirects form a loop at {hop.url}")
                    seen.add(step)
                    is_permanent = is_permanent and status in PERMANENT
                    continue
                hints = hints_in(response.headers, now, moved_to)
                if status == 304 and asked:
                    _settle(response)
                    return not_modified(validators, response.headers, hints)
                if status not in WHOLE:
                    self._refuse(response, hints)
                return fetched(hop.url, status, response.headers, self._body(response), hints)
        raise errors.TooManyRedirects(f"it redirects more than {self._settings.max_redirects} times")

    def _get(self, hop: _Hop, asked: Mapping[str, str], cookies: Cookies) -> PlainAnswer | requests.Response:
        headers = self._headers_of(hop, asked)
        if written := cookies.header(hop.url, headers.get("Cookie", "")):
            headers["Cookie"] = written
        verify, proxy = self._way_of(hop)
        url = hop.on_the_wire if hop.secret else hop.url
        if not proxy and (place := place_of(url)) and (head := head_of(place, headers)):
            limit = self._settings.max_bytes
            return self._direct.get(url, place, head, verify, limit, is_conditional=bool(asked))
        return self._send("GET", url, headers, None, verify, proxy)

    def _posted(
        self, hop: _Hop, more: Mapping[str, str], body: Mapping[str, str] | bytes
    ) -> requests.Response:
        return self._send("POST", hop.url, self._headers_of(hop, more), body, *self._way_of(hop))

    def _headers_of(self, hop: _Hop, more: Mapping[str, str]) -> dict[str, str]:
        source = hop.source
        headers = {**self._headers}
        if hop.permit:
            headers["Accept"] = ACCEPT_PAGE
        if source.user_agent:
            headers["User-Agent"] = source.user_agent
        for further in (own_headers(source) if hop.is_own else {}, more):
            for name, value in further.items():
                set_header(headers, name, value)
        return headers

    def _way_of(self, hop: _Hop) -> tuple[Verify, str]:
        """Returns how certificates are checked, and the proxy."""
        source, settings = hop.source, self._settings
        proxy = (settings.proxy if source.proxy is None else source.proxy).get_secret_value()
        if proxy:
            # The proxy resolves the name: our own answer may differ, and a lookup would reveal the host.
            self._guard.check_written(parts_of(hop.url).hostname or "")
        verify: Verify = settings.tls_ca or True
        if hop.is_own:
            verify = source.tls_verify and (source.tls_ca or verify)
        return verify, proxy

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Mapping[str, str] | bytes | None,
        verify: Verify,
        proxy: str,
    ) -> requests.Response:
        import_requests()
        import requests
        from requests.structures import CaseInsensitiveDict

        request = requests.PreparedRequest()
        request.prepare_method(method)
        request.prepare_url(url, None)
        request.headers = CaseInsensitiveDict(headers)
        if body is not None:
            request.prepare_body(body, None)
        proxies = {"http": proxy, "https": proxy} if proxy else {}
        while True:
            with exchange.head():
                try:
                    # Not `Session.send`: even with allow_redirects=False it reads a redirect's whole body.
                    return self._adapter(verify).send(
                        request, stream=True, timeout=exchange.patience(), proxies=proxies
                    )
                except requests.exceptions.ConnectionError:
                    # A POST may have taken effect although the connection was closed.
                    if method == "POST" or not exchange.lost_a_kept_connection():
                        raise

    def _adapter(self, verify: Verify) -> Adapter:
        from aggregator.fetch.requests_adapter import Adapter

        adapter = self._adapters.get(verify)
        if adapter is None:
            adapter = self._adapters.setdefault(verify, Adapter(2 * self._settings.workers, verify))
        return adapter

    def _body(self, response: requests.Response) -> bytes:
        limit = self._settings.max_bytes
        chunks = []
        size = response.raw.length_remaining or 0
        if size <= limit:
            size = 0
            for chunk in response.iter_content(_CHUNK_BYTES):
                size += len(chunk)
                if size > limit:
                    break
                chunks.append(chunk)
        if size > limit:
            raise too_large(limit)
        from aggregator.fetch.requests_adapter import is_cut_short

        if is_cut_short(response.raw):
            coding = response.headers.get("Content-Encoding", "")
            raise errors.BrokenExchange(f"its body is incomplete: the {coding[:40]} data has no end")
        return b"".join(chunks)

    def _refuse(self, response: requests.Response, hints: AnswerHints) -> NoReturn:
        status, wait = response.status_code, hints.retry_after
        beginning = b""
        if status in bot_protection.STATUSES:
            with contextlib.suppress(errors.FetchError), map_errors():
                beginning = next(response.iter_content(bot_protection.MAX_BYTES), b"")
        _settle(response)
        if who := bot_protection.challenger(status, response.headers, beginning):
            raise errors.ChallengePage(challenged(who), status=status, retry_after=wait)
        if status == 410:
            raise errors.Gone("it is gone permanently (410)", status=status, retry_after=wait)
        if status in (429, 503):
            reason = "it asks for fewer requests" if status == 429 else "it is not available at the moment"
            raise errors.Later(f"{reason} ({status})", status=status, retry_after=wait)
        reason, advice = _REASONS.get(status, (f"the server answered {status}", None))
        if status >= 500:
            reason, advice = f"the server failed ({status})", "wait; if it stays, tell the publisher"
        elif status == 304:
            reason = "it says that nothing changed (304), although no copy is stored"
        raise errors.HttpStatus(reason, status=status, retry_after=wait, advice=advice)


def _settle(response: requests.Response) -> None:
    """Keeps the connection when the response has no body; else leaves the body unread and closes it."""
    if response.raw.length_remaining == 0:
        response.raw.drain_conn()
