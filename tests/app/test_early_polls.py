"""Polls before the app is opened: the same results as with it, and the app where it is needed."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.adapters import kinds
from aggregator.app import app
from aggregator.app.config_text import ConfigText
from aggregator.app.nothing_due import (
    LONGEST,
    SettledStore,
    _decoded,
    _encoded,
    _files_in,
    _stamp,
    recorded_config,
    settled_store,
)
from aggregator.config.load import Config, load
from tests.conftest import Answer, Request, Server
from tests.support.site import Site, feed

_HUB = """INSERT INTO hub_subscriptions (source, address, hubs, hub, topic, is_doubtful, token, callback,
hmac_key, state, changed, attempts, pings, forged, missed, vain, seen)
VALUES ('Tea 0', '', '[]', '', '', 0, 'x', '', '', 'named', 0, 0, 0, 0, 0, 0, '[]')"""


def _page(number: int, *more: int) -> Callable[[Request], Answer]:
    """A feed with validators; a request with them gets a 304."""
    tag = f'"{number} {more}"'

    def page(request: Request) -> Answer:
        if request.headers.get("If-None-Match") == tag:
            return Answer(304, {"Cache-Control": "max-age=7200"})
        return Answer(body=feed(f"tea {number}", number, *more), headers={"ETag": tag})

    return page


@pytest.fixture(autouse=True)
def _ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs follow each other within a tick of the system's clock."""
    monkeypatch.setattr("aggregator.app.nothing_due._TICK_SECONDS", 0.02)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Gets an entry each time that an app is opened."""
    found: list[str] = []
    begin = app.App.__init__

    def noted(self: app.App, *arguments: Any) -> None:
        found.append("opened")
        begin(self, *arguments)

    monkeypatch.setattr(app.App, "__init__", noted)
    return found


@pytest.fixture
def planet(site: Site, server: Server) -> Site:
    """A site with three sources that were polled just now."""
    for number in range(3):
        server.pages[f"/{number}"] = _page(number)
    site.configure(*({"name": f"Tea {n}", "url": f"{server.url}/{n}"} for n in range(3)))
    site.run("fetch")
    server.requests.clear()
    return site


def _record(site: Site) -> Path:
    return site.home / "var" / "aggregator.db.settled"


def _rows(site: Site) -> list[dict[str, Any]]:
    """The rows of sources; times that depend on when the run was are left out."""
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM sources ORDER BY name")]
    for row in rows:
        state = json.loads(row["schedule"])
        row["schedule"] = {
            name: value for name, value in state.items() if name not in ("polled", "next_poll")
        }
        assert row["next_poll"] == _microseconds(state["next_poll"])
        assert row["polled"] == row["succeeded"] == _microseconds(state["polled"])
        for name in ("polled", "succeeded", "next_poll"):
            del row[name]
    return rows


def _microseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.mark.parametrize("arguments", [("--force",), ("--force", "-v"), ("--force", "--json"), ("Tea 1",)])
def test_unchanged_documents_give_the_same_results_without_the_app(
    planet: Site, server: Server, opened: list[str], arguments: tuple[str, ...]
) -> None:
    """What is printed and stored, which requests are made, and that nothing is due afterwards."""
    before = planet.times()
    early = planet.run("fetch", *arguments)
    assert opened == []
    stored, requests = _rows(planet), sorted(request.path for request in server.requests)
    assert planet.times() == before
    _record(planet).unlink()
    server.requests.clear()
    usual = planet.run("fetch", *arguments)
    assert opened == ["opened"]
    assert requests == sorted(request.path for request in server.requests)
    assert [without_counts(row, 1) for row in stored] == [without_counts(row, 2) for row in _rows(planet)]
    assert early.exit_code == usual.exit_code
    assert re.sub("[0-9]", "0", early.stdout) == re.sub("[0-9]", "0", usual.stdout), "but for times"


def without_counts(row: dict[str, Any], runs: int) -> dict[str, Any]:
    """A row without the number of its polls, which is one or more by these runs."""
    state = {**row["schedule"]}
    state["polls"] -= min(state["polls"] - 1, runs)
    return {**row, "schedule": state}


def test_a_changed_document_opens_the_app_and_is_requested_once(
    planet: Site, server: Server, opened: list[str]
) -> None:
    """The other sources are saved either way, and everything is published."""
    server.pages["/1"] = _page(1, 7)
    result = planet.run("fetch", "--force")
    assert opened == ["opened"]
    assert "1 new article" in result.stdout
    assert sorted(request.path for request in server.requests) == ["/0", "/1", "/2"]
    assert "tea 1" in next(planet.output.rglob("*.xml")).read_text()
    assert {row["schedule"]["polls"] for row in _rows(planet)} == {2}
    opened.clear()
    planet.run("fetch", "--force")
    assert opened == []


@pytest.mark.parametrize("shown", [b"News of tea", b"About tea, &amp; more"])
def test_a_document_without_news_is_read_and_saved_without_the_app(
    planet: Site, server: Server, opened: list[str], shown: bytes
) -> None:
    """Only what the feed says of itself differs; the rows of its source are as those that the app saves."""
    other = feed("tea 1", 1).replace(b"About tea 1", shown)
    server.pages["/1"] = Answer(body=other, headers={"ETag": '"other"'})
    early = planet.run("fetch", "--force", "--json")
    assert opened == []
    stored = _rows(planet)
    assert json.loads(stored[1]["validators"])["etag"] == '"other"'
    _record(planet).unlink()
    server.pages["/1"] = Answer(body=other.replace(shown, b"Third"), headers={"ETag": '"more"'})
    usual = planet.run("fetch", "--force", "--json")
    assert opened == ["opened"]
    columns = ("validators", "body_hash", "schedule")
    before, after = (
        {k: v for k, v in rows[1].items() if k not in columns} for rows in (stored, _rows(planet))
    )
    assert before == after
    found = [json.loads(run.stdout)["sources"][1] for run in (early, usual)]
    assert [source["unchanged"] for source in found] == [1, 1], found


def test_rules_judge_what_is_read_before_the_app_is_opened(
    site: Site, server: Server, opened: list[str]
) -> None:
    """The app has them: it is opened first."""
    server.pages["/0"] = _page(0)
    rule = {"name": "tag", "when": "title:tea", "then": {"tag": ["leaves"]}}
    site.configure({"name": "Tea 0", "url": f"{server.url}/0"}, rules=[rule])
    site.run("fetch")
    opened.clear()
    server.pages["/0"] = _page(0, 5)
    assert "1 new article" in site.run("fetch", "--force").stdout
    assert opened == ["opened"]
    assert (site.output / "all" / "atom.xml").read_text().count('term="leaves"') == 2


def test_a_failure_is_stored_and_shown_and_its_end_too(
    planet: Site, server: Server, opened: list[str]
) -> None:
    """The status page names it; while there is a failed source, the app is opened."""
    server.pages["/1"] = Answer(500)
    assert "1 failed" in planet.run("fetch", "--force").stdout
    assert "500" in (planet.output / "status.html").read_text()
    server.pages["/1"] = _page(1)
    planet.run("fetch", "--force")
    assert "500" not in (planet.output / "status.html").read_text()
    assert opened == ["opened", "opened"]
    planet.run("fetch", "--force")
    assert len(opened) == 2


def test_a_source_that_is_due_is_polled_and_the_others_wait(
    planet: Site, server: Server, opened: list[str]
) -> None:
    """Without --force, as well."""
    _change_unnoticed(planet, "UPDATE sources SET next_poll = 0 WHERE name = 'Tea 2'", until=0)
    result = planet.run("fetch")
    assert opened == []
    assert [request.path for request in server.requests] == ["/2"]
    assert "2 not due yet" in result.stdout


def test_an_app_that_is_opened_late_has_the_whole_config(
    planet: Site, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The polls before had what is kept of it, and so has what the run keeps for the next one."""
    configs: list[Config] = []
    begin = app.App.__init__

    def noted(self: app.App, config: Config, now: datetime) -> None:
        configs.append(config)
        begin(self, config, now)

    monkeypatch.setattr(app.App, "__init__", noted)
    before = _decoded(_record(planet).read_bytes())["config facts"]
    server.pages["/1"] = _page(1, 7)
    planet.run("fetch", "--force")
    assert configs == [load(planet.file)]
    assert _decoded(_record(planet).read_bytes())["config facts"] == before


