"""A store and its publications, without network or command line: articles in, files out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.config.load import Config, Keep, Publish, SiteSettings, Source
from aggregator.model.article import Article, Origin
from aggregator.model.struct import replace
from aggregator.publishing.publication_result import Published
from aggregator.publishing.publish import SectionCache, publish
from aggregator.store import Found, Store, Update
from aggregator.writers import WRITERS
from aggregator.writers.channel import SiteWriter, Writer
from tests.conftest import NOW

BASIC: Mapping[str, Writer] = {name: WRITERS[name] for name in ("rss", "atom", "json")}
NEWS = Source(name="news", url="https://news.example/feed", categories=("World",))


def article(number: int, **changes: Any) -> Article:
    """An article of its own day; the higher the number the newer."""
    made = Article(
        source="news",
        id=f"https://news.example/{number}",
        title=f"Number {number}",
        link=f"https://news.example/{number}",
        published=NOW - timedelta(days=2000 - number),
        categories=("World",),
        content=f"<p>Body of {number}</p>",
        origin=Origin(title="News", self_link="https://news.example/feed"),
    )
    return replace(made, **changes)


class Planet:
    """A folder with a store of one source and a config; `publish` writes below `output`."""

    def __init__(self, home: Path, *, url: str = "https://planet.example/feeds", **more: Any) -> None:
        self.home = home
        settings: dict[str, Any] = {
            "entries_per_feed": 5,
            "sources": (NEWS,),
            "site": SiteSettings(title="Planet", url=url),
        }
        settings |= {"store": home / "store.db", "output": home / "feeds"}
        self.config = Config(**{**settings, **more})
        self.store = Store(self.config.store)
        self.store.sources.adopt(self.config.sources, NOW)
        self.writers = BASIC
        self.site_writers: Mapping[str, tuple[SiteWriter, ...]] = {}
        self.sections: SectionCache | None = None

    def configure(self, **changes: Any) -> None:
        """Other settings of publishing; `entries_per_feed`, `site` and `sources` are the config's."""
        own: dict[str, Any] = {
            key: changes.pop(key)
            for key in ("entries_per_feed", "output", "site", "sources")
            if key in changes
        }
        if changes:
            own["publish"] = Publish(**{**self.config.publish.model_dump(), **changes})
        self.config = self.config.model_copy(update=own)
        self.store.sources.adopt(self.config.sources, NOW)

    def add(self, *articles: Article, source: str = "news", now: datetime = NOW) -> None:
        """One poll's articles saved."""
        found = [Found(a) for a in articles]
        self.store.sources.commit(Update(source=source, validators={}, body_hash=None, found=found), now)

    def prune(self, keep: int) -> None:
        """All but the newest so many are forgotten."""
        window = self.config.entries_per_feed
        list(self.store.articles.prune(Keep(max_articles=keep), window, NOW, source="news"))

    def publish(self, *, everything: bool = False) -> Published:
        """One publication without a failure."""
        published = publish(
            store=self.store,
            config=self.config,
            writers=self.writers,
            site_writers=self.site_writers,
            version="1",
            everything=everything,
            cache=self.sections,
        )
        assert published.errors == ()
        return published

    def files(self) -> dict[str, bytes]:
        """Every file under the output folder, by its path."""
        return {
            path.relative_to(self.config.output).as_posix(): path.read_bytes()
            for path in sorted(self.config.output.rglob("*"))
            if path.is_file()
        }

    def archives(self) -> dict[str, bytes]:
        """The files of the archives of `World`."""
        return {name: body for name, body in self.files().items() if name.startswith("World/archive/")}
