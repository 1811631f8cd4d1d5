"""Whole processes over many feeds, against peers in one run: the first poll, all unchanged, and 5 % changed.

    make bench                                       200 and 1,000 feeds, three rounds each
    python benchmarks/bulk.py --feeds 5000           another size; what is measured already is kept
    python benchmarks/bulk.py --table                the table and the chart of all that was measured

A server of our own on loopback serves generated feeds with ETag and 304. Each peer polls all of them and writes
what it writes by default: ours, ours with RSS and Atom only, an obvious script of 60 lines
(`obvious_script.py`), and as far as they are installed `reader` (pip), sfeed (Debian) and osmosfeed (npm:
`npm install @osmoscraft/osmosfeed`, `--osmosfeed FOLDER`). The peers take turns within a round.

Measured: seconds by the clock; processor seconds and memory (PSS) of the whole tree of processes, looked at twenty
times a second; bytes that lie in the peer's folder afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "bulk.json"
PHASES = ("first", "unchanged", "changed")
CATEGORIES = ("tech", "news", "life", "dev", "culture")
ENTRIES = 25
DEADLINE_SECONDS = 300
WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "that",
    "for",
    "it",
    "as",
    "was",
    "with",
    "be",
    "by",
    "on",
    "not",
    "he",
    "his",
    "but",
    "at",
    "are",
    "this",
    "have",
    "from",
    "or",
    "had",
]
READER = (
    "import sys, reader\n"
    "r = reader.make_reader('reader.db', feed_root=None)\n"
    "[r.add_feed(u.strip(), exist_ok=True) for u in open('urls.txt')]\n"
    "r.update_feeds(workers=10)\n"
)


def document(number: int, version: int) -> bytes:
    """A feed of 25 entries of 1 to 4 KB; a higher version has one entry more."""
    dice = random.Random(number)
    site, now = f"https://site{number}.example", datetime(2026, 10, 1, tzinfo=UTC)
    items = []
    for n in range(ENTRIES + version):
        date = now - timedelta(minutes=30 * number % 997 + 1_000 * (ENTRIES - n))
        paragraphs = "".join(
            f"<p>{' '.join(dice.choices(WORDS, k=60))} <a href='/p/{n}'>{dice.choice(WORDS)}</a> "
            f"<em>{' '.join(dice.choices(WORDS, k=5))}</em></p>"
            for _ in range(dice.randint(2, 8))
        )
        title = " ".join(dice.choices(WORDS, k=8)).capitalize()
        items.append(
            f"<item><title>{title}</title><link>{site}/{n}</link><guid isPermaLink='false'>{site}/{n}</guid>"
            f"<pubDate>{date:%a, %d %b %Y %H:%M:%S} GMT</pubDate><description><![CDATA[{paragraphs}]]></description>"
            f"<category>{dice.choice(WORDS)}</category></item>"
        )
    head = f"<title>Site {number}</title><link>{site}/</link><description>Of site {number}</description>"
    return f"<rss version='2.0'><channel>{head}{''.join(reversed(items))}</channel></rss>".encode()


def serve(port: multiprocessing.Queue[int], folder: str) -> None:
    """Serves the files of a folder with ETag and 304, on HTTP/1.1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """One file."""
            try:
                body = (Path(folder) / self.path.lstrip("/")).read_bytes()
            except OSError:
                self.send_error(404)
                return
            tag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
            known = self.headers.get("If-None-Match") == tag
            self.send_response(304 if known else 200)
            self.send_header("ETag", tag)
            self.send_header("Content-Type", "application/rss+xml")
            self.send_header("Content-Length", "0" if known else str(len(body)))
            self.end_headers()
            if not known:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.put(server.server_port)
    server.serve_forever()


@dataclass(frozen=True)
class Measured:
    """One run of one peer."""

    peer: str
    feeds: int
    phase: str
    seconds: float
    cpu_seconds: float
    peak_mb: float
    written_mb: float


def _tree(root: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            try:
                parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(each.name))
    waiting = [root]
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children.get(process, [])


