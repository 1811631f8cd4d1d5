"""What the same story once costs: keys of a new article, a comparison of two, and the bytes that a store keeps.

    python benchmarks/stories.py [--articles 2000]

Articles are made from words, 3 KB of HTML each, in English and Chinese. Times are processor time of one process.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime

from aggregator.rules.stories import ComparableArticle, judge, keys

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def article(
    words: list[str], dense: bool, number: int, source: str, texts: random.Random
) -> ComparableArticle:
    """An article of 3 KB."""
    size, joiner = (130, "") if dense else (62, " ")
    html = "".join(f"<p>{joiner.join(texts.choices(words, k=size))}.</p>\n" for _ in range(7))
    title = joiner.join(texts.choices(words, k=9))
    return ComparableArticle(
        source,
        f"{title} - {source}",
        f"https://{source}.example/2026/{number}?utm_source=rss",
        f"{number}",
        html,
        (source,),
        NOW,
    )


def each(work: Callable[[], object], count: int) -> float:
    """Microseconds for one of `count` pieces of work, the best of three."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best / count * 1e6


def copy(of: ComparableArticle, source: str) -> ComparableArticle:
    """The same text of another source, under another headline and at another address."""
    return ComparableArticle(
        source,
        of.title[::-1],
        f"https://{source}.example/x",
        "",
        f"<p>A lead of its own.</p>{of.html}",
        (source,),
        NOW,
    )


def kept(articles: list[ComparableArticle]) -> float:
    """Bytes an article that its keys take in SQLite, index included."""
    store = sqlite3.connect(":memory:")
    store.execute(
        "CREATE TABLE story_keys (key INTEGER, article INTEGER, PRIMARY KEY (key, article)) WITHOUT ROWID"
    )
    for number, each_article in enumerate(articles):
        store.executemany(
            "INSERT OR IGNORE INTO story_keys VALUES (?, ?)", ((k, number) for k in keys(each_article))
        )
    pages, size = store.execute(
        "SELECT page_count, page_size FROM pragma_page_count, pragma_page_size"
    ).fetchone()
    return float(pages * size / len(articles))


def main() -> None:
    """Prints one line a language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=2_000)
    count = parser.parse_args().articles
    texts = random.Random(7)
    words = [
        f"{a}{b}{c}"
        for a in "btkmsl"
        for b in ("a", "or", "e", "in", "u")
        for c in ("ter", "lin", "do", "mas", "rek")
    ]
    characters = [chr(0x4E00 + n) for n in range(1_500)]
    print(f"{'':10} {'keys':>10} {'link, title':>12} {'text':>10} {'kept':>12}")
    for name, vocabulary, dense in (("English", words * 4, False), ("Chinese", characters, True)):
        made = [article(vocabulary, dense, n, "a", texts) for n in range(count)]
        once = each(lambda made=made: [keys(t) for t in made], count)  # type: ignore[misc]
        few = made[: count // 10]
        linked = [(t, ComparableArticle("b", t.title, t.link, time=NOW)) for t in few]
        copied = [(t, copy(t, "b")) for t in few]
        fresh = [
            (ComparableArticle(a.source, a.title, a.link, a.id, a.html, a.names, a.time), b)
            for a, b in copied
        ]
        by_link = each(lambda pairs=linked: [judge(a, b) for a, b in pairs], len(few))  # type: ignore[misc]
        start = time.process_time()
        for a, b in fresh:
            judge(a, b)
        by_text = (time.process_time() - start) / len(fresh) * 1e6
        print(f"{name:10} {once:7.0f} µs {by_link:9.0f} µs {by_text:7.0f} µs {kept(made):6.0f} bytes")


if __name__ == "__main__":
    main()
