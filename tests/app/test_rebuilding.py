"""`rebuild`: a lost store is made of what was published, and no id, date or feed changes by it."""

from __future__ import annotations

import json
import random
import shutil
import time

import pytest

from tests.app.test_daemon_killed import KILLS, SEED
from tests.conftest import Answer, Server
from tests.support.site import Site, feed


@pytest.fixture
def planet(site: Site, server: Server) -> Site:
    """Three sources with archives: ids that are addresses, ids that are none, and no host of its own."""
    server.pages["/a"] = Answer(200, {}, feed("a", *range(1, 15)))
    words = feed("b", *range(1, 10)).replace(b"<guid>https://b.example/", b"<guid isPermaLink='false'>post ")
    server.pages["/b"] = Answer(200, {}, words)
    server.pages["/c"] = Answer(200, {}, words.replace(b"b.example", b"c.example").replace(b">b ", b">c "))
    site.configure(
        {"name": "a", "url": f"{server.url}/a", "categories": ["News"]},
        {"name": "b", "url": f"{server.url}/b", "categories": ["News", "C++ & more"]},
        {"name": "The third", "url": f"{server.url}/c", "categories": ["Tea"]},
        entries_per_feed=4,
        **{"publish.formats": ["rss", "atom", "json"]},
    )
    site.run("fetch")
    return site


def entries(site: Site) -> dict[str, dict[str, tuple[str, str, str]]]:
    """Of each feed with its archives: the dates and text of each entry, by its id."""
    found: dict[str, dict[str, tuple[str, str, str]]] = {}
    for name, body in site.files().items():
        if name.endswith("feed.json"):
            items = json.loads(body)["items"]
            own = found.setdefault(name.partition("/")[0], {})
            own |= {
                item["id"]: (item["date_published"], item["title"], item.get("content_html", ""))
                for item in items
            }
    return found


def lose(site: Site) -> None:
    """The store is gone."""
    shutil.rmtree(site.home / "var")


def check_rebuilt(planet: Site, before: dict[str, dict[str, tuple[str, str, str]]]) -> None:
    """Rebuilds the store; then and after the next poll, feeds have the same entries as `before`."""
    facts = json.loads(planet.run("rebuild", "--json").stdout)
    assert (facts["articles"], facts["of_known_sources"]) == (32, 32)
    planet.run("publish", "--all")
    assert entries(planet) == before
    assert "0 new" in planet.run("fetch", "--force").stdout
    assert entries(planet) == before


@pytest.mark.parametrize("format_", ["atom.xml", "feed.json", "rss.xml"])
def test_a_lost_store_is_rebuilt_with_the_same_ids(planet: Site, server: Server, format_: str) -> None:
    """Also after the next poll, which finds nothing new; whichever format was published."""
    before = entries(planet)
    documents = planet.files()
    for path in planet.output.rglob("*"):
        if path.is_file() and path.name != format_ and path.suffix in (".xml", ".json"):
            path.unlink()
    lose(planet)
    result = planet.run("rebuild", "--json")
    assert result.exit_code == 0, result.output
    # Archives are Atom alone: of other formats the newest entries are there.
    count = 14 + 9 + 9 if format_ == "atom.xml" else 3 * 4
    assert json.loads(result.stdout)["articles"] == count
    planet.run("publish", "--all")
    after = entries(planet)
    assert {name: {*found} for name, found in after.items()} == {
        name: {*found} for name, found in before.items()
    }
    assert f"{32 - count} new" in planet.run("fetch", "--force").stdout
    assert entries(planet) == before
    if format_ == "atom.xml":
        changed = [n for n, body in planet.files().items() if n.endswith("atom.xml") and documents[n] != body]
        assert changed == []
    assert planet.run("verify").exit_code == 0
    server.pages["/a"] = Answer(200, {}, feed("a", *range(1, 16)))
    assert "1 new" in planet.run("fetch", "--force").stdout


def test_posts_name_the_source_of_an_article(planet: Site, server: Server) -> None:
    """If only posts are left, they are read back; other people's files among them are not."""
    text = planet.file.read_text()
    planet.file.write_text(f'publish.posts.folder = "posts"\n{text}')
    page = server.pages["/b"]
    assert isinstance(page, Answer)
    server.pages["/b"] = Answer(200, {}, page.body.replace(b"Text 3", b"Some {{ braces }} 3"))
    planet.run("fetch", "--refetch")
    before = entries(planet)
    lose(planet)
    shutil.rmtree(planet.output)
    (planet.home / "posts" / "mine.md").write_text("---\ntitle: mine\n---\nwords")
    check_rebuilt(planet, before)
    assert (planet.home / "posts" / "mine.md").read_text().endswith("words")


@pytest.mark.parametrize("name", ["The third", "Renamed"])
def test_an_article_in_a_feed_and_in_posts_is_one(planet: Site, name: str) -> None:
    """Posts have the id of its source, feeds the published one, which a renamed source does not change."""
    planet.file.write_text(f'publish.posts.folder = "posts"\n{planet.file.read_text()}')
    if name != "The third":
        assert planet.run("rename", "The third", name).exit_code == 0
    planet.run("fetch", "--refetch")
    before = entries(planet)
    lose(planet)
    check_rebuilt(planet, before)


def test_an_existing_store_and_a_missing_folder_are_refused(planet: Site) -> None:
    """The error says what to do."""
    result = planet.run("rebuild")
    assert result.exit_code == 1
    assert "move it away" in result.stderr
    lose(planet)
    (planet.home / "empty").mkdir()
    result = planet.run("rebuild", "--from", str(planet.home / "empty"))
    assert result.exit_code == 1
    assert "--from" in result.stderr
    (planet.output / "News" / "atom.xml").write_bytes(b"<feed")
    result = planet.run("rebuild")
    assert result.exit_code == 0
    assert "articles read back" in result.stdout


def test_a_killed_rebuild_leaves_no_store(planet: Site) -> None:
    """Or the whole one."""
    dice = random.Random(SEED)
    store = planet.home / "var" / "aggregator.db"
    lose(planet)
    assert planet.start("rebuild").wait() == 0
    lose(planet)
    began = time.monotonic()  # what starts commands has been started by now
    assert planet.start("rebuild").wait() == 0
    lasted = time.monotonic() - began
    for _ in range(KILLS):
        lose(planet)
        process = planet.start("rebuild")
        time.sleep(dice.random() * lasted)
        process.kill()
        process.wait()
        if store.exists():
            assert planet.run("verify").exit_code == 0
        else:
            assert planet.run("rebuild").exit_code == 0
        left = [each.name for each in store.parent.iterdir() if each.name.endswith(".part")]
        assert len(left) <= 1
