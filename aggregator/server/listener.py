"""Listening, in a thread of its own: the only module that knows uvicorn.

uvicorn bounds how long a connection may be idle between requests; it does not bound how long a request may
take to come, nor how slowly an answer may be taken, and httptools bounds no header. That is done here.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import uvicorn

from aggregator.config.load import split_address
from aggregator.errors import ListenError

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol as Protocol
elif importlib.util.find_spec("httptools"):
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as Protocol
else:
    from uvicorn.protocols.http.h11_impl import H11Protocol as Protocol

# It warns of each request that is no HTTP: strangers would fill the log.
logging.getLogger("uvicorn").setLevel(logging.ERROR)

__all__ = ["HEAD_SECONDS", "MAX_HEAD_BYTES", "Listener", "bound"]

MAX_HEAD_BYTES = 32 * 1024
"""Of one request: line, headers, and a body, which nobody asked for."""

HEAD_SECONDS = 10
"""A request that has not come whole by then is not waited for any longer."""

STALLED_SECONDS = 30
"""Nor is a client that takes nothing of an answer for so long."""

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
    """Serves an ASGI application on these sockets until it is stopped; takes no signals.

    Beyond `max_connections` at a time a new connection is dropped at once.
    """

    def __init__(self, app: Any, sockets: Sequence[socket.socket], max_connections: int) -> None:
        config = uvicorn.Config(
            app,
            http=_bounded(max_connections),
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
        """Begins to answer."""
        self._thread.start()
        self._server.runs.wait(STOP_SECONDS)

    def call(self, what: Callable[[], object]) -> None:
        """Does this between two requests, in the thread that answers them."""
        if self._server.loop is not None:
            self._server.loop.call_soon_threadsafe(what)

    def stop(self) -> None:
        """Finishes the answers that are on their way, for a few seconds."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS + 2)

    def _run(self) -> None:
        self._server.run(sockets=self._sockets)


class _Server(uvicorn.Server):
    """Looks at its connections every second, and drops those that have not moved for too long."""

    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.runs = threading.Event()
        self._seen: dict[Any, tuple[object, int]] = {}

    async def on_tick(self, counter: int) -> bool:
        if self.loop is None:
            self.loop = asyncio.get_running_loop()
            self.runs.set()
        if counter % 10 == 0:
            self._drop_stalled()
        return await super().on_tick(counter)

    def _drop_stalled(self) -> None:
        """What has moved: another request is answered, the answer is done, or some of it was taken.

        That a byte of a request has come counts for nothing: so do slow clients hold a server.
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


def _bounded(max_connections: int) -> type[asyncio.Protocol]:
    class Bounded(Protocol):
        """uvicorn's, with a bound on the number of connections and on what one request may send."""

        _received_bytes = 0
        _of_cycle: object = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > max_connections:
                transport.abort()

        def data_received(self, data: bytes) -> None:
            if self._of_cycle is not self.cycle:
                self._of_cycle, self._received_bytes = self.cycle, 0
            self._received_bytes += len(data)
            if self._received_bytes > MAX_HEAD_BYTES:
                self.transport.abort()
                return
            super().data_received(data)

    return Bounded