def test_a_config_that_cannot_be_kept_is_read(planet: Site, server: Server, opened: list[str]) -> None:
    """It has a secret, what is kept is damaged, or the kind of its sources was of a package that is gone."""
    damaged: Any
    facts = _decoded(_record(planet).read_bytes())["config facts"]
    for damaged in (None, {}, [], {"format": 0}, {**facts, "feed": "gone:KIND"}, {**facts, "feed": 1}):
        record = _decoded(_record(planet).read_bytes())
        _record(planet).write_bytes(_encoded({**record, "config facts": damaged}))
        kinds.forget()
        assert recorded_config(ConfigText.read(planet.file), (), datetime.now(UTC)) is None
        assert planet.run("fetch", "--force").exit_code == 0
    assert opened == []


def test_early_polls_do_not_delay_the_next_full_run(planet: Site, opened: list[str]) -> None:
    """It checks the clock, and is due an hour after the last one at the latest."""

    def settled(after: timedelta = timedelta()) -> SettledStore | None:
        return settled_store(ConfigText.read(planet.file), (), datetime.now(UTC) + after)

    first = settled()
    assert first is not None
    planet.run("fetch", "--force")
    assert opened == []
    second = settled()
    assert second is not None
    assert (second.files, second.kept["full"]) == (first.files, first.kept["full"])
    assert settled(LONGEST) is None
    assert settled(-LONGEST) is None


