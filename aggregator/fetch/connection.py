"""Connections that obey a guard and a deadline.

Each is made to an address that the guard has checked; before each read the socket's timeout is set to the
time that is left for the whole fetch. Host, SNI and certificates are checked against the name. The limits of
the fetch that a thread is doing are in `exchange`.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator import errors
from aggregator.fetch.guard import Guard, is_without_network
from aggregator.fetch.late_imports import import_requests

MAX_HEAD_BYTES = 256 * 1024
"""The limit for a response's status line and headers; http.client allows 64 KiB a line and 100 headers."""

MAX_INTERIM = 20
_MAX_LINE_BYTES = 64 * 1024
_FOLD = re.compile(r"\r?\n[ \t]+")
MAX_ADDRESSES = 16
MAX_IDLE_SECONDS = 4.0
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

    def limit(self, sock: socket.socket) -> None:
        """Gives the next step of a socket so much time. Raises TimedOut."""
        # Usually it is the silence, as before. To set it is a system call, after which a thread waits for
        # the interpreter's lock.
        if (seconds := self.patience()) != sock.gettimeout():
            sock.settimeout(seconds)

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
        exchange.limit(self)
        try:
            data = super().recv(*args)
        except TimeoutError:
            raise exchange.late() from None
        exchange.received(len(data))
        return data

    def recv_into(self, *args: Any) -> int:
        exchange.limit(self)
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


def too_large(max_bytes: int) -> errors.TooLarge:
    """The error for a body above this limit."""
    return errors.TooLarge(f"its body exceeds {max_bytes} bytes once decompressed")


def unreachable(failure: Exception) -> errors.FetchError:
    """The FetchError for what `connect` raised."""
    if _is_without_network(failure):
        return errors.NoNetwork(f"unreachable: {words_of(failure)}")
    if isinstance(failure, TimeoutError | errors.TimedOut):
        return exchange.late()
    return errors.ConnectError(f"unreachable: {words_of(failure)}")


def secured(context: ssl.SSLContext, verify: Verify) -> ssl.SSLContext:
    """The context with limited reads and the authorities of `verify`. Raises TlsError."""
    context.sslsocket_class = _TlsSocket
    if verify:
        import_requests()
        from requests.utils import DEFAULT_CA_BUNDLE_PATH

        file = DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)
        try:
            context.load_verify_locations(file)
        except OSError as error:
            raise errors.TlsError(
                f"no certificates can be read from {file}", advice="correct tls_ca"
            ) from error
    return context


def tls_context(verify: Verify) -> ssl.SSLContext:
    """The context of TLS connections for HTTP. Raises TlsError."""
    import_requests()
    from urllib3.util.ssl_ import create_urllib3_context

    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    context.set_alpn_protocols(["http/1.1"])
    return secured(context, verify)


class HttpAnswer(http.client.HTTPResponse):
    """A response with a complete head, without the interim ones before it (RFC 9110 §15.2).

    http.client skips only 100, and accepts a head that is cut short.
    """

    def begin(self) -> None:
        """Reads the head. Raises BrokenExchange if it is cut short."""
        whole = self.fp
        self.fp = _Head(whole)  # type: ignore[assignment]  # it has what a head needs
        try:
            super().begin()
        finally:
            if self.fp is not None:
                self.fp = whole
        _join_lines(self.headers)
        if self.length == 0 and self.chunked:
            # No body follows a 204 or 304 (RFC 9112 §6.3), and http.client would wait for one. Some servers
            # send a last chunk nevertheless, which is no response to another request.
            self.chunked = False
            self.will_close = True
        if self.status == http.client.SWITCHING_PROTOCOLS:
            self.will_close = True

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # private, but its own hook
            if not (100 <= status < 200 and status != http.client.SWITCHING_PROTOCOLS):
                return version, status, reason
            while self.fp.readline(_MAX_LINE_BYTES).rstrip(b"\r\n"):
                pass
        raise errors.BrokenExchange(f"more than {MAX_INTERIM} interim responses come before its response")


def _join_lines(headers: http.client.HTTPMessage) -> None:
    """Puts each header into one line (RFC 9112 §5.2), as urllib3 2.8 does."""
    found = headers.items()
    joined = [(name, _FOLD.sub(" ", str(value)).strip(" \t")) for name, value in found]
    if joined != found:
        for name, _ in found:
            del headers[name]
        for name, value in joined:
            headers[name] = value


class _Head:
    """The head of a response, line by line; a connection that ends in it is an error."""

    def __init__(self, file: BufferedIOBase) -> None:
        self._file = file
        self._is_begun = False
        self.close = file.close

    def readline(self, limit: int) -> bytes:
        """Returns a line; an empty one if the connection ended before a head. Raises BrokenExchange."""
        line = self._file.readline(limit)
        if not line.endswith(b"\n") and len(line) < limit and (self._is_begun or line.startswith(b"HTTP/")):
            raise errors.BrokenExchange("the connection ended within the headers")
        self._is_begun = line not in (b"\r\n", b"\n")
        return line


def _is_without_network(failure: Exception) -> bool:
    return isinstance(failure, OSError) and is_without_network(failure)


def words_of(failure: BaseException) -> str:
    """The system's message for an error of a connection."""
    if isinstance(failure, OSError) and failure.strerror:
        return failure.strerror
    return str(failure) or type(failure).__name__
