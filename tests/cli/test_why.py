"""`why`, `rules test` and `check --store`: what rules and saved feeds do to what is stored."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import Answer, Server
from tests.support.site import Site, feed

RULES: list[dict[str, Any]] = [
    {"name": "First out", "when": "title:/ 1$/", "then": "drop"},
    {"name": "Cups", "when": "title:/ 2$/", "then": {"file-under": ["Cups"], "remove-from": ["Drinks"]}},
    {"name": "Green", "when": "title:/ 3$/", "then": {"tag": ["green"], "rewrite": {}}},
    {"name": "Never", "when": "coffee", "then": "drop"},
]
FEEDS = [{"name": "Greens", "query": "tag:green"}]


@pytest.fixture
def stored(site: Site, server: Server) -> Site:
    """Three articles of one source and one of another, published without any rule."""
    server.pages["/tea"] = Answer(200, {}, feed("tea", 1, 2, 3))
    server.pages["/other"] = Answer(200, {}, feed("other", 9))
    choose(site, server)
    site.run("fetch")
    return site


def choose(site: Site, server: Server, **settings: Any) -> None:
    """Gives the config these rules and saved feeds."""
    tea = {"name": "Tea", "url": f"{server.url}/tea", "categories": ["Drinks"]}
    site.configure(tea, {"name": "Other", "url": f"{server.url}/other"}, **settings)


def asked(site: Site, name: str) -> dict[str, Any]:
    """Returns what `why` says of one article."""
    result = site.run("why", name, "--json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)["articles"]
    assert isinstance(found, dict)
    return found


def reasons(found: dict[str, Any]) -> dict[str, tuple[bool, str]]:
    """The reasons by feed."""
    return {each["feed"]: (each["is_in"], each["because"]) for each in found["reasons"]}


def test_without_rules_an_article_is_in_its_categories(stored: Site) -> None:
    """And in `all`."""
    found = asked(stored, "https://tea.example/1")
    assert (found["state"], found["matched"], found["pending"]) == ("shown", [], None)
    assert found["feeds"] == ["all", "Drinks"]
    assert reasons(found) == {
        "all": (True, "it has all articles"),
        "Drinks": (True, "it is a category of the article"),
    }


def test_each_rule_and_saved_feed_is_a_reason(stored: Site, server: Server) -> None:
    """What is not published yet is named, and nothing is written by asking."""
    choose(stored, server, rules=RULES, feeds=FEEDS)
    found = asked(stored, "https://tea.example/2")
    assert (found["feeds"], found["pending"]) == (["all", "Drinks"], ["all", "Cups"])
    stored.run("publish")
    found = asked(stored, "https://tea.example/2")
    assert (found["feeds"], found["pending"], found["matched"]) == (["all", "Cups"], None, ["Cups"])
    assert reasons(found) == {
        "all": (True, "it has all articles"),
        "Drinks": (False, "rule 'Cups' removes it"),
        "Cups": (True, "rule 'Cups' adds it"),
        "Greens": (False, "its query does not match: tag:green"),
    }
    found = asked(stored, "https://tea.example/1")
    assert found["feeds"] == []
    assert set(reasons(found).values()) == {(False, "rule 'First out' drops it")}
    found = asked(stored, "https://tea.example/3")
    assert (found["tags"], found["rewritten_by"]) == ({"green": "Green"}, ["Green"])
    assert reasons(found)["Greens"] == (True, "its query matches: tag:green")


def test_articles_that_cannot_be_in_a_feed_have_a_state_as_reason(stored: Site, server: Server) -> None:
    """Its source is not followed any more, or it is pruned."""
    one = {"name": "Other", "url": f"{server.url}/other"}
    stored.configure(one)
    stored.run("fetch")
    found = asked(stored, "https://tea.example/1")
    assert found["state"].startswith("not followed")
    assert (found["feeds"], found["pending"], found["reasons"]) == ([], None, [])
    choose(stored, server, retention={"max_age": "1d"}, entries_per_feed=1)
    stored.run("fetch")
    found = asked(stored, "https://tea.example/1")
    assert found["state"].startswith("pruned")
    assert found["title"] is None


def test_why_reports_that_an_article_is_withdrawn(site: Site) -> None:
    """Its file is gone."""
    notes = site.home / "notes"
    notes.mkdir()
    post = "---\ntitle: A note\nlink: https://n.example/1\ndate: 2026-01-02\n---\ntext\n"
    (notes / "a.md").write_text(post)
    (notes / "b.md").write_text(post.replace("/1", "/2"))
    site.configure({"name": "Notes", "kind": "articles", "path": "notes"})
    assert site.run("fetch").exit_code == 0
    (notes / "a.md").unlink()
    site.run("fetch")
    assert asked(site, "https://n.example/1")["state"].startswith("withdrawn")


def test_several_articles_of_a_link_are_listed(stored: Site, server: Server) -> None:
    """An unknown one is named, with exit code 1; both as text and as JSON."""
    server.pages["/other"] = Answer(200, {}, feed("tea", 1))
    stored.run("fetch", "--force")
    found = json.loads(stored.run("why", "https://tea.example/1", "--json").stdout)["articles"]
    assert [each["source"] for each in found] == ["Tea", "Other"]
    unknown = stored.run("why", "https://tea.example/[b]")
    assert unknown.exit_code == 1
    assert "no article with the link or id https://tea.example/[b] is known" in unknown.output


def test_reasons_are_printed(stored: Site, server: Server) -> None:
    """For people."""
    choose(stored, server, rules=RULES, feeds=FEEDS)
    said = " ".join(stored.run("why", "https://tea.example/2").output.split())
    assert said.startswith("tea 2 (Tea) rules that match Cups is in all, Drinks soon in all, Cups, after")
    assert "Drinks not in rule 'Cups' removes it" in said


def test_rules_are_tried_on_the_store(stored: Site, server: Server) -> None:
    """Compared with where everything stands now; nothing is changed by that."""
    choose(stored, server, rules=RULES, feeds=FEEDS)
    before = stored.files()
    trial = json.loads(stored.run("rules test", "--json").stdout)
    assert [(r["name"], r["asked"], r["matched"], r["dropped"], r["moved"]) for r in trial["rules"]] == [
        ("First out", 4, 1, 1, 1), ("Cups", 4, 1, 0, 1), ("Green", 4, 1, 0, 1), ("Never", 4, 0, 0, 0),
    ]  # fmt: skip
    assert {f["name"]: (f["before"], f["after"], f["joined"], f["left"]) for f in trial["feeds"]} == {
        "Cups": (0, 1, 1, 0), "Drinks": (3, 1, 0, 2), "Greens": (0, 1, 1, 0), "all": (4, 3, 0, 1),
    }  # fmt: skip
    assert trial["doubts"] == ["rule 'Never' matches nothing"]
    assert stored.files() == before
    stored.run("publish")
    changed = json.loads(stored.run("rules test", "--changed", "--json").stdout)
    assert (changed["rules"], changed["feeds"]) == ([], [])
    assert "nothing would change" in stored.run("rules test", "--changed").output


def test_a_dry_run_without_changes_lists_no_feeds_of_sources(stored: Site, server: Server) -> None:
    """These feeds follow the articles, before and after a publication."""
    pages = {"pages": {"sources": True}}
    choose(stored, server, publish=pages)
    (gains, _) = json.loads(stored.run("rules test", "--changed", "--json").stdout)["feeds"]
    assert (gains["name"], gains["joined"], gains["left"]) == ("source: Other", 1, 0)
    assert stored.run("publish").exit_code == 0
    for settings in ({}, {"rules": RULES[2:]}):
        choose(stored, server, publish=pages, **settings)
        assert json.loads(stored.run("rules test", "--changed", "--json").stdout)["feeds"] == []
    found = asked(stored, "https://tea.example/1")
    assert (found["feeds"], found["pending"]) == (["all", "Drinks", "source: Tea"], None)
    choose(stored, server, publish=pages, rules=RULES)
    changed = json.loads(stored.run("rules test", "--changed", "--json").stdout)["feeds"]
    assert [(e["before"], e["after"]) for e in changed if e["name"] == "source: Tea"] == [(3, 2)]
    found = asked(stored, "https://tea.example/1")
    assert found["pending"] == []
    assert reasons(found)["source: Tea"] == (False, "the article is in no other feed")
    preview = json.loads(stored.run("preview", f"{server.url}/tea", "--rules", "--json").stdout)
    assert [(e["before"], e["after"]) for e in preview["trial"]["feeds"] if e["name"] == "source: Tea"] == [
        (3, 2)
    ]


def test_rules_are_tried_on_one_source(stored: Site, server: Server) -> None:
    """An unknown one is a mistake."""
    choose(stored, server, rules=RULES, feeds=FEEDS)
    assert json.loads(stored.run("rules test", "--source", "Other", "--json").stdout)["articles"] == 1
    wrong = stored.run("rules test", "--source", "Tee")
    assert (wrong.exit_code, "did you mean 'Tea'" in wrong.output) == (2, True)


def test_a_query_is_tried(stored: Site, server: Server) -> None:
    """How many it finds, and where these stand; a mistake in it has its place."""
    choose(stored, server, rules=RULES)
    found = json.loads(stored.run("rules test", "--query", "tea OR tag:green", "--json").stdout)
    assert (found["articles"], found["matched"], found["feeds"]) == (4, 3, [["Drinks", 3], ["all", 3]])
    assert "finds 3 of 4 articles" in stored.run("rules test", "--query", "tea").output
    wrong = stored.run("rules test", "--query", "titel:tea")
    assert (wrong.exit_code, "at character 1" in wrong.output) == (2, True)


def test_another_article_of_the_same_story_is_a_reason(stored: Site, server: Server) -> None:
    """And no change that a dry run reports."""
    today = f"{datetime.now(UTC):%a, %d %b %Y} 00:00:00".encode()
    body = re.sub(rb"Mon, \d+ Jan 2024 [\d:]+", today, feed("tea", 4))
    for name, path in (("Tea", "/tea"), ("Other", "/other")):
        server.pages[path] = Answer(200, {}, body)
        stored.run("fetch", "--force", name)
    message = json.loads(stored.run("why", "https://tea.example/4", "--json").stdout)["articles"]
    assert [each["source"] for each in message] == ["Tea", "Other"]
    because = "it shows the article of 'Tea' about the same story"
    assert reasons(message[1])["all"] == (False, because)
    assert [(each["pending"], "all" in each["feeds"]) for each in message] == [(None, True), (None, False)]
    changed = json.loads(stored.run("rules test", "--changed", "--json").stdout)
    assert (changed["rules"], changed["feeds"]) == ([], [])


def test_check_tries_the_rules_on_request(stored: Site, server: Server) -> None:
    """Those that match nothing, and those that drop everything."""
    rules = [*RULES, {"name": "All out", "when": "*", "then": "drop", "sources": ["Other"]}]
    choose(stored, server, rules=rules, feeds=FEEDS)
    assert "matches nothing" not in stored.run("check").output
    said = stored.run("check", "--store").output
    assert "rule 'Never' matches nothing" in said
    assert "rule 'All out' drops everything of its sources" in said