def _change_unnoticed(site: Site, statement: str, **changes: Any) -> None:
    """Changes the store, and its record so that nobody notices; `changes` are in the record, too."""
    store, settled = site.home / "var" / "aggregator.db", _decoded(_record(site).read_bytes())
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(statement)
    stamp = _stamp(store, _files_in(map(Path, settled["folders"])))
    assert stamp is not None
    _record(site).write_bytes(_encoded({**settled, **changes, "stamp": stamp[0], "newest": stamp[1]}))


@pytest.mark.parametrize(
    "change",
    [
        _HUB,
        "UPDATE sources SET error = 'x' WHERE name = 'Tea 0'",
        "UPDATE settings SET value = '2020-01-01T00:00:00+00:00 x' WHERE name = 'shown sources'",
        "DELETE FROM settings WHERE name = 'shown sources'",
    ],
)
def test_hubs_failures_and_pages_that_show_no_late_poll_need_the_app(
    planet: Site, opened: list[str], change: str
) -> None:
    """Even if nothing has changed since a run that knew of them."""
    _change_unnoticed(planet, change)
    planet.run("fetch", "--force")
    assert opened == ["opened"]


@pytest.mark.parametrize(
    "damage",
    [
        "validators = '[1'",
        "validators = '[1]'",
        f"validators = '{'[' * 100_000}'",
        "body_hash = x'00'",
        "identity = x'00'",
        "moved_to = x'00'",
        "succeeded = 'x'",
    ],
    ids=lambda damage: damage[:20],
)
def test_a_damaged_row_is_reported_by_the_store(planet: Site, damage: str) -> None:
    """As without early polls."""
    _change_unnoticed(planet, f"UPDATE sources SET {damage} WHERE name = 'Tea 0'")
    result = planet.run("fetch", "--force")
    assert result.exit_code != 0
    assert "damaged" in result.stderr