def run(command: list[str], folder: Path) -> tuple[float, float, float] | None:
    """Seconds by the clock, processor seconds and peak megabytes (PSS) of a command and all that it starts.

    None where it does not end.
    """
    ticks = os.sysconf("SC_CLK_TCK")
    used: dict[int, float] = {}
    peak = 0.0
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors: list[bytes] = []
    assert process.stderr is not None, "it is a pipe"
    draining = threading.Thread(target=lambda: errors.append(process.stderr.read()))  # type: ignore[union-attr]
    draining.start()
    while process.poll() is None:
        total = 0.0
        for each in _tree(process.pid):
            try:
                facts = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
                used[each] = (int(facts[11]) + int(facts[12])) / ticks
                pss = Path(f"/proc/{each}/smaps_rollup").read_text().partition("Pss:")[2].split()[0]
                total += int(pss) / 1024
            except (OSError, IndexError, ValueError):
                continue
        peak = max(peak, total)
        if time.perf_counter() - begun > DEADLINE_SECONDS:
            process.kill()
            draining.join()
            return None
        time.sleep(0.05)
    seconds = time.perf_counter() - begun
    draining.join()
    if process.returncode not in (0, 1):
        raise SystemExit(f"{command}: exit code {process.returncode}\n{b''.join(errors).decode()[-2000:]}")
    return seconds, sum(used.values()), peak


Prepare = Callable[[Path, list[str]], list[str]]


def _ours(formats: str = "") -> Prepare:
    def prepare(folder: Path, urls: list[str]) -> list[str]:
        (folder / "config").mkdir(exist_ok=True)
        lines = ["[fetch]", 'allow = ["127.0.0.1"]', *(["[publish]", formats] if formats else [])]
        for n, url in enumerate(urls):
            category = CATEGORIES[n % len(CATEGORIES)]
            lines += ["[[sources]]", f'name = "s{n}"', f'url = "{url}"', f'categories = ["{category}"]']
        (folder / "config" / "aggregator.toml").write_text("\n".join(lines))
        return [str(Path(sys.executable).with_name("aggregator")), "fetch", "--force", "-q"]

    return prepare


def _with_urls(command: list[str]) -> Prepare:
    def prepare(folder: Path, urls: list[str]) -> list[str]:
        (folder / "urls.txt").write_text("\n".join(urls))
        return command

    return prepare


def _sfeed(folder: Path, urls: list[str]) -> list[str]:
    feeds = "\n".join(f'feed "s{n}" "{url}"' for n, url in enumerate(urls))
    (folder / "sfeedrc").write_text(f'sfeedpath="{folder}/sfeed"\nmaxjobs=10\nfeeds() {{\n{feeds}\n}}\n')
    return [
        "sh",
        "-c",
        "sfeed_update sfeedrc && sfeed_html sfeed/* > out.html && sfeed_atom sfeed/* > out.xml",
    ]


def _osmosfeed(program: Path) -> Prepare:
    def prepare(folder: Path, urls: list[str]) -> list[str]:
        # Its cache is at an address; where there is none it asks for one on a host that is not there.
        cache = f"cacheUrl: {urls[0].rpartition('/')[0]}/cache.json\n"
        sources = "".join(f"  - href: {url}\n" for url in urls)
        (folder / "osmosfeed.yaml").write_text(f"{cache}sources:\n{sources}")
        return ["node", str(program)]

    return prepare


def peers(osmosfeed: Path | None) -> dict[str, Prepare]:
    """Those that are installed; says which are not."""
    found = {
        "aggregator": _ours(),
        "aggregator, RSS and Atom": _ours('formats = ["rss", "atom"]'),
        "obvious script": _with_urls([sys.executable, str(HERE / "obvious_script.py")]),
    }
    if (
        subprocess.run([sys.executable, "-c", "import reader"], check=False, capture_output=True).returncode
        == 0
    ):
        found["reader"] = _with_urls([sys.executable, "-c", READER])
    if shutil.which("sfeed_update"):
        found["sfeed"] = _sfeed
    program = (osmosfeed or HERE) / "node_modules/@osmoscraft/osmosfeed/main.js"
    if program.exists():
        found["osmosfeed"] = _osmosfeed(program)
    for name in ("reader", "sfeed", "osmosfeed"):
        if name not in found:
            print(f"skipped: {name} is not installed", file=sys.stderr)
    return found


