"""Sources from the poll to the published feeds, with a real server and a real store."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import feedparser

from tests.conformance.documents import check_atom, check_json_feed, check_opml, check_rss
from tests.conformance.html import check_html
from tests.conftest import Answer, Request, Server
from tests.support.site import Site, feed

CHECKS = {
    "rss.xml": check_rss,
    "atom.xml": check_atom,
    "feed.json": check_json_feed,
    "index.html": check_html,
    "status.html": check_html,
    "feeds.opml": check_opml,
}


def titles(site: Site, folder: str) -> list[str]:
    """The titles in a category's Atom feed, in its order."""
    return [e.title for e in feedparser.parse((site.output / folder / "atom.xml").read_bytes()).entries]


def conditional(body: bytes, etag: str = '"1"') -> Any:
    """A page that answers 304 to who has its ETag."""

    def page(request: Request) -> Answer:
        if request.headers.get("If-None-Match") == etag:
            return Answer(304)
        return Answer(200, {"ETag": etag, "Content-Type": "application/rss+xml"}, body)

    return page


def source(server: Server, name: str, *categories: str, **more: Any) -> Mapping[str, Any]:
    """A source of the config that is served under its name."""
    return {"name": name, "url": f"{server.url}/{name}", "categories": list(categories), **more}


def test_each_category_and_all_become_feeds_newest_first(site: Site, server: Server) -> None:
    """An article stands in every category of its source, and in `all`."""
    server.pages |= {"/a": conditional(feed("a", 1, 3)), "/b": conditional(feed("b", 2))}
    site.configure(dict(source(server, "a", "Topic", "A")), dict(source(server, "b", "Topic", "B")))
    assert site.run("fetch", "--force").exit_code == 0
    assert {name.split("/")[0] for name in site.files() if "/" in name} == {"A", "B", "Topic", "all"}
    assert titles(site, "all") == titles(site, "Topic") == ["a 3", "b 2", "a 1"]
    assert titles(site, "A") == ["a 3", "a 1"]
    for name, body in site.files().items():
        if check := CHECKS.get(name.rpartition("/")[2]):
            assert check(body) == []


def test_a_second_run_does_no_work(site: Site, server: Server) -> None:
    """304 or the same bytes: nothing read, nothing rendered, no file touched."""
    server.pages |= {"/a": conditional(feed("a", 1)), "/b": Answer(200, {}, feed("b", 2))}
    site.configure(dict(source(server, "a", "X")), dict(source(server, "b", "X")))
    site.run("fetch", "--force")
    before = site.times()
    again = site.run("fetch", "--force")
    assert again.stdout.count("nothing new at the source") == 2
    assert "published 0 of 2 feeds, 0 files written" in again.stdout
    assert site.times() == before


def test_only_feeds_in_which_something_changed_are_written(site: Site, server: Server) -> None:
    """A new article in one category leaves the others' files alone."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1)), "/b": Answer(200, {}, feed("b", 2))}
    site.configure(dict(source(server, "a", "A")), dict(source(server, "b", "B")))
    site.run("fetch", "--force")
    before = site.times()
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 5))
    result = site.run("fetch", "--force")
    assert "a: 1 new, 0 changed, 1 unchanged" in result.stdout
    after = site.times()
    changed = {
        Path(name).relative_to(site.output).as_posix() for name in after if after[name] != before[name]
    }
    written = ("rss.xml", "atom.xml", "feed.json", "index.html")
    expected = {f"{folder}/{name}" for folder in ("A", "all") for name in written}
    assert changed == expected | {"index.html"}


def test_an_edit_comes_out_under_the_same_id_with_a_later_update(site: Site, server: Server) -> None:
    """Readers show an edit as an edit: same id and date, new text, new `updated`."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    site.configure(dict(source(server, "a", "A")))
    site.run("fetch", "--force")
    (before,) = feedparser.parse(site.files()["A/atom.xml"]).entries
    server.pages["/a"] = Answer(200, {}, feed("a", 1, body="Better"))
    assert "a: 0 new, 1 changed" in site.run("fetch", "--force").stdout
    (after,) = feedparser.parse(site.files()["A/atom.xml"]).entries
    assert (after.id, after.published) == (before.id, before.published)
    assert after.updated > before.updated
    assert "Better" in after.summary


