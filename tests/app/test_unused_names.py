"""Names of categories in a config that nothing has."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.app.unused_names import unused_names
from aggregator.config import load as config
from aggregator.config.store_address import StoreAddress
from tests.conftest import Answer, Server
from tests.support.site import Site, feed

RULE = {"name": "r", "when": "tea", "then": {"file-under": ["Filed"]}}
SAVED = {"name": "Saved", "query": "tea"}


def found(site: Site, *sources: dict[str, Any], **settings: Any) -> list[str]:
    """Returns what is reported of these sources and settings."""
    site.configure(*sources, **settings)
    return [*unused_names(config.load(site.file))]


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"publish": {"categories": {"Drink": {"title": "x"}}}}, "publish.categories: "),
        ({"retention": {"categories": {"Drink": 3}}}, "retention.categories: "),
        (
            {"digest": [{"name": "d", "category": "Drink"}]},
            "digest[1].category ('d'): ",
        ),
        (
            {
                "mastodon": [
                    {"name": "m", "to": "https://m.example", "token": "secret", "categories": ["Drink"]}
                ]
            },
            "mastodon[1].categories ('m'): ",
        ),
        (
            {"notify": [{"name": "n", "to": "apprise:json://n.example", "categories": ["Drink"]}]},
            "notify[1].categories ('n'): ",
        ),
    ],
)
def test_a_name_that_nothing_has_is_reported_where_it_is_used(
    site: Site, settings: dict[str, Any], place: str
) -> None:
    """With the one that is probably meant; a name in several settings is none that exists."""
    tea = {"name": "Tea", "url": "https://tea.example/", "categories": ["Drinks"]}
    said = f"{place}no category or saved feed is named 'Drink'; did you mean 'Drinks'?"
    assert found(site, tea, **settings) == [said]
    assert said in " ".join(site.run("check").stdout.split())
    assert found(site, {**tea, "categories": ["Drink"]}, **settings) == []


def test_names_used_by_rules_saved_feeds_and_digests_are_not_reported(site: Site) -> None:
    """Nor a category that is not published."""
    publish = {"categories": {"Filed": {"title": "x"}, "Gone": {"formats": []}}}
    assert found(site, rules=[RULE], feeds=[SAVED], publish=publish) == []
    notice = {"name": "n", "to": "apprise:json://n.example", "categories": ["Saved", "Filed"]}
    assert found(site, rules=[RULE], feeds=[SAVED], notify=[notice]) == []
    assert found(site, digest=[{"name": "Daily"}], retention={"categories": {"Daily": 3}}) == []


def test_categories_of_stored_articles_are_not_reported(site: Site) -> None:
    """Before anything is stored, articles with categories of their own may have any."""
    notes = site.home / "notes"
    notes.mkdir()
    (notes / "a.md").write_text("---\ntitle: A\ndate: 2026-01-02\ncategories: [Own]\n---\ntext\n")
    source = {"name": "Notes", "kind": "articles", "path": "notes"}
    publish = {"categories": {"Own": {"title": "x"}, "Other": {"title": "y"}}}
    assert found(site, source, publish=publish) == []
    assert site.run("fetch").exit_code == 0
    assert found(site, source, publish=publish) == [
        "publish.categories: no category or saved feed is named 'Other'"
    ]


def test_a_category_without_sources_is_reported(site: Site, server: Server) -> None:
    """After the publication that emptied it; its feed stays, empty, until it has no formats."""
    server.pages["/tea"] = Answer(200, {}, feed("tea", 1))
    tea = {"name": "Tea", "url": f"{server.url}/tea", "categories": ["Drinks"]}
    publish = {"categories": {"Drinks": {"title": "Cups"}}}
    site.configure(tea, publish=publish)
    site.run("fetch")
    assert site.run("move", "Tea", "Pots").exit_code == 0
    site.run("publish")
    said = "publish.categories: no category or saved feed is named 'Drinks'"
    assert said in " ".join(site.run("check").stdout.split())
    moved = {**tea, "categories": ["Pots"]}
    atom = site.output / "Drinks/atom.xml"
    assert "<entry" not in atom.read_text(encoding="utf-8")
    assert "Cups" in (site.output / "feeds.opml").read_text(encoding="utf-8")
    assert found(site, moved, publish={"categories": {"Drinks": {"formats": []}}}) == []
    site.run("publish")
    assert not atom.exists()
    assert "Drinks" not in (site.output / "feeds.opml").read_text(encoding="utf-8")


def test_categories_without_articles_can_be_left_out(site: Site, server: Server) -> None:
    """No file of them, no line in any list; with an article they are back at their address."""
    server.pages["/tea"] = Answer(200, {}, feed("tea", 1))
    saved = {"name": "Nothing", "query": "title:nothing"}

    def published(category: str) -> tuple[bool, ...]:
        tea = {"name": "Tea", "url": f"{server.url}/tea", "categories": [category]}
        site.configure(tea, publish={"empty_categories": False}, feeds=[saved])
        assert site.run("fetch", "--force").exit_code == 0
        files = site.files()
        assert not [name for name in files if name.startswith("Nothing/")]
        lists = files["feeds.opml"] + files["index.html"]
        assert b"Nothing" not in lists
        names = ("Drinks", "Pots")
        found = tuple(f"{name}/atom.xml" in files for name in names)
        assert found == tuple(name.encode() in lists for name in names)
        return (*found, "all/atom.xml" in files)

    assert published("Drinks") == (True, False, True)
    first = site.files()["Drinks/atom.xml"]
    assert published("Pots") == (False, True, True)
    assert published("Drinks") == (True, False, True)
    again = site.files()["Drinks/atom.xml"]
    assert [line for line in again.splitlines() if b"<id>" in line] == [
        line for line in first.splitlines() if b"<id>" in line
    ]


def test_a_store_in_postgresql_is_asked_too(place: StoreAddress, site: Site, server: Server) -> None:
    """Its articles stand in a category that the config gives to no source any more."""
    server.pages["/tea"] = Answer(200, {}, feed("tea", 1))
    tea = {"name": "Tea", "url": f"{server.url}/tea", "categories": ["Drinks"]}
    store = {"store": getattr(place, "url", str(place))}
    site.configure(tea, **store)
    assert site.run("fetch").exit_code == 0
    publish = {"categories": {"Drinks": {"title": "x"}, "Other": {"title": "y"}}}
    said = "publish.categories: no category or saved feed is named 'Other'"
    assert found(site, {**tea, "categories": ["Pots"]}, publish=publish, **store) == [said]
