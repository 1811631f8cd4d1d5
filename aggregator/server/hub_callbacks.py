"""WebSub callbacks over HTTP: hubs verify our subscriptions, and report changes (ASGI)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

from aggregator.config.load import Config
from aggregator.errors import StoreError
from aggregator.server.site import Receive, Scope, Send, send_body

__all__ = ["CallbackRequests", "Callbacks"]

MAX_WAITING = 64
"""How many requests of hubs are answered or wait; further ones are asked to come again."""

MAX_BUFFERED_BYTES = 32 * 1024 * 1024
"""How many bytes of their bodies are in memory at once."""

_RETRY_AFTER = (b"retry-after", b"60")
_ALLOW = (b"allow", b"GET, POST")
_CLOSE = (b"connection", b"close")
_SAFE = [(b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"default-src 'none'")]
_TEXT = b"text/plain; charset=utf-8"
_RawHeaders = Iterable[tuple[bytes, bytes]]


class _Answer(Protocol):
    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...


class Callbacks(Protocol):
    """Answers hubs; see `aggregator.polling.hub_callbacks.HubCallbacks`."""

    def adopt(self, config: Config) -> None:
        """Uses another config from now on."""
        ...

    def close(self) -> None:
        """Closes what it has opened."""
        ...

    def token(self, path: str) -> str | None:
        """The token in a path, None if the path is not a callback's."""
        ...

    def listening(self, now: datetime) -> None:
        """Records that hubs are answered."""
        ...

    def verify(self, token: str, query: bytes, now: datetime) -> _Answer:
        """Answers a GET."""
        ...

    def allowance(self, token: str, headers: _RawHeaders, now: datetime) -> _Answer | int:
        """The response to a POST before its body is read, or the size limit of its body."""
        ...

    def deliver(self, token: str, headers: _RawHeaders, body: bytes, now: datetime) -> _Answer:
        """Answers a POST."""
        ...


class CallbackRequests:
    """The requests of hubs, one at a time; a body is in memory only until it is stored."""

    def __init__(self, callbacks: Callbacks, clock: Callable[[], datetime]) -> None:
        self._callbacks = callbacks
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._buffered = 0

    async def answer(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request to a callback."""
        if self._waiting >= MAX_WAITING:
            await _send(send, 503, [_RETRY_AFTER, _CLOSE])
            return
        self._waiting += 1
        try:
            await self._answer(token, scope, receive, send)
        except StoreError:  # for example locked by another process: the hub tries again
            await _send(send, 503, [_RETRY_AFTER, _CLOSE])
        finally:
            self._waiting -= 1

    async def _answer(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method == "GET":
            answer = await self._call(self._callbacks.verify, token, scope["query_string"])
            await _send(send, answer.status, body=answer.body)
            return
        if method != "POST":
            await _send(send, 405, [_ALLOW, _CLOSE])
            return
        headers = scope["headers"]
        allowed = await self._call(self._callbacks.allowance, token, headers)
        if not isinstance(allowed, int):
            await _send(send, allowed.status, [_CLOSE], allowed.body)
            return
        chunks: list[bytes] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                chunk = message.get("body", b"")
                size += len(chunk)
                self._buffered += len(chunk)
                chunks.append(chunk)
                if size > allowed:
                    await _send(send, 413, [_CLOSE])
                    return
                if self._buffered > MAX_BUFFERED_BYTES:
                    await _send(send, 503, [_RETRY_AFTER, _CLOSE])
                    return
                if not message.get("more_body"):
                    break
            answer = await self._call(self._callbacks.deliver, token, headers, b"".join(chunks))
        finally:
            self._buffered -= size
        await _send(send, answer.status, body=answer.body)

    async def _call(self, what: Callable[..., Any], *arguments: object) -> Any:
        async with self._turn:
            return await asyncio.to_thread(what, *arguments, self._clock())


async def _send(
    send: Send, status: int, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b""
) -> None:
    """A response that is never interpreted as markup, whatever text a hub wants to be returned."""
    await send_body(send, status, body, [*headers, *_SAFE], _TEXT)
