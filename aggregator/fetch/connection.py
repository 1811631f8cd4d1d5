"""Connections that obey a guard and a deadline, which requests and urllib3 do not do by themselves.

`_new_conn` makes every connection, to an address that the guard has checked; before each read the socket's
timeout is set to the time that is left for the whole fetch. Host, SNI and certificates are checked against
the name. The limits of the fetch that a thread is doing are in `exchange`.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.response import GzipDecoder, GzipDecoderState
from urllib3.util.ssl_ import create_urllib3_context

from aggregator import errors
from aggregator.fetch.guard import Guard, is_without_network

# urllib3 logs a traceback for each odd header of a server, and messages about its pools.
logging.getLogger("urllib3").setLevel(logging.ERROR)

MAX_HEAD_BYTES = 256 * 1024
"""The limit for a response's status line and headers; http.client allows 64 KiB a line and 100 headers."""

MAX_INTERIM = 20
_MAX_LINE_BYTES = 64 * 1024
MAX_ADDRESSES = 16
_MAX_IDLE_SECONDS = 4.0
"""Servers close connections that are idle for 5 s or more; a request sent into a closing one is lost."""

Verify = bool | Path
"""How certificates are checked: True with the public authorities, a path with that file's, False not at all.
"""


class Exchange(threading.local):
    """The limits of the fetch that this thread is doing: its deadline (monotonic seconds) and its guard."""

    guard: Guard
    until: float
    deadline_seconds: float
    silence_seconds: float
    head_bytes_left: int | None = None
    is_on_kept_connection = False

    @contextlib.contextmanager
    def within(self, guard: Guard, *, deadline_seconds: float, silence_seconds: float) -> Iterator[None]:
        """Limits everything that this thread does on guarded sockets inside the `with` statement.

        An inner `within` replaces the outer one until it ends.
        """
        outer = vars(self).copy()
        self.guard = guard
        self.until = time.monotonic() + deadline_seconds
        self.deadline_seconds = deadline_seconds
        self.silence_seconds = silence_seconds
        try:
            yield
        finally:
            vars(self).clear()
            vars(self).update(outer)

    def patience(self) -> float:
        """Seconds that the next step may take. Raises TimedOut when none are left."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise self.late()
        return min(left, self.silence_seconds)

    def late(self) -> errors.TimedOut:
        """The TimedOut that says which limit was reached: the deadline, or the silence."""
        if time.monotonic() >= self.until:
            return errors.TimedOut(
                f"not done within {self.deadline_seconds:g} s", advice="raise fetch.deadline if it is sound"
            )
        return errors.TimedOut(f"no answer within {self.silence_seconds:g} s")

    @contextlib.contextmanager
    def head(self) -> Iterator[None]:
        """Limits the bytes received inside the `with` statement, in which a response's head is read."""
        self.head_bytes_left = MAX_HEAD_BYTES
        self.is_on_kept_connection = False
        try:
            yield
        finally:
            self.head_bytes_left = None

    def lost_a_kept_connection(self) -> bool:
        """Whether the server closed a kept connection before our request arrived.

        Such a request may be sent again (RFC 9112 §9.3.1), once for each kept connection.
        """
        return self.is_on_kept_connection and self.head_bytes_left == MAX_HEAD_BYTES

    def received(self, count: int) -> None:
        """Counts bytes received before a body. Raises BrokenExchange above `MAX_HEAD_BYTES`."""
        if self.head_bytes_left is not None:
            self.head_bytes_left -= count
            if self.head_bytes_left < 0:
                raise errors.BrokenExchange(f"its headers exceed {MAX_HEAD_BYTES} bytes")


exchange = Exchange()

if TYPE_CHECKING:
    _AnySocket = socket.socket
else:
    _AnySocket = object


class _Bounded(_AnySocket):
    """A socket whose reads all end at the exchange's deadline."""

    def recv(self, *args: Any) -> bytes:
        self.settimeout(exchange.patience())
        try:
            data = super().recv(*args)
        except TimeoutError:
            raise exchange.late() from None
        exchange.received(len(data))
        return data

    def recv_into(self, *args: Any) -> int:
        self.settimeout(exchange.patience())
        try:
            count = super().recv_into(*args)
        except TimeoutError:
            raise exchange.late() from None
        exchange.received(count)
        return count


class _Socket(_Bounded, socket.socket):
    pass


class _TlsSocket(_Bounded, ssl.SSLSocket):
    pass


if TYPE_CHECKING:
    _AnyConnection = HTTPConnection
else:
    _AnyConnection = object


def connect(found: Sequence[str], port: int, options: Sequence[tuple[Any, ...]] = ()) -> socket.socket:
    """Connects to the first of these addresses that answers; every read of the socket is limited.

    Raises OSError or TimedOut (see `unreachable`).
    """
    found = found[:MAX_ADDRESSES]
    failure: Exception | None = None
    for number, address in enumerate(found):
        sock = _Socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            for option in options:
                sock.setsockopt(*option)
            # An address that never answers must leave time for the others.
            sock.settimeout(exchange.patience() / (len(found) - number))
            sock.connect((address, port))
            sock.settimeout(exchange.patience())
        except (OSError, errors.TimedOut) as error:
            sock.close()
            # If a host that is down also has an IPv6 address, "no IPv6 here" does not explain the failure.
            if failure is None or not _is_without_network(error):
                failure = error
        else:
            return sock
    assert failure is not None, "`found` is not empty"
    raise failure


