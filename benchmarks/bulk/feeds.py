"""Generated feeds, and the server on loopback that has them: nginx where it is installed, else one of Python's."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ENTRIES = 25
_BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
_WORDS = [
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


def document(number: int, *, new: int = 0, build: int = 0, about: str = "Of") -> bytes:
    """A feed of 25 entries of 1 to 4 KB and `new` newer ones.

    The same entries have another feed around them with another `build`, which is its date, and with another
    `about`, which begins its description.

    Links lead where osmosfeed asks for no page: it would fetch that of each new entry, three times over, from
    hosts that are not there.
    """
    dice = random.Random(number)
    site = f"https://site{number}.example"
    items = []
    for n in range(ENTRIES + new):
        date = _BEGIN - timedelta(minutes=30 * number % 997 + 1_000 * (ENTRIES - n))
        paragraphs = "".join(
            f"<p>{' '.join(dice.choices(_WORDS, k=60))} <a href='{site}/p/{n}'>{dice.choice(_WORDS)}</a> "
            f"<em>{' '.join(dice.choices(_WORDS, k=5))}</em></p>"
            for _ in range(dice.randint(2, 8))
        )
        title = " ".join(dice.choices(_WORDS, k=8)).capitalize()
        link = f"https://www.youtube.com/watch?v={number}-{n}"
        items.append(
            f"<item><title>{title}</title><link>{link}</link><guid isPermaLink='false'>{site}/{n}</guid>"
            f"<pubDate>{date:%a, %d %b %Y %H:%M:%S} GMT</pubDate>"
            f"<description><![CDATA[{paragraphs}]]></description><category>{dice.choice(_WORDS)}</category></item>"
        )
    built = _BEGIN + timedelta(hours=build)
    head = f"<title>Site {number}</title><link>{site}/</link><description>{about} site {number}</description>"
    head += f"<lastBuildDate>{built:%a, %d %b %Y %H:%M:%S} GMT</lastBuildDate>"
    return f"<rss version='2.0'><channel>{head}{''.join(reversed(items))}</channel></rss>".encode()


def write(folder: Path, number: int, body: bytes, version: int) -> None:
    """Puts a feed where it is served; its time, of which nginx makes the ETag, is that of the version."""
    file = folder / f"{number}.xml"
    file.write_bytes(body)
    moment = _BEGIN.timestamp() + version
    os.utime(file, (moment, moment))


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, str]]:
    """The address at which a folder is served meanwhile, with ETag and 304, and what serves it."""
    if program := shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin"):
        with _nginx(program, folder) as address:
            yield address, "nginx"
        return
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=_serve, args=(port, str(folder)), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{port.get()}", "http.server"
    finally:
        server.terminate()


@contextmanager
def _nginx(program: str, folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = folder.parent / "nginx"
    home.mkdir()
    temporary = "".join(
        f"{kind}_temp_path {home}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (home / "nginx.conf").write_text(
        f"daemon off; pid {home}/pid; error_log {home}/log; worker_processes 1;"
        "events { worker_connections 1024; }"
        f"http {{ access_log off; {temporary} types {{ application/rss+xml xml; }} keepalive_requests 100000;"
        f"server {{ listen 127.0.0.1:{port}; root {folder}; }} }}"
    )
    user = ["-g", "user root;"] if os.getuid() == 0 else []
    server = subprocess.Popen([program, "-c", str(home / "nginx.conf"), *user], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            raise SystemExit(f"nginx does not begin: {(home / 'log').read_text()[-500:]}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _serve(port: multiprocessing.Queue[int], folder: str) -> None:
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
