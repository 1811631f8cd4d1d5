"""A publisher of any number of feeds at any number of hosts, for benchmarks: the proxy of all workers.

Each source has a host of its own without a name server. No host has a robots.txt; a feed is answered with 304 to
a client that sends its ETag. Each request is noted: host, number of the feed, begin, end (seconds since 1970), status.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from contextlib import suppress
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any, NamedTuple

_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\nETag: %s\r\n\r\n"
_FOUND = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: %s\r\nContent-Length: %d\r\n\r\n%s"
_WORDS = "word " * 80


class Request(NamedTuple):
    """A request for a feed, from the notes."""

    host: str
    feed: int
    began: float
    ended: float
    status: int


class Publisher:
    """A server in a process of its own; `version` is that of the feeds whose number `every` divides.

    `delay`: seconds that each answer takes. `notes`: the file for what was asked. `grows`: each version has
    one entry more, and no other change.
    """

    def __init__(
        self,
        notes: Path,
        *,
        delay: float,
        every: int = 1,
        entries: int = 10,
        port: int = 0,
        grows: bool = False,
    ) -> None:
        found: Any = multiprocessing.Queue()
        self.version: Synchronized[int] = multiprocessing.Value("i", 0)
        self.notes = notes
        arguments = (found, port, notes, delay, self.version, every, entries, grows)
        self.process = multiprocessing.Process(target=_serve, args=arguments, daemon=True)
        self.process.start()
        self.port: int = found.get()

    def requests(self, since: float = 0.0) -> list[Request]:
        """What was asked since a moment."""
        found = []
        for line in self.notes.read_text().splitlines():
            host, feed, began, ended, status = line.split()
            if float(began) >= since:
                found.append(Request(host, int(feed), float(began), float(ended), int(status)))
        return found


def address_of(feed: int, publishers: int) -> str:
    """The address of a feed, of which each publisher has as many as another."""
    return f"http://www.site-{feed % publishers}.example/{feed}"


def etag_of(feed: int, version: int) -> str:
    """The ETag of a version of a feed."""
    return f'"{feed}-{version}"'


def _feed(number: int, version: int, entries: int, host: str, *, grows: bool) -> bytes:
    """A feed, the first entry of which differs in each version; or which has one more."""
    if grows:
        version, entries = 0, entries + version
    items = "".join(
        f"<item><guid>g{number}-{n}</guid><title>Entry {n} of {number}, {version if not n else 0}</title>"
        f"<link>https://{host}/{number}/{n}</link><description>&lt;p>{_WORDS}{n}&lt;/p></description>"
        f"<pubDate>{(n * 7 + number) % 28 + 1:02} Oct 2026 {number % 24:02}:{n:02}:{number % 60:02} GMT</pubDate></item>"
        for n in range(entries)
    )
    return f'<rss version="2.0"><channel><title>Feed {number}</title>{items}</channel></rss>'.encode()


def _serve(
    found: Any,
    port: int,
    notes: Path,
    delay: float,
    version: Synchronized[int],
    every: int,
    entries: int,
    grows: bool,
) -> None:
    written = notes.open("w", buffering=1)

    def answer(host: str, number: int, head: bytes) -> tuple[int, bytes]:
        current = 0 if number % every else version.value
        etag = etag_of(number, current).encode()
        if etag in head:
            return 304, _NOT_MODIFIED % etag
        body = _feed(number, current, entries, host, grows=grows)
        return 200, _FOUND % (etag, len(body), body)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                began = loop.time()
                host, _, path = head.split(b" ", 2)[1].decode().removeprefix("http://").partition("/")
                await asyncio.sleep(delay)
                status, body = (404, _NOT_FOUND) if not path.isdigit() else answer(host, int(path), head)
                writer.write(body)
                await writer.drain()
                if path.isdigit():
                    written.write(f"{host} {path} {began + offset} {loop.time() + offset} {status}\n")
        writer.close()

    offset = 0.0

    async def main() -> None:
        nonlocal offset
        import time

        offset = time.time() - asyncio.get_running_loop().time()
        server = await asyncio.start_server(talk, "127.0.0.1", port, backlog=2000)
        found.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())