def unreachable(failure: Exception) -> errors.FetchError:
    """The FetchError for what `connect` raised."""
    if _is_without_network(failure):
        return errors.NoNetwork(f"unreachable: {_words(failure)}")
    if isinstance(failure, TimeoutError | errors.TimedOut):
        return exchange.late()
    return errors.ConnectError(f"unreachable: {_words(failure)}")


def secured(context: ssl.SSLContext, verify: Verify) -> ssl.SSLContext:
    """The context with limited reads and the authorities of `verify`. Raises TlsError."""
    context.sslsocket_class = _TlsSocket
    if verify:
        file = DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)
        try:
            context.load_verify_locations(file)
        except OSError as error:
            raise errors.TlsError(
                f"no certificates can be read from {file}", advice="correct tls_ca"
            ) from error
    return context


class _Answer(http.client.HTTPResponse):
    """A response without the interim ones before it (RFC 9110 §15.2); http.client skips only 100."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # private, but its own hook
            if not (100 <= status < 200 and status != http.client.SWITCHING_PROTOCOLS):
                return version, status, reason
            while self.fp.readline(_MAX_LINE_BYTES).rstrip(b"\r\n"):
                pass
        raise errors.BrokenExchange(f"more than {MAX_INTERIM} interim responses come before its response")


class _Guarded(_AnyConnection):
    """Connects to checked addresses only, and is reused only while it has been idle for a short time."""

    _used: float | None = None

    def _new_conn(self) -> socket.socket:
        host = self._dns_host
        if self.proxy is None:
            found = exchange.guard.addresses(host, exchange.patience())
        else:
            # The proxy is the user's own choice; the target was checked before (see HttpFetcher).
            found = exchange.guard.resolved(host, exchange.patience())
        try:
            return connect(found, self.port, self.socket_options or ())
        except (OSError, errors.TimedOut) as failure:
            raise self._unreachable(failure) from failure

    def _unreachable(self, failure: Exception) -> errors.FetchError:
        if self.proxy is not None and not _is_without_network(failure):
            return errors.ProxyError(f"the proxy is unreachable: {_words(failure)}")
        return unreachable(failure)

    @property
    def is_connected(self) -> bool:
        is_fresh = self._used is None or time.monotonic() - self._used < _MAX_IDLE_SECONDS
        return is_fresh and super().is_connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        exchange.is_on_kept_connection = self._used is not None
        self._used = time.monotonic()
        super().request(*args, **kwargs)

    def response_class(self, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:  # type: ignore[override]
        self._answer = _Answer(*args, **kwargs)
        return self._answer

    def getresponse(self) -> Any:
        try:
            return super().getresponse()
        except HTTPError:
            # urllib3 refuses two lengths only after http.client has released the socket: it would stay open.
            self._answer.close()
            raise

    def close(self) -> None:
        self._used = None
        super().close()


class _HTTPConnection(_Guarded, HTTPConnection):
    pass


class _HTTPSConnection(_Guarded, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection

    def _validate_conn(self, conn: Any) -> None:
        # The original warns for each unverified connection, which `tls_verify = false` asked for.
        if conn.is_closed:
            conn.connect()


_POOLS = {"http": _HTTPPool, "https": _HTTPSPool}


class Adapter(requests.adapters.HTTPAdapter):
    """requests' transport over guarded connections; cookies of responses are ignored."""

    def __init__(self, pools: int, verify: Verify = True) -> None:
        self._verify = verify
        super().__init__(pool_connections=pools, pool_maxsize=pools, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        if proxy not in self.proxy_manager:
            if proxy.startswith("https:"):
                proxy_kwargs["proxy_ssl_context"] = self._context
            manager = super().proxy_manager_for(proxy, **proxy_kwargs)
            manager.pool_classes_by_scheme = _POOLS
        return self.proxy_manager[proxy]

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {"ssl_context": self._context} if host["scheme"] == "https" else {}

    def get_connection_with_tls_context(
        self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """Like the original; without a proxy it saves parsing the address three more times."""
        if proxies:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        host, tls = self.build_connection_pool_key_attributes(request, verify, cert)
        return self.poolmanager.connection_from_host(**host, pool_kwargs=tls)

    def request_url(self, request: Any, proxies: Any) -> str:
        return super().request_url(request, proxies) if proxies else request.path_url

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Does nothing: the context has the authorities. The original reads their file each time."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Like the original, without reading cookies into a jar that is never used."""
        response = requests.Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        response.reason = resp.reason
        response.url = req.url or ""
        response.request = req
        return response

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if self._verify else ssl.CERT_NONE)
        return secured(context, self._verify)


def _is_without_network(failure: Exception) -> bool:
    return isinstance(failure, OSError) and is_without_network(failure)


def is_cut_short(answer: Any) -> bool:
    """Whether a compressed body ended too early, for a urllib3 response that was read to its end.

    urllib3 reports it for zstd only (measured, 2.8): for gzip, deflate and br it returns what was received.
    """
    return answer._has_decoded_content and answer._decoder is not None and not _is_finished(answer._decoder)


def _is_finished(decoder: Any) -> bool:
    if inner := getattr(decoder, "_decoders", None):
        return all(_is_finished(each) for each in inner)
    if isinstance(decoder, GzipDecoder) and decoder._state != GzipDecoderState.FIRST_MEMBER:
        return True  # after a complete member there is usually only a stray byte
    stream = decoder._obj
    return bool(stream.is_finished() if hasattr(stream, "is_finished") else stream.eof)


def _words(failure: BaseException) -> str:
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    return str(failure) or type(failure).__name__
