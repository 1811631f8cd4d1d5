"""Backups: one private file of one moment, made while others write, whole or not there at all."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import stat
import time
import zipfile
from contextlib import closing
from pathlib import Path

import click.testing
import pytest

from aggregator.cli.main import main
from tests.app.test_daemon_killed import KILLS, SEED
from tests.conftest import Answer, Request, Server
from tests.support.site import Site, feed


@pytest.fixture
def planet(eventful: Site, tmp_path: Path) -> Site:
    """A site of one's own with some history."""
    return eventful.copied(tmp_path)


def names(folder: Path) -> list[str]:
    """Returns what is in a folder, leftovers too."""
    return sorted(each.name for each in folder.iterdir())


def test_a_backup_is_one_file_that_only_its_owner_reads(planet: Site) -> None:
    """Its manifest has the size and hash of both members; nothing else is left beside it."""
    target = planet.home / "kept" / "planet.zip"
    target.parent.mkdir()
    result = planet.run("backup", str(target))
    assert result.exit_code == 0, result.output
    assert "18 articles" in result.stdout
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert names(target.parent) == ["planet.zip"]
    with zipfile.ZipFile(target) as packed:
        assert sorted(packed.namelist()) == ["config.toml", "manifest.json", "store.db"]
        manifest = json.loads(packed.read("manifest.json"))
        assert packed.read("config.toml") == planet.file.read_bytes()
        assert manifest["files"]["store.db"]["bytes"] == len(packed.read("store.db"))


def test_an_existing_file_is_replaced_on_demand_only(planet: Site) -> None:
    """Also a link is left alone."""
    target = planet.home / "planet.zip"
    target.write_text("of yesterday")
    result = planet.run("backup", str(target))
    assert result.exit_code == 1
    assert "is there already" in result.stderr
    assert target.read_text() == "of yesterday"
    assert json.loads(planet.run("backup", str(target), "--force", "--json").stdout)["articles"] == 18
    assert zipfile.is_zipfile(target)
    assert planet.run("backup", str(planet.home)).exit_code == 1
    assert planet.run("backup", str(planet.home / "no" / "folder.zip")).exit_code == 1


def test_without_a_store_there_is_nothing_to_save(site: Site) -> None:
    """The next step is named."""
    result = site.run("backup", str(site.home / "x.zip"))
    assert result.exit_code == 1
    assert "aggregator fetch" in result.stderr
    assert not (site.home / "x.zip").exists()


def test_deleted_data_is_not_in_a_backup(planet: Site) -> None:
    """Unused pages and the search index stay behind; earlier versions are in it."""
    with closing(sqlite3.connect(planet.home / "var" / "aggregator.db")) as direct:
        direct.execute("CREATE TABLE scratch (text)")
        direct.execute("INSERT INTO scratch VALUES ('unspoken' || 'word')")
        direct.commit()
        direct.execute("DROP TABLE scratch")
        direct.commit()
    planet.run("backup", str(planet.home / "x.zip"))
    with zipfile.ZipFile(planet.home / "x.zip") as packed:
        store = packed.read("store.db")
    assert b"unspokenword" not in store
    assert b"search_index" not in store
    assert b"Secret 4" in store


def test_a_backup_made_beside_a_daemon_is_consistent(site: Site, server: Server) -> None:
    """It has all articles of each poll that it contains, and no poll waits for it."""

    def page(request: Request) -> Answer:
        time.sleep(0.005)
        name = request.path[1:]
        return Answer(200, {}, feed(name, *range(20)))

    all_names = [f"s{n:03}" for n in range(40)]
    server.pages |= dict.fromkeys((f"/{name}" for name in all_names), page)
    places = ({"name": name, "url": f"{server.url}/{name}", "categories": ["X"]} for name in all_names)
    site.configure(*places, fetch={"workers": 4})
    process = site.start("run")
    counts = []
    try:
        for number in range(200):
            target = site.home / f"{number}.zip"
            if site.run("backup", str(target)).exit_code:
                time.sleep(0.02)  # no store yet
                continue
            folder = site.home / f"r{number}"
            assert site_restored(target, folder) == 0
            with closing(sqlite3.connect(folder / "var" / "aggregator.db")) as direct:
                found = direct.execute("SELECT source, count(*) FROM articles GROUP BY 1").fetchall()
                polled = direct.execute("SELECT count(*) FROM sources WHERE polled IS NOT NULL").fetchone()
            assert {count for _, count in found} <= {20}
            assert polled == (len(found),)
            counts.append(len(found))
            if len(found) == len(all_names):
                break
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    assert counts == sorted(counts)
    assert counts[-1] == len(all_names)


def site_restored(file: Path, folder: Path) -> int:
    """The exit code of `restore`."""
    result = click.testing.CliRunner().invoke(main, ["restore", str(file), str(folder), "--trust"])
    return result.exit_code


def test_a_killed_backup_keeps_the_previous_one(planet: Site) -> None:
    """At any moment the file is the complete old backup or the complete new one."""
    dice = random.Random(SEED)
    target = planet.home / "kept" / "planet.zip"
    target.parent.mkdir()
    assert planet.start("backup", str(target)).wait() == 0
    began = time.monotonic()  # what starts commands has been started by now
    assert planet.start("backup", str(target), "--force").wait() == 0
    lasted = time.monotonic() - began
    for _ in range(KILLS):
        process = planet.start("backup", str(target), "--force")
        time.sleep(dice.random() * lasted)
        process.kill()
        process.wait()
        with zipfile.ZipFile(target) as packed:
            assert packed.testzip() is None
    planet.run("backup", str(target), "--force")
    assert names(target.parent) == ["planet.zip"]
