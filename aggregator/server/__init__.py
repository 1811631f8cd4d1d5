"""The output folder over HTTP, with health and metrics: `serve`, and `run --serve`."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from aggregator.config.load import Config
from aggregator.errors import ListenError, StoreError
from aggregator.server.clients import host_mistake, is_direct
from aggregator.server.hub_callbacks import CallbackRequests, Callbacks
from aggregator.server.listener import Listener, bound
from aggregator.server.service_health import ServiceHealth
from aggregator.server.site import OutputApplication, Receive, Scope, Send, send_text

__all__ = ["Server", "ServiceHealth"]

_READY_SECONDS = 1.0
LISTENING_SECONDS = 60
MAX_BODY_BYTES = 5 * 1024 * 1024
"""More than a callback reads: a larger body gets a response, instead of a closed connection."""

_HEALTH = ("/healthz", "/readyz", "/metrics")
_NO_METRICS = (
    "Metrics are written by prometheus-client, which is not installed. Install it beside Aggregator, with "
    "pip install 'prometheus-client>=0.21' (or '.[metrics]' in its checkout), and start this again."
)
_METRICS_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Server:
    """Serves a config's output folder at `listen` (`HOST:PORT`), in a separate thread.

    `clock` returns the time; `vitals` are those of the daemon in this process; `callbacks` answers hubs,
    None: hubs are not answered. Raises ListenError.
    """

    def __init__(
        self,
        config: Config,
        listen: str,
        clock: Callable[[], datetime],
        vitals: ServiceHealth | None = None,
        callbacks: Callbacks | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._vitals = vitals or ServiceHealth()
        self._site = OutputApplication(config, clock)
        self._callbacks = callbacks
        self._hubs = CallbackRequests(callbacks, clock) if callbacks is not None else None
        # One thread reads the store: when that is slow, the other threads still read files.
        self._looking = asyncio.Lock()
        self._ready: tuple[float, str | None] = (0.0, None)
        sockets = [bound(listen)]
        self.url = _url(sockets[0])
        self._metrics_port: int | None = None
        if config.serve.metrics is not None:
            try:
                sockets.append(bound(config.serve.metrics))
            except ListenError:
                sockets[0].close()
                raise
            self._metrics_port = sockets[1].getsockname()[1]
            self.metrics_url = _url(sockets[1]) + "metrics"
        else:
            self.metrics_url = f"{self.url}metrics"
        self._listener = Listener(self, sockets, config.serve, self._body_bytes)

    def start(self) -> None:
        """Starts to answer requests."""
        self._listener.start()

    def adopt(self, config: Config) -> None:
        """Uses another config from now on; the listening address does not change."""

        def adopt() -> None:
            self._config = config
            self._site.adopt(config)
            if self._callbacks is not None:
                self._callbacks.adopt(config)

        self._listener.call(adopt)

    def stop(self) -> None:
        """Finishes the responses that are being sent, and stops."""
        self._listener.stop()
        self._vitals.close()
        if self._callbacks is not None:
            self._callbacks.close()

    def run(self, beside: Callable[[], None] = lambda: None) -> None:
        """Serves until SIGTERM or SIGINT; `beside` starts other work in this process."""
        # Signals are blocked before the thread starts, so that it inherits that; then we wait for one.
        ends = {signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        self.start()
        beside()
        self._listening()
        while signal.sigtimedwait(ends, LISTENING_SECONDS) is None:
            self._listening()
        self.stop()

    def _listening(self) -> None:
        with suppress(StoreError):
            if self._callbacks is not None:
                self._callbacks.listening(self._clock())

    def _token(self, scope: Mapping[str, Any]) -> str | None:
        return self._callbacks.token(scope["path"]) if self._callbacks is not None else None

    def _body_bytes(self, scope: Mapping[str, Any]) -> int:
        """The limit for a request's body: only bodies from hubs are read."""
        return MAX_BODY_BYTES if scope["method"] == "POST" and self._token(scope) is not None else 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI)."""
        mistake = host_mistake(scope["headers"], scope["http_version"])
        if mistake is not None:
            await send_text(send, 400, mistake, [(b"connection", b"close")])
            return
        path = scope["path"]
        is_for_metrics = self._metrics_port is not None and scope["server"][1] == self._metrics_port
        if path in _HEALTH:
            await self._tell(path, scope, send, is_for_metrics=is_for_metrics)
        elif is_for_metrics:
            await send_text(send, 404, "This server has /metrics, /healthz and /readyz.")
        elif self._hubs is not None and (token := self._token(scope)) is not None:
            await self._hubs.answer(token, scope, receive, send)
        else:
            await self._site(scope, receive, send)

    async def _tell(self, path: str, scope: Scope, send: Send, *, is_for_metrics: bool) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await send_text(send, 405, "Only GET and HEAD are answered here.", [(b"allow", b"GET, HEAD")])
        elif path == "/healthz":
            await send_text(send, 200, "alive")
        elif path == "/readyz":
            missing = await self._missing()
            await send_text(send, 503 if missing else 200, missing or "ready")
        elif is_for_metrics or (self._metrics_port is None and _is_from_here(scope)):
            async with self._looking:
                text = await asyncio.to_thread(
                    self._vitals.metrics, self._config, self._site.answered, self._clock()
                )
            if text is None:
                await send_text(send, 501, _NO_METRICS)
            else:
                await send_text(send, 200, text.decode().removesuffix("\n"), content_type=_METRICS_TYPE)
        else:
            await send_text(send, 404, "There is nothing at this address.")

    async def _missing(self) -> str | None:
        """Why the service is not ready; cached for a second, as anyone may ask and each check reads the
        store.
        """
        async with self._looking:
            until, missing = self._ready
            if time.monotonic() >= until:
                missing = await asyncio.to_thread(self._vitals.missing, self._config)
                self._ready = (time.monotonic() + _READY_SECONDS, missing)
        return missing


def _is_from_here(scope: Scope) -> bool:
    client = scope.get("client")
    return client is not None and is_direct(client[0], scope["headers"])


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"
