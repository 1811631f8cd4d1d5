"""`remove`, `rename`, `enable`, `disable` and `move`: the config, the store and what is published."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.conftest import Answer, Server
from tests.support.site import Site, feed


@pytest.fixture
def planet(site: Site, server: Server) -> Site:
    """A site of two sources; the ids of one are no addresses."""
    server.pages["/a"] = Answer(200, {}, feed("a", *range(1, 6)))
    server.pages["/b"] = Answer(
        200, {}, feed("b", *range(1, 6)).replace(b"<guid>https://b.example/", b"<guid>")
    )
    site.configure(
        {"name": "a", "url": f"{server.url}/a", "categories": ["News"]},
        {"name": "b", "url": f"{server.url}/b", "categories": ["News", "Tea"]},
        **{"publish.all.priority": ["b", "a"]},
        entries_per_feed=3,
    )
    site.file.write_text(
        site.file.read_text()
        + '\n# the end\n[[rules]]\nname = "r"\nwhen = "source:b"\nthen = { tag = "x" }\n'
    )
    site.run("fetch")
    return site


def ids(site: Site, name: str = "all") -> list[str]:
    """The ids of a feed's entries."""
    found = json.loads((site.output / name / "feed.json").read_bytes())["items"]
    return [item["id"] for item in found]


def test_a_renamed_source_keeps_ids_history_and_what_is_published(planet: Site, server: Server) -> None:
    """The next poll finds nothing new; feeds, archives and priorities are as before."""
    planet.run("publish", "--all")
    before = planet.files()
    result = planet.run("rename", "b", "The planet")
    assert result.exit_code == 0, result.output
    assert "5 stored articles" in result.stdout
    assert "rule 'r' may ask for the old name" in result.stderr
    text = planet.file.read_text()
    assert 'publish.all.priority = ["The planet", "a"]' in text
    assert "# the end" in text
    assert "0 new" in planet.run("fetch", "--refetch").stdout
    planet.run("publish", "--all")
    after = planet.files()
    feeds = {name for name in before if name.endswith((".json", ".xml"))}
    changed = {name for name in feeds if after[name] != before[name]}
    assert changed <= {
        name for name in feeds if b">x<" in before[name] or b'"x"' in before[name] or "x" in name
    }
    with closing(sqlite3.connect(planet.home / "var" / "aggregator.db")) as direct:
        assert {name for (name,) in direct.execute("SELECT name FROM sources")} == {"a", "The planet"}
        assert direct.execute("PRAGMA foreign_key_check").fetchall() == []
    assert planet.run("verify").exit_code == 0


def test_a_rename_that_was_killed_is_finished(planet: Site) -> None:
    """The config had the new name, the store the old one."""
    planet.file.write_text(
        planet.file.read_text().replace('name = "b"', 'name = "c"').replace('["b", "a"]', '["c", "a"]')
    )
    result = planet.run("rename", "b", "c")
    assert result.exit_code == 0, result.output
    assert "0 new" in planet.run("fetch", "--refetch").stdout
    assert planet.run("rename", "b", "c").exit_code == 2


def test_names_in_use_are_refused(planet: Site, server: Server) -> None:
    """Names of sources in the config, and of sources that were followed before."""
    before = planet.file.read_text()
    assert "another source is named 'a'" in planet.run("rename", "b", "a").stderr
    assert planet.run("rename", "no", "x").exit_code == 2
    assert planet.file.read_text() == before
    planet.file.write_text(before.replace('["b", "a"]', '["b"]'))
    assert planet.run("remove", "a", "a").stdout.count("removed a") == 1
    planet.run("fetch")
    result = planet.run("rename", "b", "a")
    assert result.exit_code == 1
    assert "choose another name" in result.stderr
    assert 'name = "b"' in planet.file.read_text()


def test_a_removed_source_leaves_the_feeds_and_returns_under_its_ids(planet: Site, server: Server) -> None:
    """A name that is still used is refused."""
    before = planet.file.read_text()
    assert planet.run("remove", "a").exit_code == 2  # publish.all.priority has it
    planet.file.write_text(before.replace('["b", "a"]', '["b"]'))
    whole = ids(planet, "News")
    result = planet.run("remove", "a")
    assert "leave the feeds" in result.stdout
    planet.run("publish")
    assert not any(each.startswith("https://a.example/") for each in ids(planet, "News"))
    planet.file.write_text(before)
    assert "0 new" in planet.run("fetch", "--refetch").stdout
    assert ids(planet, "News") == whole


def test_a_source_is_disabled_enabled_and_moved(planet: Site, server: Server) -> None:
    """Disabled ones are not polled, and stay in the feeds; categories of stored articles follow."""
    assert planet.run("disable", "a", "b", "a").stdout.splitlines() == ["disabled a", "disabled b"]
    begun = len(server.requests)
    whole = ids(planet, "News")
    planet.run("fetch", "--force")
    assert len(server.requests) == begun
    assert ids(planet, "News") == whole
    assert planet.run("enable", "a", "a").stdout == "enabled a\n"
    planet.run("fetch", "--force")
    assert len(server.requests) > begun
    assert planet.run("move", "a", "Coffee", "Tea", "Coffee").stdout == "moved a to Coffee, Tea\n"
    planet.run("publish")
    assert all(each.startswith("https://a.example/") for each in ids(planet, "Coffee"))
    assert not any(each.startswith("https://a.example/") for each in ids(planet, "News"))
    assert planet.run("move", "a", "").exit_code == 2
    assert planet.run("disable", "A").exit_code == 2
