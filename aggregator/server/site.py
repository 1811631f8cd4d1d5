"""The output folder over HTTP, as an ASGI application."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from aggregator.config.load import Config
from aggregator.model.media_copies import is_copy
from aggregator.publishing.outputs import public_url
from aggregator.server import conditional_requests, negotiation
from aggregator.server.file_cache import EncodedBody, File, Files
from aggregator.server.media_types import MediaTypes, copy_headers, is_page
from aggregator.server.request_paths import names
from aggregator.server.visitor_search import Refusal, Searches, encoded
from aggregator.writers import formats
from aggregator.writers.html.content_security_policy import POLICY, policy_of
from aggregator.writers.html.locale import locale_of
from aggregator.writers.html.page_variables import NOT_FOUND

__all__ = ["OutputApplication", "send_text"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_CHUNK_BYTES = 64 * 1024
"""How much of a body is buffered for each client; the body itself is shared by all."""

_READ = frozenset(
    (
        *(b"accept", b"accept-encoding", b"if-none-match", b"if-modified-since"),
        *(b"range", b"if-range"),
    )
)
_METHODS = ("GET", "HEAD")
_ALLOW = (b"allow", b"GET, HEAD, OPTIONS")
# Our pages need a style sheet and pictures from anywhere; a feed that a browser shows as XML needs less.


def _security(policy: str) -> Headers:
    return [
        (b"content-security-policy", f"{policy}; frame-ancestors 'none'".encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]


_SECURITY = _security(POLICY)
_ANY_ORIGIN = (b"access-control-allow-origin", b"*")
_OPTIONS: Headers = [
    _ALLOW,
    _ANY_ORIGIN,
    # So that a reader that runs in a browser may send If-None-Match.
    (b"access-control-allow-headers", b"*"),
]
_SEARCH = ("search",)
_KEPT_IN_304 = frozenset(
    (*(b"cache-control", b"content-location", b"etag", b"vary"), b"access-control-allow-origin")
)
_log = logging.getLogger("aggregator.access")


class OutputApplication:
    """Answers GET and HEAD for the files of the config's output folder; counts its responses by status."""

    def __init__(self, config: Config, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.answered: Counter[int] = Counter()
        self.adopt(config)

    def adopt(self, config: Config) -> None:
        """Uses another config from now on."""
        self._config = config
        self._media = MediaTypes(formats())
        self._files = Files(config.output, self._media.is_text)
        self._searches = Searches(config, self._clock) if config.serve.search else None
        has_script = config.publish.pages.hide_read
        policy = policy_of(
            has_search=config.serve.search, has_script=has_script, plays_http=config.site.is_plain
        )
        self._security = _security(policy)
        self._prefix = tuple(unquote(part) for part in urlsplit(config.site.url).path.split("/") if part)
        place = config.store if isinstance(config.store, Path) else None
        is_inside = place is not None and place.is_relative_to(config.output)
        self._store = place.relative_to(config.output).as_posix() if place and is_inside else ""
        self._max_age = config.max_age
        self._nothing = locale_of(config.site.language, "UTC").say(NOT_FOUND).unescape()
        self._names = lru_cache(maxsize=4096)(self._names_of)
        self._heads = lru_cache(maxsize=4096)(self._head)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request. Bodies of requests are not read."""

        async def counted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._count(scope, message["status"])
            await send(message)

        method = scope["method"]
        if method not in _METHODS:
            if method == "OPTIONS":
                await counted({"type": "http.response.start", "status": 204, "headers": _OPTIONS})
                await counted({"type": "http.response.body"})
            else:
                await send_text(counted, 405, "Only GET and HEAD are answered here.", [_ALLOW])
            return
        asked: dict[bytes, str] = {}
        for name, value in scope["headers"]:
            if name in _READ:
                text = value.decode("latin-1")
                asked[name] = f"{asked[name]}, {text}" if name in asked else text
        await self._answer(scope, asked, counted)

    def _names_of(self, raw_path: bytes) -> tuple[str, ...] | None:
        found = names(raw_path, self._prefix)
        # The store, its journal and its locks are in the output folder of some sites.
        if found and self._store and "/".join(found).startswith(self._store):
            return None
        return found

    async def _answer(self, scope: Scope, asked: Mapping[bytes, str], send: Send) -> None:
        found = self._names(scope["raw_path"])
        if found is None:
            await send_text(send, 404, self._nothing)
            return
        if found == _SEARCH and self._searches is not None:
            await self._answer_search(self._searches, scope, asked, send)
            return
        is_index = bool(found) and not found[-1]
        file: File | None = None
        if is_index:
            file = await self._index(found[:-1], asked.get(b"accept"))
        elif found:
            file = await self._files.get(self._files.path(found))
        if file is None:
            if not is_index and self._files.is_folder(self._files.path(found)):
                # Relative, as a proxy may have removed a part of the path.
                name = (found or self._prefix)[-1]
                await send_text(send, 308, "", [(b"location", f"{quote(name, safe='')}/".encode())])
            else:
                await send_text(send, 404, self._nothing)
            return
        body = await self._files.body(file, negotiation.encodings(asked.get(b"accept-encoding")))
        name = file.path.rpartition("/")[2]
        place = (*found[:-1], name)
        heads = self._heads(place, body.etag, body.encoding, len(body.data), file.modified, is_index)
        await self._send(file, body, heads, asked, scope, send)

    async def _answer_search(
        self, searches: Searches, scope: Scope, asked: Mapping[bytes, str], send: Send
    ) -> None:
        made = await searches.answer(scope["query_string"])
        if isinstance(made, Refusal):
            wait: Headers = (
                [(b"retry-after", b"%d" % made.retry_seconds)] if made.retry_seconds is not None else []
            )
            kind = b"text/html; charset=utf-8" if made.is_page else b"text/plain; charset=utf-8"
            await send_body(send, made.status, made.body, [*wait, *self._security], kind)
            return
        body = await encoded(made, negotiation.encodings(asked.get(b"accept-encoding")))
        heads = self._head((made.path,), body.etag, body.encoding, len(body.data), made.modified, False)
        await self._send(made, body, heads, asked, scope, send)

    async def _index(self, folder: tuple[str, ...], accept: str | None) -> File | None:
        there = {
            name: file
            for name in self._media.indexes
            if (file := await self._files.get(self._files.path((*folder, name)))) is not None
        }
        return there[negotiation.best(accept, tuple(there), self._media.indexes)] if there else None

    async def _send(
        self,
        file: File,
        body: EncodedBody,
        heads: tuple[Headers, Headers],
        asked: Mapping[bytes, str],
        scope: Scope,
        send: Send,
    ) -> None:
        whole, unchanged = heads
        data, modified = body.data, file.modified
        if conditional_requests.is_unchanged(
            asked.get(b"if-none-match"), asked.get(b"if-modified-since"), body.etag, modified
        ):
            await send({"type": "http.response.start", "status": 304, "headers": unchanged})
            await send({"type": "http.response.body"})
            return
        status, headers, first, last = 200, whole, 0, len(data) - 1
        if b"range" in asked and body.encoding is None and scope["method"] == "GET":
            part = conditional_requests.part(
                asked[b"range"], asked.get(b"if-range"), body.etag, modified, len(data)
            )
            if part == conditional_requests.UNSATISFIABLE:
                extent = (b"content-range", b"bytes */%d" % len(data))
                await send_text(send, 416, "The range lies beyond the end.", [extent])
                return
            if part is not None:
                (first, last), status = part, 206
                headers = [pair for pair in whole if pair[0] != b"content-length"]
                headers.append((b"content-length", b"%d" % (last - first + 1)))
                headers.append((b"content-range", b"bytes %d-%d/%d" % (first, last, len(data))))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body"})
            return
        if last - first < _CHUNK_BYTES:
            await send({"type": "http.response.body", "body": data[first : last + 1]})
            return
        for start in range(first, last + 1, _CHUNK_BYTES):
            end = min(start + _CHUNK_BYTES, last + 1)
            await send({"type": "http.response.body", "body": data[start:end], "more_body": end <= last})

    def _head(
        self,
        place: tuple[str, ...],
        etag: str,
        encoding: str | None,
        size: int,
        modified: int,
        is_negotiated: bool,
    ) -> tuple[Headers, Headers]:
        """Headers of a 200 and of a 304 (RFC 9110 §15.4.5: only what a cache needs)."""
        name = place[-1]
        age = "no-cache" if is_page(name) else f"public, max-age={self._max_age.total_seconds():.0f}"
        own = {"Content-Type": self._media.content_type(name), "Cache-Control": age}
        own = copy_headers(name) if is_copy(*place) else own
        headers: Headers = [
            *((each.lower().encode(), value.encode()) for each, value in own.items()),
            (b"content-length", b"%d" % size),
            (b"etag", etag.encode()),
            (b"last-modified", conditional_requests.http_date(modified).encode()),
            (b"vary", b"Accept, Accept-Encoding" if is_negotiated else b"Accept-Encoding"),
        ]
        if encoding is None:
            headers.append((b"accept-ranges", b"bytes"))
        else:
            headers.append((b"content-encoding", encoding.encode()))
        if is_negotiated:
            headers.append((b"content-location", name.encode()))
        if is_copy(*place) or not is_page(name):
            headers.append(_ANY_ORIGIN)
        headers += self._links(place)
        headers += self._security
        return headers, [pair for pair in headers if pair[0] in _KEPT_IN_304]

    def _links(self, place: tuple[str, ...]) -> Headers:
        """WebSub §4: hub and self. Only for feeds with changes that are announced to hubs."""
        if len(place) != 2 or place[1] not in self._media.feeds or not self._config.publish.hubs:
            return []
        if not (topic := public_url(self._config, *place)):
            return []
        links = [f'<{_escaped(hub)}>; rel="hub"' for hub in self._config.publish.hubs]
        return [(b"link", ", ".join([*links, f'<{_escaped(topic)}>; rel="self"']).encode())]

    def _count(self, scope: Scope, status: int) -> None:
        self.answered[status] += 1
        if self._config.serve.access_log:
            client = scope["client"][0] if scope.get("client") else "-"
            path = scope["raw_path"].decode("latin-1")
            facts = {"client": client, "method": scope["method"], "path": path, "status": status}
            _log.info("%s %s %s %d", client, scope["method"], path, status, extra={"facts": facts})


async def send_text(
    send: Send,
    status: int,
    text: str,
    headers: Headers | None = None,
    content_type: bytes = b"text/plain; charset=utf-8",
) -> None:
    """A short plain-text response that must not be cached."""
    body = f"{text}\n".encode() if text else b""
    await send_body(send, status, body, [*(headers or ()), *_SECURITY], content_type)


async def send_body(send: Send, status: int, body: bytes, headers: Headers, content_type: bytes) -> None:
    """A response that must not be cached; `headers` include those for security."""
    start: Headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": body})


def _escaped(url: str) -> str:
    """An address for a header: ASCII, without characters that would end the `<…>`."""
    return quote(url, safe="!#$%&'()*+,/:;=?@[]~")
