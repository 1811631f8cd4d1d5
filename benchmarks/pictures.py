"""A thousand pictures of all kinds through the main job: what is kept, what is refused, time and memory.

`python -m benchmarks.pictures [COUNT]`, from the top of the repository, with the extras `media` and `test`. A server on
loopback has sound pictures of every kind and hostile ones in equal parts, some of 100 MB, some slow, some behind redirects
to private addresses. The run is a process of its own; its memory is that of the whole group of processes at its peak.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import ClassVar

from PIL import Image

from tests.support.pictures import bomb, photo, refused_pictures, sound_pictures, written

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
PER_ARTICLE = 20
Make = Callable[[random.Random], bytes]


@cache
def _cameras() -> list[bytes]:
    sizes = [(1_600, 1_200), (4_000, 3_000), (6_000, 4_000)]
    return [written(photo(*size, seed=n), "JPEG", quality=88) for n, size in enumerate(sizes * 2)]


@cache
def _screens() -> list[bytes]:
    return [written(photo(1_920, 1_080, seed=n), "PNG") for n in range(4)]


def _camera(chance: random.Random) -> bytes:
    return chance.choice(_cameras())


def _screenshot(chance: random.Random) -> bytes:
    return chance.choice(_screens())


@cache
def _films() -> bytes:
    frames = [Image.new("P", (300, 200), number % 250) for number in range(400)]
    held = BytesIO()
    frames[0].save(held, "GIF", save_all=True, append_images=frames[1:], duration=40)
    return held.getvalue()


@cache
def _large() -> bytes:
    return written(Image.new("RGB", (7_000, 5_700), (99, 9, 9)), "PNG")


def _flipped(chance: random.Random) -> bytes:
    """A sound picture with some of its bytes changed: kept or refused, but never a crash."""
    body = bytearray(chance.choice([body for body, _ in sound_pictures().values()]))
    for _ in range(chance.randrange(1, 20)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return bytes(body)


def _any_sound(chance: random.Random) -> bytes:
    return chance.choice([body for body, _ in sound_pictures().values()])


def _any_hostile(chance: random.Random) -> bytes:
    return chance.choice([body for body, _ in refused_pictures().values()])


def _long_film(_: random.Random) -> bytes:
    return _films()


def _many_pixels(_: random.Random) -> bytes:
    """Within the bound on pixels, and as expensive as that allows."""
    return _large()


def _nothing(_: random.Random) -> bytes:
    """The server itself makes it."""
    return b""


KINDS: dict[str, tuple[int, Make]] = {
    "photo of a camera": (8, _camera),
    "screenshot": (8, _screenshot),
    "sound, of any kind": (30, _any_sound),
    "changed bytes": (25, _flipped),
    "hostile, of any kind": (20, _any_hostile),
    "film of 400 frames": (1, _long_film),
    "40 million pixels": (2, _many_pixels),
    "bomb of pixels": (3, lambda chance: bomb(chance.randrange(20_000, 60_000), 30_000)),
    "100 MB": (1, _nothing),
    "slow": (1, _nothing),
    "redirect to a private address": (1, _nothing),
}


class Handler(BaseHTTPRequestHandler):
    """Serves the feed and the pictures."""

    protocol_version = "HTTP/1.1"
    pages: ClassVar[dict[str, tuple[str, bytes]]] = {}

    def do_GET(self) -> None:
        kind, body = self.pages.get(self.path, ("nothing", b""))
        if kind == "slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(60):
                time.sleep(1)
                self.wfile.write(b"\xff")
            return
        self.send_response(302 if kind.startswith("redirect") else 404 if kind == "nothing" else 200)
        if kind.startswith("redirect"):
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
        size = 100 * 1024 * 1024 if kind == "100 MB" else len(body)
        self.send_header(
            "Content-Type", random.choice(["image/jpeg", "text/html", "application/octet-stream"])
        )
        if kind == "100 MB":  # without its length, so that it has to be counted
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(size))
        self.end_headers()
        try:
            if kind == "100 MB":
                for _ in range(1_600):
                    self.wfile.write(bytes(64 * 1024))
                self.close_connection = True
            else:
                self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


def memory_of(group: int) -> dict[int, int]:
    """The resident bytes of each process of a group, by number."""
    found = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                if os.getpgid(int(place.name)) == group:
                    pages = int((place / "statm").read_text().split()[1])
                    found[int(place.name)] = pages * os.sysconf("SC_PAGE_SIZE")
            except (OSError, ProcessLookupError):
                continue
    return found


def main() -> None:
    chance = random.Random(18)
    names = list(KINDS)
    weights = [KINDS[name][0] for name in names]
    pages, kinds = {}, {}
    for number in range(COUNT):
        kind = names[number] if number < len(names) else chance.choices(names, weights)[0]
        place = f"/p{number}"
        pages[place] = (kind, KINDS[kind][1](chance))
        kinds[place] = kind
    http = Server(("127.0.0.1", 0), Handler)
    at = f"http://127.0.0.1:{http.server_port}"
    places = list(kinds)
    items = ""
    for start in range(0, COUNT, PER_ARTICLE):
        body = "".join(f'<img src="{at}{place}">' for place in places[start : start + PER_ARTICLE])
        link = f"https://tea.example/{start}"
        items += (
            f"<item><title>{start}</title><link>{link}</link><guid>{link}</guid>"
            f"<pubDate>Mon, 01 Jan 2024 00:{start // PER_ARTICLE % 60:02}:00 GMT</pubDate>"
            f"<description>{escape(body)}</description></item>"
        )
    head = "<title>Tea</title><link>https://tea.example/</link><description>d</description>"
    pages["/feed"] = ("feed", f"<rss version='2.0'><channel>{head}{items}</channel></rss>".encode())
    Handler.pages = pages
    threading.Thread(target=http.serve_forever, daemon=True).start()

    home = Path(tempfile.mkdtemp(prefix="aggregator-pictures-"))
    (home / "config").mkdir()
    (home / "config" / "aggregator.toml").write_text(
        f"""
