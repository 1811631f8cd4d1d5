"""How many documents a second are read, against feedparser in the same run.

    python benchmarks/reading.py                  a workload made here: 60 feeds, 25 entries each
    python benchmarks/reading.py --feeds FOLDER   your own: every *.xml in it

`read` is the whole way: parse, normalise, sanitise, dates, identity. feedparser runs as it comes, which
parses and sanitises too. Ratios count, not seconds: both ran on the same machine at the same time.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import feedparser

import aggregator
from aggregator.fetch.resource import Resource
from aggregator.reading import Context
from aggregator.workers import Workers

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
        escaped = body.replace("&", "&amp;").replace("<", "&lt;")
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
                f"<description>{escaped[:200]}</description><content:encoded><![CDATA[{body}]]></content:encoded></item>"
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


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--feeds", type=Path, help="a folder of feeds; made here when not given")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many rounds counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.feeds or Path(made)
        if options.feeds is None:
            made_workload(folder)
        bodies = [path.read_bytes() for path in sorted(folder.glob("*.xml"))]
    size = sum(map(len, bodies)) / len(bodies) / 1024
    print(f"{len(bodies)} feeds of {size:.0f} KB on average, best of {options.rounds} rounds")

    def best(run: Callable[[], object], count: int) -> float:
        seconds = []
        for _ in range(options.rounds):
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
        return min(seconds) / count * 1000

    sample = bodies[::5]
    theirs = best(lambda: [feedparser.parse(io.BytesIO(body)) for body in sample], len(sample))
    ours = best(
        lambda: [aggregator.read(body, url="https://example.org/feed") for body in bodies], len(bodies)
    )
    resources = [Resource(url="https://example.org/feed", body=body) for body in bodies]
    context = Context()
    with Workers(options.workers) as workers, ThreadPoolExecutor(options.workers * 4) as threads:
        list(threads.map(lambda r: workers.read(r, context), resources))  # the processes have started
        parallel = best(lambda: list(threads.map(lambda r: workers.read(r, context), resources)), len(bodies))
    print(f"feedparser as it comes      {theirs:7.2f} ms a feed      1.0 x")
    print(f"read, one core              {ours:7.2f} ms a feed   {theirs / ours:6.1f} x")
    print(
        f"read, {options.workers} workers             {parallel:7.2f} ms a feed   {theirs / parallel:6.1f} x"
    )
    print(f"                            {options.workers} workers are {ours / parallel:.2f} x one core")


if __name__ == "__main__":
    main()
