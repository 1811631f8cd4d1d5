"""Which feeds hubs are to be notified of."""

from __future__ import annotations

from pathlib import Path

from aggregator.config.load import Config, Publish, SiteSettings
from aggregator.publishing.websub import queue, topics
from aggregator.store import Store
from tests.conftest import NOW


def config_for(*hubs: str, url: str = "https://example.org/feeds") -> Config:
    """A config with these hubs."""
    return Config(output=Path("/out"), site=SiteSettings(url=url), publish=Publish(hubs=hubs))


def test_topics_are_the_self_links_of_the_feeds_that_were_written() -> None:
    """Readers do not subscribe to pages, lists, packed files or archives."""
    names = (
        *("新闻/atom.xml", "C++/rss.xml", "all/feed.json", "all/index.html", "feeds.opml", "rss.xml"),
        *("all/atom.xml.gz", "all/archive/1/atom.xml"),
    )
    written = [Path("/out") / name for name in names]
    assert topics(written, config_for()) == [
        "https://example.org/feeds/%E6%96%B0%E9%97%BB/atom.xml",
        "https://example.org/feeds/C%2B%2B/rss.xml",
        "https://example.org/feeds/all/feed.json",
    ]
    assert topics(written, config_for(url="")) == []


def test_without_hubs_or_a_public_address_nothing_is_queued(tmp_path: Path) -> None:
    """There would be nobody to tell, or nothing to say."""
    store = Store(tmp_path / "store.db")
    written = [Path("/out/all/atom.xml")]
    assert queue(store, written, config_for(), NOW) == 0
    assert queue(store, written, config_for("https://hub.example/", url=""), NOW) == 0
    assert queue(store, written, config_for("https://hub.example/", "https://b.example/"), NOW) == 2
    store.close()
