"""Listens in a separate thread; the only module that uses uvicorn.

uvicorn limits how long a connection may be idle between requests. It limits neither how long a request may
take to arrive nor how slowly a client reads a response, and httptools limits no header. That is done here.
"""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import uvicorn

from aggregator.config.serving import Serve, split_address
from aggregator.errors import ListenError
from aggregator.server.clients import ConnectionCounts

_Protocol: Any = object  # the base class of `_Bounded` at runtime

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol as Protocol
elif importlib.util.find_spec("httptools"):
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as Protocol
else:
    from uvicorn.protocols.http.h11_impl import H11Protocol as Protocol

# uvicorn logs a warning for each request that is not HTTP: anyone could fill the log.
logging.getLogger("uvicorn").setLevel(logging.ERROR)

__all__ = ["HEAD_SECONDS", "MAX_HEAD_BYTES", "Listener", "bound"]

MAX_HEAD_BYTES = 32 * 1024
"""The limit for one request: line, headers, and a body, which is ignored unless a hub sends it."""

HEAD_SECONDS = 10
"""A connection is closed if its request has not arrived completely within this time."""

STALLED_SECONDS = 30
"""A connection is closed if its client reads nothing of a response for this time."""

IDLE_SECONDS = 5
STOP_SECONDS = 5


def bound(address: str) -> socket.socket:
    """A socket that listens at `HOST:PORT`. Raises ListenError."""
    host, port = split_address(address)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise ListenError(
            f"{address} cannot be listened on: {error.strerror}; name another host or port"
        ) from error


class Listener:
    """Serves an ASGI application on these sockets until it is stopped; handles no signals.

    A new connection is closed at once above `max_connections` in total, or above `max_connections_per_client`
    of one client address that is not among `proxies`. `body_bytes`: the size limit for a request's body, in
    addition to the limit for every request.
    """

    def __init__(
        self,
        app: Any,
        sockets: Sequence[socket.socket],
        settings: Serve,
        body_bytes: Callable[[Mapping[str, Any]], int] = lambda _: 0,
    ) -> None:
        counts = ConnectionCounts(
            settings.max_connections, settings.max_connections_per_client, settings.proxies
        )
        config = uvicorn.Config(
            app,
            http=_bounded(counts, Protocol, body_bytes),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        self._server = _Server(config)
        self._sockets = list(sockets)
        self._thread = threading.Thread(target=self._run, name="serve", daemon=True)

    def start(self) -> None:
        """Starts to answer requests."""
        self._thread.start()
        self._server.runs.wait(STOP_SECONDS)

    def call(self, what: Callable[[], object]) -> None:
        """Calls `what` between two requests, in the thread that answers them."""
        if self._server.loop is not None:
            self._server.loop.call_soon_threadsafe(what)

    def stop(self) -> None:
        """Finishes the responses that are being sent, within a few seconds."""
        self._server.should_exit = True
        with suppress(RuntimeError):  # it has ended before
            self.call(self._server.wakes.set)
        self._thread.join(STOP_SECONDS + 2)

    def _run(self) -> None:
        self._server.run(sockets=self._sockets)


class _Server(uvicorn.Server):
    """Checks its connections every second, and closes those that make no progress for too long.

    A stop waits for nothing when nobody is connected, where uvicorn's waits for 0.2 s.
    """

    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.runs = threading.Event()
        self.wakes = asyncio.Event()
        self._seen: dict[Any, tuple[object, int]] = {}

    async def main_loop(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.runs.set()
        for second in itertools.count():
            self._drop_stalled()
            if await self.on_tick(second * 10):
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wakes.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
        else:
            for listening in (*self.servers, *(sockets or ())):
                listening.close()

    def _drop_stalled(self) -> None:
        """Closes connections without progress.

        Progress is: another request is being answered, the response is complete, or a part of it was read. A
        further byte of a request is not progress, because slow clients would keep a connection open that way.
        """
        seen: dict[Any, tuple[object, int]] = {}
        for connection in list(self.server_state.connections):
            transport, cycle = connection.transport, getattr(connection, "cycle", None)
            is_answering = cycle is not None and not cycle.response_complete
            waiting_bytes = transport.get_write_buffer_size()
            state = (cycle, is_answering, waiting_bytes)
            before, seconds = self._seen.get(connection, (None, 0))
            seconds = seconds + 1 if before == state else 0
            seen[connection] = state, seconds
            if seconds >= (STALLED_SECONDS if is_answering or waiting_bytes else HEAD_SECONDS):
                transport.abort()
        self._seen = seen


class _Bounded(_Protocol):  # type: ignore[misc]
    """Wraps a protocol of uvicorn: limits for connections and for the size of a request.

    It also ends quietly when a client closes the connection: uvicorn marks only the newest of several
    pipelined requests as disconnected, and the responses to the others fail on the closed connection.
    """

    app: Any
    counts: ConnectionCounts
    body_bytes: Callable[[Mapping[str, Any]], int]

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._answer = self.app
        self.app = self._answer_while_open
        self._answering: set[Any] = set()
        self._is_counted = False
        self._received_bytes = 0
        self._most_bytes = MAX_HEAD_BYTES
        self._of_cycle: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._is_counted = self.counts.enter(self.client[0] if self.client else "")
        if not self._is_counted:
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_counted:
            self.counts.leave(self.client[0] if self.client else "")
        self._disconnect()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        # In parts, so that the head is complete before what follows it is counted.
        for start in range(0, len(data), MAX_HEAD_BYTES):
            part = data[start : start + MAX_HEAD_BYTES]
            if self._of_cycle is not self.cycle:
                self._of_cycle, self._received_bytes = self.cycle, 0
                self._most_bytes = MAX_HEAD_BYTES
                if self.cycle is not None:
                    self._most_bytes += self.body_bytes(self.cycle.scope)
            self._received_bytes += len(part)
            if self._received_bytes > self._most_bytes:
                self.transport.abort()
                return
            super().data_received(part)

    def send_400_response(self, message: str) -> None:
        if self._answering:  # a second response would be sent in the middle of the first
            self._disconnect()
            self.transport.close()
        else:
            super().send_400_response(message)

    def _disconnect(self) -> None:
        for cycle in self._answering:
            cycle.disconnected = True

    async def _answer_while_open(self, scope: Any, receive: Any, send: Any) -> None:
        cycle = send.__self__
        self._answering.add(cycle)

        async def send_while_open(message: Any) -> None:
            if self.transport.is_closing():
                cycle.disconnected = True
            else:
                await send(message)

        try:
            await self._answer(scope, receive, send_while_open)
        finally:
            self._answering.discard(cycle)


def _bounded(
    counts: ConnectionCounts,
    protocol: type[asyncio.Protocol],
    body_bytes: Callable[[Mapping[str, Any]], int],
) -> type[asyncio.Protocol]:
    own = {"counts": counts, "body_bytes": staticmethod(body_bytes)}
    return type("Bounded", (_Bounded, protocol), own)
