"""Whole processes over many feeds, against other programs in one run.

    make bench                                  at most 20 minutes: 200 and 1,000 feeds, stores of 0 and 100,000
    make bench ARGUMENTS=--everything           5,000 feeds and stores of 1,000,000 articles as well: hours
    python benchmarks/bulk --feeds 200 --rounds 1 --held       a quick look
    python benchmarks/bulk --report             measures nothing: the tables and the chart of what was measured

Each round sets every program up anew, and they take turns in each phase: a first poll; all unchanged; 5 % of the
feeds with a new entry; all feeds with another date of their own but the same entries; all with another description but
the same entries; published again without polling. Then ours
alone, with stores that hold many articles of other sources already, without archives.

Each run is kept as soon as it is done, in benchmarks/results/bulk.json; what was measured is not measured again
(--again does). So a run that is stopped goes on where it was: with the round after the last whole one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import held
import peers as programs
import report
from measuring import Cost, Failed, run
from peers import Peer
from report import OF_STORES

from feeds import document, served, write

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "bulk.json"
ROOT = HERE.parent.parent
PHASES = ("first", "unchanged", "changed", "dated", "bodies", "publish")
PHASES_OF_STORES = ("unchanged", "changed", "nothing due", "sources")


class Results:
    """Every run that was measured, kept in one file."""

    def __init__(self, file: Path, machine: str) -> None:
        self._file = file
        empty: dict[str, Any] = {"machine": machine, "runs": [], "failed": {}}
        self.kept = json.loads(file.read_text()) if file.exists() else empty
        if self.kept["machine"] != machine:
            raise SystemExit(f"{file} was measured on {self.kept['machine']}, not on {machine}: move it away")

    def has(self, feeds: int, number: int, peer: str, phases: tuple[str, ...], of_held: int = 0) -> bool:
        """Whether a whole round of a program is there."""
        key = (feeds, number, peer, of_held)
        found = {r["phase"] for r in self.kept["runs"] if _key(r) == key}
        return found.issuperset(phases)

    def begin(self, feeds: int, number: int, peers: Mapping[str, object], of_held: int = 0) -> None:
        """Forgets what is there of a round that is measured now."""
        keys = {(feeds, number, peer, of_held) for peer in peers}
        self.kept["runs"] = [r for r in self.kept["runs"] if _key(r) not in keys]

    def add(self, cost: Cost, *, feeds: int, number: int, peer: str, phase: str, of_held: int = 0) -> None:
        """Keeps one run."""
        where = {"feeds": feeds, "held": of_held, "phase": phase, "peer": peer, "round": number}
        self.kept["runs"].append({**where, **asdict(cost)})
        print(
            f"{feeds} feeds, round {number}, {phase}, {peer}, {of_held:,} held: {cost.seconds:.2f} s",
            file=sys.stderr,
        )
        self.save()

    def fail(self, peer: str, reason: str) -> None:
        """Keeps why a program was left out."""
        self.kept["failed"][peer] = reason
        print(f"{peer} is left out: {reason}", file=sys.stderr)
        self.save()

    def save(self) -> None:
        """Writes the file."""
        self.kept["date"] = f"{datetime.now(UTC):%Y-%m-%d}"
        self._file.parent.mkdir(exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(self.kept, indent=1))
        fresh.replace(self._file)


def _key(run: Mapping[str, Any]) -> tuple[int, int, str, int]:
    return run["feeds"], run["round"], run["peer"], run["held"]


class Site:
    """The feeds that are served: `turn` makes of them what a phase asks for."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._changed = max(count // 20, 1)
        folder.mkdir()
        for n in range(count):
            write(folder, n, document(n), 0)

    def turn(self, phase: str) -> None:
        """5 % with a new entry, or all with other bytes."""
        if phase == "changed":
            for n in range(self._changed):
                write(self._folder, n, document(n, new=1, build=1), 60)
        elif phase in ("dated", "bodies"):
            about, version = ("Of", 120) if phase == "dated" else ("About", 180)
            for n in range(self._count):
                write(self._folder, n, document(n, new=int(n < self._changed), build=2, about=about), version)


def measure(results: Results, count: int, number: int, chosen: dict[str, Peer], place: Path) -> None:
    """One round in a new folder of `place`: every phase of every program, in turns."""
    wanted = {n: p for n, p in chosen.items() if not results.has(count, number, n, _phases(p))}
    if not wanted:
        return
    results.begin(count, number, wanted)
    home = Path(tempfile.mkdtemp(dir=place))
    with Serving(home, count, results) as (site, urls):
        folders = {name: home / f"program-{n}" for n, name in enumerate(wanted)}
        for phase in PHASES:
            site.turn(phase)
            for name in _turns(wanted, number, phase):
                peer, folder = wanted[name], folders[name]
                if name in results.kept["failed"] or phase not in _phases(peer):
                    continue
                if phase == "first":
                    folder.mkdir()
                    peer.prepare(folder, urls)
                try:
                    cost = run(peer.publish if phase == "publish" else peer.poll, folder)
                except Failed as failure:
                    results.fail(name, str(failure))
                else:
                    results.add(cost, feeds=count, number=number, peer=name, phase=phase)


