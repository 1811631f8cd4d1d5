"""`aggregator search`: what is stored is found, for people and for scripts."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Answer, Server
from tests.support.site import Site, feed


@pytest.fixture
def stored(site: Site, server: Server) -> Site:
    """Three articles, of which a rule drops one."""
    server.pages["/tea"] = Answer(200, {}, feed("tea", 1, 2, 3))
    rules = [{"name": "First out", "when": "title:/ 1$/", "then": "drop"}]
    site.configure({"name": "Tea", "url": f"{server.url}/tea", "categories": ["Drinks"]}, rules=rules)
    site.run("fetch")
    return site


def test_stored_articles_are_found(stored: Site, server: Server) -> None:
    """Newest first, in whatever feeds it stands; what was polled since the last search, too."""
    found = json.loads(stored.run("search", "title:tea", "--json").stdout)
    assert [(hit["title"], hit["feeds"]) for hit in found["articles"]] == [
        ("tea 3", ["all", "Drinks"]), ("tea 2", ["all", "Drinks"]), ("tea 1", []),
    ]  # fmt: skip
    assert found["is_complete"] is True
    server.pages["/tea"] = Answer(200, {}, feed("tea", 1, 2, 3, 4))
    stored.run("fetch", "--force")
    found = json.loads(stored.run("search", "title:tea", "--limit", "1", "--json").stdout)
    assert ([hit["title"] for hit in found["articles"]], found["is_complete"]) == (["tea 4"], False)


def test_hits_are_printed(stored: Site) -> None:
    """With date, source, feeds and link."""
    result = stored.run("search", "tea", "--limit", "1")
    assert result.exit_code == 0
    assert [line.strip() for line in result.stdout.splitlines()[:3]] == [
        "tea 3", "2024-01-04 03:00  Tea  (all, Drinks)", "https://tea.example/3",
    ]  # fmt: skip
    assert "the newest 1; --limit" in result.output
    nothing = stored.run("search", "coffee")
    assert (nothing.exit_code, nothing.output.strip()) == (0, "nothing was found")


@pytest.mark.parametrize(
    ("query", "said"), [("titel:tea", "at character 1"), ("tea AND", "at character"), ("title:/[/", "/[/")]
)
def test_a_query_that_cannot_be_read_is_an_error(stored: Site, query: str, said: str) -> None:
    """With its place."""
    result = stored.run("search", query)
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_searching_needs_a_store(site: Site) -> None:
    """And makes none."""
    result = site.run("search", "tea")
    assert (result.exit_code, "there is no store" in result.output) == (1, True)
    assert not (site.home / "var").exists()
