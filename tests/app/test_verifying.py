"""`verify`: each kind of damage is named, with the next step, and a sound site has none."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.app.test_daemon_killed import SEED
from tests.backup.test_making import planet as planet_fixture
from tests.support.site import Site

planet = planet_fixture

DAMAGE = {
    "an article whose newest revision": "UPDATE articles SET revision = 99999 WHERE pk = 5",
    "an archive that shows a missing": "UPDATE archive_entries SET revision = 99999 WHERE position = 1",
    "an entry of a missing": "DELETE FROM archives WHERE number = 1",
    "a feed with a wrong number": "UPDATE feeds SET total = total + 1 WHERE name = 'News'",
    "an article that is in a feed": "UPDATE articles SET state = 'pruned' WHERE pk = 5",
    "rows that refer to missing rows": "DELETE FROM sources WHERE name = 'b'",
    "a version of an article that cannot be read": "UPDATE revisions SET data = '{' WHERE pk = 5",
    "a version of an article that does not": "UPDATE revisions SET data = replace(data, 'Text', 'Test')",
    "an article with an id": "UPDATE articles SET uid = 'https://other.example/1' WHERE pk = 5",
    "an article that the search index lacks": "DELETE FROM search_index WHERE rowid = 5",
    "an article that should not be": "INSERT INTO search_index (rowid, title) VALUES (999, 'x')",
    "damage in the search index": "DROP TABLE search_index",
    "damage in the file": "UPDATE posts SET path = x'ff'; UPDATE articles SET file = x'ff' WHERE pk = 5",
    "a store that cannot be opened": "DROP TABLE story_keys",
}


@pytest.fixture
def store(planet: Site) -> Path:
    """The store of a site whose search index is whole."""
    planet.run("search", "tea")
    return planet.home / "var" / "aggregator.db"


def faults(site: Site) -> list[str]:
    """The kinds of faults that are found, each with a next step."""
    result = site.run("verify", "--json")
    found = json.loads(result.stdout)["faults"]
    assert result.exit_code == bool(found), result.output
    assert all(fault["advice"] and fault["places"] and fault["count"] for fault in found)
    return [fault["kind"] for fault in found]


def test_each_kind_of_damage_is_found(planet: Site, store: Path) -> None:
    """By its own name, and a sound store has none."""
    assert faults(planet) == []
    assert "no fault was found" in planet.run("verify").stdout
    with closing(sqlite3.connect(store, isolation_level=None)) as direct:
        direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    sound = store.read_bytes()
    for kind, statement in DAMAGE.items():
        with closing(sqlite3.connect(store, isolation_level=None)) as direct:
            direct.executescript(statement)
            direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert any(found.startswith(kind) for found in faults(planet)), kind
        result = planet.run("verify")
        assert "next: " in result.stdout
        for suffix in ("-wal", "-shm"):
            Path(f"{store}{suffix}").unlink(missing_ok=True)
        store.write_bytes(sound)


def test_the_search_index_is_rebuilt_on_demand(planet: Site, store: Path) -> None:
    """The next search makes it anew."""
    with closing(sqlite3.connect(store)) as direct:
        direct.execute("DELETE FROM search_index")
        direct.commit()
    assert faults(planet) == ["an article that the search index lacks"]
    assert planet.run("verify", "--mend").exit_code == 0
    assert "a 4" in planet.run("search", "text").stdout
    assert faults(planet) == []


def test_published_files_are_compared_with_what_was_recorded(planet: Site, store: Path) -> None:
    """Missing, cut, and changed ones; the next publication mends them."""
    planet.run("publish", "--all")
    assert faults(planet) == []
    (planet.output / "News" / "atom.xml").unlink()
    (planet.output / "News" / "archive" / "1" / "rss.xml").write_bytes(b"<rss")
    (planet.output / "Tea" / "feed.json").write_bytes(b"{}")
    result = planet.run("verify")
    assert result.exit_code == 1
    assert "published files that are missing or differ from what was written: 3" in result.stdout
    assert "aggregator publish" in result.stdout
    planet.run("publish")
    assert faults(planet) == []


def test_flipped_bytes_of_a_store_are_found_or_change_nothing(planet: Site, store: Path) -> None:
    """What is not found is in a part that nothing reads: then every feed is published as before."""
    with closing(sqlite3.connect(store, isolation_level=None)) as direct:
        direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        direct.execute("PRAGMA journal_mode=DELETE")
    planet.run("publish", "--all")
    sound, before = store.read_bytes(), planet.files()
    dice = random.Random(SEED)
    found = 0
    for _ in range(16):
        body = bytearray(sound)
        for _ in range(8):
            body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
        store.write_bytes(body)
        for suffix in ("-wal", "-shm"):
            Path(f"{store}{suffix}").unlink(missing_ok=True)
        result = planet.run("verify")
        if result.exit_code:
            assert "next: " in result.stdout or result.stderr.startswith("error: ")
            found += 1
            continue
        planet.run("publish", "--all")
        after = planet.files()
        assert {name for name in before if after.get(name) != before[name]} <= {"status.html"}
        shutil.rmtree(planet.output)
        planet.run("publish", "--all")
    assert found >= 8


@pytest.mark.parametrize("kind", ["none", "a folder", "text", "empty"])
def test_a_file_that_is_not_a_store_is_reported(site: Site, kind: str) -> None:
    """The report names the next step."""
    site.configure()
    store = site.home / "var" / "aggregator.db"
    store.parent.mkdir()
    if kind == "a folder":
        store.mkdir()
    elif kind != "none":
        store.write_bytes(b"" if kind == "empty" else b"words " * 1000)
    result = site.run("verify")
    assert result.exit_code == 1
    assert "aggregator " in result.stdout + result.stderr or "folder" in result.stderr
