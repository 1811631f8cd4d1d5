"""Broken set-ups of thirty kinds: `doctor`, `check` and `verify` name the trouble and the next step."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.app import doctor as doctors
from aggregator.app.store_lock import lock_store
from aggregator.errors import FetchError
from aggregator.fetch.guard import Guard
from aggregator.store import Store
from tests.support.site import Site

NOW = datetime.now(UTC)
SOURCE = {"name": "a", "url": "https://a.example/feed?key=s3cret", "categories": ["News"]}
SECRET = "s3cret"


@pytest.fixture(autouse=True)
def _no_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is looked up, and no process is confined: both take time, and have tests of their own."""
    monkeypatch.setattr(doctors, "_confinement", lambda: iter(()))
    monkeypatch.setattr(Guard, "addresses", lambda *_: ["192.0.2.1"])


def store_of(site: Site) -> Path:
    """A store of the config's sources, made without a poll."""
    path = site.home / "var" / "aggregator.db"
    Store(path).close()
    return path


def configured(text: str) -> Callable[[Site], None]:
    """A set-up whose config has this at its beginning."""

    def make(site: Site) -> None:
        site.configure(SOURCE)
        site.file.write_text(f"{text}\n{site.file.read_text()}")

    return make


def sourced(**source: Any) -> Callable[[Site], None]:
    """A set-up whose one source has this."""
    return lambda site: site.configure({**SOURCE, **source})


def damaged(*statements: str) -> Callable[[Site], None]:
    """A set-up whose store was changed."""

    def make(site: Site) -> None:
        site.configure(SOURCE)
        with closing(sqlite3.connect(store_of(site), isolation_level=None)) as direct:
            for each in statements:
                direct.execute(each)

    return make


def stored(body: bytes) -> Callable[[Site], None]:
    """A set-up whose store is another file."""

    def make(site: Site) -> None:
        site.configure(SOURCE)
        path = site.home / "var" / "aggregator.db"
        path.parent.mkdir()
        path.write_bytes(body)

    return make


def no_config(site: Site) -> None:
    site.file.unlink()


def other_encoding(site: Site) -> None:
    site.file.write_bytes(b"# \xff")


def store_is_a_folder(site: Site) -> None:
    site.configure(SOURCE)
    (site.home / "var" / "aggregator.db").mkdir(parents=True)


def output_is_a_file(site: Site) -> None:
    site.configure(SOURCE)
    site.output.write_text("words")


def output_below_a_file(site: Site) -> None:
    site.configure(SOURCE, output="words/feeds")
    (site.home / "words").write_text("words")


NEEDED = "name, address, active, categories, validators, title, schedule, is_gone"
A_SOURCE = "'a', '', 1, '[]', '{}', '', ' ', 0"


def polled_tomorrow(site: Site) -> None:
    tomorrow = (NOW + timedelta(days=1)).timestamp() * 1e6
    site.configure(SOURCE)
    with Store_(site) as direct:
        direct.execute(
            f"INSERT INTO sources ({NEEDED}, polled, succeeded) VALUES ({A_SOURCE}, ?, ?)",
            (int(tomorrow),) * 2,
        )


class Store_:  # noqa: N801
    """The store of a site, to be changed by hand."""

    def __init__(self, site: Site) -> None:
        self._direct = sqlite3.connect(store_of(site), isolation_level=None)

    def __enter__(self) -> sqlite3.Connection:
        return self._direct

    def __exit__(self, *_: object) -> None:
        self._direct.close()


