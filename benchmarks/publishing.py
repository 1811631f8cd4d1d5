"""What publishing one new article costs among 1,000 categories, and a full rebuild beside plain feedgen.

    python benchmarks/publishing.py --categories 1000 --entries 50

Two stores are made: one of so many categories, and one of a single category alone. In turns each is given one new
article in one category and is published; the two times are compared. The category's feed and `all` are stale then in
both. `warm` is a process that publishes again and again (the daemon), `cold` one that publishes for the first time.

Then all categories are published anew as RSS and Atom, by one process and by one a core, and the same articles, in memory
already, are given to feedgen as its documentation says. It writes less: see aggregator/writers/feedgen_repair.py for what
it loses. This is compared by the clock, in turns; each side makes its folders and files anew.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedgen.feed import FeedGenerator

from aggregator.config.load import Config, Publish, SiteSettings, Source
from aggregator.model.article import Article, Origin
from aggregator.publishing.publish import SectionCache, publish
from aggregator.store import Found, Store, Update
from aggregator.writers import SITE_WRITERS, WRITERS
from aggregator.writers.html import site_pages as html_site

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = [
    "archive",
    "article",
    "author",
    "body",
    "channel",
    "date",
    "entry",
    "feed",
    "guid",
    "link",
    "poll",
    "reader",
    "source",
    "title",
    "update",
]


def article(source: str, number: int, chance: random.Random) -> Article:
    """An article of some 2 KB."""
    paragraphs = "".join(f"<p>{' '.join(chance.choices(WORDS, k=60))}</p>" for _ in range(5))
    return Article(
        id=f"https://{source}.example/{number}",
        title=" ".join(chance.choices(WORDS, k=7)),
        link=f"https://{source}.example/{number}",
        published=NOW - timedelta(days=900) + timedelta(hours=number, seconds=chance.random() * 3000),
        authors=("Ann",),
        categories=(f"about {source}",),
        tags=("tag",),
        summary=f"<p>{' '.join(chance.choices(WORDS, k=30))}</p>",
        content=paragraphs,
        origin=Origin(
            title=source, link=f"https://{source}.example/", self_link=f"https://{source}.example/feed"
        ),
    )


class Planet:
    """A store of so many categories, one source each, and where it is published."""

    def __init__(self, home: Path, count: int, entries: int, formats: tuple[str, ...] | None = None) -> None:
        self.names = [f"s{n}" for n in range(count)]
        sources = tuple(Source(name=name, url=f"https://{name}.example/feed") for name in self.names)
        chosen = Publish() if formats is None else Publish(formats=formats, archives=False)
        site = SiteSettings(title="Planet", url="https://planet.example/feeds")
        self.config = Config(
            store=home / "store.db",
            output=home / "feeds",
            sources=sources,
            entries_per_feed=entries,
            site=site,
            publish=chosen,
        )
        self.store = Store(self.config.store)
        self.store.sources.adopt(sources, NOW)
        chance = random.Random(1)
        for name in self.names:
            self.add(name, [article(name, n, chance) for n in range(entries)])
        self.sections = SectionCache()
        self.number = entries

    def add(self, name: str, articles: list[Article]) -> None:
        """One poll's articles saved."""
        found = [Found(a) for a in articles]
        self.store.sources.commit(Update(source=name, validators={}, body_hash=None, found=found), NOW)

    def news(self) -> None:
        """One new article in the first category."""
        self.add(self.names[0], [article(self.names[0], self.number, random.Random(self.number))])
        self.number += 1

    def publish(self, *, cache: SectionCache | None = None) -> float:
        """CPU seconds that a publication takes."""
        started = time.process_time()
        self._publish(cache or self.sections)
        return time.process_time() - started

    def rebuild(self, processes: int | None) -> float:
        """Seconds by the clock that it takes so many processes to write everything into an empty folder."""
        shutil.rmtree(self.config.output, ignore_errors=True)
        started = time.perf_counter()
        self._publish(SectionCache(), everything=True, processes=processes)
        return time.perf_counter() - started

    def _publish(self, cache: SectionCache, *, everything: bool = False, processes: int | None = 1) -> None:
        done = publish(
            store=self.store,
            config=self.config,
            writers=WRITERS,
            site_writers=SITE_WRITERS,
            version="1",
            cache=cache,
            everything=everything,
            processes=processes,
        )
        assert not done.errors, done.errors


def by_feedgen(planet: Planet, folder: Path) -> float:
    """Seconds by the clock that plain feedgen takes for RSS and Atom of every category."""
    kept = {name: planet.store.feeds.newest(f"about {name}", 50) for name in planet.names}
    shutil.rmtree(folder, ignore_errors=True)
    started = time.perf_counter()
    for name, newest in kept.items():
        feed = FeedGenerator()
        feed.id(f"https://planet.example/{name}")
        feed.title(name)
        feed.description(name)
        feed.link(href=f"https://planet.example/{name}")
        feed.updated(NOW)
        for one in newest:
            entry = feed.add_entry(order="append")
            entry.id(one.uid)
            entry.title(one.article.title)
            entry.link(href=one.article.link)
            entry.author({"name": "Ann", "email": "ann@example.org"})
            entry.published(one.published)
            entry.updated(one.updated)
            entry.summary(one.article.summary)
            entry.content(one.article.content, type="html")
            entry.category([{"term": t} for t in one.article.categories + one.article.tags])
        place = folder / name
        place.mkdir(parents=True)
        feed.rss_file(str(place / "rss.xml"), pretty=True)
        feed.atom_file(str(place / "atom.xml"), pretty=True)
    return time.perf_counter() - started


def main() -> None:
    """Both comparisons, each side in turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--categories", type=int, default=1000)
    parser.add_argument("--entries", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rebuilds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        many = Planet(Path(folder, "many"), options.categories, options.entries)
        alone = Planet(Path(folder, "alone"), 1, options.entries)
        print(f"first publication of {options.categories} categories: {many.publish():.1f} s")
        alone.publish()
        for kind in ("warm", "cold"):
            times: dict[str, list[float]] = {"many": [], "alone": []}
            for _ in range(options.rounds):
                for name, planet in (("many", many), ("alone", alone)):
                    planet.news()
                    if kind == "cold":
                        html_site._lines.cache_clear()  # nor has a new process that
                    times[name].append(planet.publish(cache=SectionCache() if kind == "cold" else None))
            ours, theirs = (statistics.median(times[name]) * 1000 for name in ("many", "alone"))
            print(
                f"{kind}: one new article among many {ours:.1f} ms, alone {theirs:.1f} ms, {ours / theirs:.2f} times"
            )
        nothing = statistics.median(many.publish() for _ in range(options.rounds)) * 1000
        print(f"nothing new: {nothing:.1f} ms")
        whole = Planet(Path(folder, "whole"), options.categories, options.entries, ("rss", "atom"))
        sides: dict[str, list[float]] = {"one process": [], "one a core": [], "feedgen": []}
        for _ in range(options.rebuilds):
            sides["one process"].append(whole.rebuild(1))
            sides["one a core"].append(whole.rebuild(None))
            sides["feedgen"].append(by_feedgen(whole, Path(folder, "feedgen")))
        message = ", ".join(
            f"{name} {statistics.median(seconds) / options.categories * 1000:.1f} ms"
            for name, seconds in sides.items()
        )
        print(f"full rebuild of RSS and Atom by the clock, a category: {message}")


if __name__ == "__main__":
    main()
