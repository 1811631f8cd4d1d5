"""Workers that are killed and frozen, and a database that restarts: whether an article is lost, or a shard stays behind.

    python benchmarks/faults.py FOLDER --kills 50 --freezes 20 --restarts 2 --seconds 480

A database in FOLDER, a publisher in a process of its own (the proxy of all workers), and workers that are killed (and
started again) and stopped by SIGSTOP for up to a minute at random moments; the database is stopped for
`--away` seconds, the first time in order and then as by a crash. All the while each feed gets another entry every
`--new` seconds, and falls due every 20. At the end all is left alone until everything was polled, and what is in the
store is compared with what the publisher had. Printed as JSON: articles that are missing or there twice, the longest
time that a source was not asked for, polls of one source at once, the least gap of a publisher, and how workers ended.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.million import least_gap, overlaps
from benchmarks.publisher import Publisher, Request, address_of
from tests.support.postgresql import PostgresServer, binaries

NAME = "faults"
_DUE_SECONDS = 20.0
_SETTINGS = ("fsync=on", "full_page_writes=on", "autovacuum=on", "shared_buffers=256MB", "log_lock_waits=on")


class Workers:
    """The workers of the benchmark, each a process."""

    def __init__(self, config: Path, count: int, at_once: int) -> None:
        self._config = config
        self._command = [sys.executable, "-m", "aggregator", "worker", "--config", str(config)]
        self._command += ["--at-once", str(at_once)]
        self._started = 0
        self._frozen: dict[int, float] = {}
        self.running = [self._start() for _ in range(count)]

    def _start(self) -> subprocess.Popen[bytes]:
        self._started += 1
        log = self._config.with_name(f"worker-{self._started}.log").open("w")
        return subprocess.Popen(self._command, stderr=log)

    def kill(self, number: int) -> None:
        """Kills one, and starts another in its place."""
        self.running[number].kill()
        self.running[number].wait()
        self._frozen.pop(number, None)
        self.running[number] = self._start()

    def freeze(self, number: int, seconds: float) -> None:
        """Stops one for some time."""
        self.running[number].send_signal(signal.SIGSTOP)
        self._frozen[number] = time.monotonic() + seconds

    def thaw(self, *, is_all: bool = False) -> None:
        """Lets those go on whose time is over; and starts again those that ended."""
        for number, until in [*self._frozen.items()]:
            if is_all or time.monotonic() >= until:
                self.running[number].send_signal(signal.SIGCONT)
                del self._frozen[number]
        for number, worker in enumerate(self.running):
            if worker.poll() is not None:
                print(f"worker {number} ended by itself: {worker.returncode}", file=sys.stderr, flush=True)
                self.running[number] = self._start()

    def end(self) -> dict[str, Any]:
        """How long they took to end by SIGTERM, and with which codes."""
        began = time.monotonic()
        for worker in self.running:
            worker.send_signal(signal.SIGTERM)
        codes = []
        for worker in self.running:
            try:
                codes.append(worker.wait(90))
            except subprocess.TimeoutExpired:
                worker.kill()
                codes.append(-9)
        return {"codes": codes, "seconds to end": round(time.monotonic() - began, 1)}


def main() -> None:
    """Does all of that, and prints what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sources", type=int, default=600)
    parser.add_argument("--publishers", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--freezes", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument("--away", type=float, default=15, help="seconds that the database is stopped")
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--quiet", type=float, default=150, help="seconds at the end without any fault")
    parser.add_argument("--new", type=float, default=40, help="seconds between two entries of a feed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = options.folder.resolve()
    (folder / "database").mkdir(parents=True, exist_ok=True)
    programs = binaries()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed")
    server = PostgresServer(folder / "database", programs)
    server.start(*_SETTINGS)
    publisher = Publisher(folder / "requests", delay=0.1, entries=1, grows=True)
    try:
        print(json.dumps(run(server, publisher, folder, options), indent=1), flush=True)
    finally:
        publisher.process.terminate()
        server.stop("fast")


def run(
    server: PostgresServer, publisher: Publisher, folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """The whole trial."""
    with suppress(psycopg.Error):
        server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    server.execute(f"CREATE DATABASE {NAME}")
    address = server.address(NAME).url
    config = folder / "aggregator.toml"
    tables = "".join(
        f'[[sources]]\nname = "s{n}"\nurl = "{address_of(n, options.publishers)}"\ncategories = ["c{n % 7}"]\n'
        for n in range(options.sources)
    )
    config.write_text(
        f'store = "{address}"\noutput = "{folder}/feeds"\n[site]\nurl = "https://planet.example"\n'
        f'[fetch]\nproxy = "http://127.0.0.1:{publisher.port}"\n{tables}'
    )
    # Started once to make the tables, which four would wait for.
    subprocess.run(
        [sys.executable, "-m", "aggregator", "publish", "--config", str(config)],
        check=True,
        capture_output=True,
    )
    workers = Workers(config, options.workers, options.at_once)
    chance = random.Random(options.seed)
    begin = time.time() + 30
    events = [(begin + chance.random() * options.seconds, "kill") for _ in range(options.kills)]
    events += [(begin + chance.random() * options.seconds, "freeze") for _ in range(options.freezes)]
    events += [
        (begin + options.seconds * (n + 1) / (options.restarts + 1), "restart")
        for n in range(options.restarts)
    ]
    events += [(begin + n * options.new, "new") for n in range(int(options.seconds / options.new))]
    events.sort()
    end, due, restarts = begin + options.seconds, 0.0, 0
    counts: dict[str, int] = defaultdict(int)
    while time.time() < end + options.quiet:
        workers.thaw(is_all=time.time() > end)
        while events and events[0][0] <= time.time():
            what = events.pop(0)[1]
            number = chance.randrange(options.workers)
            counts[what] += 1
            if what == "kill":
                workers.kill(number)
            elif what == "freeze":
                workers.freeze(number, chance.uniform(5, 60))
            elif what == "new":
                publisher.version.value += 1
            else:
                restarts += 1
                server.stop("fast" if restarts == 1 else "immediate")
                time.sleep(options.away)
                server.start(*_SETTINGS)
        if time.time() >= due:
            with suppress(psycopg.Error), psycopg.connect(address) as direct:
                direct.execute(
                    "UPDATE sources SET next_poll = 0 WHERE next_poll > %s",
                    (int((time.time() + _DUE_SECONDS) * 1e6),),
                )
                due = time.time() + _DUE_SECONDS
        time.sleep(0.2)
    ended = workers.end()
    asked = publisher.requests(begin)
    first = {each.feed for each in asked}
    wanted = (publisher.version.value + 1) * options.sources
    rows = server.execute(
        "SELECT count(*), count(DISTINCT (source, id)), count(DISTINCT uid), count(DISTINCT source) FROM articles",
        "SELECT count(*), count(DISTINCT (source, id)), count(DISTINCT uid), count(DISTINCT source) FROM articles",
        database=NAME,
    )
    stuck = server.execute(
        "SELECT count(*) FROM (SELECT source FROM articles GROUP BY source HAVING count(*) <> "
        f"{publisher.version.value + 1}) AS behind",
        database=NAME,
    )
    log = "".join(each.read_text() for each in folder.glob("worker-*.log"))
    return {
        "done": dict(counts),
        "articles": rows[0],
        "wanted": wanted,
        "sources behind": stuck[0][0],
        "requests": len(asked),
        "sources never asked": options.sources - len(first),
        "longest that a source was not asked for, s": longest(asked, begin, end),
        "the same in the end": longest(asked, end, end + options.quiet),
        "at once": overlaps(asked),
        "least gap of a publisher s": least_gap(asked),
        "tracebacks": log.count("Traceback"),
        **ended,
    }


def longest(asked: list[Request], begin: float, end: float) -> list[float]:
    """The longest times between two moments in which a source was not asked for, in seconds."""
    begun = defaultdict(list)
    for each in asked:
        if begin < each.began < end:
            begun[each.feed].append(each.began)
    gaps = (max(b - a for a, b in pairwise((begin, *sorted(some), end))) for some in begun.values())
    return [round(each, 1) for each in sorted(gaps, reverse=True)[:5]]


if __name__ == "__main__":
    main()
