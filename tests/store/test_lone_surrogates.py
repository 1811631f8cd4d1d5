"""Lone surrogates in JSON texts of the store, written by hand or by a stranger whose backup was restored.

JSON has them as escapes (`"\\ud800"`); no database, file name or HTTP header can contain them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.load import load
from aggregator.config.sources_outside_config import checked_source
from aggregator.config.store_address import StoreAddress
from aggregator.errors import ConfigError, StoreError
from aggregator.store import Store
from tests.conftest import Answer, Server
from tests.support.site import Site, feed

HALF = "half \ud800"
LINK = "https://x.example/\ud800"
Change = Callable[[sqlite3.Connection], object]


def _spoilt(value: Any) -> Any:
    """The same with half a character behind each text."""
    if isinstance(value, dict):
        return {key: _spoilt(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_spoilt(each) for each in value]
    return f"{value}\ud800" if isinstance(value, str) else value


def _of_article(**fields: Any) -> Change:
    def change(store: sqlite3.Connection) -> None:
        pk, data = store.execute("SELECT pk, data FROM revisions LIMIT 1").fetchone()
        kept = json.loads(data)
        values = {**kept, **fields, "origin": {**kept["origin"], **fields.get("origin", {})}}
        store.execute("UPDATE revisions SET data = ? WHERE pk = ?", (json.dumps(values), pk))

    return change


def _of_all(table: str, key: str, column: str) -> Change:
    def change(store: sqlite3.Connection) -> None:
        for name, text in store.execute(f"SELECT {key}, {column} FROM {table}").fetchall():
            if text[:1] in ("{", "["):
                spoilt = json.dumps(_spoilt(json.loads(text)))
                store.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (spoilt, name))

    return change


def _followed(**settings: Any) -> Change:
    return lambda store: store.execute(
        "INSERT INTO followed VALUES ('Followed', ?, 1, 'key', 1, 1)", (json.dumps(settings),)
    )


def _listed(store: sqlite3.Connection) -> None:
    store.execute(
        "INSERT INTO subscriptions (list, key, name, url, categories, missing) SELECT name, 'key', 'Listed', "
        "replace(address, '/a', '/b'), ?, 0 FROM sources LIMIT 1",
        (json.dumps([HALF]),),
    )


CHANGES: dict[str, Change] = {
    "categories": _of_article(categories=[HALF, "drinks"]),
    "tags": _of_article(tags=[HALF]),
    "title": _of_article(title=HALF),
    "link": _of_article(link=LINK),
    "authors": _of_article(authors=[HALF]),
    "picture": _of_article(headimg=f"{LINK}.png"),
    "content": _of_article(summary=HALF, content=f"<p>\ud800 <img src='{LINK}.png'></p>"),
    "enclosures": _of_article(enclosures=[{"url": f"{LINK}.mp3", "type": f"audio/{HALF}"}]),
    "extra": _of_article(extra={HALF: HALF, "guid": HALF}),
    "origin": _of_article(origin={"title": HALF, "link": LINK, "id": HALF}),
    "categories of a source": _of_all("sources", "name", "categories"),
    "validators": _of_all("sources", "name", "validators"),
    "schedule": _of_all("sources", "name", "schedule"),
    "settings": _of_all("settings", "name", "value"),
    "decisions": _of_all("decisions", "article", "data"),
    "categories of a source in the store": _followed(url="https://f.example/", categories=[HALF]),
    "address of a source in the store": _followed(url=LINK),
    "categories of a listed feed": _listed,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_no_command_ends_at_half_a_character(
    change: Change, site: Site, server: Server, tmp_path: Path
) -> None:
    """Whatever text it is in; what else there is, and what is new, is published."""
    source = {"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]}
    rule = '\n[[rules]]\nname = "R"\nwhen = "tea"\nthen = { tag = ["x"], file-under = ["R"] }\n'
    posts = '\n[publish.posts]\nfolder = "posts"\n'

    def configure(*categories: str, further: str = "") -> None:
        site.configure({**source, "categories": ["drinks", *categories]})
        site.file.write_text(f"{site.file.read_text()}{rule}{posts}{further}")

    server.pages["/a"] = Answer(body=feed("tea", *range(1, 30)))
    server.pages["/b"] = Answer(body=feed("cake", 1, 2))
    configure()
    assert site.run("fetch").exit_code == 0
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as store:
        change(store)
        store.commit()
    server.pages["/a"] = Answer(body=feed("tea", *range(2, 32), body="Other"))
    for command in (
        ("publish", "--all"),
        ("fetch", "--force"),
        *(("search", "tea"), ("why", "https://tea.example/1"), ("versions", "https://tea.example/1")),
        *(("sources", "--json"), ("sources", "--long"), ("status",), ("rules test",), ("stories",)),
        *(("export",), ("backup", str(tmp_path / "backup.zip"))),
    ):
        result = site.run(*command)
        assert result.exit_code == 0, (command, result.output)
    assert site.run("verify").exit_code in (0, 1)  # it may report the text
    configure("more")
    assert site.run("publish").exit_code == 0  # the feeds of all articles are decided again
    configure("more", further=rule.replace('"R"', '"S"'))
    assert site.run("fetch", "--refetch").exit_code == 0
    assert all(b"tea 31" in site.files()[f"{name}/atom.xml"] for name in ("drinks", "more", "S"))
    assert site.run("forget", "--all", "https://tea.example/2").exit_code == 0
    configure(further="\n[retention]\nmax_articles = 1\n")
    assert site.run("fetch", "--force").exit_code == 0


def test_a_category_is_published_with_a_question_mark(site: Site, server: Server) -> None:
    """So nothing is lost, and the fault can be seen."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2))
    source = {"name": "Tea", "url": f"{server.url}/a"}
    site.configure(source)
    site.run("fetch")
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as store:
        CHANGES["categories"](store)
        store.commit()
    site.configure({**source, "categories": ["more"]})
    assert site.run("publish").exit_code == 0
    with closing(Store(load(site.file).store)) as opened:
        assert {each.name for each in opened.feeds.all()} == {"", "more", "half ?", "drinks"}


def test_settings_of_a_source_in_the_store_are_refused() -> None:
    """It is reported by name, and no other source is."""
    for settings in ({"url": LINK}, {"url": "https://x.example/", "categories": [HALF]}):
        with pytest.raises(ConfigError, match="source 'A': a text in it contains half a character"):
            checked_source("A", settings)


def test_a_text_that_no_database_keeps_is_an_error_of_the_store(place: StoreAddress) -> None:
    """No error of a driver leaves the store."""
    with closing(Store(place)) as store:
        with pytest.raises(StoreError, match="cannot keep half a character"):
            store.database.remember("a", HALF)
        store.database.remember("a", "b")
        assert store.database.setting("a") == "b"