def test_one_broken_source_is_reported_and_does_not_stop_others(site: Site, server: Server) -> None:
    """Its error is printed; the others are stored and published; no error becomes an entry."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1)), "/b": Answer(500)}
    server.pages["/c"] = Answer(200, {}, b"<html><body>Sorry</body></html>")
    site.configure(*(dict(source(server, name, "X")) for name in "abc"))
    result = site.run("fetch", "--force")
    assert result.exit_code == 0
    assert "failed  b: the server failed (500)" in result.stdout
    assert "failed  c: a web page, not a feed" in result.stdout
    assert titles(site, "X") == ["a 1"]
    assert site.run("fetch", "--force", "--strict").exit_code == 1
    assert site.run("fetch", "--force", "b").exit_code == 1


def test_a_source_that_failed_keeps_what_it_gave_before(site: Site, server: Server) -> None:
    """Articles and validators outlive an outage; afterwards the poll is conditional again."""
    server.pages["/a"] = conditional(feed("a", 1))
    site.configure(dict(source(server, "a", "X")))
    site.run("fetch", "--force")
    server.pages["/a"] = Answer(503)
    site.run("fetch", "--force")
    assert titles(site, "X") == ["a 1"]
    server.pages["/a"] = conditional(feed("a", 1))
    assert "nothing new at the source" in site.run("fetch", "--force").stdout
    assert server.requests[-1].headers["If-None-Match"] == '"1"'


def test_articles_whose_feed_drops_them_are_kept(site: Site, server: Server) -> None:
    """A feed shows its newest few; the store keeps them all."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 2))
    site.configure(dict(source(server, "a", "X")))
    site.run("fetch", "--force")
    server.pages["/a"] = Answer(200, {}, feed("a", 3))
    site.run("fetch", "--force")
    assert titles(site, "X") == ["a 3", "a 2", "a 1"]


def test_a_feed_holds_the_configured_number_of_entries(site: Site, server: Server) -> None:
    """The newest so many."""
    server.pages["/a"] = Answer(200, {}, feed("a", *range(1, 9)))
    site.configure(dict(source(server, "a", "X")), entries_per_feed=3)
    site.run("fetch", "--force")
    assert titles(site, "X") == ["a 8", "a 7", "a 6"]


def test_a_folder_of_articles_is_a_source(site: Site) -> None:
    """Own categories and the config's; a file that is refused is named, in each run."""
    notes = site.home / "notes"
    notes.mkdir()
    (notes / "one.md").write_text(
        "---\ntitle: One\ncategories:\n - Mine\ndate: 2024-01-01\n---\n\n<p>1</p>\n"
    )
    (notes / "broken.md").write_text("---\ntitle: Two\n")
    site.configure({"name": "Notes", "kind": "articles", "path": "notes", "categories": ["All notes"]})
    for _ in range(2):
        result = site.run("fetch", "--force")
        assert result.exit_code == 0
        assert "broken.md: line" in result.stdout
    assert titles(site, "Mine") == titles(site, "All-notes") == ["One"]
    assert str(site.home) not in "".join(body.decode() for body in site.files().values())


def test_two_files_of_one_guid_are_two_articles_and_a_renamed_file_stays_one(site: Site) -> None:
    """Files are named by chance; none overwrites another, and a new name is no new article."""
    notes = site.home / "notes"
    notes.mkdir()
    text = "---\ntitle: {}\nguid: same\ndate: 2024-01-0{}\n---\n\n<p>x</p>\n"
    (notes / "a.md").write_text(text.format("A", 1))
    (notes / "b.md").write_text(text.format("B", 2))
    site.configure({"name": "Notes", "kind": "articles", "path": "notes"})
    assert "b.md: has the id of a.md" in site.run("fetch", "--force").stdout
    assert titles(site, "all") == ["B", "A"]
    (notes / "b.md").write_text(text.format("B2", 2))
    assert "0 new, 1 changed" in site.run("fetch", "--force").stdout
    assert titles(site, "all") == ["B2", "A"]
    (notes / "a.md").rename(notes / "c.md")
    assert "0 new, 0 changed, 1 unchanged" in site.run("fetch", "--force").stdout
    assert titles(site, "all") == ["B2", "A"]