# What is broken, a word of the trouble, and which commands say it.
BROKEN: dict[str, tuple[Callable[[Site], None], str, str]] = {
    "no config": (no_config, "aggregator init", "doctor check verify"),
    "no TOML": (configured("= x"), "is not TOML", "doctor check verify"),
    "an unknown key": (configured("intervall = '1h'"), "did you mean 'interval'", "doctor check verify"),
    "a wrong duration": (configured("interval = 'often'"), "6h", "doctor check verify"),
    "another encoding": (other_encoding, "UTF-8", "doctor check verify"),
    "a name twice": (lambda site: site.configure(SOURCE, SOURCE), "'a'", "doctor check verify"),
    "no source": (lambda site: site.configure(), "aggregator add", "doctor"),
    "all disabled": (sourced(enabled=False), "aggregator enable", "doctor"),
    "an unknown kind": (sourced(kind="fed"), "no kind is named 'fed'", "doctor check verify"),
    "no url": (lambda site: site.configure({"name": "a"}), "needs 'url'", "doctor check verify"),
    "a missing folder": (
        lambda site: site.configure({"name": "a", "kind": "articles", "path": "gone"}),
        "gone cannot be read",
        "doctor check",
    ),
    "a missing file": (
        lambda site: site.configure({"name": "a", "url": "file:gone"}),
        "gone",
        "doctor check",
    ),
    "a private address": (sourced(url="http://10.1.2.3/feed"), "fetch.allow", "doctor check"),
    "a command": (
        lambda site: site.configure({"name": "a", "kind": "exec", "options": {"command": ["id"]}}),
        "fetch.commands",
        "doctor check",
    ),
    "an unset variable": (
        sourced(auth={"user": "me", "password": {"env": "NOT_SET_ANYWHERE"}}),
        "NOT_SET_ANYWHERE is not set",
        "doctor check verify",
    ),
    "a certificate that is gone": (sourced(tls_ca="gone.pem"), "tls_ca", "doctor check"),
    "a wrong rule": (
        configured('rules = [{ name = "r", when = "title:(", then = "drop" }]'),
        "rules[1].when",
        "doctor check verify",
    ),
    "a priority of none": (configured('publish.all.priority = ["b"]'), "'b'", "doctor check verify"),
    "the same twice": (lambda site: site.configure(SOURCE, {**SOURCE, "name": "b"}), "twice", "doctor check"),
    "a file as output": (output_is_a_file, "name a folder", "doctor check"),
    "an output below a file": (output_below_a_file, "not a folder", "doctor"),
    "a folder as store": (store_is_a_folder, "is a folder", "doctor check verify"),
    "no store yet": (lambda site: site.configure(SOURCE), "aggregator fetch", "doctor verify"),
    "no SQLite": (stored(b"words " * 1000), "not a database", "doctor verify"),
    "an empty store": (stored(b""), "aggregator fetch", "doctor verify"),
    "a cut store": (stored(b"SQLite format 3\0" + bytes(4000)), "aggregator ", "doctor verify"),
    "a table that is gone": (damaged("DROP TABLE story_keys"), "story_keys", "doctor verify"),
    "a store of tomorrow": (
        damaged("UPDATE settings SET value = '99' WHERE name = 'schema'"),
        "another version",
        "doctor verify",
    ),
    "a store of yesterday": (
        damaged("UPDATE settings SET value = '6' WHERE name = 'schema'"),
        "aggregator fetch",
        "doctor verify",
    ),
    "a clock that is behind": (polled_tomorrow, "set the clock", "doctor"),
    "a source that fails": (
        damaged(
            f"INSERT INTO sources ({NEEDED}, error, advice) "
            f"VALUES ({A_SOURCE}, 'at https://me:s3cret@a.example/?key=s3cret', '')"
        ),
        "aggregator sources failing",
        "doctor",
    ),
    "an article without its revision": (
        damaged(
            f"INSERT INTO sources ({NEEDED}) VALUES ({A_SOURCE})",
            "INSERT INTO articles (source, id, uid, state, published, updated, first_seen, revision, edits, "
            "fingerprint, file) VALUES ('a', 'x', 'x', 'found', 0, 0, 0, 7, 0, '', '')",
        ),
        "newest revision is missing",
        "verify",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_set_up_is_named_with_the_next_step(site: Site, kind: str) -> None:
    """By each command that looks at it; never with a secret, and never by a traceback."""
    make, word, commands = BROKEN[kind]
    make(site)
    for command in ("doctor", "check", "verify"):
        result = site.run(command)
        said = result.stdout + result.stderr
        assert SECRET not in said
        if command in commands.split():
            assert word in said, (command, said)
        if command == "doctor":
            facts = json.loads(site.run("doctor", "--json").stdout)
            assert facts["troubles"] == sum(each["state"] == "trouble" for each in facts["findings"])
            assert result.exit_code == bool(facts["troubles"])
            assert all(each["advice"] for each in facts["findings"] if each["state"] != "ok")


def test_doctor_finds_nothing_wrong_with_a_correct_installation(site: Site) -> None:
    """All areas are in the report."""
    site.configure(SOURCE)
    path = store_of(site)
    result = site.run("doctor", "--json")
    assert result.exit_code == 0, result.output
    findings = json.loads(result.stdout)["findings"]
    assert {each["area"] for each in findings} == {
        "versions",
        "config",
        "store",
        "output",
        "network",
        "clock",
    }
    assert "no problem was found" in site.run("doctor").stdout
    with lock_store(path, "run", NOW):
        assert "another `aggregator run`" in site.run("doctor").stdout


def test_doctor_names_folders_that_cannot_be_written(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a user other than root; also a disk that is nearly full."""
    site.configure(SOURCE)
    path = store_of(site)
    site.output.mkdir()
    path.chmod(0o644)
    allowed = os.access

    def access(place: Any, mode: int) -> bool:
        return Path(place) != site.output and allowed(place, mode)

    monkeypatch.setattr(os, "access", access)
    text = site.run("doctor").stdout
    assert f"{site.output} cannot be written by this user" in text
    assert f"chmod 600 {path}" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    monkeypatch.setattr(doctors, "_LOW_BYTES", 2**62)
    assert "free some disk space" in site.run("doctor").stdout


def test_the_clock_is_compared_with_the_programs_own_age(site: Site) -> None:
    """A machine without a battery begins in 1970."""
    site.configure(SOURCE)
    found = doctors.examine(site.file, datetime(1970, 1, 1, tzinfo=UTC), is_offline=True)
    (clock,) = (each for each in found if each.area == "clock")
    assert (clock.state, "1970-01-01" in clock.text) == ("trouble", True)


def test_doctor_reports_that_no_host_name_can_be_resolved(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If only one of several hosts is not found, this is a note."""
    site.configure(SOURCE, {"name": "b", "url": "https://b.example/feed"})

    def addresses(_guard: object, host: str, _seconds: float) -> Iterator[str]:
        if host.startswith("a"):
            raise FetchError("no such name")
        return iter(["192.0.2.1"])

    monkeypatch.setattr(Guard, "addresses", addresses)
    assert "note    network     a.example: no such name" in site.run("doctor").stdout
    site.configure(SOURCE)
    result = site.run("doctor")
    assert result.exit_code == 1
    assert "problem network     a.example: no such name" in result.stdout
    assert "a.example" not in site.run("doctor", "--offline").stdout.partition("config ")[0]
