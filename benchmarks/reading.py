"""How many documents a second are read, against feedparser in the same run.

    python benchmarks/reading.py                  a workload made here: 60 feeds, 25 entries each
    python benchmarks/reading.py --feeds FOLDER   your own: every *.xml in it

Each side reads in a process of its own, as a user would run it: in one process the garbage of one side costs the
other. They take turns, so that what else the machine does slows them alike. One core is compared in CPU time,
workers by the clock: that one wants a quiet machine. Ratios count, not milliseconds.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import feedparser

import aggregator
from aggregator.model.retrieved import Resource
from aggregator.model.wire import Format
from aggregator.processes import Processes
from aggregator.reading.document import Context
from aggregator.reading.workers import Workers

URL = "https://example.org/feed"
TURN = 100
"""How many feeds a side reads before it is the other's turn."""

WORDS = [
    "archive",
    "article",
    "author",
    "body",
    "category",
    "channel",
    "date",
    "edit",
    "enclosure",
    "entry",
    "error",
    "feed",
    "format",
    "guid",
    "hash",
    "image",
    "link",
    "network",
    "page",
    "poll",
    "publisher",
    "reader",
    "request",
    "source",
    "summary",
    "time",
    "title",
    "update",
    "validator",
    "version",
]
HAN = "文章来源订阅更新日期标题作者分类链接摘要图片内容网络阅读发布"


def paragraph(chance: random.Random, is_han: bool) -> str:
    """A few sentences with the markup that bodies have."""
    if is_han:
        text = "".join(chance.choices(HAN, k=chance.randint(40, 120))) + "。"
    else:
        text = " ".join(chance.choices(WORDS, k=chance.randint(20, 60))) + "."
    kind = chance.random()
    if kind < 0.3:
        text += f' <a href="/p/{chance.randint(1, 9999)}?a=1&amp;b=2">{chance.choice(WORDS)}</a>'
    elif kind < 0.4:
        text += (
            f' <img src="https://img.example/{chance.randint(1, 9999)}.jpg" width="640" height="480" alt="">'
        )
    elif kind < 0.45:
        text += ' <span style="color: red" onclick="x()">red</span>'
    return f"<p>{text}</p>\n"


def made_feed(number: int) -> bytes:
    """One RSS or Atom feed of about 85 KB, the same for the same number in every run."""
    chance = random.Random(number)
    is_han = number % 3 == 0
    entries = []
    for n in range(25):
        body = "".join(paragraph(chance, is_han) for _ in range(chance.randint(6, 12)))
        escaped, beginning = (text.replace("&", "&amp;").replace("<", "&lt;") for text in (body, body[:200]))
        link = f"https://site{number}.example/{n}"
        if number % 2:
            entries.append(
                f"<entry><id>{link}</id><title>Title {n}</title><link href='{link}'/><updated>2026-01-{n + 1:02}"
                f"T10:00:00Z</updated><author><name>A. Writer</name></author><content type='html'>{escaped}</content></entry>"
            )
        else:
            entries.append(
                f"<item><guid>{link}</guid><title>Title {n}</title><link>{link}</link><pubDate>{n + 1:02} Jan 2026 "
                f"10:00:00 +0100</pubDate><dc:creator>A. Writer</dc:creator><category>x</category>"
                f"<description>{beginning}</description><content:encoded><![CDATA[{body}]]></content:encoded></item>"
            )
    inside = "".join(entries)
    if number % 2:
        head = f"<id>urn:x:{number}</id><title>Feed</title><updated>2026-01-31T00:00:00Z</updated>"
        return f"<feed xmlns='http://www.w3.org/2005/Atom'>{head}{inside}</feed>".encode()
    namespaces = (
        "xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:content='http://purl.org/rss/1.0/modules/content/'"
    )
    head = f"<title>Feed</title><link>https://site{number}.example/</link><description>x</description>"
    return f"<rss version='2.0' {namespaces}><channel>{head}{inside}</channel></rss>".encode()


