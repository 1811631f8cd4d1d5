"""A million sources in PostgreSQL: whether polls keep their times, and what claiming, saving and keeping them takes.

    python benchmarks/million.py fill FOLDER --sources 1000000       once; the folder keeps the database
    python benchmarks/million.py run FOLDER --seconds 600 --rate 245 --workers 1
    python benchmarks/million.py day FOLDER                          a day's schedule without HTTP
    python benchmarks/million.py serve FOLDER                        starts the database alone, and says where it is

The sources are of `--publishers` hosts, which a server in a process of its own answers for as the proxy of the workers. A twentieth of the
sources has changed since it was polled last, and gives `--entries` articles; the others answer 304. `run` lets
rate x seconds sources fall due evenly from now on, starts workers, and prints what happened as JSON: how late
requests came behind their due times (from the server's notes), what statements took (pg_stat_statements), memory
(PSS) and processor time of workers, database and server, and the size of the database.

`day` has neither workers nor HTTP: it goes through a day minute by minute, claims each shard in which sources are due,
and saves for each what a 304 leaves, with the times that the schedule decides.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from aggregator.config import load as config
from aggregator.config.load import Config, Source
from aggregator.config.subscriptions import address_key
from aggregator.fetch.pacing import Hosts
from aggregator.machines.shards import shard_of
from aggregator.model.struct import replace
from aggregator.polling.settings import policy, poll_settings
from aggregator.reading.version import READER_VERSION
from aggregator.schedule import decide as schedule
from aggregator.schedule.settings import with_settings
from aggregator.schedule.state import PollState
from aggregator.store import Store, Update
from benchmarks.publisher import Publisher, Request, address_of, etag_of
from tests.support.postgresql import PostgresServer, binaries

NAME = "million"
PORT = 18_245
"""Of the publisher: with another one all sources would be asked otherwise, and so planned anew."""

USUAL = timedelta(minutes=68)
"""At 0.88 polls a source an hour, as `polling_year.py` has it."""

FAR = timedelta(days=3650)
_SOURCE = (
    "name, address, active, categories, validators, body_hash, reader_version, title, polled, succeeded, schedule,"
    " next_poll, is_gone, is_enabled, shard"
)
_FOLLOWED = "name, settings, enabled, key, is_special, is_changed"
_SETTINGS = (
    *("fsync=on", "full_page_writes=on", "autovacuum=on", "shared_buffers=1GB", "max_wal_size=4GB"),
    *(
        "shared_preload_libraries=pg_stat_statements",
        "effective_cache_size=4GB",
        "maintenance_work_mem=512MB",
    ),
)
_PARTS_OF_LAG = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "most": 0.9999999}
_PARTS = {
    "claim a shard": "%FROM shards%FOR UPDATE%",
    "what is due of it": "SELECT sources.name%WHERE sources.shard =%",
    "states": "SELECT sources.name, sources.validators%",
    "save unchanged": "UPDATE sources SET polled =%",
    "save an article's poll": "UPDATE sources SET validators=%",
    "which shards are due": "SELECT sources.shard, min%",
    "next job": "%procrastinate_fetch_job%",
    "commit": "COMMIT",
}


class Site:
    """The folder of one benchmark: the database, the config, and what workers and publisher wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.config = self.folder / "aggregator.toml"
        self._data = self.folder / "database"
        self._data.mkdir(parents=True, exist_ok=True)
        programs = binaries()
        if programs is None:
            raise SystemExit("PostgreSQL is not installed")
        self.server = PostgresServer(self._data, programs)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The database's server."""
        is_running = (self._data / "data" / "postmaster.pid").exists()
        if not is_running:
            self.server.start(*_SETTINGS)
        try:
            yield
        finally:
            if not is_running:
                self.server.stop("fast")

    @property
    def address(self) -> str:
        """The address of the database."""
        return self.server.address(NAME).url

    def configure(self) -> Config:
        """Writes the config, and reads it."""
        self.config.write_text(
            f'store = "{self.address}"\noutput = "{self.folder}/feeds"\n'
            '[site]\nurl = "https://planet.example"\n'
            f'[fetch]\nproxy = "http://127.0.0.1:{PORT}"\n'
        )
        return config.load(self.config)

    def connected(self) -> psycopg.Connection[Any]:
        """A connection, each statement a transaction."""
        return psycopg.connect(self.address, autocommit=True)


