"""Sources in the store: imported, polled, published, changed and removed as those of a config are."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click.testing
import pytest

from aggregator.adapters.opml.outlines import read
from aggregator.app.app import App
from aggregator.cli.main import main
from aggregator.config import load as config
from aggregator.store import Store
from tests.conftest import Answer, Server
from tests.support.site import Site, feed

FAST = {"host_gap": "0s"}


def store_of(site: Site) -> Path:
    """The store's file."""
    return site.home / "var" / "aggregator.db"


def rows(site: Site, query: str) -> list[tuple[object, ...]]:
    """Returns what a query finds in the store."""
    with closing(sqlite3.connect(store_of(site))) as direct:
        return direct.execute(query).fetchall()


def serve(server: Server, *names: str) -> None:
    """Feeds by these names; guids are no addresses, so that ids are made of the source's name."""
    for name in names:
        body = feed(name, 1, 2, 3).replace(f"<guid>https://{name}.example/".encode(), b"<guid>")
        server.pages[f"/{name}"] = Answer(200, {}, body)


def opml(server: Server, **categories: str) -> str:
    """A list of feeds, each in a folder."""
    outlines = "".join(
        f'<outline text="{folder}"><outline type="rss" text="{name}" xmlUrl="{server.url}/{name}"/></outline>'
        for name, folder in categories.items()
    )
    return f'<opml version="2.0"><body>{outlines}</body></opml>'


@pytest.fixture
def planet(site: Site, server: Server) -> Site:
    """A site without sources in its config, and three in its store, which were polled."""
    serve(server, "a", "b", "c")
    site.configure(fetch=FAST)
    (site.home / "list.opml").write_text(opml(server, a="News", b="News", c="Tea"))
    result = site.run("import", "--store", str(site.home / "list.opml"))
    assert result.exit_code == 0, result.output
    assert "3 of 3 feeds added to" in result.stdout
    assert site.run("fetch").exit_code == 0
    return site


def ids(site: Site, name: str) -> list[str]:
    """The ids of a feed's entries."""
    return [each["id"] for each in json.loads((site.output / name / "feed.json").read_bytes())["items"]]


