"""The server: raw bytes over loopback are answered, or the connection is closed; nothing is logged as an error."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.support.fuzzing.cases import Case, Wrong, mutated
from tests.support.serving import serving

SECONDS = 30  # in which an answer or an end must come, on the slowest machine
REQUESTS = (
    (b"GET /feeds/Tea/atom.xml HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: br, gzip;q=0.5\r\nIf-None-Match: \"a\", W/\"b\"\r\n"
    b"If-Modified-Since: Sat, 03 Jan 2026 10:00:00 GMT\r\nConnection: close\r\n\r\n"),
    b"GET /feeds/Tea/ HTTP/1.1\r\nHost: planet.example\r\nAccept: application/atom+xml;q=0.9, */*;q=0.1\r\nRange: bytes=0-9\r\n\r\n",
    b"HEAD /feeds/../secret HTTP/1.1\r\nHost: [::1]:80\r\nX-Forwarded-For: 10.0.0.1, 127.0.0.1\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET http://planet.example/healthz HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET /feeds/Tea%2f..%2f%00%ff/.hidden HTTP/1.1\r\nhost:a\r\nConnection: keep-alive\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nForwarded: for=1.2.3.4\r\nCookie: a=b\r\n\r\n",
)  # fmt: skip
_STATUS = re.compile(rb"^HTTP/1\.1 (\d{3}) ", re.MULTILINE)


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.message: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.message.append(self.format(record))


@contextmanager
def asking(folder: Path) -> Iterator[Case]:
    """Sends requests to a server of its own."""
    files = {
        "index.html": b"<p>x",
        "Tea/atom.xml": b"<feed/>" * 200,
        "Tea/index.html": b"<p>y",
        "Tea/.hidden": b"s",
    }
    for name, body in files.items():
        path = folder / "feeds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    (folder / "secret").write_bytes(b"SECRET")
    (folder / "feeds" / "link").symlink_to(folder / "secret")
    errors = _Errors()
    logging.getLogger().addHandler(errors)
    loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", "asyncio", "aggregator")]
    for logger in loggers:
        logger.addHandler(errors)
    try:
        with serving(folder, site={"url": "https://planet.example/feeds"}) as served:

            def case(chance: Random) -> str:
                sent = mutated(chance, REQUESTS)
                answer = _ask(served.port, sent, hangs_up=chance.random() < 0.1)
                statuses = [int(found) for found in _STATUS.findall(answer)]
                if b"SECRET" in answer or any(
                    status >= 500 and status not in (501, 503, 505) for status in statuses
                ):
                    raise Wrong(f"{sent!r} was answered {answer[:300]!r}")
                if errors.message:
                    message = errors.message.pop()
                    errors.message.clear()
                    raise Wrong(f"{sent!r} made it log {message}")
                return str(statuses[0]) if statuses else "no answer"

            yield case
            if served.ask("/healthz").status != 200:
                raise Wrong("the server no longer answers")
    finally:
        for logger in (logging.getLogger(), *loggers):
            logger.removeHandler(errors)


def _ask(port: int, sent: bytes, *, hangs_up: bool) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        answer = b""
        try:
            connection.sendall(sent)
            if hangs_up:
                return b""
            connection.shutdown(socket.SHUT_WR)
            while len(answer) < 1_000_000 and (piece := connection.recv(65536)):
                answer += piece
        except ConnectionError:
            return answer
        except TimeoutError:
            raise Wrong(f"{sent!r}: neither answered nor closed within {SECONDS} s") from None
        return answer