def fill(site: Site, sources: int, publishers: int) -> None:
    """Writes sources as `aggregator import --store` and one poll of each would have left them, by COPY."""
    site.server.execute(f"CREATE DATABASE {NAME}")
    setup = site.configure()
    Store(setup.store).close()
    began = time.monotonic()
    then = datetime.now(UTC) - USUAL
    far = micro(then + FAR)
    hosts = Hosts()
    shards = [shard_of(hosts.publisher(address_of(number, publishers))) for number in range(publishers)]
    state = replace(polled(setup, then), next_poll=then + FAR).to_json()
    at = f"{micro(then)}\t{micro(then)}"
    with site.connected() as direct:
        direct.execute("CREATE EXTENSION pg_stat_statements")
        direct.execute(
            "INSERT INTO shards SELECT number, 0, '', NULL, '{}' FROM generate_series(0, 1023) AS number"
        )
        with direct.cursor().copy(f"COPY sources ({_SOURCE}) FROM STDIN") as copying:
            for number in range(sources):
                address = address_of(number, publishers)
                etag = json.dumps(etag_of(number, 0)).replace("\\", "\\\\")
                copying.write(
                    f'feed {number}\t{address}\tt\t[]\t{{"url":"{address}","etag":{etag}}}\tnone'
                    f"\t{READER_VERSION}\tFeed {number}\t{at}\t{state}\t{far}\tf\tt\t{shards[number % publishers]}\n"
                )
        with direct.cursor().copy(f"COPY followed ({_FOLLOWED}) FROM STDIN") as copying:
            for number in range(sources):
                address = address_of(number, publishers)
                copying.write(f'feed {number}\t{{"url":"{address}"}}\tt\t{address_key(address)}\tf\tf\n')
        direct.execute("VACUUM ANALYZE")
    print(f"filled with {sources:,} in {time.monotonic() - began:.0f} s", flush=True)


def polled(setup: Config, now: datetime) -> PollState:
    """What the first poll of a source leaves of its schedule."""
    dates = tuple(now - timedelta(hours=9 * n) for n in range(1, 11))
    result = schedule.Result(status=200, is_whole=True, published=dates)
    source = Source(name="feed 0", url=address_of(0, 1))
    state = schedule.decide(PollState(), result, now, policy(source, setup), 0.5).state
    return with_settings(state, poll_settings(source, source.address, setup))


def micro(moment: datetime) -> int:
    """A moment as the store has it."""
    return int(moment.timestamp() * 1_000_000)


