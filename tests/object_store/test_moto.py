"""The same against a known store, moto's, from the first publication to the second machine."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from aggregator.config.load import load
from aggregator.errors import BucketInUse
from aggregator.object_store.mirror import Mirror
from tests.conftest import Server
from tests.object_store.conftest import BucketSite, made
from tests.support.buckets import INVENTORY, Moto, StandIn


@pytest.fixture
def planet(moto: Moto, tmp_path: Path, feeds: Server) -> BucketSite:
    """A site whose output goes there."""
    return made(tmp_path / "first", cast("StandIn", moto), feeds)  # what is asked of it here, both have


def test_moto_has_what_a_folder_has(planet: BucketSite) -> None:
    """With headers; what changed is put, what is gone deleted, and objects of others stay."""
    planet.store.put("feeds/own.txt", b"own")
    planet.configure(planet.site, publish={"compress": ["br"], "formats": ["rss", "atom"]})
    assert planet.site.run("fetch").exit_code == 0
    assert planet.bodies() == {**planet.staged(planet.site), "own.txt": b"own"}
    packed = planet.objects()["News/rss.xml.br"].headers
    assert (packed["content-encoding"], packed["content-type"]) == (
        "br",
        "application/rss+xml; charset=utf-8",
    )
    assert planet.objects()["News/archive/1/atom.xml"].headers["cache-control"] == "public, max-age=86400"
    planet.serve(*range(1, 11))
    planet.configure(planet.site, publish={"formats": ["atom"]})
    assert planet.site.run("fetch", "--force").exit_code == 0
    assert planet.bodies() == {**planet.staged(planet.site), "own.txt": b"own"}
    assert not any(path.endswith(("rss.xml", ".br")) for path in planet.bodies())
    assert planet.site.run("verify").exit_code == 0
    planet.store.delete("feeds/News/atom.xml")
    assert planet.site.run("verify").exit_code == 1
    assert planet.site.run("publish", "--all").exit_code == 0
    assert "News/atom.xml" in planet.bodies()


def test_a_recording_is_sent_and_fetched_in_parts(planet: BucketSite) -> None:
    """With headers; one that is there already is not sent again, nor is one of somebody else replaced."""
    name = "0123456789abcdef0123456789abcdef.mp3"
    path = f"media/01/{name}"
    body = bytes(range(256)) * 4 * 9_000
    mirror = Mirror(load(planet.site.file))
    with mirror.alone():
        mirror.pull(publishes=True)
        (mirror.folder / "media" / "01").mkdir(parents=True)
        (mirror.folder / path).write_bytes(body)
        assert mirror.push().put == [path]
    found = planet.objects()[path]
    assert found.body == body
    assert (found.headers["content-type"], found.headers["content-disposition"]) == (
        "audio/mpeg",
        "attachment",
    )
    new = Mirror(load(planet.machine("second").file))
    with new.alone():
        new.pull(publishes=True)
        assert (new.folder / path).read_bytes() == body
        assert (new.folder / path).stat().st_mtime_ns == (mirror.folder / path).stat().st_mtime_ns
        assert new.push().put == []
    planet.store.put(f"feeds/{path}", b"changed by hand")
    planet.store.put("feeds/big.mp3", b"of somebody else")
    (mirror.folder / "big.mp3").write_bytes(body)
    with mirror.alone():
        mirror.pull(publishes=True)
        pushed = mirror.push(audits=True)
    assert pushed.put == [path]
    assert "'big.mp3' is there already" in str(pushed.errors[0])
    assert planet.bodies() == {path: body, "big.mp3": b"of somebody else"}


def test_moto_keeps_two_writers_apart(planet: BucketSite) -> None:
    """And a new machine starts from what is there, with the inventory or without."""
    planet.configure(planet.site, publish={"formats": ["rss"]})
    assert planet.site.run("fetch").exit_code == 0
    planet.store.delete(INVENTORY)
    new = planet.machine("second")
    mirrors = [Mirror(load(site.file)) for site in (planet.site, new)]
    for mirror in mirrors:
        with mirror.alone():
            mirror.pull(publishes=True)
    with mirrors[0].alone():
        assert mirrors[0].push().put == []
    (mirrors[1].folder / "other.txt").write_text("of the second")
    with mirrors[1].alone(), pytest.raises(BucketInUse):
        mirrors[1].push()
    assert "other.txt" not in planet.bodies()
