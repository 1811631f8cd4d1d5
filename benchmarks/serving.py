"""Requests a second for 200 and for 304, against nginx serving the same folder, in one run.

    apt-get install wrk nginx-light
    python benchmarks/serving.py

One process of ours against one worker of nginx, on loopback, in turn, three times; the best of each counts. The
file is an Atom feed of 50 entries, 85 KB. nginx sends what is precompressed beside it. `wrk` takes a part of the
same cores; so the processor time that a request costs each of the two is reported as well, which other load on the
machine changes little. It says whether uvloop and httptools are in use: `pip install '.[fast]'` brings them.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

NGINX = """\
daemon off; pid {home}/pid; error_log {home}/nginx.log; worker_processes 1; events {{}}
http {{
    access_log off; sendfile on; tcp_nopush on; open_file_cache max=1000; gzip_static on;
    client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
    uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
    types {{ application/atom+xml xml; }}
    server {{ listen 127.0.0.1:{port}; root {home}/feeds; }}
}}
"""


def feed() -> bytes:
    """About as large as a usual one, and as easy to pack."""
    chance = random.Random(1)
    words = ["".join(chance.choices("abcdefghijklmnop", k=chance.randint(2, 9))) for _ in range(2000)]
    entries = "".join(f"<entry>{' '.join(chance.choices(words, k=260))}</entry>" for _ in range(50))
    return f"<feed>{entries}</feed>".encode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def cpu_seconds(pid: int) -> float:
    """What a process and its children have used (Linux)."""
    used = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if pid in (int(stat.parent.name), int(fields[1])):
            used += int(fields[11]) + int(fields[12])
    return used / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(port: int, *command: str) -> Iterator[tuple[str, int]]:
    """A server for a while; gives the feed's address, and its process."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/news/atom.xml", process.pid
    finally:
        process.terminate()
        process.wait()


def requests_a_second(url: str, headers: Mapping[str, str], seconds: int) -> float:
    """What wrk counts, with 32 connections; ends the program if any answer was an error."""
    options = [f"-H{name}: {value}" for name, value in headers.items()]
    message = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{seconds}s", *options, url], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in message and "If-None-Match" not in headers:
        sys.exit(message)
    match = re.search(r"Requests/sec:\s*([0-9.]+)", message)
    assert match, message
    return float(match[1])


def etag_of(url: str, headers: Mapping[str, str]) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers))) as answer:
        return str(answer.headers["ETag"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if missing := [name for name in ("wrk", "nginx") if shutil.which(name) is None]:
        print(f"skipped: {' and '.join(missing)} not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)
        (home / "feeds" / "news").mkdir(parents=True)
        (home / "config").mkdir()
        (home / "config" / "aggregator.toml").touch()
        (home / "feeds" / "news" / "atom.xml").write_bytes(feed())
        (home / "feeds" / "news" / "atom.xml.gz").write_bytes(gzip.compress(feed(), 6, mtime=0))
        ours, theirs = free_port(), free_port()
        (home / "nginx.conf").write_text(NGINX.format(home=home, port=theirs))
        config = str(home / "config" / "aggregator.toml")
        serve = (sys.executable, "-m", "aggregator", "serve", "--config", config, "--listen")
        with (
            running(ours, *serve, f"127.0.0.1:{ours}") as our_side,
            running(theirs, "nginx", "-c", str(home / "nginx.conf")) as their_side,
        ):
            fast = [name for name in ("httptools", "uvloop") if importlib.util.find_spec(name)]
            print(f"with {' and '.join(fast) or 'neither httptools nor uvloop'}")
            packed = {"Accept-Encoding": "gzip"}
            both = (our_side, their_side)
            compare("200, plain", both, {}, options)
            compare("200, gzip", both, packed, options)
            compare("304", both, packed, options, is_conditional=True)


def compare(
    what: str,
    sides: Sequence[tuple[str, int]],
    headers: Mapping[str, str],
    options: argparse.Namespace,
    *,
    is_conditional: bool = False,
) -> None:
    """One line."""
    best, cost = [0.0, 0.0], [0.0, 0.0]
    for _ in range(options.rounds):
        for index, (url, pid) in enumerate(sides):
            more = {"If-None-Match": etag_of(url, headers)} if is_conditional else {}
            before = cpu_seconds(pid)
            rate = requests_a_second(url, {**headers, **more}, options.seconds)
            if rate > best[index]:
                best[index] = rate
                cost[index] = (cpu_seconds(pid) - before) / (rate * options.seconds) * 1e6
    print(
        f"{what:<12} ours {best[0]:7.0f}/s {cost[0]:4.0f} us  nginx {best[1]:7.0f}/s {cost[1]:4.0f} us  "
        f"ratio {best[0] / best[1]:.2f}, of processor time {cost[1] / cost[0]:.2f}"
    )


if __name__ == "__main__":
    main()