def measure_stores(results: Results, count: int, number: int, sizes: list[int], place: Path) -> None:
    """One round over stores that hold so many articles of other sources, each size in turn."""
    if all(results.has(count, number, OF_STORES, PHASES_OF_STORES, size) for size in sizes):
        return
    for size in sizes:
        results.begin(count, number, {OF_STORES: None}, size)
    names = [f"s{n}" for n in range(count)]
    commands = {
        "unchanged": programs.ours("fetch", "--force", "-q", *names),
        "changed": programs.ours("fetch", "--force", "-q", *names),
        "nothing due": programs.ours("fetch", "-q", *names),
        "sources": programs.ours("sources", "--json"),
    }
    home = Path(tempfile.mkdtemp(dir=place))
    with Serving(home, count, results) as (site, urls):
        folders = {size: home / f"store-{size}" for size in sizes}
        for size, folder in folders.items():
            folder.mkdir()
            programs.configure(folder, urls, publish="archives = false", further=held.SOURCES)
            run(commands["unchanged"], folder)
            if size:
                print(f"a store is filled with {size:,} articles", file=sys.stderr)
                held.fill(folder / "var" / "aggregator.db", size)
            run(programs.ours("publish"), folder)
        for phase in PHASES_OF_STORES:
            site.turn(phase)
            for size, folder in folders.items():
                cost = run(commands[phase], folder)
                where = {"feeds": count, "number": number, "phase": phase}
                results.add(cost, peer=OF_STORES, of_held=size, **where)


def _phases(peer: Peer) -> tuple[str, ...]:
    return PHASES if peer.publish else PHASES[:-1]


def _turns(peers: Mapping[str, Peer], number: int, phase: str) -> list[str]:
    """The programs in an order that differs between rounds and phases: none always follows the same one."""
    names = [*peers]
    random.Random(f"{number} {phase}").shuffle(names)
    return names


class Serving:
    """Feeds and the server that has them; what serves them is kept with the results."""

    def __init__(self, home: Path, count: int, results: Results) -> None:
        self._site = Site(home / "www", count)
        self._count = count
        self._served = served(home / "www")
        self._results = results

    def __enter__(self) -> tuple[Site, list[str]]:
        address, server = self._served.__enter__()
        self._results.kept["server"] = server
        return self._site, [f"{address}/{n}.xml" for n in range(self._count)]

    def __exit__(self, *failure: Any) -> None:
        self._served.__exit__(*failure)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def main() -> None:
    """Measures what was asked for and is not there yet, and writes the tables and the chart."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--feeds", type=int, nargs="*", default=[200, 1000])
    parser.add_argument("--held", type=int, nargs="*", default=[0, 100_000], help="articles that stores hold")
    parser.add_argument(
        "--everything", action="store_true", help="5,000 feeds and 1,000,000 articles as well"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, help="no round begins later; 20 unless --everything")
    parser.add_argument("--peers", nargs="*", help="only these programs")
    parser.add_argument("--osmosfeed", type=Path, help="the folder that it was installed into")
    parser.add_argument("--again", action="store_true", help="forget what was measured")
    parser.add_argument("--report", action="store_true", help="measure nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file of all runs")
    parser.add_argument("--publish", action="store_true", help="put the report into README.md and docs")
    options = parser.parse_args()
    if options.everything:
        options.feeds, options.held = [200, 1000, 5000], [0, 100_000, 1_000_000]
    if options.again:
        options.results.unlink(missing_ok=True)
    results = Results(options.results, _machine())
    if not options.report:
        minutes = options.minutes or (1e9 if options.everything else 20)
        # Nothing is removed before the end: for five minutes ext4 looks for inodes that were not removed just
        # now, which takes a program 0.1 ms for each file that it makes.
        with tempfile.TemporaryDirectory() as place:
            _measure(options, results, time.monotonic() + 60 * minutes, Path(place))
    if not results.kept["runs"]:
        raise SystemExit("nothing was measured")
    print(report.table(results.kept))
    options.results.with_suffix(".svg").write_text(report.chart(results.kept))
    if options.publish:
        (ROOT / "docs" / "bulk.svg").write_text(report.chart(results.kept))
        (ROOT / "docs" / "bulk.json").write_text(json.dumps(results.kept, indent=1))
        report.put(ROOT / "docs" / "benchmarks.md", report.table(results.kept))
        picture = "![Seconds of each program](docs/bulk.svg)\n"
        report.put(ROOT / "README.md", f"{report.short_table(results.kept)}\n{picture}")


def _measure(options: argparse.Namespace, results: Results, until: float, place: Path) -> None:
    found, missing = programs.installed(options.osmosfeed)
    for name, how in missing.items():
        print(f"{name} is left out, as it is not installed: {how}", file=sys.stderr)
        results.kept["failed"][name] = f"not installed ({how})"
    for name in found:
        results.kept["failed"].pop(name, None)
    chosen = {name: peer for name, peer in found.items() if not options.peers or name in options.peers}
    results.kept["versions"] = programs.versions(found)
    steps: list[Callable[[], None]] = []
    for number in range(1, options.rounds + 1):
        steps += [partial(measure, results, count, number, chosen, place) for count in options.feeds]
        if options.held and (not options.peers or OF_STORES in options.peers):
            of_stores = max(min(options.feeds), min(1000, max(options.feeds)))
            steps.append(partial(measure_stores, results, of_stores, number, options.held, place))
    for n, step in enumerate(steps):
        if time.monotonic() > until:
            print(
                f"the time is over: {len(steps) - n} of {len(steps)} rounds are left for another run",
                file=sys.stderr,
            )
            return
        step()


if __name__ == "__main__":
    main()
