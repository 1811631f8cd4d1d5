"""`aggregator versions`: how an article was edited, for people and for scripts."""

from __future__ import annotations

import json

import pytest

from aggregator.cli import terminal
from tests.conftest import Answer, Server
from tests.support.site import Site, feed


@pytest.fixture
def edited(site: Site, server: Server) -> Site:
    """A site that saw one article in three versions, and another in one."""
    site.configure({"name": "a", "url": f"{server.url}/a"})
    for title in (b"a 1", b"A [b]1[/b]", b"A \x1b[31mone"):
        body = feed("a", 1, 2).replace(b"<title>a 1</title>", b"<title>" + title + b"</title>")
        server.pages["/a"] = Answer(200, {}, body.replace(b"\x1b", b"&amp;#27;"))
        site.run("fetch", "--force")
    return site


def test_each_edit_shows_what_it_removed_and_added(edited: Site) -> None:
    """The newest first; what did not change is not shown."""
    result = edited.run("versions", "https://a.example/1")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].endswith("(a)")
    assert [line.partition(" 20")[0] for line in lines[1:] if line.startswith("edited")] == ["edited"] * 2
    titles = [line for line in lines if "title:" in line]
    assert [line[:1] for line in titles] == ["-", "+", "-", "+"]
    assert "[b]1[/b]" in titles[0]
    assert (titles[0][1:], titles[2]) == (titles[3][1:], "-title: 'a 1'")
    assert not any("link:" in line for line in lines)
    assert "\x1b" not in result.stdout


def test_versions_as_json_are_complete(edited: Site) -> None:
    """What it is now, and what it was, with the moment of each edit."""
    (article,) = json.loads(edited.run("versions", "https://a.example/1", "--json").stdout)["articles"]
    assert article["id"] == article["now"]["link"] == "https://a.example/1"
    assert [past["article"]["title"] for past in article["earlier"]] == ["A [b]1[/b]", "a 1"]
    assert article["earlier"][0]["replaced"] > article["earlier"][1]["replaced"]


def test_versions_of_an_unedited_article_are_one(edited: Site) -> None:
    """Only its present version."""
    result = edited.run("versions", "https://a.example/2")
    assert result.stdout.splitlines() == ["a 2 (a)", "no earlier version is stored"]


def test_an_unknown_article_exits_with_1(edited: Site) -> None:
    """For people and for scripts."""
    result = edited.run("versions", "https://a.example/3")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "https://a.example/3" in result.stderr
    result = edited.run("versions", "https://a.example/3", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (1, {"articles": []})


def test_a_long_article_is_not_compared(edited: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take minutes; how long it is, is reported."""
    monkeypatch.setattr(terminal, "_MAX_COMPARED_LINES", 3)
    assert "too many to compare" in edited.run("versions", "https://a.example/1").stdout
