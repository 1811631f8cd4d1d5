"""What several workers on one PostgreSQL store do together: polls a second, pace at publishers, equal output.

    python benchmarks/workers.py --store postgresql://user@127.0.0.1/scratch --workers 1 2 4
    python benchmarks/workers.py --store … --workers 1 2 4 --delay 0 --changed     saving, not waiting

A server in a process of its own is the proxy of all workers, so that each source has a host of its own, without a name
server; it answers after `--delay` seconds, with 304 to what it gave before, and notes each request. The database is
emptied, and all sources are polled once. Then, for each number of workers, all fall due again, and the time from the
first poll to the last is taken. From the server's notes: how often one source was asked by two at once, and the
least time between two requests to one publisher. In the end the publication is compared with that of one process on
SQLite. A job of a worker has two requests at a time: with `--at-once 16` it has 32.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

LIST_EVERY = 20
"""So many sources of one publisher."""


def host_of(number: int) -> str:
    """The host of a source; some publishers have several sources."""
    return f"www.site-{number // LIST_EVERY * LIST_EVERY if number % LIST_EVERY < 2 else number}.example"


def feed(path: str, version: int) -> bytes:
    """A feed of ten entries, the newest of which differs in each version."""
    number = int(path.strip("/f.xml") or 0)
    items = "".join(
        f"<item><guid>g{number}-{n}</guid><title>Entry {n} of {number}, {version if not n else 0}</title>"
        f"<link>https://{host_of(number)}/{n}</link><description>&lt;p>{'word ' * 80}{n}&lt;/p></description>"
        f"<pubDate>{(n * 7 + number) % 28 + 1:02} Oct 2026 {number % 24:02}:{n:02}:{number % 60:02} GMT</pubDate></item>"
        for n in range(10)
    )
    return f'<rss version="2.0"><channel><title>Feed {number}</title>{items}</channel></rss>'.encode()


def publisher(port: Any, notes: str, delay: float, version: Any) -> None:
    """Answers as a proxy; a line of the notes for each request: host, path, begin, end, status."""
    written = Path(notes).open("w", buffering=1)  # noqa: SIM115 - as long as the process

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while request := await reader.readuntil(b"\r\n\r\n"):
                began = time.time()
                target = request.split(b" ", 2)[1].decode()
                host, _, path = target.removeprefix("http://").partition("/")
                await asyncio.sleep(delay)
                if path == "robots.txt":
                    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    await writer.drain()
                    continue
                body = feed(path, version.value)
                etag = b'"' + hashlib.md5(body).hexdigest().encode() + b'"'
                if etag in request:
                    status, answer = 304, b"HTTP/1.1 304 Not Modified\r\nETag: " + etag + b"\r\n\r\n"
                else:
                    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: %s\r\nContent-Length: %d\r\n\r\n"
                    status, answer = 200, head % (etag, len(body)) + body
                writer.write(answer)
                await writer.drain()
                written.write(f"{host} {path} {began} {time.time()} {status}\n")
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=2000)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def config(folder: Path, store: str, port: int, sources: int) -> Path:
    """The config of a site in a folder; `store` is its line."""
    file = folder / "aggregator.toml"
    tables = "".join(
        f'[[sources]]\nname = "s{n}"\nurl = "http://{host_of(n)}/f{n}.xml"\ncategories = ["c{n % 7}"]\n'
        for n in range(sources)
    )
    file.write_text(
        f'{store}\noutput = "{folder}/feeds"\n[site]\nurl = "https://planet.example"\n'
        f'[fetch]\nproxy = "http://127.0.0.1:{port}"\n{tables}'
    )
    return file


def noted(notes: Path, since: float) -> tuple[int, float, int]:
    """Requests since a moment, the least gap of a publisher in seconds, and polls of one source at once."""
    began: dict[str, list[float]] = defaultdict(list)
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for line in notes.read_text().splitlines():
        host, path, begin, end, _ = line.split()
        if float(begin) >= since:
            began[host].append(float(begin))
            spans[path].append((float(begin), float(end)))
    gaps = [b - a for times in began.values() for a, b in zip(sorted(times), sorted(times)[1:], strict=False)]
    both = sum(
        second[0] < first[1]
        for each in spans.values()
        for first, second in zip(sorted(each), sorted(each)[1:], strict=False)
    )
    return sum(map(len, began.values())), min(gaps, default=0.0), both


def output(folder: Path) -> dict[str, bytes]:
    """Digests of what was published, but for pages and lists that say when a source was polled."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).digest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix in (".xml", ".json") and "opml" not in file.name
    }