def made_workload(folder: Path) -> None:
    """Sixty feeds."""
    for number in range(60):
        (folder / f"{number:03}.xml").write_bytes(made_feed(number))


@dataclass(frozen=True, kw_only=True)
class Took:
    """Seconds that reading took: of the processor in this process, and by the clock."""

    cpu: float = 0.0
    clock: float = 0.0

    def __add__(self, other: Took) -> Took:
        return Took(cpu=self.cpu + other.cpu, clock=self.clock + other.clock)


def timed(read_all: Callable[[Sequence[bytes]], object], paths: Sequence[Path]) -> Took:
    """What it takes to read these files, which are in memory by then."""
    bodies = [path.read_bytes() for path in paths]
    cpu, clock = time.process_time(), time.perf_counter()
    read_all(bodies)
    return Took(cpu=time.process_time() - cpu, clock=time.perf_counter() - clock)


def by_feedparser(paths: Sequence[Path]) -> Took:
    """feedparser as it comes: it parses and sanitises too."""
    return timed(lambda bodies: deque((feedparser.parse(io.BytesIO(b)) for b in bodies), maxlen=0), paths)


def by_us(paths: Sequence[Path]) -> Took:
    """The whole way: parse, normalise, sanitise, dates, identity."""
    return timed(lambda bodies: deque((aggregator.read(b, url=URL) for b in bodies), maxlen=0), paths)


def in_turn(rounds: int, paths: Sequence[Path], *sides: Callable[[Sequence[Path]], Took]) -> list[Took]:
    """Milliseconds a feed of each side: the median of so many rounds, in which each has every feed.

    Results are dropped at once and the garbage collector is left as it comes, for all of them.
    """
    totals = []
    for _ in range(rounds):
        took = [Took() for _ in sides]
        for at in range(0, len(paths), TURN):
            took = [t + side(paths[at : at + TURN]) for t, side in zip(took, sides, strict=True)]
        totals.append(took)
    per_feed = 1000 / len(paths)
    return [
        Took(cpu=median(t.cpu for t in side) * per_feed, clock=median(t.clock for t in side) * per_feed)
        for side in zip(*totals, strict=True)
    ]


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--feeds", type=Path, help="a folder of feeds; made here when not given")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="the median of so many rounds counts")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = options.feeds or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if options.feeds is None:
            made_workload(folder)
        paths = sorted(folder.glob("*.xml"))
        size = sum(path.stat().st_size for path in paths) / len(paths) / 1024
        print(f"{len(paths)} feeds of {size:.0f} KB on average, median of {options.rounds} rounds")
        context = Context()
        peer = stack.enter_context(Processes(by_feedparser, Format(Took), 1))
        alone = stack.enter_context(Processes(by_us, Format(Took), 1))
        threads = stack.enter_context(ThreadPoolExecutor(options.workers * 4))
        workers = stack.enter_context(Workers(options.workers))

        def in_worker(body: bytes) -> object:
            return workers.read(Resource(url=URL, body=body), context)

        def pooled(paths: Sequence[Path]) -> Took:
            return timed(lambda bodies: deque(threads.map(in_worker, bodies), maxlen=0), paths)

        def one(paths: Sequence[Path]) -> Took:
            return alone.ask(None, paths)

        for side in (one, pooled):  # the processes have started, and are warm
            side(paths)
        theirs, ours = in_turn(options.rounds, paths, lambda paths: peer.ask(None, paths), one)
        print(f"feedparser as it comes  {theirs.cpu:7.2f} ms of CPU a feed      1.0 x")
        print(f"read, one core          {ours.cpu:7.2f} ms of CPU a feed   {theirs.cpu / ours.cpu:6.1f} x")
        ours, many = in_turn(2 * options.rounds, paths, one, pooled)
    print(f"read, one core          {ours.clock:7.2f} ms by the clock")
    print(
        f"read, {options.workers} workers         {many.clock:7.2f} ms by the clock   "
        f"{ours.clock / many.clock:6.2f} x one core"
    )


if __name__ == "__main__":
    main()
