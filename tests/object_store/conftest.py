"""Stores for all tests of this folder, and sites whose output goes there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.object_store import bucket as bucket_module
from tests.conftest import Answer, Server
from tests.support.buckets import BUCKET, INVENTORY, KEYS, Moto, StandIn, StoredObject
from tests.support.site import Site, feed


@pytest.fixture(scope="session")
def feeds() -> Iterator[Server]:
    """A server for the source, at one address for all tests: it stands in stores."""
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def _store() -> Iterator[StandIn]:
    store = StandIn()
    yield store
    store.close()


@pytest.fixture
def store(_store: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Returns what the environment names as the store, empty; what is repeated is repeated at once."""
    _store.clear()
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": _store.url}.items():
        monkeypatch.setenv(name, value)
    at_once = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2), "base": 2}
    monkeypatch.setitem(bucket_module._RETRIES, "backoff", at_once)
    return _store


@pytest.fixture(scope="session")
def _moto() -> Iterator[Moto]:
    made = Moto()
    yield made
    made.close()


@pytest.fixture
def moto(_moto: Moto, monkeypatch: pytest.MonkeyPatch) -> Moto:
    """moto's store, which a process has once, as what the environment names; empty."""
    _moto.clear()
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": _moto.url}.items():
        monkeypatch.setenv(name, value)
    return _moto


@dataclass
class BucketSite:
    """A site whose output goes to a bucket; `machine` makes another one with the same config."""

    site: Site
    store: StandIn
    server: Server

    def objects(self) -> dict[str, StoredObject]:
        """Returns what is in the bucket below our prefix, but for the inventory."""
        return {
            key.removeprefix("feeds/"): found
            for key, found in self.store.objects.items()
            if key.startswith("feeds/") and key != INVENTORY
        }

    def bodies(self) -> dict[str, bytes]:
        """The same, without headers."""
        return {path: found.body for path, found in self.objects().items()}

    def configure(self, site: Site, **settings: Any) -> None:
        """Writes the config of a machine."""
        output = {"output": f"s3://{BUCKET}/feeds", **settings}
        source = {"name": "a", "url": f"{self.server.url}/a", "categories": ["News"]}
        site.configure(source, entries_per_feed=3, **output)

    def machine(self, name: str, **settings: Any) -> Site:
        """Another machine, which has nothing yet."""
        made = Site(self.site.home / name)
        self.configure(made, **settings)
        return made

    def serve(self, *numbers: int) -> None:
        """What the source has from now on."""
        self.server.pages["/a"] = Answer(body=feed("a", *numbers))

    def staged(self, site: Site) -> dict[str, bytes]:
        """The copy of a machine."""
        folder = site.home / "var" / "staging" / "planet+feeds"
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }


def made(home: Path, store: StandIn, feeds: Server) -> BucketSite:
    """A site with eight articles that were not polled yet, in feeds of three and archives."""
    feeds.pages, feeds.requests = {}, []
    planet = BucketSite(Site(home), store, feeds)
    planet.configure(planet.site)
    planet.serve(*range(1, 9))
    return planet


@pytest.fixture
def planet(store: StandIn, tmp_path: Path, feeds: Server) -> BucketSite:
    """One that was not published yet."""
    return made(tmp_path / "first", store, feeds)


@pytest.fixture(scope="session")
def _first_publication(
    _store: StandIn, feeds: Server, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, StoredObject]]:
    """The folder and the bucket of such a site after its first publication."""
    home = tmp_path_factory.mktemp("published") / "first"
    _store.clear()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": _store.url}.items():
            patch.setenv(name, value)
        result = made(home, _store, feeds).site.run("fetch")
    assert result.exit_code == 0, result.output
    assert f"written under s3://{BUCKET}/feeds" in result.stdout
    return home, dict(_store.objects)


@pytest.fixture
def published(
    _first_publication: tuple[Path, dict[str, StoredObject]], store: StandIn, tmp_path: Path, feeds: Server
) -> BucketSite:
    """One that was published once."""
    home, objects = _first_publication
    store.objects = dict(objects)
    shutil.copytree(home / "var", tmp_path / "first" / "var")  # with times of change: the store knows them
    return made(tmp_path / "first", store, feeds)
