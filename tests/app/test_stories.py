"""The same story once, from polls to feeds: joined as articles arrive, shown once, and undone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import click.testing
import pytest

from aggregator.cli.main import main
from tests.conftest import Answer, Server
from tests.support.site import Site

YESTERDAY = datetime.now(UTC) - timedelta(days=1)
STORY = "Baggage handlers at Corran airport walk out over night shifts"
OTHER = "Council of Brelworth buys nine electric ferries for the lake"


def document(name: str, *titles: str, text: str = "", links: str = "") -> bytes:
    """A source's feed of these titles."""
    items = "".join(
        f"<item><guid isPermaLink='false'>{name}-{title[:12]}</guid><title>{title}</title>"
        f"<link>{links or f'https://{name}.example/'}{title[:7].strip()}</link>"
        f"<description>{text or f'{name} wrote of it.'}</description>"
        f"<pubDate>{YESTERDAY:%a, %d %b %Y} 1{n}:00:00 GMT</pubDate></item>"
        for n, title in enumerate(titles)
    )
    return f"<rss version='2.0'><channel><title>The {name}</title>{items}</channel></rss>".encode()


class Press:
    """Sources of one site, and what they publish."""

    def __init__(self, site: Site, server: Server) -> None:
        self.site, self._server = site, server
        self.more: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, Any] = {}
        self.names: list[str] = []

    def configure(self, **settings: Any) -> None:
        """Writes the config; `more` has what is special about single sources."""
        self.settings = settings
        sources = [
            {"name": n, "url": f"{self._server.url}/{n}", "categories": ["News"], **self.more.get(n, {})}
            for n in self.names
        ]
        self.site.configure(*sources, **settings)

    def poll(self, name: str, *titles: str, **more: str) -> None:
        """One source publishes these, and is polled."""
        if name not in self.names:
            self.names.append(name)
        self._server.pages[f"/{name}"] = Answer(body=document(name, *titles, **more))
        self.configure(**self.settings)
        self.run("fetch", "--force", name)

    def run(self, command: str, *arguments: str) -> click.testing.Result:
        """Runs a command that succeeds."""
        found = self.site.run(command, *arguments)
        assert found.exit_code == 0, found.output
        return found

    def edit(self, *arguments: str) -> click.testing.Result:
        """Runs a command about stories."""
        found = click.testing.CliRunner().invoke(
            main, ["stories", *arguments, "--config", str(self.site.file)]
        )
        assert found.exit_code == 0, found.output
        return found

    def shown(self, folder: str = "all") -> list[tuple[str, list[str]]]:
        """The sources whose articles a feed shows, in order, each with those that it names beside it."""
        feed = json.loads(self.site.files()[f"{folder}/feed.json"])
        return sorted(
            (
                item["_source"]["title"].removeprefix("The "),
                [also["source"].removeprefix("The ") for also in item.get("_story", {}).get("also_in", ())],
            )
            for item in feed["items"]
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Returns what the store has."""
        with closing(sqlite3.connect(self.site.home / "var" / "aggregator.db")) as direct, direct:
            return direct.execute(query).fetchall()


@pytest.fixture
def press(site: Site, server: Server) -> Press:
    """A site whose two sources reported the same event, one after the other."""
    made = Press(site, server)
    made.poll("a", STORY)
    made.poll("b", f"{STORY} - The b", OTHER)
    return made


def test_a_story_is_shown_once_with_the_others_named(press: Press) -> None:
    """In `all` alone; a category shows both, as always. Every format names the other one."""
    assert press.shown() == [("a", ["b"]), ("b", [])]
    assert press.shown("News") == [("a", []), ("b", []), ("b", [])]
    files = press.site.files()
    link = b'<link rel="related" href="https://b.example/Baggage" title="The b: Baggage handlers'
    assert link in files["all/atom.xml"]
    assert b'rel="related" href="https://b.example/Baggage"' in files["all/rss.xml"]
    assert b'also in <a href="https://b.example/Baggage"' in files["all/index.html"]
    assert not [name for name, body in files.items() if name.startswith("News/") and b"related" in body]


def test_a_new_article_joins_a_story_without_changing_the_shown_one(press: Press) -> None:
    """A source of higher priority too, once something was shown; two that arrive at once go by priority."""
    press.more["c"] = {"priority": 9}
    press.poll("c", STORY)
    assert press.shown()[0] == ("a", ["b", "c"])
    press.more["e"] = {"priority": 5}
    press.names += ["d", "e"]
    for name in ("d", "e"):
        press._server.pages[f"/{name}"] = Answer(
            body=document(name, "Ministers meet in Orvale over salt mines")
        )
    press.configure()
    press.run("fetch", "--force", "d", "e")
    assert ("e", ["d"]) in press.shown()


def test_a_changed_priority_changes_which_is_shown(press: Press) -> None:
    """And taken back, the feeds are as they were, to the byte."""
    before = press.site.files()
    press.more["b"] = {"priority": 1}
    press.configure()
    press.run("publish")
    assert press.shown()[-1] == ("b", ["a"])
    press.more.clear()
    press.configure()
    press.run("publish")
    after = press.site.files()
    assert {n: after[n] for n in before if n.startswith("all/")} == {
        n: b for n, b in before.items() if n.startswith("all/")
    }


def test_a_feed_may_have_its_own_settings(press: Press) -> None:
    """A category with stories and an order; `all` without."""
    press.configure(
        publish={"all": {"stories": False}, "categories": {"News": {"stories": True, "priority": ["b"]}}}
    )
    press.run("publish")
    assert press.shown() == [("a", []), ("b", []), ("b", [])]
    assert press.shown("News") == [("b", []), ("b", ["a"])]
    press.configure()
    press.run("publish")
    assert press.shown() == [("a", ["b"]), ("b", [])]


def test_switched_off_nothing_is_looked_at(press: Press) -> None:
    """What was joined is shown apart; what arrives meanwhile is joined by `rebuild` alone."""
    keys = press.rows("select count(*) from story_keys")
    press.configure(stories={"find": False})
    press.poll("c", STORY)
    assert press.rows("select count(*) from story_keys") == keys
    assert press.shown() == [("a", []), ("b", []), ("b", []), ("c", [])]
    result = click.testing.CliRunner().invoke(main, ["stories", "rebuild", "--config", str(press.site.file)])
    assert (result.exit_code, "stories.find is false" in result.stderr) == (2, True)
    press.configure()
    press.run("publish")
    assert press.shown() == [("a", ["b"]), ("b", []), ("c", [])]
    assert "1 article of 4 joined" in press.edit("rebuild").output
    press.run("publish")
    assert press.shown() == [("a", ["b", "c"]), ("b", [])]
    assert "0 articles of 4 joined" in press.edit("rebuild").output


def test_stories_are_split_and_joined_by_hand(press: Press) -> None:
    """Permanently: neither new articles nor a rebuild undo it."""
    (story,) = json.loads(press.run("stories", "--json").stdout)["stories"]
    assert [(m["source"], m["why"]["code"], m["feeds"]) for m in story["members"]] == [
        ("a", "", ["all", "News"]),
        ("b", "title", ["News"]),
    ]
    assert story["members"][1]["why"]["joins"] == story["members"][0]["id"]
    assert "the same title at about the same time; in News" in press.run("stories").stdout
    (why,) = json.loads(press.run("why", "--json", "https://b.example/Baggage").stdout)["articles"]
    assert (why["feeds"], why["pending"]) == (["News"], None)
    assert why["reasons"][0]["because"] == "it shows the article of 'a' about the same story"
    press.edit("split", "https://b.example/Baggage")
    press.edit("rebuild")
    press.run("publish")
    assert press.shown() == [("a", []), ("b", []), ("b", [])]
    press.poll("c", STORY)
    assert press.shown() == [("a", ["c"]), ("b", []), ("b", [])]
    press.edit("join", "https://b.example/Baggage", "https://a.example/Baggage", "https://b.example/Council")
    press.run("publish")
    assert press.shown() == [("a", ["b", "b", "c"])]
    result = click.testing.CliRunner().invoke(
        main, ["stories", "split", "https://x.example/", "--config", str(press.site.file)]
    )
    assert (result.exit_code, "no article with the link" in result.stderr) == (1, True)


def test_a_translation_and_a_formula_are_no_story(press: Press) -> None:
    """Nor is what one source writes twice."""
    press.poll("c", "Gepäckpersonal am Flughafen Corran streikt wegen der Nachtschichten", "Weekly links")
    press.poll("d", "Weekly links")
    assert press.rows("select count(*) from stories") == [(2,)]


def test_when_a_rule_drops_the_shown_article_the_next_one_is_shown(press: Press) -> None:
    """What it drops is not named either."""
    before = press.site.files()
    press.configure(rules=[{"name": "No a", "when": "source:a", "then": "drop"}])
    press.run("publish")
    assert press.shown() == [("b", []), ("b", [])]
    press.configure()
    press.run("publish")
    assert {n: press.site.files()[n] for n in before if n.endswith((".xml", ".json"))} == {
        n: b for n, b in before.items() if n.endswith((".xml", ".json"))
    }


def test_the_articles_of_a_removed_source_leave_their_stories(press: Press) -> None:
    """They have their places again when the source returns."""
    press.names.remove("a")
    press.configure()
    press.run("publish")
    assert press.shown() == [("b", []), ("b", [])]
    press.names.insert(0, "a")
    press.configure()
    press.run("publish")
    assert press.shown() == [("a", ["b"]), ("b", [])]


def test_an_edit_of_another_one_is_seen_where_it_is_named(press: Press) -> None:
    """A feed that shows the first one names the second by its title."""
    press.poll("b", f"{STORY} again", OTHER)
    assert b"Corran airport walk out over night shifts again" in press.site.files()["all/atom.xml"]
    assert press.shown() == [("a", ["b"]), ("b", [])]


@pytest.mark.parametrize("gone", ["a", "b"])
def test_a_story_does_not_name_what_was_forgotten(press: Press, gone: str) -> None:
    """Whether it was the one that is shown, or one beside it."""
    assert press.shown() == [("a", ["b"]), ("b", [])]
    press.run("forget", f"https://{gone}.example/Baggage")
    assert press.shown() == ([("b", []), ("b", [])] if gone == "a" else [("a", []), ("b", [])])
    assert not [name for name, body in press.site.files().items() if f"{gone}.example/Bagg".encode() in body]


def test_archives_follow_a_storys_changes_and_return_to_equal_bytes(press: Press) -> None:
    """An archive with the shown article is written again when another article joins or replaces it."""
    press.settings = {"entries_per_feed": 1}
    fillers = ("Trains are late in Orvale once more", "A museum for clocks opens in Tolmar today")
    press.poll("z", *fillers)
    assert b"related" in press.site.files()["all/archive/1/atom.xml"]
    press.poll("c", STORY)
    joined = press.site.files()
    assert b"https://c.example/Baggage" in joined["all/archive/1/atom.xml"]
    for more in ({"c": {"priority": 1}}, {}):
        press.more = dict(more)
        press.configure(**press.settings)
        press.run("publish")
        whole = b"".join(b for n, b in press.site.files().items() if n.startswith("all/") and "atom" in n)
        assert whole.count(f">{STORY}</title>".encode()) == 1
    press.run("publish", "--all")
    after = press.site.files()
    # Another archive was filled meanwhile, which keeps its number.
    archives = [n for n, body in joined.items() if b"<fh:archive/>" in body]
    assert [n for n in archives if after[n] != joined[n]] == []
    assert archives


def test_old_articles_of_a_new_source_are_not_compared(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """The back catalogue of a source that is followed anew."""
    monkeypatch.setitem(globals(), "YESTERDAY", datetime.now(UTC) - timedelta(days=40))
    press.poll("c", STORY)
    assert press.shown()[0] == ("a", ["b"])
    assert ("c", []) in press.shown()