@pytest.mark.parametrize("many", [5_000, 0], ids=["in memory", "read when due"])
def test_output_is_that_of_a_config_with_the_same_sources(
    site: Site, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """Every feed, byte for byte; lists and pages of sources too where they are in memory."""
    monkeypatch.setattr("aggregator.app.sources_outside_config.MANY", many)
    serve(server, "a", "b", "c")
    folders = {"a": "News", "b": "News", "c": "Tea"}
    site.configure(
        *({"name": n, "url": f"{server.url}/{n}", "categories": [c]} for n, c in folders.items()), fetch=FAST
    )
    site.run("fetch")
    other = Site(tmp_path / "other")
    other.configure(fetch=FAST)
    (other.home / "list.opml").write_text(opml(server, **folders))
    other.run("import", "--store", str(other.home / "list.opml"))
    other.run("fetch")
    one, two = site.files(), other.files()
    about_sources = {"status.html", "sources.opml"}
    assert set(one) - about_sources == set(two) - about_sources
    assert [name for name in one if name not in about_sources and one[name] != two[name]] == []
    if many:
        assert two["sources.opml"] == one["sources.opml"]
        assert b"3 sources" in two["status.html"] or b">c<" in two["status.html"]
    assert other.file.read_text().count("sources") == 0


@pytest.mark.parametrize("many", [5_000, 0], ids=["in memory", "read when due"])
def test_a_run_polls_what_is_due_and_nothing_twice(
    planet: Site, server: Server, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """By command, by name and by a daemon's round; a disabled one by name only."""
    monkeypatch.setattr("aggregator.app.sources_outside_config.MANY", many)
    server.requests.clear()
    planet.run("fetch")
    assert server.requests == []
    planet.run("disable", "b")
    planet.run("fetch", "--force", "a", "b")
    assert sorted(each.path for each in server.requests) == ["/a", "/b"]
    now = datetime.now(UTC) + timedelta(days=40)
    with App(config.load(planet.file), now) as app:
        assert [source.name for source in app.due_names(now, 10)] in (["a", "c"], ["c", "a"])
        assert len(app.due_names(now, 1)) == 1


def test_a_name_that_no_source_has_is_refused(planet: Site) -> None:
    """With one that is near, wherever that is."""
    for command in (("fetch",), ("remove",), ("disable",)):
        result = planet.run(*command, "aa")
        assert result.exit_code == 2
        assert "no source is named 'aa'" in result.stderr


@pytest.mark.parametrize("many", [5_000, 0], ids=["in memory", "read when due"])
def test_each_command_acts_where_the_source_is(
    planet: Site, server: Server, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """Other categories, another name, off and gone, and back again with its articles; ids stay."""
    monkeypatch.setattr("aggregator.app.sources_outside_config.MANY", many)
    before, text = ids(planet, "Tea"), planet.file.read_bytes()
    assert planet.run("move", "c", "Milk", "News").exit_code == 0
    planet.run("publish")
    assert sorted(ids(planet, "Milk")) == sorted(before)
    assert len(ids(planet, "News")) == 9
    assert planet.run("rename", "c", "Cocoa").exit_code == 0
    assert "0 new" in planet.run("fetch", "--refetch", "Cocoa").stdout
    assert sorted(ids(planet, "Milk")) == sorted(before)
    planet.run("disable", "Cocoa")
    assert rows(planet, "SELECT name FROM sources WHERE is_enabled = 0") == [("Cocoa",)]
    planet.run("enable", "Cocoa")
    planet.run("remove", "Cocoa")
    planet.run("publish")
    assert len(ids(planet, "all")) == 6
    result = planet.run("add", f"{server.url}/c", "--store", "--yes", "--name", "Cocoa", "-c", "Milk")
    assert result.exit_code == 0, result.output
    planet.run("fetch")
    assert sorted(ids(planet, "Milk")) == sorted(before)
    assert planet.file.read_bytes() == text


def test_add_follows_nothing_twice(planet: Site, server: Server) -> None:
    """Neither the store what the config follows, nor the other way round; a name is one source's."""
    serve(server, "d")
    assert "followed already, as 'a'" in planet.run("add", f"{server.url}/a", "--yes").stdout
    assert "followed already, as 'a'" in planet.run("add", f"{server.url}/a", "--yes", "--store").stdout
    result = planet.run("add", f"{server.url}/d", "--yes", "--store", "--name", "a")
    assert result.exit_code == 2
    assert "a source is named 'a' already" in result.stderr
    planet.run("add", f"{server.url}/d", "--yes")
    (planet.home / "more.txt").write_text(f"{server.url}/d\n{server.url}/a\n")
    result = planet.run("import", "--store", str(planet.home / "more.txt"), "--json")
    facts = json.loads(result.stdout)
    assert facts["added"] == 0
    assert [each["text"] for each in facts["problems"]] == [
        "is followed already, as 'd'",
        "is followed already, as 'a'",
    ]


def test_a_file_of_addresses_is_imported_some_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by their addresses; what is no address, or stands twice, is left out; again nothing is new."""
    monkeypatch.setattr("aggregator.app.importing._AT_ONCE", 2)
    lines = ["# mine", "", "https://one.example/feed/", "http://one.example/feed", "https://two.example"]
    lines += ["ftp://three.example/", "https://me:pw@four.example/", "https://five.example/a"]
    (site.home / "list.txt").write_text("\n".join(lines))
    assert "would be added" in site.run("import", "--store", "--dry-run", str(site.home / "list.txt")).stdout
    assert rows(site, "SELECT * FROM followed") == []
    result = site.run("import", "--store", str(site.home / "list.txt"))
    assert "3 of 6 feeds added to" in result.stdout
    assert "pw" not in result.stderr
    assert rows(site, "SELECT name FROM followed ORDER BY name") == [
        ("five.example/a",),
        ("one.example/feed",),
        ("two.example",),
    ]
    assert "0 of 6 feeds added" in site.run("import", "--store", str(site.home / "list.txt")).stdout
    plain = Site(site.home / "plain")
    assert plain.run("import", str(site.home / "list.txt")).exit_code == 2  # the config takes all or nothing


def test_feeds_of_the_same_title_have_names_of_their_own(site: Site, server: Server) -> None:
    """The first has the title, the others their address behind it."""
    body = "".join(f'<outline type="rss" text="Blog" xmlUrl="https://{n}.example/f"/>' for n in "abc")
    (site.home / "list.opml").write_text(f"<opml><body>{body}</body></opml>")
    site.run("import", "--store", str(site.home / "list.opml"))
    assert rows(site, "SELECT name FROM followed ORDER BY name") == [
        ("Blog",),
        ("Blog (b.example/f)",),
        ("Blog (c.example/f)",),
    ]


@pytest.mark.parametrize("many", [5_000, 0], ids=["in memory", "read when due"])
def test_a_bad_row_is_reported_and_stops_no_run(
    planet: Site, server: Server, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """The others are polled; `sources` says what is wrong, and once it is set right it is polled again."""
    monkeypatch.setattr("aggregator.app.sources_outside_config.MANY", many)
    monkeypatch.delenv("TEA_COOKIE", raising=False)
    settings = json.dumps({"url": f"{server.url}/c", "cookie": {"env": "TEA_COOKIE"}})
    with closing(sqlite3.connect(store_of(planet))) as direct, direct:
        direct.execute("UPDATE followed SET settings = ?, is_special = 1 WHERE name = 'c'", (settings,))
        direct.execute("UPDATE followed SET settings = '{\"kind\": 5}' WHERE name = 'a'")
        direct.execute("UPDATE sources SET next_poll = 1")
        direct.execute("INSERT INTO followed VALUES ('d', '[not JSON', 1, 'd', 1, 1)")
    server.requests.clear()
    result = planet.run("fetch")
    assert [each.path for each in server.requests] == ["/b"]
    assert result.exit_code == 0
    facts = {each["name"]: each for each in json.loads(planet.run("sources", "--json").stdout)["sources"]}
    assert {name: each["state"] for name, each in facts.items() if name != "b"} == {
        "a": "failing",
        "c": "failing",
        "d": "new",
    }
    assert "the environment variable TEA_COOKIE is not set" in facts["c"]["error"]
    assert "url: a source in the store has an address" in facts["a"]["error"]
    planet.run("fetch")
    assert len(server.requests) == 1
    monkeypatch.setenv("TEA_COOKIE", "x")
    planet.run("move", "c", "Tea")
    planet.run("fetch")
    assert [each.path for each in server.requests] == ["/b", "/c"]


def test_the_config_counts_more_than_the_store(planet: Site, server: Server) -> None:
    """A name or an address that both have is polled as the config says, once."""
    serve(server, "d")
    planet.configure(
        {"name": "a", "url": f"{server.url}/d", "categories": ["D"]},
        {"name": "B", "url": f"{server.url}/b", "categories": ["D"]},
        fetch=FAST,
    )
    with closing(sqlite3.connect(store_of(planet))) as direct, direct:
        direct.execute("UPDATE sources SET next_poll = 1")
    server.requests.clear()
    planet.run("fetch")
    assert sorted(each.path for each in server.requests) == ["/b", "/c", "/d"]


def test_changed_fetch_settings_are_tried_at_what_failed(
    site: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for sources of a config; those that went well are left in peace."""
    monkeypatch.setattr("aggregator.app.sources_outside_config.MANY", 0)
    serve(server, "a")
    site.configure(fetch={**FAST, "max_bytes": 2_000})
    server.pages["/b"] = Answer(200, {}, feed("b", *range(60)))
    (site.home / "list.txt").write_text(f"{server.url}/a\n{server.url}/b\n")
    site.run("import", "--store", str(site.home / "list.txt"))
    site.run("fetch")
    site.configure(fetch=FAST)
    server.requests.clear()
    site.run("fetch")
    assert [each.path for each in server.requests] == ["/b"]


def test_export_and_backup_have_them(planet: Site, tmp_path: Path) -> None:
    """The list has them in their folders; a restored store follows the same."""
    listed = read(planet.run("export").stdout_bytes)
    assert {(each.title, *each.categories) for each in listed.subscriptions} == {
        ("a", "News"),
        ("b", "News"),
        ("c", "Tea"),
    }
    planet.run("backup", str(planet.home / "planet.zip"))
    restored = Site.__new__(Site)
    restored.home = tmp_path / "restored"
    runner = click.testing.CliRunner()
    result = runner.invoke(main, ["restore", str(planet.home / "planet.zip"), str(restored.home)])
    assert result.exit_code == 0, result.output
    both = "SELECT name, settings, enabled, key, is_special FROM followed ORDER BY name"
    assert rows(restored, both) == rows(planet, both)


def test_sources_of_a_foreign_store_use_no_environment_variables(planet: Site, tmp_path: Path) -> None:
    """Nor proxies: such sources are disabled by a restore without --trust."""
    settings = json.dumps({"url": "https://evil.example/", "cookie": {"env": "HOME"}})
    with closing(sqlite3.connect(store_of(planet))) as direct, direct:
        direct.execute("UPDATE followed SET settings = ? WHERE name = 'b'", (settings,))
    planet.run("backup", str(planet.home / "planet.zip"))
    for options, off in (((), [("b",)]), (("--trust",), [])):
        restored = Site.__new__(Site)
        restored.home = tmp_path / f"restored{len(options)}"
        arguments = ["restore", str(planet.home / "planet.zip"), str(restored.home), *options]
        result = click.testing.CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        assert rows(restored, "SELECT name FROM followed WHERE NOT enabled") == off
        assert ("it would send variables" in result.output) is bool(off)


def test_many_are_not_read_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of a store that follows many has only those in memory that more than polls ask for."""
    monkeypatch.setattr("aggregator.app.sources_outside_config.MANY", 3)
    (site.home / "list.txt").write_text("\n".join(f"https://s{n}.example/" for n in range(1_200)))
    site.run("import", "--store", str(site.home / "list.txt"))
    now = datetime.now(UTC)
    with App(config.load(site.file), now) as app:
        assert app.config.sources == ()
        assert len(app.due_names(now, 500)) == 500
    with closing(Store(store_of(site))) as store:
        assert [len(batch) for batch in store.sources_outside_config.batches()] == [500, 500, 200]
        assert store.sources_outside_config.per_category() == {"": 1_200}
        assert store.due_sources.lag(now).due == 1_200


def test_pages_count_the_sources_that_they_do_not_list(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """With many sources, publishing reads only those in memory, and lists these."""
    monkeypatch.setattr("aggregator.app.sources_outside_config.MANY", 1)
    (site.home / "list.txt").write_text("\n".join(f"https://s{n}.example/" for n in range(3)))
    site.run("import", "--store", str(site.home / "list.txt"))
    assert site.run("publish").exit_code == 0
    assert "3 further sources are followed" in (site.output / "status.html").read_text(encoding="utf-8")
    monkeypatch.setattr("aggregator.app.sources_outside_config.MANY", 3)
    assert site.run("publish").exit_code == 0
    assert "further sources" not in (site.output / "status.html").read_text(encoding="utf-8")


def test_changes_by_lists_and_commands_are_noticed_by_other_processes(site: Site) -> None:
    """Nothing is read again without a change: a worker checks before each publication."""
    now = datetime.now(UTC)
    with App(config.load(site.file), now) as app:
        before = app.config
        app.refresh(now)
        assert app.config is before
        (site.home / "list.txt").write_text("https://new.example/")
        site.run("import", "--store", str(site.home / "list.txt"))
        app.refresh(now)
        assert [source.url for source in app.config.sources] == ["https://new.example/"]
    for mark in ("is_special", "is_changed"):
        plan = rows(site, f"EXPLAIN QUERY PLAN SELECT name FROM followed WHERE {mark} = 1")
        assert f"followed_{mark}" in str(plan)
