"""How many unchanged feeds a second are polled (all 304), against `reader` in the same run.

    pip install reader
    python benchmarks/polling.py --feeds 1000

A server in a process of its own serves feeds on loopback and answers 304 to a client that sends back its ETag. Both
programs poll all of them once, which fills their stores; the second poll, in which nothing changed, is timed. Ours
runs with the default manners but for pacing, which on one's own hosts is per URL anyway.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from aggregator.app.app import App
from aggregator.config import load as config

WORDS = [
    "archive",
    "article",
    "author",
    "body",
    "channel",
    "date",
    "entry",
    "feed",
    "guid",
    "link",
    "poll",
    "reader",
    "source",
    "title",
    "update",
]


def body_of(number: int) -> bytes:
    """A small feed of its own for each number."""
    chance = random.Random(number)
    items = "".join(
        f"<item><guid>https://s{number}.example/{n}</guid><title>{' '.join(chance.choices(WORDS, k=6))}</title>"
        f"<link>https://s{number}.example/{n}</link><pubDate>Mon, {n + 1:02} Jan 2024 10:00:00 GMT</pubDate>"
        f"<description>{' '.join(chance.choices(WORDS, k=60))}</description></item>"
        for n in range(5)
    )
    head = f"<title>s{number}</title><link>https://s{number}.example/</link><description>x</description>"
    return f"<rss version='2.0'><channel>{head}{items}</channel></rss>".encode()


def serve(port: multiprocessing.Queue[int]) -> None:
    """A server that costs little: HTTP/1.1 with kept connections, ETag and 304."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                number = int(request.split(b" ", 2)[1][2:] or 0)
                body = body_of(number)
                etag = b'"' + hashlib.md5(body).hexdigest().encode() + b'"'
                if etag in request:
                    writer.write(b"HTTP/1.1 304 Not Modified\r\nETag: " + etag + b"\r\n\r\n")
                else:
                    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: %s\r\nContent-Length: %d\r\n\r\n"
                    writer.write(head % (etag, len(body)) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def timed(poll: Callable[[], object], rounds: int) -> float:
    """Seconds of the best round."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        poll()
        taken.append(time.perf_counter() - started)
    return min(taken)


def ours(folder: Path, urls: list[str], rounds: int) -> float:
    """Our seconds for a poll in which nothing changed."""
    file = folder / "aggregator.toml"
    sources = "".join(f'[[sources]]\nname = "{n}"\nurl = "{url}"\n' for n, url in enumerate(urls))
    file.write_text(f'[fetch]\nallow = ["127.0.0.1"]\n{sources}')
    loaded = config.load(file)
    with App(loaded, datetime.now(UTC)) as app:

        def poll() -> None:
            polls = list(app.fetch(loaded.select(()), datetime.now(UTC)))
            assert not [p.error for p in polls if p.error]

        poll()
        return timed(poll, rounds)


def theirs(folder: Path, urls: list[str], rounds: int) -> float:
    """The seconds of `reader` for the same."""
    from reader import make_reader

    reader = make_reader(str(folder / "reader.sqlite"), feed_root=None)
    for url in urls:
        reader.add_feed(url)
    reader.update_feeds(scheduled=False, workers=16)
    return timed(lambda: reader.update_feeds(scheduled=False, workers=16), rounds)


def main() -> None:
    """Prints both and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(port,), daemon=True)
    server.start()
    address = f"http://127.0.0.1:{port.get()}"
    urls = [f"{address}/f{n}" for n in range(options.feeds)]
    with tempfile.TemporaryDirectory() as folder:
        mine = ours(Path(folder), urls, options.rounds)
        peer = theirs(Path(folder), urls, options.rounds)
    server.terminate()
    print(f"{options.feeds} feeds, second poll, all 304, best of {options.rounds}")
    print(f"reader       {peer:6.2f} s   {options.feeds / peer:7.0f} feeds a second   1.0 x")
    print(f"aggregator   {mine:6.2f} s   {options.feeds / mine:7.0f} feeds a second   {peer / mine:.1f} x")


if __name__ == "__main__":
    main()
