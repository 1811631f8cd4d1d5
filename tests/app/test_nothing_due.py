"""A run with nothing to do is known without opening the store, and only where there is nothing to do."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.app.config_text import ConfigText
from aggregator.app.nothing_due import LONGEST, IdleRun, _decoded, _encoded, idle_run
from aggregator.store.database import Database
from tests.conftest import Answer, Request, Server
from tests.support.site import Site, feed


@pytest.fixture(autouse=True)
def _ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here things change within a tick of the clock after a run, so the run waits for the tick."""
    monkeypatch.setattr("aggregator.app.nothing_due._TICK_SECONDS", 0.02)


@pytest.fixture
def planet(site: Site, server: Server) -> Site:
    """A site with two remote sources that were polled just now, and more than its own pages."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2))
    server.pages["/b"] = Answer(body=feed("milk", 3, 4))
    site.configure(*_sources(server))
    site.run("fetch")
    return site


def _sources(server: Server) -> tuple[dict[str, object], ...]:
    tea: dict[str, object] = {"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]}
    return tea, {"name": "Milk", "url": f"{server.url}/b"}


def _found(site: Site, *names: str, after: timedelta = timedelta()) -> IdleRun | None:
    return idle_run(ConfigText.read(site.file), names, datetime.now(UTC) + after)


def _record(site: Site) -> Path:
    return site.home / "var" / "aggregator.db.settled"


def test_after_a_poll_a_run_has_nothing_to_do_until_the_next_one_is_due(planet: Site) -> None:
    """Not earlier than the poll before, either: that clock went back."""
    found = _found(planet)
    assert found is not None
    assert [*found.waiting] == ["Tea", "Milk"]
    assert _found(planet, "Milk") is not None
    assert _found(planet, after=LONGEST) is None
    assert _found(planet, after=-LONGEST) is None


@pytest.mark.parametrize("arguments", [(), ("-v",), ("-q",), ("Milk",), ("--json",), ("--json", "Tea")])
def test_an_idle_run_prints_the_same_as_a_usual_run(planet: Site, arguments: tuple[str, ...]) -> None:
    """As text and as JSON."""
    known = planet.run("fetch", *arguments)
    _record(planet).unlink()
    usual = planet.run("fetch", *arguments)
    assert (known.stdout, known.exit_code) == (usual.stdout, usual.exit_code)
    # Older versions of rich end even a progress bar that was not shown by an empty line.
    assert known.stderr.split() == usual.stderr.split()


def test_an_idle_run_writes_nothing(planet: Site) -> None:
    """Not a byte is written."""
    before = planet.times(), (planet.home / "var" / "aggregator.db").stat().st_mtime_ns
    planet.run("fetch")
    assert (planet.times(), (planet.home / "var" / "aggregator.db").stat().st_mtime_ns) == before


def _edit_config(site: Site) -> None:
    site.file.write_text(site.file.read_text().replace("Planet", "Another planet"))


def _disable(site: Site) -> None:
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as connection, connection:
        connection.execute("UPDATE sources SET next_poll = 0")
    connection.close()


def _leave_journal(site: Site) -> None:
    (site.home / "var" / "aggregator.db-wal").write_bytes(b"what another process is writing")


def _move_store(site: Site) -> None:
    (site.home / "var" / "aggregator.db").rename(site.home / "var" / "elsewhere.db")


def _remove_document(site: Site) -> None:
    next(site.output.rglob("*.xml")).unlink()


def _change_document(site: Site) -> None:
    document = next(site.output.rglob("*.xml"))
    document.write_bytes(document.read_bytes()[::-1])


def _remove_output(site: Site) -> None:
    shutil.rmtree(site.output)


def _add_file(site: Site) -> None:
    (site.output / "drinks" / "forgotten.txt").write_text("a file that was not there")


def _damage_record(site: Site) -> None:
    record = _record(site).read_bytes()
    _record(site).write_bytes(record.replace(b'"full": 1', b'"full": 2'))


def _shorten_record(site: Site) -> None:
    _record(site).write_bytes(_record(site).read_bytes()[:-1])


def _empty_record(site: Site) -> None:
    _record(site).write_bytes(_encoded({}))


def _of_other_version(site: Site) -> None:
    kept = _decoded(_record(site).read_bytes())
    _record(site).write_bytes(_encoded({**kept, "mark": ["0", *kept["mark"][1:]]}))


_CHANGES = [
    *(_edit_config, _disable, _leave_journal, _move_store, _remove_document, _change_document),
    *(_remove_output, _add_file, _damage_record, _shorten_record, _empty_record, _of_other_version),
]


@pytest.mark.parametrize("change", _CHANGES)
def test_any_change_of_config_store_or_output_makes_a_usual_run(
    planet: Site, change: Callable[[Site], None]
) -> None:
    """By any program; a record that cannot be read counts as missing."""
    assert _found(planet) is not None
    change(planet)
    assert _found(planet) is None


@pytest.mark.parametrize("change", [_edit_config, _disable, _remove_document, _remove_output, _add_file])
def test_the_next_run_does_it_and_those_after_it_have_nothing_to_do(
    planet: Site, change: Callable[[Site], None]
) -> None:
    """The usual run comes to its end, and says so again."""
    files = planet.files()
    change(planet)
    assert planet.run("fetch").exit_code == 0
    assert _found(planet) is not None
    if change is not _edit_config and change is not _add_file:
        assert planet.files().keys() == files.keys()


def test_force_and_refetch_poll_in_any_case(planet: Site, server: Server) -> None:
    """They are for that."""
    before = len(server.requests)
    planet.run("fetch", "--force")
    planet.run("fetch", "--refetch")
    assert len(server.requests) == before + 4


def test_a_source_that_is_disabled_is_polled_by_its_name(planet: Site, server: Server) -> None:
    """It is none of those that wait."""
    tea, milk = _sources(server)
    planet.configure(tea, {**milk, "enabled": False})
    planet.run("fetch")
    assert _found(planet) is not None
    assert _found(planet, "Milk") is None
    assert _found(planet, "Tea", "nonsense") is None


@dataclass(frozen=True)
class _Case:
    sources: tuple[dict[str, object], ...] = ()
    settings: tuple[tuple[str, object], ...] = ()


_NEVER = {
    "a folder of articles": _Case(sources=({"name": "Notes", "kind": "articles", "path": "notes"},)),
    "a rule in which time passes": _Case(
        settings=(("feeds", [{"name": "Fresh", "query": "age:<7d"}]),),
    ),
    "copies of pictures": _Case(settings=(("publish.media", True),)),
    "posts": _Case(settings=(("publish.posts", {"folder": "posts"}),)),
}


@pytest.mark.parametrize("case", _NEVER)
def test_configs_that_depend_on_time_or_other_files_leave_no_record(
    case: str, planet: Site, server: Server
) -> None:
    """Every run with such a config is a usual one."""
    (planet.home / "notes").mkdir()
    added = _NEVER[case]
    planet.configure(*_sources(server), *added.sources, **dict(added.settings))
    ran = planet.run("fetch")
    assert ran.exit_code == 0, ran.output
    assert _found(planet) is None


def test_pages_that_complete_articles_are_looked_for_in_every_run(planet: Site, server: Server) -> None:
    """They are due at times of their own."""
    tea, milk = _sources(server)
    planet.configure(tea, {**milk, "full_text": True})
    planet.run("fetch")
    assert _found(planet) is None


def test_a_store_elsewhere_is_found_and_one_on_a_server_has_no_record(planet: Site, server: Server) -> None:
    """By the keys before all tables, which is all that is read of a config."""
    planet.configure(*_sources(server), store="kept/planet.db")
    planet.run("fetch")
    assert _found(planet) is not None
    assert (planet.home / "kept" / "planet.db.settled").exists()
    text = planet.file.read_text()
    for odd in ('store = """\n[fetch]\n"""\n' + text, text.replace('"kept/', '"postgresql://kept/')):
        planet.file.write_text(odd)
        assert _found(planet) is None


def test_a_change_in_the_same_tick_of_the_clock_is_not_missed(planet: Site) -> None:
    """The mtime that the run itself left is not the one that the record has."""
    store = planet.home / "var" / "aggregator.db"
    written: list[int] = []
    close = Database.close

    def closed(self: Database) -> None:
        close(self)
        written.append(store.stat().st_mtime_ns)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "close", closed)
        planet.run("fetch", "--force", "--refetch")
    assert _found(planet) is not None
    os.utime(store, ns=(written[-1], written[-1]))
    assert _found(planet) is None


def test_a_record_is_later_than_all_that_was_published(planet: Site, server: Server) -> None:
    """A file that changes in the same tick of the clock as the run would keep its mtime."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2, 5))
    planet.run("fetch", "--force")
    assert _found(planet) is not None
    kept = _record(planet).stat().st_mtime_ns
    # An mtime in the future, always a whole second, was set: no change gives a file that.
    found = {file.stat().st_mtime_ns for file in planet.output.rglob("*")}
    assert all(mtime < kept for mtime in found if mtime % 1_000_000_000)