def test_missing_output_is_written_again(site: Site, server: Server) -> None:
    """Someone emptied the folder: the next publication restores it to the byte, without network."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    site.configure(dict(source(server, "a", "X")))
    site.run("fetch", "--force")
    before = site.files()
    for path in site.output.rglob("*.xml"):
        path.unlink()
    asked = len(server.requests)
    assert site.run("publish").exit_code == 0
    assert site.files() == before
    assert len(server.requests) == asked
    times = site.times()
    assert "published 2 of 2 feeds, 0 files written" in site.run("publish", "--all").stdout
    assert site.times() == times


def test_another_title_or_address_renders_every_feed(site: Site, server: Server) -> None:
    """Settings that show in feeds count as a change; ids of feeds stay."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    site.configure(dict(source(server, "a", "X")))
    site.run("fetch", "--force")
    before = feedparser.parse(site.files()["X/atom.xml"]).feed
    site.configure(dict(source(server, "a", "X")), site={"title": "Other", "url": "https://other.example"})
    site.run("publish")
    after = feedparser.parse(site.files()["X/atom.xml"]).feed
    assert after.title == "X — Other"
    assert after.id == before.id
    assert {link.href for link in after.links if link.rel == "self"} == {"https://other.example/X/atom.xml"}


def test_categories_whose_names_meet_get_folders_of_their_own(site: Site, server: Server) -> None:
    """Differing only in case, in accents' form, or after making safe: never one folder."""
    names = ["News", "news", "a/b", "a-b", "é", "e\u0301", "..", "all", "con", "x" * 300, "x" * 301]
    pages = {}
    sources = []
    for number, name in enumerate(names):
        pages[f"/s{number}"] = Answer(200, {}, feed(f"s{number}", number))
        sources.append(dict(source(server, f"s{number}", name)))
    server.pages |= pages
    site.configure(*sources)
    assert site.run("fetch", "--force").exit_code == 0
    folders = {path.parent.name for path in site.output.rglob("atom.xml")}
    assert len(folders) == len({f.casefold() for f in folders}) == len(names) + 1
    assert all(path.parent.parent == site.output for path in site.output.rglob("*.xml"))


def test_a_feed_that_cannot_be_written_is_reported_and_stays_stale(site: Site, server: Server) -> None:
    """A file in the way of one category's folder does not stop the others."""
    server.pages |= {"/a": Answer(200, {}, feed("a", 1)), "/b": Answer(200, {}, feed("b", 2))}
    site.configure(dict(source(server, "a", "A")), dict(source(server, "b", "B")))
    site.output.mkdir()
    (site.output / "A").write_text("in the way")
    result = site.run("fetch", "--force")
    assert "error:" in result.stderr
    assert titles(site, "B") == ["b 2"]
    (site.output / "A").unlink()
    site.run("publish")
    assert titles(site, "A") == ["a 1"]


def test_known_entries_are_not_sanitised_again(site: Site, server: Server) -> None:
    """Equal entry, no sanitising: the count of unchanged tells it, and the fingerprints are kept."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 2))
    site.configure(dict(source(server, "a", "X")))
    site.run("fetch", "--force")
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as direct, direct:
        marks = direct.execute("select fingerprint from articles").fetchall()
    assert all(mark for (mark,) in marks)
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 2, 3))
    assert "a: 1 new, 0 changed, 2 unchanged" in site.run("fetch", "--force").stdout


def test_feeds_without_public_address_are_valid_too(site: Site, server: Server) -> None:
    """A folder that is not served anywhere yet: no self link, everything else in order."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    site.configure(dict(source(server, "a", "X")), site={"title": "Here"})
    site.run("fetch", "--force")
    parsed = feedparser.parse(site.files()["X/atom.xml"])
    assert not parsed.bozo
    assert "links" not in parsed.feed
    assert not feedparser.parse(site.files()["X/rss.xml"]).bozo
