"""`aggregator preview --rules`: what rules would do to a document."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Answer, Server
from tests.support.site import Site, feed

RULES = [
    {"name": "First out", "when": "title:/ 1$/", "then": "drop"},
    {"name": "Of tea alone", "when": "title:tea", "then": {"file-under": ["Cups"]}, "sources": ["Tea"]},
    {"name": "Never", "when": "coffee", "then": "drop"},
]
FEEDS = [{"name": "Second", "query": "title:/ 2$/"}]


@pytest.fixture
def _configured(site: Site, server: Server) -> None:
    server.pages["/tea"] = server.pages["/other"] = Answer(200, {}, feed("tea", 1, 2, 3))
    source = {"name": "Tea", "url": f"{server.url}/tea", "categories": ["Drinks"]}
    site.configure(source, rules=RULES, feeds=FEEDS)


@pytest.mark.usefixtures("_configured")
def test_a_document_of_a_source_is_judged_as_that_sources(site: Site, server: Server) -> None:
    """With its categories and the rules for it; nothing is stored."""
    result = site.run("preview", f"{server.url}/tea", "--rules", "--json")
    trial = json.loads(result.stdout)["trial"]
    assert [(rule["name"], rule["matched"], rule["dropped"]) for rule in trial["rules"]] == [
        ("First out", 1, 1), ("Of tea alone", 2, 0), ("Never", 0, 0),
    ]  # fmt: skip
    assert [(each["name"], each["before"], each["after"]) for each in trial["feeds"]] == [
        ("Cups", 0, 2), ("Drinks", 3, 2), ("Second", 1, 1), ("all", 3, 2),
    ]  # fmt: skip
    assert trial["doubts"] == ["rule 'Never' matches nothing"]
    assert not (site.home / "var").exists()


@pytest.mark.usefixtures("_configured")
def test_a_dry_run_may_treat_any_document_as_a_source(site: Site, server: Server) -> None:
    """Without that, only rules for all sources are asked."""
    alone = json.loads(site.run("preview", f"{server.url}/other", "--rules", "--json").stdout)["trial"]
    assert [rule["matched"] for rule in alone["rules"]] == [1, 0, 0]
    taken = site.run("preview", f"{server.url}/other", "--source", "Tea", "--json")
    assert [rule["matched"] for rule in json.loads(taken.stdout)["trial"]["rules"]] == [1, 2, 0]
    wrong = site.run("preview", f"{server.url}/other", "--source", "Tee")
    assert wrong.exit_code == 2
    assert "did you mean 'Tea'" in wrong.output


@pytest.mark.usefixtures("_configured")
def test_a_dry_run_is_printed_for_people(site: Site, server: Server) -> None:
    """Rules, feeds, and what is seldom meant."""
    said = " ".join(site.run("preview", f"{server.url}/tea", "--rules").output.split())
    assert "First out 1 1 tea 1" in said
    assert "Drinks 3 2 tea 1" in said
    assert "3 articles, 3 rules rule 'Never' matches nothing" in said