def test_a_store_whose_mtime_may_not_be_set_has_no_record(
    planet: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It belongs to another user."""
    _record(planet).unlink()

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "not yours")

    monkeypatch.setattr(os, "utime", refused)
    planet.run("fetch", "--force")
    assert not _record(planet).exists()


def test_without_a_record_every_run_is_a_usual_run(planet: Site) -> None:
    """A folder of its name is in the way."""
    _record(planet).unlink()
    _record(planet).mkdir()
    assert planet.run("fetch").exit_code == 0
    assert _found(planet) is None
    assert [*(planet.home / "var").glob("*.part")] == []


def test_a_copied_site_ignores_the_record_of_the_original_store(planet: Site) -> None:
    """The copied files have the same mtimes."""
    copied = planet.home.with_name("copied")
    shutil.copytree(planet.home, copied)
    assert idle_run(ConfigText.read(copied / "config" / "aggregator.toml"), (), datetime.now(UTC)) is None


def test_a_config_whose_paths_count_from_another_folder_has_no_record_of_the_same_store(
    planet: Site,
) -> None:
    """The text is the same, and `store` is absolute; its output is somewhere else."""
    store = planet.home / "var" / "aggregator.db"
    planet.file.write_text(f'store = "{store}"\n{planet.file.read_text()}')
    planet.run("fetch")
    assert _found(planet) is not None
    other = planet.home.with_name("other") / "config" / planet.file.name
    other.parent.mkdir(parents=True)
    shutil.copy(planet.file, other)
    assert idle_run(ConfigText.read(other), (), datetime.now(UTC)) is None


def test_a_store_behind_a_link_is_known_by_the_file_that_changes(planet: Site) -> None:
    """Its mtime is its own: backups go by it."""
    store, file = planet.home / "var" / "aggregator.db", planet.home / "store.db"
    store.rename(file)
    store.symlink_to(file)
    planet.run("fetch", "--force")
    first = file.stat().st_mtime_ns
    assert _found(planet) is not None
    planet.run("fetch", "--force")
    assert file.stat().st_mtime_ns > first
    assert _found(planet) is not None
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE sources SET next_poll = 0")
    assert _found(planet) is None


@pytest.mark.parametrize("is_early", [False, True])
def test_a_config_that_is_edited_during_a_run_is_for_the_next_one(
    planet: Site, server: Server, is_early: bool
) -> None:
    """If it is as before by then, nothing of the edit is left."""
    text = planet.file.read_text()

    def edited(_: Request) -> Answer:
        planet.file.write_text(text.replace("Milk", "Cheese") if is_early else "[[not TOML")
        return Answer(body=feed("tea", 1, 2, 5))

    if not is_early:
        _record(planet).unlink()
    server.pages["/a"] = edited
    assert planet.run("fetch", "--force").exit_code == 0
    planet.file.write_text(text)
    found = _found(planet)
    assert found is not None
    assert [*found.waiting] == ["Tea", "Milk"]


def test_a_source_that_is_added_while_a_run_ends_is_polled_by_the_next(
    planet: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the run had already looked for sources that are due."""
    close = Database.close

    def closed(self: Database) -> None:
        monkeypatch.setattr(Database, "close", close)
        close(self)
        planet.run("add", f"{server.url}/c", "--kind", "feed", "--name", "Cheese", "--store")

    server.pages["/c"] = Answer(body=feed("cheese", 6))
    monkeypatch.setattr(Database, "close", closed)
    planet.run("fetch", "--force", "--refetch")
    assert "Cheese: 1 new" in planet.run("fetch").stdout


def test_a_source_that_a_hub_makes_due_while_a_run_ends_is_polled_by_the_next(
    planet: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server saves pings while other processes run."""
    close = Database.close

    def closed(self: Database) -> None:
        monkeypatch.setattr(Database, "close", close)
        close(self)
        now = datetime.now(UTC).timestamp() * 1_000_000
        with closing(sqlite3.connect(planet.home / "var" / "aggregator.db")) as connection, connection:
            connection.execute("UPDATE sources SET next_poll = ? WHERE name = 'Milk'", (int(now),))

    monkeypatch.setattr(Database, "close", closed)
    planet.run("fetch", "--force", "--refetch")
    assert _found(planet) is None


_LIST = b"""<opml version="2.0"><head/><body><outline text="Milk" xmlUrl="%s/b"/></body></opml>"""
_ANSWERS = {
    "unchanged": Answer(304),
    "busy": Answer(503, headers={"Retry-After": "7200"}),
    "gone": Answer(410),
    "broken": Answer(body=b"<rss"),
    "moved": Answer(301, headers={"Location": "/b"}),
    "empty": Answer(body=feed("tea")),
    "edited": Answer(body=feed("tea", 1, 2, 5, body="Other")),
}


@pytest.mark.parametrize("answer", _ANSWERS)
def test_the_record_agrees_with_a_usual_run(answer: str, planet: Site, server: Server) -> None:
    """Whatever the last poll gave, a usual run finds nothing to do either."""
    server.pages["/a"] = _ANSWERS[answer]
    planet.run("fetch", "--force")
    assert _found(planet) is not None
    known, files = planet.run("fetch", "--json"), planet.times()
    _record(planet).unlink()
    usual = planet.run("fetch", "--json")
    assert known.stdout == usual.stdout
    assert planet.times() == files


def test_feeds_of_a_list_are_polled_before_a_run_counts_as_idle(planet: Site, server: Server) -> None:
    """Its feeds are among those that wait."""
    server.pages["/list"] = Answer(body=_LIST % server.url.encode())
    planet.configure(_sources(server)[0], {"name": "List", "kind": "opml", "url": f"{server.url}/list"})
    planet.run("fetch")
    found = _found(planet)
    assert found is not None
    assert len(found.waiting) == 3
    known = planet.run("fetch", "--json")
    _record(planet).unlink()
    assert planet.run("fetch", "--json").stdout == known.stdout
