"""What saved feeds cost a poll with one new article, in processor time of the polling process.

    python benchmarks/saved_feeds.py --feeds 1000 --articles 100000

Two stores of the same articles, one with so many saved feeds. In turns a feed on disk gets one entry, and is polled and
published by the main job; of each the median is shown, and how many feeds were rendered: those in which the entry stands,
and of the tenth of saved feeds that speak of now those that something left. Saving all articles, and the first
publication, are shown too.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregator.app.app import App
from aggregator.app.feed_membership import FeedChooser
from aggregator.app.main_job import RunWatcher, run_once
from aggregator.config.load import Config, Publish, SiteSettings, Source
from aggregator.config.rules import SavedFeed
from aggregator.model.article import Article, Origin
from aggregator.publishing.publish import Published
from aggregator.store import Found, Store, Update

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SOURCES = 100
WORDS = [
    f"{first}{second}{third}"
    for first in "bcdfghklmnprst"
    for second in ("atel", "onir", "uska", "ereb", "imos")
    for third in ("", "a", "en", "is", "or", "um", "ys", "ex", "ian", "osk")
]


def article(number: int, chance: random.Random) -> Article:
    """One of some 500 bytes, of the last two years."""
    return Article(
        id=f"urn:{number}",
        source=f"s{number % SOURCES}",
        title=" ".join(chance.choices(WORDS, k=7)),
        link=f"https://s{number % SOURCES}.example/{number}",
        published=NOW - timedelta(days=730 * chance.random(), hours=1),
        categories=(f"c{number % 10}",),
        content=f"<p>{' '.join(chance.choices(WORDS, k=60))}</p>",
        origin=Origin(title=f"s{number % SOURCES}"),
    )


def queries(count: int) -> Iterator[str]:
    """Queries of the forms that people write."""
    chance = random.Random(7)
    for number in range(count):
        one, two, three = chance.sample(WORDS, 3)
        yield (
            f"title:{one} AND {two}",
            f'"{one} {two}" OR title:"{two} {three}"',
            f"title:({one} OR {two}) AND category:c{number % 10} -{three}",
            f"source:s{number % SOURCES} title:({one} OR {two})",
            f"title:{one[:5]}* text:{two} NOT {three}",
            f"title:/\\b{one[:4]}\\w+ {two}/",
            f"tag:{one} OR (title:{one} title:{two})",
            f"host:s{number % SOURCES}.example {one}",
            f"language:en {one} {two}",
            f"title:{one} {two} age:<{1 + number % 30}d",
        )[number % 10]


class Side:
    """A site with so many saved feeds, and a feed on disk that grows."""

    def __init__(self, home: Path, saved: int) -> None:
        self.home = home
        self.file = home / "new.xml"
        self.file.write_bytes(document([0]))
        self.config = Config(
            store=home / "store.db",
            output=home / "feeds",
            site=SiteSettings(title="Planet", url="https://planet.example/feeds"),
            publish=Publish(archives=False),
            sources=(
                Source(name="new", url=self.file.as_uri(), categories=("c1",)),
                *(
                    Source(name=f"s{n}", url=f"https://s{n}.example/feed", enabled=False)
                    for n in range(SOURCES)
                ),
            ),
            feeds=tuple(SavedFeed(name=f"Saved {n}", query=query) for n, query in enumerate(queries(saved))),
        )
        self.now = NOW
        self.entries = [0]

    @contextmanager
    def opened(self) -> Iterator[App]:
        """The main job's parts."""
        with App(self.config, self.now) as app:
            yield app

    def poll(self, app: App, *, profile: cProfile.Profile | None = None) -> tuple[float, int]:
        """Processor seconds of the main job over one new entry, and how many feeds were rendered."""
        rendered = 0

        class Watcher(RunWatcher):
            def published(self, published: Published) -> None:
                nonlocal rendered
                rendered += published.rendered
                assert not published.errors

        self.now += timedelta(minutes=15)
        self.entries.append(len(self.entries))
        self.file.write_bytes(document(self.entries[-20:]))
        source = [each for each in app.config.sources if each.name == "new"]
        started = time.process_time()
        if profile is not None:
            profile.enable()
        run_once(app, source, self.now, Watcher(), is_over=lambda: True)
        if profile is not None:
            profile.disable()
        return time.process_time() - started, rendered


def document(numbers: list[int]) -> bytes:
    """A feed with these entries."""
    items = ""
    for number in numbers:
        chance = random.Random(number)
        title, text = " ".join(chance.choices(WORDS, k=7)), " ".join(chance.choices(WORDS, k=60))
        date = NOW + timedelta(minutes=15 * number)
        items += (
            f"<item><guid>urn:new:{number}</guid><title>{title}</title><link>https://new.example/{number}</link>"
            f"<pubDate>{date:%a, %d %b %Y %H:%M:%S} GMT</pubDate><description>{text}</description></item>"
        )
    return f"<rss version='2.0'><channel><title>new</title>{items}</channel></rss>".encode()


def fill(config: Config, count: int) -> None:
    """Fills a config's store with so many articles, each in its feeds."""
    chance, chooser = random.Random(1), FeedChooser(config)
    store = Store(config.store, judge=chooser)
    store.sources.adopt(config.sources, NOW)
    for number in range(SOURCES):
        found = [Found(article(n, chance)) for n in range(number, count, SOURCES)]
        store.sources.commit(Update(source=f"s{number}", validators={}, body_hash=None, found=found), NOW)
    if chooser.digest:  # as the main job leaves it, which would ask all articles once more
        store.database.remember("chosen", json.dumps([chooser.digest, None]))
        store.database.remember("chosen at", NOW.isoformat())
    store.close()


def main() -> None:
    """Both sides in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--profile", action="store_true", help="show where the time of the side with feeds goes"
    )
    parser.add_argument(
        "--keep", type=Path, help="a folder in which the filled store is kept for another run"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sides = {}
        for name, saved in (("without", 0), ("with", options.feeds)):
            home = Path(folder, name)
            home.mkdir()
            sides[name] = side = Side(home, saved)
            started = time.process_time()
            fill(side.config, options.articles)
            print(f"articles saved {name} saved feeds: {(time.process_time() - started):.1f} s", flush=True)
            started = time.process_time()
            with side.opened() as app:
                side.poll(app)
            print(f"first publication {name} saved feeds: {time.process_time() - started:.1f} s")
        times: dict[str, list[tuple[float, int]]] = {name: [] for name in sides}
        profile = cProfile.Profile(time.process_time) if options.profile else None
        with sides["without"].opened() as one, sides["with"].opened() as other:
            apps = {"without": one, "with": other}
            for _ in range(options.rounds):
                for name, side in sides.items():
                    found = side.poll(apps[name], profile=profile if name == "with" else None)
                    times[name].append(found)
        seconds = {name: statistics.median(each for each, _ in found) for name, found in times.items()}
        for name, found in times.items():
            rendered = statistics.mean(count for _, count in found)
            print(f"{name} saved feeds: {seconds[name] * 1000:.1f} ms a poll, {rendered:.1f} feeds rendered")
        print(f"more: {(seconds['with'] - seconds['without']) * 1000:.1f} ms")
        if profile is not None:
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


if __name__ == "__main__":
    main()
