"""A takedown with everything turned on: copies of pictures, digests, pages of articles, and a bucket."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import cast

import pytest

from tests.conftest import Answer, Server
from tests.object_store.conftest import BucketSite, made
from tests.support.buckets import Moto, StandIn
from tests.support.notified import once
from tests.support.pictures import photo, written

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BEGAN = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
SETTINGS = {
    "publish": {
        "media": True,
        "compress": ["gzip"],
        "pages": {"members": True, "calendar": True, "sources": True},
    },
    "digest": [{"name": "Each day", "at": "07:00", "category": "News"}],
    "feeds": [{"name": "Found", "query": "title:secret OR title:kept"}],
    "fetch": {"host_gap": "0s"},
}


@pytest.fixture
def planet(moto: Moto, tmp_path: Path, feeds: Server) -> BucketSite:
    """A site whose output goes to moto's store."""
    return made(tmp_path / "first", cast("StandIn", moto), feeds)  # what is asked of it here, both have


def serve(server: Server, *names: str) -> None:
    """The source has these articles, each with a picture of its own."""
    items = ""
    for n, name in enumerate(names):
        date = f"{BEGAN + n * HOUR:%a, %d %b %Y %H:%M:%S} GMT"
        server.pages[f"/{name}.png"] = Answer(body=written(photo(seed=hash_of(name)), "PNG"))
        body = f"<p>About the {name} one</p><img src='{server.url}/{name}.png'>"
        items += (
            f"<item><title>The {name} one</title><link>https://a.example/{name}</link>"
            f"<guid>https://a.example/{name}</guid><pubDate>{date}</pubDate>"
            f"<description>{escape(body)}</description></item>"
        )
    head = "<title>a</title><link>https://a.example/</link><description>d</description>"
    server.pages["/a"] = Answer(body=f"<rss version='2.0'><channel>{head}{items}</channel></rss>".encode())


def hash_of(name: str) -> int:
    """The same in every run."""
    return sum(name.encode())


def test_a_forgotten_article_is_nowhere_in_the_bucket(planet: BucketSite) -> None:
    """Neither in feeds, pages and digests nor a copy of its picture; what others show stays."""
    site, server = planet.site, planet.server
    planet.configure(site, **SETTINGS)
    serve(server, "first")
    once(site.file, BEGAN)
    serve(server, "first", "kept", "secret")
    once(site.file, BEGAN + HOUR)
    once(site.file, BEGAN + 2 * HOUR)  # with what was copied
    once(site.file, BEGAN + DAY)
    before = planet.bodies()
    digest = before["Each-day/atom.xml"]
    assert b"The secret one" in digest
    assert b"The kept one" in digest
    pictures = {path for path in before if path.startswith("media/")}
    assert len(pictures) == 3
    assert sum(b"secret" in plain(path, body) for path, body in before.items()) > 15
    assert site.run("forget", "https://a.example/secret").exit_code == 0
    after = planet.bodies()
    assert [path for path, body in after.items() if b"secret" in plain(path, body)] == []
    left = {path for path in after if path.startswith("media/")}
    (gone,) = pictures - left
    assert len(left) == 2
    assert [path for path, body in after.items() if gone.encode() in plain(path, body)] == []
    assert b"The kept one" in after["Each-day/atom.xml"]
    assert site.run("verify").exit_code == 0
    assert planet.bodies() == {**planet.staged(site)}


def plain(path: str, body: bytes) -> bytes:
    """Returns what a file says, its path included."""
    return path.encode() + (gzip.decompress(body) if path.endswith(".gz") else body)