def _size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def measure(count: int, rounds: int, chosen: dict[str, Prepare]) -> list[Measured]:
    """Every phase of every peer, in turns."""
    found = []
    with tempfile.TemporaryDirectory() as home:
        www = Path(home) / "www"
        www.mkdir()
        port: multiprocessing.Queue[int] = multiprocessing.Queue()
        server = multiprocessing.Process(target=serve, args=(port, str(www)), daemon=True)
        server.start()
        base = f"http://127.0.0.1:{port.get()}"
        urls = [f"{base}/{n}.xml" for n in range(count)]
        for number in range(rounds):
            folders = {name: Path(home) / f"{number}-{n}" for n, name in enumerate(chosen)}
            for phase in PHASES:
                for n in range(count if phase == "first" else count // 20 if phase == "changed" else 0):
                    (www / f"{n}.xml").write_bytes(document(n, int(phase == "changed")))
                for name, prepare in chosen.items():
                    folders[name].mkdir(exist_ok=True)
                    command = prepare(folders[name], urls)
                    if (took := run(command, folders[name])) is None:
                        print(f"{name} does not end within {DEADLINE_SECONDS} s: left out", file=sys.stderr)
                        return measure(count, rounds, {n: p for n, p in chosen.items() if n != name})
                    seconds, cpu, peak = took
                    found.append(Measured(name, count, phase, seconds, cpu, peak, _size(folders[name])))
                    print(
                        f"{count} feeds, round {number + 1}, {phase}, {name}: {seconds:.2f} s",
                        file=sys.stderr,
                    )
        server.terminate()
    return found


def table() -> str:
    """All results as a table in Markdown: medians, and ratios to the fastest peer of the same cell."""
    kept = json.loads(RESULTS.read_text())
    lines = [f"{kept['machine']}, {kept['date']}; medians of {kept['rounds']} rounds", ""]
    lines += ["| feeds | phase | program | seconds | × fastest peer | CPU s | peak MB | MB on disk |"]
    lines += ["| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    cells: dict[tuple[int, str], dict[str, list[Measured]]] = {}
    for each in kept["runs"]:
        one = Measured(**each)
        cells.setdefault((one.feeds, one.phase), {}).setdefault(one.peer, []).append(one)
    for (feeds, phase), of_peers in sorted(cells.items(), key=lambda c: (c[0][0], PHASES.index(c[0][1]))):
        medians = {
            name: [statistics.median(getattr(run, fact) for run in runs) for fact in _FACTS]
            for name, runs in of_peers.items()
        }
        others = [facts[0] for name, facts in medians.items() if not name.startswith("aggregator")]
        for name, (seconds, cpu, peak, size) in medians.items():
            ratio = f"{seconds / min(others):.2f}" if others else "–"
            cellsof = (
                feeds,
                phase,
                name,
                f"{seconds:.2f}",
                ratio,
                f"{cpu:.1f}",
                f"{peak:.0f}",
                f"{size:.0f}",
            )
            lines.append(f"| {' | '.join(map(str, cellsof))} |")
    return "\n".join(lines) + "\n"


_FACTS = ("seconds", "cpu_seconds", "peak_mb", "written_mb")


def main() -> None:
    """Measures what was asked for, keeps it, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--feeds", type=int, nargs="*", default=[200, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="*", help="only these")
    parser.add_argument("--osmosfeed", type=Path, help="the folder that it was installed into")
    parser.add_argument("--table", action="store_true", help="measure nothing")
    options = parser.parse_args()
    if not options.table:
        chosen = peers(options.osmosfeed)
        if options.peers:
            chosen = {name: prepare for name, prepare in chosen.items() if name in options.peers}
        RESULTS.parent.mkdir(exist_ok=True)
        runs = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
        for count in options.feeds:
            runs = [each for each in runs if each["feeds"] != count or each["peer"] not in chosen]
            runs += map(asdict, measure(count, options.rounds, chosen))
            machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
            kept = {"machine": machine, "date": f"{datetime.now(UTC):%Y-%m-%d}", "rounds": options.rounds}
            RESULTS.write_text(json.dumps({**kept, "runs": runs}, indent=1))
    print(table())


if __name__ == "__main__":
    main()
