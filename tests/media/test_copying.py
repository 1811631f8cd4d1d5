"""Copies end to end: articles from a real server, pictures fetched, encoded, published, let go."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest

from aggregator.app.app import App
from aggregator.config.load import load
from aggregator.media.copy_files import YOUNG, write_file
from aggregator.media.fetch_results import AFTER, CopyReport, again_at
from aggregator.model.media_copies import CopiedFile
from aggregator.polling import paced_threads
from aggregator.store import Store
from tests.conformance.documents import check_atom, check_json_feed, check_rss
from tests.conformance.html import check_html
from tests.conftest import Answer, Request, Server
from tests.support.pictures import bomb, opened, photo, refused_pictures, sound_pictures, written
from tests.support.site import Site

NOW = datetime.now(UTC)
OUTPUTS = ("rss.xml", "atom.xml", "feed.json", "index.html")
COPY = re.compile(r"https://planet\.example/feeds/(media/[0-9a-f]{2}/[0-9a-f]{32}\.\w+)")


class Planet:
    """A site whose one source is on the server; `articles` are its bodies, by number."""

    def __init__(self, site: Site, server: Server) -> None:
        self.site, self.server = site, server
        self.articles: dict[int, str] = {}
        self.settings: dict[str, Any] = {"publish.media": True}
        self.source: dict[str, Any] = {}
        self.extra = ""
        server.pages["/feed"] = self._feed

    def _feed(self, _: Request) -> Answer:
        items = "".join(
            f"<item><title>Tea {n}</title><link>https://tea.example/{n}</link>"
            f"<guid>https://tea.example/{n}</guid><pubDate>Mon, {n:02} Jan 2024 00:00:00 GMT</pubDate>"
            f"<description>{escape(body)}</description>{self.extra}</item>"
            for n, body in self.articles.items()
        )
        head = "<title>Tea</title><link>https://tea.example/</link><description>d</description>"
        return Answer(body=f"<rss version='2.0'><channel>{head}{items}</channel></rss>".encode())

    def picture(self, name: str, body: bytes, **headers: str) -> str:
        """Serves a picture; its `<img>`."""
        self.server.pages[f"/{name}"] = Answer(body=body, headers=headers)
        return f'<img src="{self.server.url}/{name}">'

    def configure(self) -> None:
        """Writes the config."""
        source = {"name": "Tea", "url": f"{self.server.url}/feed", "categories": ["drinks"], **self.source}
        fetch = {"host_gap": "0s", "host_at_once": 8}
        self.site.configure(source, **{"fetch": fetch, **self.settings})

    def fetch(self) -> dict[str, Any]:
        """Polls, whatever is due, copies and publishes."""
        self.configure()
        result = self.site.run("fetch", "--force", "--json")
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    def copies(self) -> set[str]:
        """The files of copies, without one that a killed run had begun to write."""
        found = (self.site.output / "media").rglob("*.*")
        return {
            file.relative_to(self.site.output).as_posix()
            for file in found
            if file.suffix != ".part" and file.is_file()
        }

    def shown(self, file: str = "all/rss.xml") -> list[str]:
        """The copies that a document names, in their order."""
        return COPY.findall((self.site.output / file).read_text(encoding="utf-8"))

    def app(self, now: datetime) -> App:
        """The app, for steps at another time; the caller closes it."""
        return App(load(self.site.file), now)

    def requested(self, name: str) -> int:
        """How often a picture was asked for."""
        return sum(request.path == f"/{name}" for request in self.server.requests)


@pytest.fixture
def planet(site: Site, server: Server) -> Planet:
    """A planet without articles."""
    return Planet(site, server)


def test_pictures_are_copied_before_the_first_publication_into_every_output(planet: Planet) -> None:
    """With the original beside the copy, in documents that are still sound; each is fetched once."""
    image = planet.picture("a.jpg", written(photo(), "JPEG"), **{"Content-Type": "text/html"})
    planet.articles = {1: f"<p>One {image}</p>", 2: f"<p>Two {image}</p>"}
    media = planet.fetch()["media"]
    assert (media["copied"], media["refused"], media["failed"], media["waiting"]) == (1, 0, 0, 0)
    (copy,) = planet.copies()
    assert opened((planet.site.output / copy).read_bytes()).size == (120, 80)
    for name in OUTPUTS:
        for folder in ("all", "drinks"):
            assert set(planet.shown(f"{folder}/{name}")) == {copy}
    files = planet.site.files()
    assert check_rss(files["all/rss.xml"]) == []
    assert check_atom(files["all/atom.xml"]) == []
    assert check_json_feed(files["all/feed.json"]) == []
    assert check_html(files["all/index.html"]) == []
    item = json.loads(files["all/feed.json"])["items"][0]
    assert item["image"] == f"https://planet.example/feeds/{copy}"
    assert item["_originals"] == {"image": f"{planet.server.url}/a.jpg"}
    assert f'data-copied-from="{planet.server.url}/a.jpg"' in item["content_html"]
    before = planet.site.times()
    assert planet.fetch()["published"]["written"] == []
    assert planet.site.times() == before
    assert planet.requested("a.jpg") == 1


def test_all_kinds_at_once_are_kept_or_stay_at_their_addresses(planet: Planet) -> None:
    """Whatever the server calls them; nothing hostile is among the files."""
    sound, hostile = list(sound_pictures().items()), list(refused_pictures().items())
    bodies = [planet.picture(f"s{n}", body) for n, (_, (body, _)) in enumerate(sound)]
    called = {"Content-Type": "image/png"}
    bodies += [planet.picture(f"h{n}", body, **called) for n, (_, (body, _)) in enumerate(hostile)]
    planet.articles = {1: f"<p>{''.join(bodies)}</p>"}
    namespace = "xmlns:media='http://search.yahoo.com/mrss/'"
    planet.extra = f"<media:thumbnail {namespace} url='{planet.server.url}/s0'/>"
    report = planet.fetch()["media"]
    pixels = [name for name, (_, reason) in hostile if "pixel" in reason and "tracking" in reason]
    assert report["copied"] == len(sound)
    assert report["pixels"] == len(pixels) == 2
    assert report["refused"] == len(hostile) - len(pixels)
    files = {name: body for name, body in planet.site.files().items() if name.startswith("media/")}
    assert len(files) <= len(sound)
    assert all(b"<script" not in body and b"alert" not in body for body in files.values())
    text = (planet.site.output / "all/rss.xml").read_text(encoding="utf-8")
    left = set(re.findall(r'src="[^"]*/(h\d+)"', text))
    assert left == {f"h{n}" for n, (name, _) in enumerate(hostile) if name not in pixels}


def test_status_counts_them(planet: Planet) -> None:
    """For people and for scripts."""
    images = [planet.picture("a.jpg", written(photo(), "JPEG")), planet.picture("b.jpg", b"<html>")]
    planet.articles = {1: f"<p>{''.join(images)}</p>"}
    planet.fetch()
    found = json.loads(planet.site.run("status", "--json").stdout)["media"]
    assert {name: found[name] for name in ("copied", "waiting", "given_up")} == {
        "copied": 1, "waiting": 0, "given_up": 1
    }  # fmt: skip
    said = planet.site.run("status").stdout
    assert re.search(r"^pictures  1 copied \(0\.0 MB\), 0 to be fetched, 1 given up$", said, re.MULTILINE)


def test_a_server_that_fails_is_asked_again_a_few_times_and_its_picture_stays(planet: Planet) -> None:
    """At growing intervals, not at once by the next run; then its copy takes its place everywhere."""
    image = planet.picture("a.jpg", written(photo(), "JPEG"))
    sound = planet.server.pages["/a.jpg"]
    planet.server.pages["/a.jpg"] = Answer(500)
    planet.articles = {1: f"<p>{image}</p>"}
    assert planet.fetch()["media"]["failed"] == 1
    assert planet.shown() == []
    assert planet.fetch()["media"]["failed"] == 0
    later = NOW + timedelta(hours=2)
    planet.server.pages["/a.jpg"] = sound
    with planet.app(later) as app:
        report = app.copy_media(later)
        assert report is not None
        assert report.copied == 1
        app.publish(later)
    assert len(planet.shown("drinks/rss.xml")) >= 1
    assert planet.requested("a.jpg") == 2


def test_a_page_is_given_up_after_four_failures_or_one_permanent_failure() -> None:
    """A pause is not longer than what the server asks for."""
    from aggregator.errors import BlockedAddress, ConnectError, HttpStatus, Later, TooLarge

    refused = ConnectError("nothing answers")
    assert [again_at(refused, n, NOW) for n in (1, 2, 3, 4)] == [*(NOW + wait for wait in AFTER), None]
    asked = Later("later", status=429, retry_after=timedelta(days=2))
    assert again_at(asked, 1, NOW) == NOW + timedelta(days=2)
    for error in (HttpStatus("", status=404), BlockedAddress(""), TooLarge("")):
        assert again_at(error, 1, NOW) is None


def test_a_slow_server_delays_no_publication(planet: Planet, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not arrive in time is left for the next run."""
    monkeypatch.setattr(paced_threads, "_LAST_SECONDS", 0.2)
    planet.settings["publish.media"] = {"time": "1s"}
    release = threading.Event()

    def slow(_: Request) -> Answer:
        release.wait(60)
        return Answer(body=written(photo(), "JPEG"))

    quick = planet.picture("quick.jpg", written(photo(), "JPEG"))
    planet.server.pages["/slow.jpg"] = slow
    planet.articles = {1: f'<p>{quick}<img src="{planet.server.url}/slow.jpg"></p>'}
    try:
        report = planet.fetch()
    finally:
        release.set()
    assert (report["media"]["copied"], report["media"]["waiting"]) == (1, 1)
    assert len(planet.copies()) == 1
    assert report["published"]["written"]
    assert planet.fetch()["media"]["copied"] == 1


