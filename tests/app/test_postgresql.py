"""The main job and the commands with a store in PostgreSQL: they give what they give with a file."""

from __future__ import annotations

import json
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import click.testing
import pytest

from aggregator.cli.main import main
from aggregator.config.load import load
from aggregator.model.struct import replace
from aggregator.store import Store, Update
from tests.app.test_daemon import running, until
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


def test_a_backup_is_restored_as_a_site_with_a_file(fetched: Site, tmp_path: Path) -> None:
    """A config of a stranger's never leads to a server."""
    target, folder = tmp_path / "planet.zip", tmp_path / "restored"
    result = fetched.run("backup", str(target))
    assert result.exit_code == 0, result.output
    runner = click.testing.CliRunner()
    result = runner.invoke(main, ["restore", str(target), str(folder)])
    assert result.exit_code == 0, result.output
    assert "it was a database of a server" in result.output
    config = folder / "config" / "aggregator.toml"
    assert load(config).store == folder / "var" / "aggregator.db"
    assert runner.invoke(main, ["publish", "--config", str(config)]).exit_code == 0
    made = (folder / "feeds" / "drinks" / "atom.xml").read_bytes()
    assert made == (fetched.output / "drinks" / "atom.xml").read_bytes()


def test_commands_for_files_say_what_to_use_with_postgresql(fetched: Site) -> None:
    """A store in a file can be copied to the server."""
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


ODD: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "N\x00UL \ud800",
    "items": [
        {"id": "a\x00b", "title": "x\x00y", "content_html": "<p>\x00 \ud83d z</p>", "tags": ["t\x00g"]},
        {"id": "\ud800", "title": "half", "content_text": "a"},
        {"id": "數" * 2_000, "title": "long", "content_text": "b", "date_published": "2024-01-01T00:00:00Z"},
        {"id": "\U0001f600" * 3_000, "title": "longer", "content_text": "c"},
        {"id": 10**30, "title": "a large number", "content_text": "d", "_x": {"n": 10**30, "f": 1e308}},
        {"id": "e", "title": "e" * 100_000, "content_text": "word " * 400_000},
        {"id": "dup", "url": "https://odd.example/" + "ö" * 3_000, "title": "1", "content_text": "f"},
        {"id": "dup", "url": "https://odd.example/" + "ü" * 3_000, "title": "2", "content_text": "g"},
        {"id": "old", "title": "old", "content_text": "h", "date_published": "0001-01-01T00:00:00+14:00"},
        {"id": "new", "title": "new", "content_text": "i", "date_published": "9999-12-31T23:59:59-14:00"},
    ],
}


def test_odd_entries_are_kept_alike(site: Site, server: Server, postgresql: PostgresServer) -> None:
    """NUL, halves of surrogate pairs, keys of any length, numbers and texts of any size, in any field."""
    text = json.dumps(ODD).replace('"f": 1e+308', '"f": NaN')
    headers = {"Content-Type": "application/feed+json", "ETag": '"a\\\\b"'}
    server.pages["/odd"] = Answer(200, headers, text.encode())
    long = "Kategorie " + "ß" * 3_000
    source = {"name": "Ödd", "url": f"{server.url}/odd", "categories": ["odd", long]}
    kept = []
    for store in ("var/file.db", postgresql.emptied().url):
        site.configure(source, store=store)
        for _ in range(2):
            result = site.run("fetch", "--force")
            assert result.exit_code == 0, result.output
        assert site.run("search", "word").exit_code == 0
        opened = Store(load(site.file).store)
        found = [
            (each.uid, replace(each.article, published=None, updated=None)) for each in opened.articles.all()
        ]
        kept.append(sorted(found, key=lambda each: each[0]))
        opened.close()
        assert site.run("verify").exit_code == 0
    assert len(kept[0]) == len(ODD["items"])
    assert kept[0] == kept[1]


def copy(old: str, new: str) -> click.testing.Result:
    """Returns what `aggregator store copy` gives."""
    return click.testing.CliRunner().invoke(main, ["store", "copy", old, new])


def test_a_site_moves_to_a_server_and_back(
    site: Site, server: Server, postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Validators, ids, folders and feeds go with it: the next poll finds nothing new, and writes nothing."""
    server.pages["/a"] = Answer(200, {"ETag": '"1"'}, feed("tea", *range(1, 60)))
    source = {"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]}
    monkeypatch.chdir(site.home)
    site.configure(source)
    assert site.run("fetch").exit_code == 0

    def files() -> dict[str, tuple[bytes, int]]:
        found = (path for path in sorted(site.output.rglob("*")) if path.is_file())
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}

    before = files()
    address = postgresql.emptied().url
    monkeypatch.setenv("PLANET_STORE", address)
    moves = [("var/aggregator.db", "env:PLANET_STORE", address), (address, "var/back.db", "var/back.db")]
    for old, new, configured in moves:
        result = copy(old, new)
        assert result.exit_code == 0, result.output
        assert "has the same content" in result.stdout
        site.configure(source, store=configured)
        result = site.run("fetch", "--force")
        assert result.exit_code == 0, result.output
        assert server.requests[-1].headers.get("If-None-Match") == '"1"'
        assert files() == before
    assert site.run("search", "tea").exit_code == 0


def test_invalid_places_are_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """In our own words, without the password."""
    monkeypatch.chdir(site.home)
    for old, new, words in (
        ("nowhere.db", "other.db", "there is no store"),
        ("a.db", "postgresql://me:s3cret@host/db", "without the password"),
        ("env:NOT_SET", "b.db", "NOT_SET is not set"),
        ("a.db", "mysql://host/db", "is of an unknown kind"),
    ):
        result = copy(old, new)
        assert result.exit_code in (1, 2)
        assert words in result.stderr
        assert "s3cret" not in result.output


def test_a_daemon_outlives_a_restart_of_the_server(
    site: Site, server: Server, postgresql: PostgresServer
) -> None:
    """It says so, tries again at each tick, and goes on by itself; no second one runs beside it."""
    address = postgresql.emptied()
    server.pages["/a"] = Answer(200, {"ETag": '"1"', "Cache-Control": "max-age=1"}, feed("tea", 1, 2))
    site.configure({"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]}, store=address.url)
    with running(site) as process:
        until(lambda: (site.output / "drinks" / "atom.xml").exists())
        second = site.run("run")
        assert second.exit_code == 1
        assert f"in use by another `aggregator run` (process {process.pid}" in second.stderr
        postgresql.stop()
        try:
            until(lambda: "is the server running" in site.log.read_text())
        finally:
            postgresql.start()
        server.pages["/b"] = Answer(200, {}, feed("milk", 3))
        site.configure(
            {"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]},
            {"name": "Milk", "url": f"{server.url}/b", "categories": ["drinks"]},
            store=address.url,
        )
        until(lambda: b"milk 3" in (site.output / "drinks" / "atom.xml").read_bytes())
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert "Traceback" not in site.log.read_text()