def run(site: Site, options: argparse.Namespace) -> dict[str, Any]:
    """Lets sources fall due, starts workers, and says what came of it."""
    site.configure()
    notes = site.folder / "requests"
    publisher = Publisher(notes, delay=options.delay, every=20, entries=options.entries, port=PORT)
    publisher.version.value = 1
    with site.connected() as direct:
        began = time.time() + options.lead
        due = spread(direct, began, options.seconds, options.rate)
        command = [sys.executable, "-m", "aggregator", "worker", "--config", str(site.config)]
        command += ["--at-once", str(options.at_once)]
        workers = [
            subprocess.Popen(command, stderr=(site.folder / f"worker-{n}.log").open("w"))
            for n in range(options.workers)
        ]
        time.sleep(max(began - time.time(), 0))
        direct.execute("SELECT pg_stat_statements_reset()")
        before = usage(site, workers, publisher)
        memory = 0.0
        while time.time() < began + options.seconds:
            time.sleep(min(5, max(began + options.seconds - time.time(), 0.1)))
            memory = max(memory, *(sum(map(pss, tree(worker.pid))) for worker in workers))
        used = {name: round(s - before[name], 1) for name, s in usage(site, workers, publisher).items()}
        parts = statements(direct)
        ended = time.time()
        size = direct.execute("SELECT pg_database_size(current_database())").fetchone()
        time.sleep(options.after)
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        codes = [worker.wait(60) for worker in workers]
        articles = direct.execute("SELECT count(*) FROM articles").fetchone()
    asked = publisher.requests(began)
    publisher.process.terminate()
    first: dict[int, float] = {}
    for each in asked:
        first.setdefault(each.feed, each.began)
    lags = sorted(first[feed] - at for feed, at in due.items() if feed in first)
    seconds = ended - began
    return {
        "sources due": len(due),
        "polled": len(lags),
        "polls a second": round(sum(each.began <= ended for each in asked) / seconds, 1),
        "lag s": {name: round(lags[int(len(lags) * part)], 1) for name, part in _PARTS_OF_LAG.items()},
        "processor s each 1,000 polls": {name: round(s * 1000 / len(asked), 2) for name, s in used.items()},
        "processor share": {name: round(s / seconds, 2) for name, s in used.items()},
        "PSS of a worker, MB": round(memory),
        "database, MB": (size or (0,))[0] // 1_000_000,
        "articles": (articles or (0,))[0],
        "statements, ms (calls)": parts,
        "at once": overlaps(asked),
        "least gap of a publisher s": least_gap(asked),
        "statuses": {code: sum(each.status == code for each in asked) for code in (200, 304)},
        "codes": codes,
        "load": os.getloadavg()[0],
    }


def spread(direct: psycopg.Connection[Any], began: float, seconds: float, rate: float) -> dict[int, float]:
    """Lets so many sources, chosen at random of those not due soon, fall due evenly; when, by feed."""
    direct.execute(
        "CREATE TEMPORARY TABLE chosen AS SELECT name, row_number() OVER () AS number FROM"
        " (SELECT name FROM sources WHERE next_poll > %s ORDER BY random() LIMIT %s) AS picked",
        (micro(datetime.fromtimestamp(began + seconds, UTC)), int(rate * seconds)),
    )
    found = direct.execute(
        "WITH moments AS (SELECT name, %s + CAST(number * %s AS bigint) AS at FROM chosen)"
        ' UPDATE sources SET next_poll = at, schedule = regexp_replace(schedule, \'"next_poll":"[^"]*"\','
        " '\"next_poll\":\"' || to_char(to_timestamp(at / 1e6) AT TIME ZONE 'UTC',"
        ' \'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"\') || \'"\')'
        " FROM moments WHERE sources.name = moments.name RETURNING sources.address, at",
        (int(began * 1e6), 1e6 / rate),
    )
    return {int(address.rpartition("/")[2]): at / 1e6 for address, at in found}


def statements(direct: psycopg.Connection[Any]) -> dict[str, str]:
    """What statements took on average, and how often they ran."""
    found = {}
    for name, pattern in _PARTS.items():
        row = direct.execute(
            "SELECT sum(total_exec_time) / greatest(sum(calls), 1), sum(calls), max(max_exec_time)"
            " FROM pg_stat_statements WHERE query LIKE %s",
            (pattern,),
        ).fetchone()
        if row and row[1]:
            found[name] = f"{row[0]:.2f}, at most {row[2]:.0f} ({row[1]})"
    dearest = direct.execute(
        "SELECT total_exec_time, calls, query FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 12"
    )
    for total, calls, query in dearest:
        print(f"{total:10.0f} ms {calls:8} calls  {' '.join(query.split())[:150]}", file=sys.stderr)
    return found


def overlaps(asked: list[Request]) -> int:
    """How often a source was asked while it was being asked."""
    spans = defaultdict(list)
    for each in asked:
        spans[each.feed].append((each.began, each.ended))
    return sum(b[0] < a[1] for some in spans.values() for a, b in pairwise(sorted(some)))


def least_gap(asked: list[Request]) -> float:
    """The least time between two requests to one publisher."""
    begun = defaultdict(list)
    for each in asked:
        begun[each.host].append(each.began)
    return round(min((b - a for some in begun.values() for a, b in pairwise(sorted(some))), default=0.0), 2)