[site]
title = "Planet"
url = "https://planet.example/feeds"
[publish.media]
time = "10m"
[fetch]
allow = ["127.0.0.1"]
host_gap = "0s"
host_at_once = 8
max_bytes = {16 * 1024 * 1024}
[[sources]]
name = "Tea"
url = "{at}/feed"
"""
    )
    command = [sys.executable, "-m", "aggregator", "fetch", "--json"]
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, start_new_session=True, text=True)
    peak, parent, child = 0, 0, 0

    def watch() -> None:
        nonlocal peak, parent, child
        while process.poll() is None:
            found = memory_of(process.pid)
            peak = max(peak, sum(found.values()))
            parent = max(parent, found.pop(process.pid, 0))
            child = max(child, *found.values(), 0)
            time.sleep(0.05)

    watching = threading.Thread(target=watch)
    watching.start()
    out, _ = process.communicate()
    watching.join()
    seconds = time.monotonic() - begun
    report = json.loads(out)["media"]
    text = (home / "feeds" / "all" / "rss.xml").read_text(encoding="utf-8")
    left = Counter(kinds[place] for place in places if f'src="{at}{place}"' in text)
    pixels = Counter(kinds[place] for place in places if f'{at}{place}"' not in text)
    files = [file for file in (home / "feeds" / "media").rglob("*") if file.is_file()]
    print(f"{COUNT} pictures: {json.dumps({**report, 'problems': len(report['problems'])})}")
    print(f"{seconds:.0f} s by the clock")
    print(
        f"peak memory: all processes {peak / 1e6:.0f} MB, the main one {parent / 1e6:.0f} MB, "
        f"the largest other {child / 1e6:.0f} MB"
    )
    print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB")
    ends = Counter(file.suffix for file in files)
    print("types:", ", ".join(f"{end} {count}" for end, count in ends.most_common()))
    for kind, count in Counter(kinds.values()).most_common():
        kept = count - left[kind] - pixels[kind]
        print(f"  {kind:<32} {count:>4}: {kept} copied, {left[kind]} stay, {pixels[kind]} were pixels")
    for file in files:
        body = file.read_bytes()
        assert b"<script" not in body
        Image.open(BytesIO(body)).load()
    print("every file is a picture that can be decoded, and none has a script in it")
    http.shutdown()


if __name__ == "__main__":
    main()
