"""`import` and `export`: subscription lists in and out, through the config."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click.testing

from aggregator.adapters.opml.outlines import read, with_ascii_host
from aggregator.cli.main import main
from aggregator.config import load as config
from aggregator.config.edit import add_sources
from aggregator.config.subscriptions import followed, plan
from aggregator.writers.opml import subscription_list
from tests.conformance.documents import check_opml
from tests.conftest import Answer, Server
from tests.support.site import Site

LIST = """<opml version="2.0"><head><title>Mine</title></head><body>
<outline text="Tech"><outline text="One" type="rss" xmlUrl="https://one.example/feed" htmlUrl="https://one.example/"/>
<outline text="Known" type="rss" xmlUrl="http://known.example/feed/"/></outline>
<outline text="Bad" type="rss" xmlUrl="file:///etc/passwd"/>
</body></opml>"""


def test_import_adds_new_feeds_and_reports_the_others(site: Site) -> None:
    """The config keeps its comments; what is followed already and what is no address are reported."""
    site.configure({"name": "Known", "url": "https://known.example/feed"})
    before = f"# by hand\n{site.file.read_text()}"
    site.file.write_text(before)
    (site.home / "list.opml").write_text(LIST)
    result = site.run("import", str(site.home / "list.opml"))
    assert result.exit_code == 0, result.output
    assert "1 of 2 feeds added to" in result.stdout
    assert "is followed already, as 'Known'" in result.stderr
    assert "is not an http or https address" in result.stderr
    assert site.file.read_text().startswith(before)
    one = config.load(site.file).sources[1]
    assert (one.name, one.url, one.categories, one.link) == (
        "One",
        "https://one.example/feed",
        ("Tech",),
        "https://one.example/",
    )


def test_a_second_import_adds_nothing(site: Site) -> None:
    """Importing is safe to repeat."""
    (site.home / "list.opml").write_text(LIST)
    site.run("import", str(site.home / "list.opml"))
    before = site.file.read_bytes()
    assert site.run("import", str(site.home / "list.opml")).exit_code == 0
    assert site.file.read_bytes() == before


def test_a_dry_run_of_import_changes_nothing_and_json_has_all(site: Site) -> None:
    """A script sees what would be added."""
    (site.home / "list.opml").write_text(LIST)
    before = site.file.read_bytes()
    result = site.run("import", str(site.home / "list.opml"), "--dry-run", "--json")
    reported = json.loads(result.stdout)
    assert [source["name"] for source in reported["added"]] == ["One", "Known"]
    assert reported["dry_run"] is True
    assert len(reported["problems"]) == 1
    assert site.file.read_bytes() == before
    assert (
        "One: https://one.example/feed"
        in site.run("import", str(site.home / "list.opml"), "--dry-run").stdout
    )


def test_a_list_is_fetched_from_an_address(site: Site, server: Server) -> None:
    """A host that is typed is allowed."""
    server.pages["/feeds.opml"] = Answer(200, {"Content-Type": "text/x-opml"}, LIST.encode())
    result = site.run("import", f"{server.url}/feeds.opml")
    assert result.exit_code == 0, result.output
    assert len(config.load(site.file).sources) == 2


def test_files_that_are_not_lists_are_refused(site: Site) -> None:
    """The message names the file; the config stays."""
    before = site.file.read_bytes()
    page = site.home / "page.html"
    page.write_text("<html></html>")
    for target in (str(page), str(site.home / "missing.opml")):
        result = site.run("import", target)
        assert result.exit_code == 1
        assert target in result.stderr
    assert site.file.read_bytes() == before


def test_export_and_import_again_give_the_same(site: Site, tmp_path: Path) -> None:
    """Name, address, site and every category come back, whatever their letters; no login leaves."""
    site.configure(
        {"name": "AT&amp;T <b>", "url": "https://a.example/?x=1&y=2", "categories": ["A/B, c", "日本"]},
        {"name": "Two", "url": "https://u:pass@two.example/feed", "link": "https://two.example/"},
        {"name": "Three", "url": "https://three.example/feed", "categories": ["日本"]},
        {"name": "Four", "url": "https://four.example/feed", "categories": ["A/B, c"]},
        {"name": "Disk", "url": "file:///feed.xml"},
    )
    first = site.run("export")
    assert first.exit_code == 0, first.output
    assert check_opml(first.stdout_bytes) == []
    assert "pass" not in first.stdout
    assert "Two: written without the login" in first.stderr
    assert "Disk: no feed" in first.stderr
    (tmp_path / "out.opml").write_bytes(first.stdout_bytes)
    site.configure()
    site.run("import", str(tmp_path / "out.opml"))
    loaded = {s.name: (s.url, s.categories, s.link) for s in config.load(site.file).sources}
    assert loaded == {
        "AT&amp;T <b>": ("https://a.example/?x=1&y=2", ("A/B, c", "日本"), None),
        "Two": ("https://two.example/feed", (), "https://two.example/"),
        "Three": ("https://three.example/feed", ("日本",), None),
        "Four": ("https://four.example/feed", ("A/B, c",), None),
    }
    assert site.run("export").stdout_bytes == first.stdout_bytes
    assert site.run("export", str(tmp_path / "again.opml")).exit_code == 0
    assert (tmp_path / "again.opml").read_bytes() == first.stdout_bytes


def test_every_list_of_the_corpus_is_imported_and_comes_back(site: Site, corpus: Path) -> None:
    """All in turn into one config; then out, in, and out again with the same bytes."""
    for file in sorted((corpus / "opml").iterdir()):
        planned = plan(read(file.read_bytes()), ())
        site.configure()
        add_sources(site.file, planned.new)
        sources = config.load(site.file).sources
        assert len(sources) == len(planned.new)
        body = subscription_list("Planet", followed(sources).subscriptions)
        assert check_opml(body) == []
        assert subscription_list("Planet", read(body).subscriptions) == body
        assert {s.url for s in read(body).subscriptions} == {with_ascii_host(s.address) for s in sources}


def test_a_pipe_is_written_to_and_not_replaced(site: Site, tmp_path: Path) -> None:
    """`export /dev/stdout` as root would otherwise put a file in the place of the device."""
    site.configure({"name": "One", "url": "https://one.example/feed"})
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert site.run("export", str(pipe)).exit_code == 0
        assert b"https://one.example/feed" in os.read(reader, 65536)
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_an_impossible_path_is_an_error_without_a_traceback(site: Site) -> None:
    """Whatever command it is given to."""
    for name in ("x" * 300, "y/" * 3000):
        for command in (("preview", name), ("import", name), ("export", name)):
            result = site.run(*command)
            assert result.exit_code in (1, 2)
            assert "too long" in result.stderr or "at most" in result.stderr
        started = click.testing.CliRunner().invoke(main, ["init", name])
        assert started.exit_code == (2 if "/" in name else 1)
        assert isinstance(started.exception, SystemExit)
