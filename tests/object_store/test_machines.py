"""Several machines and one bucket: a new one starts from the bucket alone; two writers are kept apart."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from aggregator.config.load import Config, load
from aggregator.errors import BucketInUse, ObjectStoreError
from aggregator.model.struct import replace
from aggregator.object_store.inventory import BucketFile, Inventory, dumped
from aggregator.object_store.inventory_lock import Waits
from aggregator.object_store.mirror import Mirror
from tests.object_store.conftest import BucketSite
from tests.support.buckets import INVENTORY
from tests.support.postgresql import PostgresServer
from tests.support.site import Site


def second(published: BucketSite, *, with_store: bool = True) -> Site:
    """Another machine; its store is that of the first one, or it has none."""
    site = published.machine("second")
    (site.home / "var").mkdir()
    if with_store:
        for file in (published.site.home / "var").glob("aggregator.db*"):
            shutil.copy2(file, site.home / "var")
    return site


def changed(published: BucketSite) -> list[tuple[str, str]]:
    """The requests that could have changed anything."""
    return [each for each in published.store.requests if each[0] in ("PUT", "POST", "DELETE")]


def times(site: Site) -> dict[str, int]:
    """When each file of the copy changed."""
    folder = site.home / "var" / "staging" / "planet+feeds"
    return {str(p.relative_to(folder)): p.stat().st_mtime_ns for p in folder.rglob("[!.]*") if p.is_file()}


def test_a_new_machine_uploads_and_deletes_nothing(published: BucketSite) -> None:
    """It fetches the copy, with times of change, and finds that all is there; nothing is rendered."""
    before = published.bodies()
    new = second(published)
    result = new.run("publish")
    assert result.exit_code == 0, result.output
    assert "published 0 of" in result.stdout
    assert changed(published) == []
    assert published.staged(new) == published.bodies() == before
    assert times(new) == times(published.site)


def test_compressed_forms_come_to_a_new_machine_as_they_are(planet: BucketSite) -> None:
    """Nothing on the way unpacks what is sent with a Content-Encoding."""
    planet.configure(planet.site, publish={"compress": ["gzip", "br"]})
    assert planet.site.run("fetch").exit_code == 0
    new = planet.machine("second", publish={"compress": ["gzip", "br"]})
    mirror = Mirror(load(new.file))
    with mirror.alone():
        mirror.pull(publishes=False)
    assert planet.staged(new) == planet.bodies()
    assert {"News/rss.xml.gz", "News/rss.xml.br"} <= planet.bodies().keys()


def test_a_new_machine_continues_where_the_other_stopped(published: BucketSite) -> None:
    """What it adds is put, and no more."""
    published.serve(*range(1, 10))
    before = published.bodies()
    assert second(published).run("fetch", "--force").exit_code == 0
    put = {key.removeprefix("feeds/") for key in published.store.asked("PUT")} - {".aggregator/inventory"}
    after = published.bodies()
    assert put == {path for path in after if after[path] != before.get(path)}
    assert b"a.example/9" in after["News/rss.xml"]


def test_a_machine_without_a_store_rebuilds_it_from_the_bucket(published: BucketSite) -> None:
    """Ids, archives and feeds stay as they are."""
    before = published.bodies()
    new = second(published, with_store=False)
    result = new.run("rebuild")
    assert result.exit_code == 0, result.output
    assert "0 new" in new.run("fetch", "--force").stdout
    after = published.bodies()
    kept = [path for path in before if path.endswith(("rss.xml", "atom.xml", "feed.json"))]
    assert {path: after[path] for path in kept} == {path: before[path] for path in kept}


def test_a_machine_with_an_empty_store_deletes_no_archive(published: BucketSite) -> None:
    """What the source still lists is published; what is there stays."""
    before = published.bodies()
    assert second(published, with_store=False).run("fetch").exit_code == 0
    assert before.keys() - published.bodies().keys() == set()


def test_a_lost_inventory_is_made_again_of_the_objects(published: BucketSite) -> None:
    """Nothing but the inventory is put."""
    published.store.delete(INVENTORY)
    new = second(published)
    assert new.run("publish").exit_code == 0
    assert {key for _, key in changed(published)} == {INVENTORY}
    assert new.run("verify").exit_code == 0


def test_a_damaged_inventory_is_reported_with_what_to_do(published: BucketSite) -> None:
    """And is no path out of the folder."""
    for body in (b"", b"\x1f\x8b broken", b"{}"):
        published.store.put(INVENTORY, body)
        result = published.site.run("publish")
        assert result.exit_code == 1
        assert "delete that object: it is made again of the others" in " ".join(result.stderr.split())
    published.store.delete(INVENTORY)
    assert published.site.run("publish").exit_code == 0


def test_a_takedown_reaches_every_machine(published: BucketSite) -> None:
    """One with an older store forgets it as well, before it publishes."""
    new = second(published)
    assert published.site.run("forget", "https://a.example/3").exit_code == 0
    assert new.run("publish", "--all").exit_code == 0
    assert not any(b"a.example/3" in body for body in published.bodies().values())
    assert "0 new" in new.run("fetch", "--refetch", "--force").stdout
    assert not any(b"a.example/3" in body for body in published.staged(new).values())


def test_the_earlier_machine_is_refused_once_another_publishes(published: BucketSite) -> None:
    """In clear words, until its command asks for it again."""
    new = second(published)
    published.serve(*range(1, 10))
    assert new.run("fetch", "--force").exit_code == 0
    there = published.bodies()
    published.serve(*range(1, 12))
    for _ in range(2):
        result = published.site.run("fetch", "--force")
        said = " ".join(result.stderr.split())
        assert result.exit_code == 1
        assert "another program publishes there now (writer " in said
        assert "'aggregator publish --take-over' publishes from here again" in said
        assert published.bodies() == there
    assert published.site.run("publish", "--take-over").exit_code == 0
    assert b"a.example/11" in published.bodies()["News/rss.xml"]
    assert published.bodies() == published.staged(published.site)
    assert new.run("publish").exit_code == 1
    assert published.site.run("publish").exit_code == 0


def test_machines_of_one_site_publish_in_turns(published: BucketSite) -> None:
    """They share a store that several machines may ask."""
    new = second(published)
    for number in range(2):
        for site in (published.site, new):
            mirror = Mirror(config_of(site), site="shared")
            with mirror.alone():
                mirror.pull(publishes=True)
                (mirror.folder / "turns.txt").write_text(f"{number} {site.home}")
                assert mirror.push().errors == []
            assert published.bodies()["turns.txt"].decode() == f"{number} {site.home}"


def test_machines_that_share_a_store_publish_in_turns(planet: BucketSite, postgresql: PostgresServer) -> None:
    """Each goes on where the other stopped: none renders what the other has, none puts it again."""
    address = postgresql.emptied().url
    planet.configure(planet.site, store=address)
    other = planet.machine("second", store=address)
    assert planet.site.run("fetch").exit_code == 0
    planet.store.requests.clear()
    result = other.run("publish")
    assert result.exit_code == 0, result.output
    assert "published 0 of" in result.stdout
    assert changed(planet) == []
    for number, site in enumerate((other, planet.site, other)):
        planet.serve(*range(1, 10 + number))
        before = planet.bodies()
        planet.store.requests.clear()
        result = site.run("fetch", "--force")
        assert result.exit_code == 0, result.output
        after = planet.bodies()
        put = {key.removeprefix("feeds/") for key in planet.store.asked("PUT") if key != INVENTORY}
        assert put == {path for path in after if after[path] != before.get(path)}
        assert f"a.example/{9 + number}".encode() in after["News/rss.xml"]
        assert after == planet.staged(site)


def config_of(site: Site) -> Config:
    """Its config, as commands have it."""
    return load(site.file)


class Clock:
    """A clock that goes on as somebody sleeps; `on_sleep` happens meanwhile."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept = 0
        self.on_sleep: Callable[[], None] = lambda: None

    def waits(self) -> Waits:
        """How a writer waits by it."""
        return Waits(clock=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        """Goes on by so much."""
        self.now += seconds
        self.slept += 1
        self.on_sleep()


def begun(published: BucketSite, config: Config, stops_at: str) -> Mirror:
    """A machine that has begun to publish and is frozen as it puts this file."""
    mirror = Mirror(config)
    with mirror.alone():
        mirror.pull(publishes=True)
        (mirror.folder / stops_at).write_text("of the first")
        (mirror.folder / "zz.txt").write_text("of the first")
        published.store.fault = lambda method, key: (
            "cut" if (method, key) == ("PUT", f"feeds/{stops_at}") else None
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("aggregator.object_store.upload.Push._finish", lambda _: None)
            mirror.push()
    published.store.fault = lambda _method, _key: None
    return mirror


def test_the_upload_of_a_writer_that_died_is_finished(published: BucketSite) -> None:
    """By its own clock alone."""
    begun(published, config_of(published.site), "aa.txt")
    clock = Clock()
    new = second(published)
    other = Mirror(config_of(new), waits=clock.waits())
    with other.alone():
        other.pull(publishes=True)
        assert 120 <= clock.now < 130
        assert other.push().errors == []
    assert "zz.txt" not in published.bodies()
    assert published.bodies() == published.staged(new)


def test_an_active_writer_is_waited_for_up_to_a_limit(published: BucketSite) -> None:
    """As long as it shows signs of life."""
    first = begun(published, config_of(published.site), "aa.txt")
    clock = Clock()
    assert first.known.inventory.run

    def alive() -> None:
        if clock.slept % 20 == 0:
            from aggregator.object_store.inventory import dumped

            token = str(clock.slept)
            published.store.put(INVENTORY, dumped(replace(first.known.inventory, token=token)))

    clock.on_sleep = alive
    other = Mirror(config_of(second(published)), waits=clock.waits())
    with (
        other.alone(),
        pytest.raises(BucketInUse, match=r"another program is publishing there .* next publication"),
    ):
        other.pull(publishes=True)
    assert 300 <= clock.now < 310


def test_a_paused_writer_that_resumes_uploads_nothing(published: BucketSite) -> None:
    """The bucket is what the other made of it."""
    config = config_of(published.site)
    clock = Clock()
    first = Mirror(config, waits=clock.waits())
    new = second(published)
    taken: list[str] = []

    def frozen(method: str, key: str) -> str | None:
        if method == "PUT" and key != INVENTORY and not taken:
            taken.append(key)
            clock.now += 200
            other = Mirror(config_of(new), waits=Clock().waits())
            with other.alone():
                other.pull(publishes=True)
                (other.folder / "bb.txt").write_text("of the other")
                assert other.push().errors == []
        return None

    with first.alone():
        first.pull(publishes=True)
        for name in ("aa.txt", "bb.txt", "cc.txt"):
            (first.folder / name).write_text("of the first")
        published.store.fault = frozen
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("aggregator.object_store.parallel._THREADS", 1)
            with pytest.raises(BucketInUse, match="another program has begun to publish there"):
                first.push()
    published.store.fault = lambda _method, _key: None
    assert published.bodies()["bb.txt"] == b"of the other"
    assert "cc.txt" not in published.bodies()
    with first.alone(), pytest.raises(BucketInUse, match="another program publishes there now"):
        first.pull(publishes=True)


def test_two_copies_started_at_once_do_not_interfere(published: BucketSite) -> None:
    """Of two that saw the same inventory, the second to write is refused before it changed anything."""
    mirrors = [Mirror(config_of(site)) for site in (published.site, second(published))]
    for mirror in mirrors:
        with mirror.alone():
            mirror.pull(publishes=True)
            (mirror.folder / "both.txt").write_text(str(mirror.folder))
    with mirrors[1].alone():
        assert mirrors[1].push().errors == []
    with mirrors[0].alone(), pytest.raises(BucketInUse):
        mirrors[0].push()
    assert published.bodies()["both.txt"].decode() == str(mirrors[1].folder)


def test_missing_files_are_looked_for_again(published: BucketSite) -> None:
    """By a machine that copies while another one publishes, or where an object was lost for a time."""
    object_ = published.store.objects.pop("feeds/News/rss.xml")
    new = published.machine("second")
    mirror = Mirror(config_of(new))
    for _ in range(2):
        with mirror.alone():
            mirror.pull(publishes=False)
        assert published.staged(new).keys() == published.bodies().keys()
    published.store.objects["feeds/News/rss.xml"] = object_
    with mirror.alone():
        mirror.pull(publishes=False)
    assert published.staged(new) == published.bodies()
    assert times(new) == times(published.site)


def test_a_copy_of_what_is_being_published_has_the_newer_file(published: BucketSite) -> None:
    """Which is whole in itself; the time of change is that of its writer."""
    begun(published, config_of(published.site), "zz.txt")
    new = published.machine("second")
    mirror = Mirror(config_of(new))
    with mirror.alone():
        mirror.pull(publishes=False)
    assert published.staged(new).keys() == published.bodies().keys() - {"aa.txt"}
    assert published.site.run("publish").exit_code == 0
    with mirror.alone():
        mirror.pull(publishes=False)
    assert published.staged(new) == published.bodies()


def test_keys_that_lead_out_of_the_copy_are_refused(published: BucketSite) -> None:
    """A program that can write into the bucket cannot write elsewhere on our machines."""
    mirror = Mirror(config_of(published.machine("second")))
    for path in ("../out.txt", "/tmp/out.txt", "a/../../out.txt", ".hidden", "a//b", "a\\b", "a\n"):
        files = {path: BucketFile(1, 1, "x", "y", "z")}
        published.store.put(INVENTORY, dumped(Inventory(files)))
        with mirror.alone(), pytest.raises(ObjectStoreError, match="cannot be read"):
            mirror.pull(publishes=False)
    assert not (published.site.home / "out.txt").exists()
