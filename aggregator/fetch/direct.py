"""GETs over kept connections, without requests and urllib3 unless a body is encoded or chunked.

For a 304, requests and urllib3 took twice as long as all other work on a poll, and importing them a tenth of
a second (measured, `aggregator fetch` of a thousand sources). For a document of 44 KB as it is, they and
http.client took a quarter of the time of the thread that polls it.
"""

from __future__ import annotations

import errno
import http.client
import re
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from io import BufferedReader
from typing import TYPE_CHECKING, Any, Self

from aggregator import errors
from aggregator.fetch.addresses import PORTS, Place
from aggregator.fetch.connection import (
    MAX_IDLE_SECONDS,
    HttpAnswer,
    Verify,
    connect,
    exchange,
    tls_context,
    too_large,
    unreachable,
)
from aggregator.fetch.late_imports import import_requests
from aggregator.model.struct import Struct

if TYPE_CHECKING:
    import requests

__all__ = ["DirectRequests", "PlainAnswer", "head_of"]

_OPTIONS = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
_FIELD_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIELD_VALUE = r"[\t\x20-\x7e\x80-\xff]*"
_SOUND_NAME = re.compile(_FIELD_NAME)
_SOUND_VALUE = re.compile(_FIELD_VALUE)
_PLAIN_HEAD = re.compile(
    rf"HTTP/1\.1 (200|304)(?: {_FIELD_VALUE})?\r\n((?:{_FIELD_NAME}:{_FIELD_VALUE}\r\n)*)\r\n"
)
_LENGTH = re.compile(r"[0-9]{1,15}")
_MAX_FIELDS = 99
"""The limit of http.client, which counts the empty line, too."""
_BUFFER_BYTES = 64 * 1024
"""Most documents come whole: after each part a thread waits for the interpreter's lock."""
_PART_BYTES = 256 * 1024


class _Fields(dict[str, str]):
    """Header fields by their names in lower case."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class PlainAnswer(Struct, frozen=True):
    """A 304, or a 200 whose body is not encoded; none of its headers is repeated.

    `headers.get` ignores case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def length(self) -> int:
        """The size of its body in bytes."""
        return int(self.headers.get("Content-Length", "0")) if self.status == http.client.OK else 0

    @property
    def will_close(self) -> bool:
        """Whether the connection cannot be used for another request."""
        return "close" in self.headers.get("Connection", "").lower()


_Key = tuple[str, str, int, Verify]


class _Received(BufferedReader):
    """The bytes of a socket, buffered. After `close`, `has_more` says whether some had not been read."""

    has_more = False

    @classmethod
    def of(cls, sock: socket.socket) -> Self:
        return cls(sock.makefile("rb", 0), _BUFFER_BYTES)

    def close(self) -> None:
        if not self.closed:
            # Otherwise `peek` would receive more if it has nothing.
            self.raw.readinto = _nothing  # type: ignore[method-assign]
            self.has_more = bool(self.peek())
        super().close()


def _nothing(_: object) -> int:
    return 0


class _Connection:
    """A connection; `key` says to which server, and how its certificate was checked."""

    def __init__(self, key: _Key, sock: socket.socket) -> None:
        self.key = key
        self.is_ended = False
        self._used: float | None = None
        self._begun = b""
        self._sock = sock
        self._file = _Received.of(sock)

    def end(self) -> None:
        """Closes the connection once the response that is being read from it ends."""
        self.is_ended = True
        self._sock.close()

    def close(self) -> None:
        """Closes the connection."""
        self._file.close()
        self.end()

    def is_fresh(self) -> bool:
        """Returns whether it was used lately, and the server has not closed it or sent anything since."""
        if self._used is None or time.monotonic() - self._used >= MAX_IDLE_SECONDS or self._file.has_more:
            return False
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return False
        return not _is_readable(self._sock)

    def makefile(self, _mode: str) -> BufferedReader:
        """Returns what http.client reads a response from, and closes at its end."""
        return self._file

    def send(self, head: bytes) -> None:
        """Sends a request; the response may be there although the server closed the connection meanwhile."""
        if self._file.closed:
            self._file = _Received.of(self._sock)
        self._used = time.monotonic()
        exchange.limit(self._sock)
        try:
            self._sock.sendall(head)
        except ConnectionError:
            pass
        except OSError as error:
            if error.errno != errno.EPROTOTYPE:  # macOS: the connection is being closed
                raise

    def receive(self, *, is_conditional: bool) -> PlainAnswer | HttpAnswer:
        """Receives the head of a response."""
        received = self._file.peek()
        if (plain := _plain_in(received, is_conditional=is_conditional)) is not None:
            found, size = plain
            self._file.read(len(received))
            self._begun = received[size:]
            return found
        answer = HttpAnswer(self, method="GET")  # type: ignore[arg-type]  # it only needs `makefile`
        try:
            answer.begin()
        except BaseException:
            answer.close()  # since Python 3.13 it reports an error if its file is closed before it is
            raise
        return answer

    def whole(self, answer: PlainAnswer, max_bytes: int) -> PlainAnswer:
        """Receives the body of an answer, and nothing after it. Raises TooLarge and IncompleteRead."""
        if (length := answer.length) > max_bytes:
            raise too_large(max_bytes)
        body = self._begun[:length]
        if (left := length - len(self._begun)) > 0:
            body = self._received(bytearray(body), left)
        if left < 0 or answer.will_close:
            self.end()
        return PlainAnswer(answer.status, answer.headers, body)

    def _received(self, body: bytearray, left: int) -> bytes:
        # Not a list of parts: of a server that sends single bytes, each would take more than a hundred.
        while left > 0:
            part = self._sock.recv(min(left, _PART_BYTES))
            if not part:
                raise http.client.IncompleteRead(bytes(body), left)
            body += part
            left -= len(part)
        return bytes(body)


