"""The command line: what it prints, where, and how it exits."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click.testing
import pytest

from aggregator.cli.main import main
from tests.conftest import Answer, Server
from tests.support.site import Site, feed


def run(*arguments: str) -> click.testing.Result:
    """Runs a command that needs no config."""
    result = click.testing.CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


@pytest.mark.parametrize("command", [[], ["fetch"], ["publish"], ["preview"], ["check"]])
def test_help_has_examples_and_exit_codes(command: list[str]) -> None:
    """Every command shows how it is called and what its exit means."""
    message = run(*command, "--help")
    assert message.exit_code == 0
    assert "aggregator " + (command[0] if command else "fetch") in message.stdout
    assert "Exit codes: 0 done" in message.stdout


@pytest.mark.parametrize("arguments", [["fetch", "--nonsense"], ["nonsense"], ["preview"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    """As documented."""
    assert run(*arguments).exit_code == 2


def test_an_option_before_its_command_is_explained() -> None:
    """It is the order that is wrong, and the message says so; behind the command another option is."""
    result = run("--config", "x.toml", "fetch")
    assert result.exit_code == 2
    assert "--config" in result.output  # in click's own words, which differ
    assert result.output.endswith(". Options of a command are written after its name.\n")
    assert "after its name" not in run("fetch", "--conf1g").output


def test_a_wrong_config_exits_with_2_and_reports_every_mistake(site: Site) -> None:
    """On standard error, nothing on standard output."""
    site.file.write_text("stor = 1\n[site]\ntitle = 2\n")
    for command in ("check", "fetch", "publish"):
        result = site.run(command)
        assert result.exit_code == 2
        assert "stor: is not a known key" in result.stderr
        assert "site.title" in result.stderr
        assert result.stdout == ""
    site.configure()
    assert site.run("fetch", "nobody").exit_code == 2


def test_check_summarises_the_config(site: Site) -> None:
    """A right config exits with 0."""
    site.configure({"name": "a", "url": "https://example.org/"}, site={"title": "T"})
    result = site.run("check")
    assert result.exit_code == 0
    assert "1 source, 1 enabled" in result.stdout
    assert "site.url is not set" in result.stdout
    assert "publish.hubs" not in result.stdout
    site.file.write_text(site.file.read_text() + '\n[publish]\nhubs = ["https://hub.example/"]\n')
    assert "publish.hubs has no effect" in site.run("check").stdout


def test_fetch_as_json_is_one_document(site: Site, server: Server) -> None:
    """Everything that the lines say, for a script."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    site.configure(
        {"name": "a", "url": server.url + "/a", "categories": ["X"]}, {"name": "b", "url": server.url + "/b"}
    )
    message = json.loads(site.run("fetch", "--json").stdout)
    first, second = message["sources"]
    assert (first["source"], first["ok"], first["new"], first["problems"]) == ("a", True, 1, [])
    assert (second["ok"], second["error"], second["error_kind"], second["advice"]) == (
        False,
        "there is nothing at this address (404)",
        "http",
        "look for the feed's new place",
    )
    assert message["published"]["feeds"] == 2
    assert len(message["published"]["written"]) == len(site.files())
    assert json.loads(site.run("publish", "--json").stdout)["published"]["rendered"] == 0
    assert site.run("publish", "--all", "-q").output == ""


def test_fetch_with_no_sources_is_done(site: Site) -> None:
    """An empty config is no failure."""
    assert site.run("fetch").exit_code == 0


def test_preview_of_a_feed_shows_its_articles_and_stores_nothing(server: Server, tmp_path: Path) -> None:
    """A table for people; the same as JSON with every field of every article."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 2))
    shown = run("preview", server.url + "/a")
    assert shown.exit_code == 0
    assert "a 1" in shown.stdout
    assert "2 articles, 0 problems" in shown.stdout
    message = json.loads(run("preview", server.url + "/a", "--json").stdout)
    assert {"source", "kind", "title", "link", "articles", "problems", "findings"} == message.keys()
    assert (message["kind"], message["title"], message["link"]) == ("feed", "a", "https://a.example/")
    article = message["articles"][0]
    assert article["published"] == "2024-01-02T01:00:00Z"
    assert datetime.fromisoformat(article["published"]).tzinfo is not None
    assert {
        "source",
        "id",
        "title",
        "link",
        "published",
        "updated",
        "authors",
        "categories",
        "tags",
        "headimg",
        "summary",
        "content",
        "enclosures",
        "origin",
        "extra",
    } == article.keys()
    assert list(tmp_path.iterdir()) == []


def test_preview_reads_files_and_folders(tmp_path: Path) -> None:
    """The kind is guessed from what is there, or given."""
    (tmp_path / "a.md").write_text("---\ntitle: A\n---\n\n# Hello\n")
    (tmp_path / "b.md").write_text("---\ntitle: B\n")
    (tmp_path / "feed.xml").write_bytes(feed("f", 1))
    folder = json.loads(run("preview", str(tmp_path), "--json").stdout)
    assert [a["title"] for a in folder["articles"]] == ["A"]
    assert "<h1>Hello</h1>" in folder["articles"][0]["content"]
    assert [p["where"] for p in folder["problems"]] == ["b.md"]
    assert json.loads(run("preview", str(tmp_path / "a.md"), "--json").stdout)["kind"] == "articles"
    assert json.loads(run("preview", str(tmp_path / "feed.xml"), "--json").stdout)["kind"] == "feed"
    refused = run("preview", str(tmp_path / "feed.xml"), "--kind", "nonsense")
    assert refused.exit_code == 2


def test_preview_of_a_missing_document_exits_with_1(server: Server, tmp_path: Path) -> None:
    """Also for a document that is not a feed."""
    missing = run("preview", str(tmp_path / "none.xml"))
    assert missing.exit_code == 1
    assert "No such file" in missing.stderr
    for nothing in ("", " "):
        unnamed = run("preview", nothing)
        assert unnamed.exit_code == 1
        assert "name a URL, a file or a folder" in unnamed.stderr
    long = tmp_path / ("x" * 200) / ("y" * 200)
    long.mkdir(parents=True)
    empty = run("preview", str(long))
    assert empty.exit_code == 1
    assert "there is nothing to read in it" in empty.stdout
    for address in ("ftp://example.org/feed", "http://["):
        wrong = run("preview", address)
        assert wrong.exit_code == 1
        assert "not an http or https address" in wrong.stderr
    server.pages["/page"] = Answer(
        200,
        {},
        b"<html><head><link rel=alternate type=application/rss+xml href=/feed.xml></head><body>x</html>",
    )
    page = run("preview", server.url + "/page")
    assert page.exit_code == 1
    assert server.url + "/feed.xml" in page.stderr


def test_titles_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    """Escape sequences from a stranger are shown, not obeyed; markup of ours is not theirs to use."""
    (tmp_path / "x\x1b[31m.md").write_text('---\ntitle: "[red]\\e]0;owned\\a"\n---\n\nx\n')
    shown = run("preview", str(tmp_path))
    assert "\x1b" not in shown.stdout
    assert "\x07" not in shown.stdout
    assert "[red]" in shown.stdout