def tree(process: int) -> list[int]:
    """A process and all below it."""
    found = [process]
    for each in found:
        with suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def pss(process: int) -> float:
    """The memory of a process in MB, its part of what is shared."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def usage(site: Site, workers: list[subprocess.Popen[bytes]], publisher: Publisher) -> Mapping[str, float]:
    """Processor seconds until now, of those that have ended too."""
    database = int((site.folder / "database/data/postmaster.pid").read_text().split()[0])
    parts = {"database": [database], "publisher": [publisher.process.pid or 0]}
    parts |= {"workers": [worker.pid for worker in workers]}
    return {name: sum(cpu(each) for pid in pids for each in tree(pid)) for name, pids in parts.items()}


def cpu(process: int) -> float:
    """Processor seconds of a process and of what it has waited for."""
    with suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def day(site: Site, hours: float) -> dict[str, Any]:
    """Goes through a day of the schedule, minute by minute, as workers would, without asking anybody."""
    setup = site.configure()
    store = Store(setup.store)
    with site.connected() as direct:
        began = datetime.now(UTC).replace(microsecond=0)
        count = (direct.execute("SELECT count(*) FROM sources").fetchone() or (0,))[0]
        spread(direct, began.timestamp(), USUAL.total_seconds(), count / USUAL.total_seconds())
    took: dict[str, float] = defaultdict(float)
    calls: dict[str, int] = defaultdict(int)

    @contextmanager
    def timed(what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        took[what] += time.perf_counter() - start
        calls[what] += 1

    polls, started = 0, time.process_time()
    for minute in range(int(hours * 60)):
        now = began + timedelta(minutes=minute + 1)
        with timed("which shards are due"):
            due = store.leases.due_shards(now)
        for shard in sorted(due):
            with timed("claim a shard"):
                claim = store.leases.claim(shard, "day")
            with timed("what is due of it"):
                names = store.leases.due(shard, now, 10_000)
            with timed("states"):
                states = store.sources.states(names)
            updates = []
            for name, record in states.items():
                source = Source(name=name, url=record.validators["url"])
                chance = schedule.chance_of(name, record.schedule.polls)
                result = schedule.Result(status=304)
                decided = schedule.decide(record.schedule, result, now, policy(source, setup), chance).state
                updates.append(
                    Update(
                        source=name,
                        validators=record.validators,
                        body_hash=record.body_hash,
                        schedule=with_settings(decided, poll_settings(source, source.address, setup)),
                    )
                )
            with timed("save unchanged"):
                store.sources.holding(claim.hold).commit_unchanged(updates, now)
            with timed("release"):
                store.leases.release(claim.hold, now, {})
            polls += len(updates)
        print(minute, polls, f"{polls / sum(took.values()):.0f} a second", file=sys.stderr, flush=True)
    size = store.database.dialect.size()
    store.close()
    return {
        "polls": polls,
        "polls an hour and source": round(polls / hours / count, 3),
        "polls a second of database time": round(polls / sum(took.values())),
        "ms": {name: f"{s * 1000 / calls[name]:.2f} ({calls[name]})" for name, s in took.items()},
        "processor s": round(time.process_time() - started, 1),
        "store, MB": size // 1_000_000,
    }


def main() -> None:
    """Does what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("fill", "run", "day", "serve"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sources", type=int, default=1_000_000)
    parser.add_argument("--publishers", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--lead", type=float, default=60, help="seconds for workers to start and calm down")
    parser.add_argument("--after", type=float, default=60, help="seconds for what fell due last")
    parser.add_argument("--rate", type=float, default=245)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--delay", type=float, default=0.1, help="seconds that each answer takes")
    parser.add_argument("--entries", type=int, default=3)
    parser.add_argument("--hours", type=float, default=24)
    options = parser.parse_args()
    site = Site(options.folder)
    if options.what == "serve":
        site.server.start(*_SETTINGS)
        print(site.address)
        return
    with site.running():
        if options.what == "fill":
            fill(site, options.sources, options.publishers)
            return
        found = run(site, options) if options.what == "run" else day(site, options.hours)
        print(json.dumps(found, indent=1), flush=True)


if __name__ == "__main__":
    main()
