"""A store for all tests of this folder; a bucket and a relay for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.object_store import bucket as bucket_module
from tests.conftest import Server
from tests.support.buckets import KEYS, ObjectStore, Relay, StoredObject
from tests.support.site import Site, feed

PREFIX = "feeds"


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """One that is started once."""
    store = ObjectStore()
    yield store
    store.close()


@pytest.fixture
def relay(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """What the environment names as the store; what is repeated is repeated at once."""
    relay = Relay(object_store)
    at_once = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2), "base": 2}
    monkeypatch.setitem(bucket_module._RETRIES, "backoff", at_once)
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": relay.url}.items():
        monkeypatch.setenv(name, value)
    yield relay
    relay.close()


@dataclass
class BucketSite:
    """A site whose output goes to a bucket; `machine` makes another one with the same config."""

    site: Site
    store: ObjectStore
    relay: Relay
    bucket: str
    server: Server

    def objects(self) -> dict[str, StoredObject]:
        """What is in the bucket."""
        return self.store.objects(self.bucket)

    def bodies(self) -> dict[str, bytes]:
        """The same, without headers."""
        return {path: found.body for path, found in self.objects().items()}

    def configure(self, site: Site, **settings: Any) -> None:
        """Writes the config of a machine."""
        output = {"output": f"s3://{self.bucket}/{PREFIX}", **settings}
        source = {"name": "a", "url": f"{self.server.url}/a", "categories": ["News"]}
        site.configure(source, entries_per_feed=3, **output)

    def machine(self, name: str, **settings: Any) -> Site:
        """Another machine, which has nothing yet."""
        made = Site(self.site.home / name)
        self.configure(made, **settings)
        return made

    def serve(self, *numbers: int, body: str = "Text") -> None:
        """What the source has from now on."""
        from tests.conftest import Answer

        self.server.pages["/a"] = Answer(body=feed("a", *numbers, body=body))

    def staged(self, site: Site) -> dict[str, bytes]:
        """The copy of a machine."""
        folder = site.home / "var" / "staging"
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }


@pytest.fixture
def planet(object_store: ObjectStore, relay: Relay, tmp_path: Path, server: Server) -> BucketSite:
    """A site with eight articles that were not polled yet, in feeds of three and archives."""
    made = BucketSite(Site(tmp_path / "first"), object_store, relay, object_store.new_bucket(), server)
    made.configure(made.site)
    made.serve(*range(1, 9))
    return made
