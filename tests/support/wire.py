"""A server of raw bytes on loopback: records what comes byte for byte, and misbehaves as it is reported."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator

Manner = Callable[[socket.socket, bytes], object]
"""What is done with a connection once a request's head has come; true keeps the connection open."""


class Wire:
    """Answers each request on its port by `manner`; `before` has the connection first, before any byte."""

    def __init__(
        self,
        manner: Manner,
        *,
        tls: ssl.SSLContext | None = None,
        before: Callable[[socket.socket], object] | None = None,
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._manner = manner
        self._tls = tls
        self._before = before
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops, and cuts every connection."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for sock in self._open:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listening.accept()
                self.connections += 1
                self._open.append(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            if self._before and self._before(sock):
                return
            talking = self._tls.wrap_socket(sock, server_side=True) if self._tls else sock
            self._open.append(talking)
            with talking:
                for head in _heads(talking):
                    self.requests.append(head)
                    if not self._manner(talking, head):
                        return


def _heads(sock: socket.socket) -> Iterator[bytes]:
    waiting = b""
    while True:
        while b"\r\n\r\n" not in waiting:
            if not (data := sock.recv(65536)):
                return
            waiting += data
        head, waiting = waiting.split(b"\r\n\r\n", 1)
        yield head + b"\r\n\r\n"


def sends(data: bytes, *, keeps: bool = False) -> Manner:
    """Sends these bytes, and closes unless it `keeps` the connection."""

    def manner(sock: socket.socket, head: bytes) -> bool:
        sock.sendall(data)
        return keeps

    return manner


def in_turn(*answers: bytes) -> Manner:
    """Sends one answer after another, keeping the connection; the last one again and again."""
    left = list(answers)

    def manner(sock: socket.socket, head: bytes) -> bool:
        sock.sendall(left.pop(0) if len(left) > 1 else left[0])
        return True

    return manner


def drips(start: bytes, drop: bytes = b"x", *, seconds: float = 0.05) -> Manner:
    """Sends `start`, then a drop every so often, for as long as anybody listens."""
    stop = threading.Event()

    def manner(sock: socket.socket, head: bytes = b"") -> bool:
        sock.sendall(start)
        while not stop.wait(seconds):
            sock.sendall(drop)
        return False

    return manner


def resets(start: bytes = b"") -> Manner:
    """Sends `start`, then resets the connection."""

    def manner(sock: socket.socket, head: bytes) -> bool:
        if start:
            sock.sendall(start)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        return False

    return manner


Serve = Callable[[Manner], Wire]
"""Starts a server of this manner, which is closed after the test."""
