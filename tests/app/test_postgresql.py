"""The main job and the commands with a store in PostgreSQL: they give what they give with a file."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.store import Update
from tests.conftest import NOW, Answer, Server
from tests.support.planet import Planet, article
from tests.support.postgresql import PostgresServer
from tests.support.site import Site, feed

NAMES = ("Zebra", "apple", "Ähre", "_under", "éclair", "zoo", "数据", "😀")


def fill(planet: Planet) -> None:
    """Articles of equal dates whose order is that of their ids, edits, archives, prunings and withdrawals."""
    planet.add(*(article(n) for n in range(23)))
    same = {"published": NOW - timedelta(days=1), "categories": ("World", *NAMES[:3])}
    planet.add(*(article(n, id=f"urn:x:{name}", **same) for n, name in enumerate(NAMES)))
    planet.publish()
    planet.add(*(article(n, title=f"Other {n}") for n in (3, 22)), now=NOW + timedelta(hours=1))
    planet.add(*(article(n, id=name, categories=(name,)) for n, name in enumerate(NAMES, 100)))
    planet.prune(25)
    planet.publish()
    refused = Update(source="news", validators={}, body_hash=None, refused=("a.md",), withdrawn=("b.md",))
    planet.store.sources.commit(refused, NOW)
    planet.publish()


def test_the_same_polls_give_the_same_bytes(tmp_path: Path, postgresql: PostgresServer) -> None:
    """Whatever the database takes for the order of letters."""
    with_file, with_server = (
        Planet(tmp_path / "file"),
        Planet(tmp_path / "server", store=postgresql.emptied()),
    )
    for planet in (with_file, with_server):
        fill(planet)
        planet.store.close()
    assert "World/archive/2/atom.xml" in with_file.files()
    assert with_server.files() == with_file.files()


@pytest.fixture
def fetched(site: Site, server: Server, postgresql: PostgresServer) -> Site:
    """A site whose store is in PostgreSQL, after a fetch."""
    server.pages["/a"] = Answer(200, {"ETag": '"1"'}, feed("tea", *range(1, 9)))
    site.configure(
        {"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]},
        store=postgresql.emptied().url,
    )
    assert site.run("fetch").exit_code == 0
    return site


def test_every_command_works_with_a_server(fetched: Site) -> None:
    """One after the other, as a person would."""
    assert (fetched.output / "drinks" / "atom.xml").exists()
    link = "https://tea.example/8"
    for command, words in {
        ("check",): "store postgresql://",
        ("status",): "articles  8",
        ("sources",): "Tea",
        ("fetch", "--force"): "",
        ("search", "tea"): link,
        ("search", "te*"): link,
        ("search", '"text 8"'): link,
        ("why", link): "drinks",
        ("versions", link): "",
        ("verify",): "no fault",
        ("doctor", "--offline"): "8 articles",
        ("publish", "--all"): "",
        ("forget", link): "forgotten",
    }.items():
        result = fetched.run(*command)
        assert result.exit_code == 0, (command, result.output)
        assert words in result.stdout, (command, result.stdout)
    found = json.loads(fetched.run("search", "tea", "--json").stdout)
    assert link not in json.dumps(found)


def test_what_only_a_file_can_says_what_to_use(fetched: Site, tmp_path: Path) -> None:
    """The server has tools of its own."""
    result = fetched.run("backup", str(tmp_path / "planet.zip"))
    assert result.exit_code == 1
    assert "pg_dump" in result.stderr
    result = fetched.run("rebuild")
    assert result.exit_code == 1
    assert "store copy" in result.stderr


def test_a_server_that_is_away_is_reported_in_words(
    fetched: Site, server: Server, postgresql: PostgresServer
) -> None:
    """Once it is back all goes on where it was."""
    postgresql.stop()
    try:
        result = fetched.run("fetch", "--force")
    finally:
        postgresql.start()
    assert result.exit_code == 1
    assert "is the server running" in result.stderr
    assert "Traceback" not in result.output
    server.pages["/a"] = Answer(200, {"ETag": '"2"'}, feed("tea", *range(1, 10)))
    assert "1 new" in fetched.run("fetch", "--force").output