class DirectRequests:
    """Makes GETs without a proxy; safe to use from several threads.

    `most`: how many idle connections are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()
        self._contexts: dict[Verify, ssl.SSLContext] = {}
        weakref.finalize(self, _close_all, self._idle)

    def close(self) -> None:
        """Closes all idle connections, and from now on each after its response."""
        with self._lock:
            self._most = 0
            _close_all(self._idle)

    def get(
        self,
        url: str,
        place: Place,
        head: bytes,
        verify: Verify,
        max_bytes: int,
        *,
        is_conditional: bool,
    ) -> PlainAnswer | requests.Response:
        """Sends `head`, which `head_of` made. Raises exceptions that `map_errors` maps.

        - `max_bytes`: a larger body is not received as a PlainAnswer.
        - `is_conditional`: a 304 may be returned as a PlainAnswer.
        """
        key = (place.scheme, place.host, place.port, verify)
        while True:
            with exchange.head():
                connection = self._kept(key)
                exchange.is_on_kept_connection = connection is not None
                if connection is None:
                    connection = _Connection(key, self._connected(place, verify))
                try:
                    connection.send(head)
                    answer = connection.receive(is_conditional=is_conditional)
                except BaseException as error:
                    connection.close()
                    is_lost = isinstance(error, OSError | http.client.HTTPException)
                    if is_lost and exchange.lost_a_kept_connection():
                        continue
                    raise
            if isinstance(answer, PlainAnswer):
                try:
                    answer = connection.whole(answer, max_bytes)
                except BaseException:
                    connection.close()
                    raise
                self._put_conn(connection)
                return answer
            if answer.will_close:
                connection.end()
            return self._response(answer, url, connection)

    def _response(self, answer: HttpAnswer, url: str, connection: _Connection) -> requests.Response:
        import_requests()
        from aggregator.fetch.requests_adapter import response_of

        try:
            return response_of(answer, url, self, connection)
        except BaseException:  # urllib3 refuses two lengths
            answer.close()
            connection.close()
            raise

    def _kept(self, key: _Key) -> _Connection | None:
        """Returns the idle connection to a server that was used last, if it can be used again."""
        while True:
            with self._lock:
                numbers = range(len(self._idle) - 1, -1, -1)
                number = next((n for n in numbers if self._idle[n].key == key), None)
                if number is None:
                    return None
                found = self._idle.pop(number)
            if found.is_fresh():
                return found
            found.close()

    def _put_conn(self, connection: _Connection) -> None:
        """Keeps a connection; urllib3 calls this by this name once a body was read."""
        if connection.is_ended:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)
            oldest = self._idle.pop(0) if len(self._idle) > self._most else None
        if oldest is not None:
            oldest.close()

    def _connected(self, place: Place, verify: Verify) -> socket.socket:
        tls = self._context(verify) if place.scheme == "https" else None
        found = exchange.guard.addresses(place.host, exchange.patience())
        try:
            made = connect(found, place.port, _OPTIONS)
        except (OSError, errors.TimedOut) as failure:
            raise unreachable(failure) from failure
        if tls is None:
            return made
        try:
            return tls.wrap_socket(made, server_hostname=place.host)
        except BaseException:
            made.close()
            raise

    def _context(self, verify: Verify) -> ssl.SSLContext:
        if (found := self._contexts.get(verify)) is None:
            found = self._contexts.setdefault(verify, tls_context(verify))
        return found


def _close_all(idle: list[_Connection]) -> None:
    while idle:
        idle.pop().close()


def head_of(place: Place, headers: Mapping[str, str]) -> bytes | None:
    """Returns a GET request; None if a header has a character that no header may have."""
    port = "" if place.port == PORTS[place.scheme] else f":{place.port}"
    if not (all(map(_SOUND_NAME.fullmatch, headers)) and all(map(_SOUND_VALUE.fullmatch, headers.values()))):
        return None
    fields = (f"{name}: {value}" for name, value in headers.items())
    lines = [f"GET {place.target} HTTP/1.1", f"Host: {place.host}{port}", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _plain_in(received: bytes, *, is_conditional: bool) -> tuple[PlainAnswer, int] | None:
    """Returns the plain answer that was received, without its body, and the size of its head in bytes.

    None if http.client is to read it. Nothing may follow the head of a 304.
    """
    size = received.find(b"\r\n\r\n") + 4
    found = _PLAIN_HEAD.fullmatch(received[:size].decode("latin-1"))
    if found is None:
        return None
    lines = found[2].split("\r\n")[:-1]
    parts = (line.partition(":") for line in lines)
    fields = _Fields({name.lower(): value.strip(" \t") for name, _, value in parts})
    if len(fields) < len(lines) or len(lines) > _MAX_FIELDS or "transfer-encoding" in fields:
        return None
    status = int(found[1])
    if status == http.client.NOT_MODIFIED:
        is_plain = is_conditional and len(received) == size
    else:
        is_plain = "content-encoding" not in fields and bool(
            _LENGTH.fullmatch(fields.get("content-length", ""))
        )
    return (PlainAnswer(status, fields), size) if is_plain else None


def _is_readable(sock: socket.socket) -> bool:
    """Returns whether there is something to receive, or the other side has closed the connection."""
    if hasattr(select, "poll"):
        waiting = select.poll()
        waiting.register(sock, select.POLLIN)
        return bool(waiting.poll(0))
    return bool(select.select([sock], [], [], 0)[0])  # on Windows, where it takes any socket
