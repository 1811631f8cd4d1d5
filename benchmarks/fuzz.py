"""Mutated feeds by the hundred thousand: no exception but ours, no document over its deadline.

    python benchmarks/fuzz.py FOLDER --cases 200000

FOLDER holds feeds to begin with. Each case is one of them, cut to a few kilobytes and mutated: bytes flipped,
tags doubled, dropped or swapped, pieces of other feeds spliced in, encodings changed, hostile words
inserted. The case that failed is printed with its number; the same seed makes the same cases.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from aggregator.errors import ReadError
from aggregator.fetch.retrieve import Resource
from aggregator.reading.document import Context
from aggregator.reading.workers import Workers

MAX_CASE_BYTES = 12_000
WORDS = (
    b"&#xD800; &#x110000; &#99999999999; ]]> <![CDATA[ <!-- --> &amp;amp; &nbsp; &x; \0 \xff\xfe \xef\xbb\xbf <?xml "
    b"<!DOCTYPE xmlns:a='' xml:base='http://[' isPermaLink='x' type='xhtml' type='application/octet-stream' <div> "
    b"</item> </entry> <item> <entry> <title> </title> <link href='http://[::1'/> <guid/> <pubDate>99 Foo 99999</pubDate> "
    b"<updated>2026-13-45T99:99:99Z</updated> <content:encoded> <media:content url='x'/> <itunes:duration>::</itunes:duration> "
    b"\xe2\x80\xae \xed\xa0\x80 +ADw- \x1b$B <script> javascript: %00 %zz"
).split(b" ")
TAG = re.compile(rb"<[^<>]{1,200}>")
DEADLINE = timedelta(seconds=10)


def mutated(chance: random.Random, bodies: list[bytes]) -> bytes:
    """One case."""
    body = chance.choice(bodies)
    if len(body) > MAX_CASE_BYTES:
        start = 0 if chance.random() < 0.8 else chance.randrange(len(body) - MAX_CASE_BYTES)
        body = body[start : start + MAX_CASE_BYTES]
    case = bytearray(body)
    for _ in range(chance.choice((1, 1, 2, 4, 8, 30))):
        at = chance.randrange(len(case) + 1)
        kind = chance.randrange(9)
        if kind == 0 and at < len(case):
            case[at] = chance.randrange(256)
        elif kind == 1:
            case[at : at + chance.randrange(1, 60)] = b""
        elif kind == 2:
            case[at:at] = chance.choice(WORDS)
        elif kind == 3:
            tags = TAG.findall(bytes(case[:4000]))
            case[at:at] = chance.choice(tags) if tags else b"<x>"
        elif kind == 4:
            other = chance.choice(bodies)
            start = chance.randrange(len(other) + 1)
            case[at:at] = other[start : start + chance.randrange(400)]
        elif kind == 5:
            case[at:at] = bytes(case[at : at + 200]) * chance.choice((2, 5, 20))
        elif kind == 6:
            encodings = (b"utf-16", b"gb2312", b"utf-7", b"iso-2022-jp", b"x", b"ascii")
            case[:] = re.sub(
                rb"encoding=.[^'\"]*", b"encoding='" + chance.choice(encodings), bytes(case), count=1
            )
        elif kind == 7:
            del case[at:]
        else:
            found = TAG.search(bytes(case), min(at, max(len(case) - 1, 0)))
            if found:
                case[found.start() : found.end()] = b""
    return bytes(case)


def main() -> int:
    """Runs the cases and prints what came of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    bodies = [path.read_bytes() for path in sorted(options.folder.iterdir()) if path.is_file()]
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    failures: list[str] = []

    with Workers(options.workers, deadline=DEADLINE) as workers:

        def run(number: int) -> None:
            nonlocal slowest
            case = mutated(random.Random(options.seed * 10**9 + number), bodies)
            started = time.perf_counter()
            try:
                reading = workers.read(Resource(url="https://example.org/feed", body=case), Context())
                outcomes["read" if reading.document.articles else "read, no entries"] += 1
            except ReadError as error:
                outcomes[type(error).__name__] += 1
                if (
                    "mistake of ours" in error.reason
                    or "longer than" in error.reason
                    or "crashed" in error.reason
                ):
                    failures.append(f"case {number}: {error.reason}")
                    print(failures[-1], file=sys.stderr, flush=True)
            slowest = max(slowest, time.perf_counter() - started)

        with ThreadPoolExecutor(options.workers * 2) as threads:
            for done in range(0, options.cases, 5_000):
                list(threads.map(run, range(done, min(done + 5_000, options.cases))))
                print(
                    f"{min(done + 5_000, options.cases):,} cases, {len(failures)} failures",
                    file=sys.stderr,
                    flush=True,
                )
    print(
        f"{options.cases:,} cases: {dict(outcomes)}; slowest {slowest:.2f} s in the queue and out; {len(failures)} failures"
    )
    print("\n".join(failures[:50]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