def digest(folder: Path) -> str:
    """What was published, in few words."""
    found = output(folder / "feeds")
    return f"{folder.name}: {len(found)} files, {hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:12]}"


def main() -> None:
    """Prints a line for each number of workers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", required=True, help="a database that may be emptied")
    parser.add_argument("--sources", type=int, default=4000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--delay", type=float, default=0.3)
    parser.add_argument(
        "--changed", action="store_true", help="each feed has a changed entry in the second round"
    )
    options = parser.parse_args()
    engine = sa.create_engine(options.store.replace("postgresql://", "postgresql+psycopg://"))
    root = Path(tempfile.mkdtemp(prefix="workers-"))
    notes = root / "notes"
    port: Any = multiprocessing.Queue()
    version = multiprocessing.Value("i", 0)
    server = multiprocessing.Process(
        target=publisher, args=(port, str(notes), options.delay, version), daemon=True
    )
    server.start()
    number = port.get()
    command = [sys.executable, "-m", "aggregator"]
    with engine.begin() as connection:
        names = connection.execute(
            sa.text(
                "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'aggregator_jobs%' OR nspname = 'public'"
            )
        )
        for (name,) in names.all():
            connection.execute(sa.text(f"DROP SCHEMA {name} CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    folder = root / "shared"
    folder.mkdir()
    file = config(folder, f'store = "{options.store}"', number, options.sources)
    arguments = ["worker", "--config", str(file), "--at-once", str(options.at_once), "--only", "poll"]
    first = 0.0
    for turn, count in enumerate([max(options.workers), *options.workers]):
        version.value = turn if options.changed else 0
        moment = time.time()
        if turn:
            due(engine)
        workers = [
            subprocess.Popen([*command, *arguments], stderr=(folder / f"log-{n}").open("a"))
            for n in range(count)
        ]
        began, ended = wait(engine, options.sources, moment if turn else 0.0)
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        codes = [worker.wait(60) for worker in workers]
        seconds = ended - began
        first = first or (seconds if turn else 0.0)
        requests, gap, both = noted(notes, moment)
        found = {
            "workers": count,
            "polls a second": round(options.sources / seconds),
            "times the first": round(first / seconds, 2),
            "requests": requests,
            "least gap": round(gap, 2),
            "at once": both,
            "codes": codes,
            "load": os.getloadavg()[0],
        }
        print(json.dumps(found), "" if turn else "(all for the first time)", flush=True)
    published = subprocess.run(
        [*command, "publish", "--config", str(file)], capture_output=True, text=True, check=False
    )
    print(published.stderr[-2000:] if published.returncode else digest(folder))
    version.value = 0
    folder = root / "sqlite"
    folder.mkdir()
    file = config(folder, f'store = "{folder}/a.db"', number, options.sources)
    for turn in range(len(options.workers) + 1 if options.changed else 1):
        version.value = turn
        subprocess.run(
            [*command, "fetch", "--force", "--config", str(file)], check=False, capture_output=True
        )
    print(digest(folder))
    print(
        "memory of the largest process, MB:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    )
    server.terminate()


def due(engine: sa.Engine) -> None:
    """Lets all sources fall due."""
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE sources SET next_poll = 0 WHERE next_poll IS NOT NULL"))


def wait(engine: sa.Engine, sources: int, since: float) -> tuple[float, float]:
    """Waits until all sources were polled after a moment; when the first and the last one were."""
    query = sa.text("SELECT count(*), min(polled), max(polled) FROM sources WHERE polled >= :since")
    while True:
        with suppress(sa.exc.SQLAlchemyError), engine.begin() as connection:
            count, first, last = connection.execute(query, {"since": int(since * 1e6)}).one()
            if count >= sources:
                return float(first / 1e6), float(last / 1e6)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
