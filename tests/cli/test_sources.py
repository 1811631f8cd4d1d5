"""The health of sources on a terminal: lines of 80 columns, everything of one source, a summary."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.app.store_lock import lock_store
from aggregator.model.struct import replace
from aggregator.store import Store
from tests.conftest import Answer, Server
from tests.support.site import Site, feed

LONG_NAME = "The Quarterly Journal of the Society for Tea, Biscuits and 大数据中心"


@pytest.fixture
def polled(site: Site, server: Server) -> Site:
    """A site with a source of each of a few states, polled once; `new` was added after it."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1, 2, 3)), "/b": Answer(404), "/c": Answer(410)}
    sources = [
        {"name": name, "url": f"{server.url}/{path}"}
        for name, path in ((LONG_NAME, "a"), ("b", "b"), ("c", "c"))
    ]
    site.configure(*sources)
    site.run("fetch")
    site.configure(*sources, {"name": "d", "url": f"{server.url}/d"})
    return site


def test_each_source_has_one_line_of_at_most_80_columns(polled: Site) -> None:
    """Whatever its name and whatever decides its next poll."""
    from rich.cells import cell_len

    lines = polled.run("sources").stdout.splitlines()
    heading = next(line for line in lines if line.startswith("source"))
    table = lines[lines.index(heading) + 1 :][:4]
    assert [line.split()[0] for line in table] == ["The", "b", "c", "d"]
    assert all(cell_len(line) <= 80 for line in (heading, *table))
    assert "…" in table[0]
    assert "failing" in table[1]
    assert "back-off" in table[1]
    assert table[2].split()[1:] == ["gone", "0", "never", "never", "gone"]
    assert table[3].split()[1:] == ["new", "0", "never", "now", "new"]


def test_the_last_error_is_below_the_list_with_its_advice(polled: Site) -> None:
    """In full, however long it is."""
    assert "b: there is nothing at this address (404); look for" in polled.run("sources").stdout


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("failing",), ["b"]),
        (("failing", "gone"), ["b", "c"]),
        (("b", "new"), ["b", "d"]),
        (("broken",), []),
    ],
)
def test_names_and_states_choose(polled: Site, words: tuple[str, ...], names: list[str]) -> None:
    """A source is listed when it has one of the names, or is in one of the states."""
    facts = json.loads(polled.run("sources", "--json", *words).stdout)["sources"]
    assert [each["name"] for each in facts] == names


def test_a_word_that_is_neither_a_source_nor_a_state_is_refused(polled: Site) -> None:
    """With exit code 2, like every wrong name."""
    result = polled.run("sources", "fialing")
    assert result.exit_code == 2
    assert "no source is named 'fialing'" in result.stderr


def test_long_shows_everything_of_a_source(polled: Site) -> None:
    """The whole name, the reason of the next poll in a sentence, the error and its advice."""
    shown = polled.run("sources", "--long", LONG_NAME, "b").stdout
    assert LONG_NAME in shown
    assert "failing, 1 failure in a row" in shown
    assert "it failed once; each failure doubles the wait" in shown
    assert "look for the feed's new place" in shown


def test_a_script_reads_times_and_codes_beside_the_sentences(polled: Site) -> None:
    """ISO 8601 in UTC; a reason's code never changes, its sentence may."""
    facts = {each["name"]: each for each in json.loads(polled.run("sources", "--json").stdout)["sources"]}
    assert facts["b"]["reason"] == "back-off"
    assert datetime.fromisoformat(facts["b"]["next_poll_at"]).tzinfo == UTC
    assert facts["b"]["next_poll"].endswith("up to a week")
    assert (facts["c"]["reason"], facts["c"]["next_poll_at"]) == ("gone", None)


def test_the_summary_names_ten_sources_of_a_state_and_counts_the_rest(site: Site, server: Server) -> None:
    """All others are in `sources silent`."""
    server.pages |= {f"/{n}": Answer(200, {}, feed(f"f{n}", 1, 2, 3)) for n in range(13)}
    site.configure(*({"name": f"s{n:02}", "url": f"{server.url}/{n}"} for n in range(13)))
    site.run("fetch")
    lines = site.run("status").stdout.splitlines()
    assert lines[0] == "sources   13: 13 silent"
    assert lines[4].startswith("silent    s00, s01, ")
    assert lines[4].endswith("s09 and 3 more")
    assert lines[5:] == [
        "lag       p50 0 min, p95 0 min, p99 0 min; 0 of 13 are due",
        "worker    none runs",
    ]


def test_the_summary_shows_how_late_sources_are_and_who_polls(site: Site, server: Server) -> None:
    """For a script in seconds; a source that is not enabled is not late, and one without a poll is due."""
    server.pages |= {f"/{n}": Answer(200, {}, feed(f"f{n}", 1)) for n in range(4)}
    sources: list[dict[str, object]] = [{"name": f"s{n}", "url": f"{server.url}/{n}"} for n in range(4)]
    site.configure(*sources)
    site.run("fetch")
    sources[3]["enabled"] = False
    site.configure(*sources, {"name": "new", "url": f"{server.url}/new", "enabled": False})
    store = Store(site.home / "var" / "aggregator.db")
    now = datetime.now(UTC)
    states = store.sources.schedules()
    late = {"s0": timedelta(hours=5), "s3": timedelta(days=90)}
    store.sources.plan({name: replace(states[name], next_poll=now - by) for name, by in late.items()})
    store.close()
    site.run("publish")  # which reads the config
    with lock_store(site.home / "var" / "aggregator.db", "run", now):
        facts = json.loads(site.run("status", "--json").stdout)
        lines = site.run("status").stdout.splitlines()
    lag = facts["lag"]
    assert (lag["sources"], lag["due"], lag["p50"]) == (3, 1, 0)
    assert 5 * 3_600 <= lag["p95"] == lag["p99"] < 5 * 3_600 + 600
    worker = {"machine": socket.gethostname(), "process": os.getpid(), "command": "run"}
    assert facts["workers"] == [{**worker, "since": f"{now:%Y-%m-%dT%H:%M:%SZ}"}]
    assert lines[5] == "lag       p50 0 min, p95 5 h, p99 5 h; 1 of 3 are due"
    assert lines[6].startswith(
        f"worker    aggregator run on {socket.gethostname()} (process {os.getpid()}) since "
    )