def test_pictures_over_the_limits_are_not_copied(planet: Planet) -> None:
    """Not as bytes, not as pixels, and not behind a redirect to a private address."""
    planet.settings["publish.media"] = {"max_file_bytes": 20_000, "max_pixels": 1_000_000}
    images = [
        planet.picture("large.png", bytes(20_001)),
        planet.picture("endless.png", b"", **{"Content-Length": f"{10**9}"}),
        planet.picture("bomb.png", bomb(1_001, 1_000)),
        planet.picture("away.png", b"", Location="http://169.254.169.254/latest/meta-data"),
    ]
    planet.server.pages["/away.png"] = Answer(302, {"Location": "http://169.254.169.254/latest/"})
    planet.articles = {1: f"<p>{''.join(images)}</p>"}
    report = planet.fetch()["media"]
    assert (report["copied"], report["refused"], report["failed"]) == (0, 1, 3)
    assert planet.copies() == set()
    why = {problem["where"].rpartition("/")[2]: problem["text"] for problem in report["problems"]}
    assert "exceeds 20000 bytes" in why["large.png"]
    assert "exceeds 20000 bytes" in why["endless.png"]
    assert "more than 1000000" in why["bomb.png"]
    assert "not public" in why["away.png"]


def test_an_unexpected_exception_affects_one_picture(planet: Planet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again, as after a failure; the others are copied, and everything is published."""
    made = write_file

    def mistaken(output: Path, file: CopiedFile, body: bytes) -> None:
        if file.width == 7:
            raise RuntimeError("a mistake")
        made(output, file, body)

    monkeypatch.setattr("aggregator.media.copying.write_file", mistaken)
    images = [planet.picture(f"{n}.png", written(photo(n, 5), "PNG")) for n in (7, 9)]
    planet.articles = {1: f"<p>{''.join(images)}</p>"}
    report = planet.fetch()
    assert (report["media"]["copied"], report["media"]["failed"]) == (1, 1)
    assert report["published"]["written"]


def test_a_forgotten_articles_files_go_at_once_unless_others_show_them(planet: Planet) -> None:
    """From the folder and from the store's own file."""
    shared = planet.picture("shared.jpg", written(photo(seed=1), "JPEG"))
    own = planet.picture("secret-name.jpg", written(photo(seed=2), "JPEG"))
    planet.articles = {1: f"<p>{shared}{own}</p>", 2: f"<p>{shared}</p>"}
    planet.fetch()
    before = planet.copies()
    assert len(before) == 2
    assert planet.site.run("forget", "https://tea.example/1").exit_code == 0
    (left,) = planet.copies()
    assert set(planet.shown()) == {left}
    assert b"secret-name" not in (planet.site.home / "var/aggregator.db").read_bytes()


def test_unused_copies_are_removed_after_the_retention(planet: Planet) -> None:
    """Files too, on the day after: also those that a killed process left, but none of others."""
    planet.articles = {1: f"<p>{planet.picture('a.jpg', written(photo(seed=1), 'JPEG'))}</p>"}
    planet.fetch()
    planet.articles = {1: f"<p>Now {planet.picture('b.jpg', written(photo(seed=2), 'JPEG'))}</p>"}
    planet.fetch()
    folder = planet.site.output / "media"
    (folder / "ab").mkdir()
    orphan, young = folder / "ab" / f"{'ab' * 16}.png", folder / "ab" / f"{'ab' * 15}00.png"
    strangers = [folder / "ab" / "notes.txt", folder / "index.html"]
    for file in (orphan, young, *strangers):
        file.write_bytes(b"x")
    old = (NOW - YOUNG - timedelta(minutes=5)).timestamp()
    os.utime(orphan, (old, old))
    for later, left in ((NOW + timedelta(minutes=1), 2), (NOW + timedelta(days=8), 1)):
        with planet.app(later) as app:
            app.tidy_media(later, at_once=True)
        assert len([name for name in planet.copies() if name.endswith("jpg")]) == left
    assert not orphan.exists()
    assert all(file.exists() for file in strangers)
    assert set(planet.shown()) <= planet.copies()


def test_lost_and_damaged_files_are_found_and_fetched_again(planet: Planet) -> None:
    """`verify` reports them; meanwhile the originals are shown."""
    image = planet.picture("a.jpg", written(photo(), "JPEG"))
    planet.articles = {1: f"<p>{image}</p>"}
    planet.fetch()
    (copy,) = planet.copies()
    file = planet.site.output / copy
    body = file.read_bytes()
    assert planet.site.run("verify").exit_code == 0
    for damage in (lambda: file.unlink(), lambda: file.write_bytes(body[:50])):
        damage()
        found = json.loads(planet.site.run("verify", "--json").stdout)["faults"]
        assert [(fault["kind"], fault["places"]) for fault in found] == [
            ("copies of pictures that are missing or damaged", [str(file)])
        ]
        with planet.app(NOW) as app:
            app.tidy_media(NOW, at_once=True)
            app.publish(NOW)
        assert planet.shown() == []
        assert planet.fetch()["media"]["copied"] == 1
        assert file.read_bytes() == body
        assert set(planet.shown()) == {copy}


def test_the_total_size_of_copies_is_limited(planet: Planet) -> None:
    """What is shown stays, no more is copied, and the run says so."""
    planet.settings["publish.media"] = {"max_bytes": 1_000}
    images = [planet.picture(f"{n}.jpg", written(photo(seed=n), "JPEG")) for n in range(3)]
    planet.articles = {1: f"<p>{images[0]}</p>"}
    planet.fetch()
    planet.articles[2] = f"<p>{images[1]}{images[2]}</p>"
    report = planet.fetch()["media"]
    assert (report["copied"], report["waiting"]) == (0, 2)
    assert "publish.media.max_bytes" in report["problems"][0]["text"]
    assert len(planet.copies()) == 1


def test_switching_copies_off_gives_the_output_without_them(planet: Planet) -> None:
    """Archives too, byte for byte; the files are gone."""
    planet.settings = {"entries_per_feed": 1}
    images = [planet.picture(f"{n}.jpg", written(photo(seed=n), "JPEG")) for n in range(1, 4)]
    planet.articles = {n: f"<p>{image}</p>" for n, image in enumerate(images, 1)}
    planet.fetch()
    never = planet.site.files()
    planet.settings["publish.media"] = True
    planet.fetch()
    assert planet.copies()
    planet.articles[4] = "<p>Newest</p>"
    planet.fetch()
    archived = "all/archive/3/atom.xml"
    assert len(planet.shown(archived)) >= 1
    assert planet.shown("all/archive/1/atom.xml") == []
    planet.settings["publish.media"] = False
    planet.fetch()
    assert planet.copies() == set()
    after = planet.site.files()
    for name, body in never.items():
        if re.match(r"(?:all|drinks)/archive/[12]/", name):
            assert after[name] == body, name
    assert not any(b"/media/" in body for body in after.values())
    assert not Store(planet.site.home / "var/aggregator.db").media.any()


def test_newsletters_and_sources_that_do_not_want_it_have_no_copies(planet: Planet) -> None:
    """The addresses of a newsletter's pictures tell its sender who has read it."""
    from aggregator.config.load import MediaSettings, Source
    from aggregator.media.copying import _choice

    settings, all_of_it = MediaSettings(), MediaSettings(enclosures=True)
    feed = Source(name="f", url="https://a.example/")
    mail = feed.model_copy(update={"kind": "mail"})
    assert _choice(feed, settings) == (True, False)
    assert _choice(feed, all_of_it) == (True, True)
    assert _choice(mail, all_of_it) == (False, False)
    assert _choice(mail.model_copy(update={"media": True}), settings) == (True, False)
    assert _choice(feed.model_copy(update={"media": False}), all_of_it) == (False, False)
    assert _choice(feed.model_copy(update={"media": "all"}), settings) == (True, True)
    planet.articles = {1: f"<p>{planet.picture('a.jpg', written(photo(), 'JPEG'))}</p>"}
    planet.source["media"] = False
    assert planet.fetch()["media"]["copied"] == 0
    assert planet.requested("a.jpg") == 0
    planet.source["media"] = True
    assert planet.fetch()["media"]["copied"] == 1


def test_recordings_are_copied_byte_for_byte_where_they_are_asked_for(planet: Planet) -> None:
    """By what they are, not by what the feed says; a page that calls itself one is refused."""
    mp3, page = b"ID3\x04" + bytes(2_000), b"<!doctype html><script>alert(1)</script>"
    planet.server.pages["/a.mp3"], planet.server.pages["/b.mp3"] = Answer(body=mp3), Answer(body=page)
    planet.articles = {1: "<p>One</p>", 2: "<p>Two</p>"}
    said = "type='audio/mpeg' length='5'"
    names = ("a.mp3", "b.mp3")
    planet.extra = "".join(f"<enclosure url='{planet.server.url}/{name}' {said}/>" for name in names)
    assert planet.fetch()["media"]["copied"] == 0
    planet.source["media"] = "all"
    report = planet.fetch()["media"]
    assert (report["copied"], report["refused"]) == (1, 1)
    (copy,) = planet.copies()
    assert (planet.site.output / copy).read_bytes() == mp3
    assert copy.endswith(".mp3")
    text = (planet.site.output / "all/rss.xml").read_text(encoding="utf-8")
    assert f'<enclosure url="https://planet.example/feeds/{copy}" length="2004" type="audio/mpeg"/>' in text
    assert f'url="{planet.server.url}/b.mp3"' in text


def test_posts_and_pages_of_articles_have_copies_too(planet: Planet, tmp_path: Path) -> None:
    """Posts are written again when a copy comes later than they."""
    posts = tmp_path / "posts"
    planet.settings["publish.posts"] = {"folder": str(posts)}
    image = planet.picture("a.jpg", written(photo(), "JPEG"))
    sound, planet.server.pages["/a.jpg"] = planet.server.pages["/a.jpg"], Answer(503)
    planet.articles = {1: f"<p>{image}</p>"}
    planet.fetch()
    (post,) = [*posts.rglob("*.html")]
    assert COPY.findall(post.read_text(encoding="utf-8")) == []
    planet.server.pages["/a.jpg"] = sound
    later = NOW + timedelta(days=1)
    with planet.app(later) as app:
        app.copy_media(later)
        app.publish(later)
    assert set(COPY.findall(post.read_text(encoding="utf-8"))) == planet.copies()


def test_a_category_named_media_gets_another_folder(planet: Planet) -> None:
    """One that had the name before keeps it: its files have other names."""
    planet.source["categories"] = ["Media"]
    planet.articles = {1: f"<p>{planet.picture('a.jpg', written(photo(), 'JPEG'))}</p>"}
    planet.fetch()
    folders = {name.partition("/")[0].lower() for name in planet.site.files() if name.endswith("/rss.xml")}
    assert "media" not in folders
    assert len(folders) == 2


def test_a_site_without_copies_imports_no_decoder_and_has_no_rows(planet: Planet) -> None:
    """Its output is what it always was (see the tests of outputs)."""
    planet.settings = {}
    planet.articles = {1: f"<p>{planet.picture('a.jpg', written(photo(), 'JPEG'))}</p>"}
    report = planet.fetch()
    assert report["media"] == {
        "copied": 0, "pixels": 0, "refused": 0, "failed": 0, "waiting": 0, "bytes": 0, "problems": []
    }  # fmt: skip
    assert planet.requested("a.jpg") == 0
    with closing(sqlite3.connect(planet.site.home / "var/aggregator.db")) as database, database:
        assert database.execute("SELECT count(*) FROM media").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM media_uses").fetchone() == (0,)


def test_a_report_fits_on_one_line() -> None:
    """Counts of 0 are left out."""
    assert CopyReport(copied=2).summary == "2 copied"
    many = CopyReport(copied=1, pixels=2, refused=3, failed=4, waiting=5)
    assert many.summary == "1 copied, 2 tracking pixels, 3 refused, 4 failed, 5 later"


def test_a_run_killed_while_it_copies_costs_nothing(planet: Planet) -> None:
    """Files are whole or not there, none is left that nothing names, and the next run does the rest."""
    images = [planet.picture(f"{n}.jpg", written(photo(seed=n), "JPEG")) for n in range(12)]
    planet.articles = {n: f"<p>{image}</p>" for n, image in enumerate(images, 1)}
    planet.configure()
    for begun in (1, 6):
        launched = planet.site.start("fetch", "--force")
        until = time.monotonic() + 60
        while len(planet.copies()) < begun and launched.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        launched.kill()
        launched.wait()
        for name in planet.copies():
            opened((planet.site.output / name).read_bytes())
    planet.fetch()
    later = NOW + YOUNG + timedelta(hours=1)
    with planet.app(later) as app:
        app.copy_media(later)
        app.publish(later)
        app.tidy_media(later, at_once=True)
    assert len(planet.copies()) == 12
    assert set(planet.shown()) == planet.copies()
