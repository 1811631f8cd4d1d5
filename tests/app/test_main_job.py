"""The main job, end to end: real documents over a real server, and processes killed at any moment."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import feedparser
import pytest

from aggregator.app.app import App
from aggregator.app.main_job import RunWatcher, run_once
from aggregator.config.load import load
from aggregator.errors import ReadError
from aggregator.model.resource import Resource
from aggregator.model.struct import replace
from aggregator.publishing.outputs import page_of
from aggregator.publishing.publication_result import Published
from aggregator.reading.context import Context
from aggregator.reading.workers import Workers
from aggregator.store import ALL, Store, StoredArticle
from tests.conformance.documents import check_atom, check_json_feed, check_opml, check_rss
from tests.conformance.html import check_html
from tests.conftest import NOW, Answer, Server
from tests.support.examples import one_in
from tests.support.readers import (
    by_feedparser,
    by_feedsmith,
    differences,
    excused_in_feedparser,
    excused_in_feedsmith,
    why_no_feedsmith,
)
from tests.support.site import Site, feed

CHECKS = {
    "rss.xml": check_rss,
    "atom.xml": check_atom,
    "feed.json": check_json_feed,
    "html": check_html,
    "opml": check_opml,
}
FEEDS = ("rss.xml", "atom.xml", "feed.json")
KILLS = int(os.environ.get("AGGREGATOR_KILLS", "4"))
# feedparser takes as long for an archive as all the rest of it: it reads one in so many.
STRIDE = one_in(4)


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, with Last-Modified and 304, and says nothing about it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a server of this folder."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def parsed(body: bytes) -> Any:
    """Returns what feedparser makes of a document of ours, with nothing resolved or sanitised."""
    return feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)


@pytest.mark.parametrize("share", range(3))
def test_every_feed_of_the_corpus_is_polled_stored_and_published(
    corpus: Path, tmp_path: Path, share: int
) -> None:
    """No crash, a line for every source; every output conformant and read back; a second run does nothing."""
    site = Site(tmp_path)
    paths = sorted((corpus / "feeds").iterdir())[share::3]
    with serving(corpus / "feeds") as address:
        site.configure(
            *(
                {
                    "name": path.name,
                    "url": f"{address}/{quote(path.name)}",
                    # Some are in a category: the feed of everything and its archives have every article once.
                    "categories": ["c"] if number % 9 == 0 else [],
                }
                for number, path in enumerate(paths)
            ),
            **{"publish.archives": ["rss", "atom", "json", "html"]},
        )
        result = site.run("fetch", "-v")
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        for path in paths:
            assert sum(line[8:].startswith(f"{path.name}: ") for line in lines) == 1, path.name
        before, times = site.files(), site.times()

        waiting = site.run("fetch", "-v")
        assert waiting.stdout.count("waiting ") == len(paths)
        again = site.run("fetch", "-v", "--force")
        outcomes = [line for line in again.stdout.splitlines() if line.startswith(("ok", "failed"))]
        assert len(outcomes) == len(paths)
        assert all("nothing new at the source" in line for line in outcomes if line.startswith("ok"))
        assert "0 files written" in again.stdout
        assert site.times() == times
    check_outputs(site, before)


def check_outputs(site: Site, files: dict[str, bytes]) -> None:
    """Every file against the rules, and feeds and archives against the store, as two readers see them.

    AGGREGATOR_EXAMPLES=4 lets feedparser, too, read every archive.
    """
    for name, body in files.items():
        check = CHECKS.get(name.rpartition("/")[2]) or CHECKS.get(name.rpartition(".")[2])
        if name.startswith("articles/"):  # around a stranger's text, whose headings are its own
            body = re.sub(rb"(<main [^>]*>).*(</main>)", rb"\1\2", body, flags=re.DOTALL)
        assert check is None or check(body) == [], name
    documents = kept_in(site)
    feeds = [f"{folder}/{form}" for folder in documents for form in FEEDS]
    assert {name for name in files if name.endswith(FEEDS)} == {*feeds}
    assert {name.split("/")[0] for name in files if "/" in name} <= {*documents, "assets", "articles"}

    found: list[str] = []
    for name in feeds:
        folder, _, form = name.rpartition("/")
        if form != "feed.json" and is_read_back(folder, form):
            found += differences(by_feedparser(files[name]), documents[folder], name, excused_in_feedparser)
    if not why_no_feedsmith():
        read = by_feedsmith(site.output / name for name in feeds)
        for name in feeds:
            kept = documents[name.rpartition("/")[0]]
            found += differences(read[site.output / name], kept, name, excused_in_feedsmith)
    assert found == []


def is_read_back(folder: str, form: str) -> bool:
    """Feeds in each format; of the archives of everything one in so many, in RSS or in Atom in turn."""
    if "/" not in folder:
        return True
    number = int(folder.rpartition("/")[2])
    in_turn = ("rss.xml", "atom.xml")[number // STRIDE % 2]
    return folder.startswith("all/") and number % STRIDE == 0 and form == in_turn


def kept_in(site: Site) -> dict[str, tuple[StoredArticle, ...]]:
    """Returns what the store keeps for each folder of a feed and of its archives, newest first."""
    store = Store(site.home / "var" / "aggregator.db")
    documents: dict[str, tuple[StoredArticle, ...]] = {}
    for each in store.feeds.all():
        documents[f"{each.folder}"] = newest = tuple(store.feeds.newest(each.name, 50))
        full, _ = store.archives.count(each.name, "")
        for number in range(1, full + 1):
            documents[f"{each.folder}/archive/{number}"] = store.archives.articles(each.name, number)
        if (rest := store.archives.unfiled(each.name, newest[-1])) or full:
            documents[f"{each.folder}/archive/{full + 1}"] = rest
    store.close()
    return {folder: tuple(map(_with_a_page, kept)) for folder, kept in documents.items()}


def _with_a_page(kept: StoredArticle) -> StoredArticle:
    """As it is published: an article without a link has a page of its own."""
    if kept.article.link:
        return kept
    return replace(
        kept, article=replace(kept.article, link=f"https://planet.example/feeds/{page_of(kept.uid)}")
    )


SOURCES = 12


def arrange(site: Site, address: str) -> None:
    """Many small sources over a few categories."""
    site.configure(
        *(
            {"name": f"s{n}", "url": f"{address}/s{n}", "categories": [f"c{n % 5}", "Everything"]}
            for n in range(SOURCES)
        )
    )


def articles_of(site: Site) -> list[tuple[str, ...]]:
    """Returns what the store holds, without what a clock put there."""
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as direct, direct:
        return direct.execute(
            "select uid, source, id, articles.published, data from articles "
            "join revisions on revisions.pk = revision order by uid"
        ).fetchall()


def test_processes_that_read_are_stopped_before_a_command_publishes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their memory is free while others write feeds; the daemon keeps them for its next polls."""
    site.configure(entries_per_feed=10)
    ended: list[str] = []
    with App(load(site.file), NOW) as app:
        vars(app)["_workers"] = workers = Workers(1)
        monkeypatch.setattr(app, "publish", lambda *_, **__: Published())
        for is_over in (None, lambda: True):
            assert not run_once(app, (), NOW, RunWatcher(), is_over=is_over)
            try:
                workers.read(Resource(url="", body=b""), Context())
            except ReadError as error:
                ended.append(error.reason)
    assert "the workers are stopped" not in ended[0]
    assert ended[1] == "the workers are stopped"


@pytest.mark.parametrize("share", range(2))
def test_a_run_killed_at_any_moment_costs_nothing(server: Server, tmp_path: Path, share: int) -> None:
    """`kill -9` at random moments, then a rerun: the articles and feeds of an undisturbed run.

    AGGREGATOR_KILLS=20 kills more often. Until the rerun, whatever feed file exists is whole.
    """
    for n in range(SOURCES):
        server.pages[f"/s{n}"] = Answer(200, {"ETag": f'"{n}"'}, feed(f"s{n}", *range(1, 10), body="x" * 500))
    undisturbed = Site(tmp_path / "undisturbed")
    arrange(undisturbed, server.url)
    process = undisturbed.start("fetch")
    started = time.monotonic()
    assert process.wait() == 0
    took = time.monotonic() - started

    moments = random.Random(share)
    for attempt in range(KILLS // 2):
        site = Site(tmp_path / f"killed{attempt}")
        arrange(site, server.url)
        process = site.start("fetch")
        time.sleep(moments.random() * took)
        process.kill()
        process.wait()
        for name, body in site.files().items():
            if name.endswith(".xml"):
                assert not parsed(body).bozo, name
        assert site.run("fetch").exit_code == 0
        assert articles_of(site) == articles_of(undisturbed)
        assert but_status(site) == but_status(undisturbed)


def but_status(site: Site) -> dict[str, bytes]:
    """All files but the one that tells when the polls were."""
    return {name: body for name, body in site.files().items() if name != "status.html"}


def test_a_hundred_hostile_categories_write_nothing_outside_the_output_folder(
    server: Server, tmp_path: Path
) -> None:
    """Whatever a category is called, its feed is inside, and in a folder of its own."""
    hostile = [
        *("../" * n + "etc/passwd" for n in range(1, 20)),
        *("..\\" * n + "windows" for n in range(1, 10)),
        *(f"/tmp/escape{n}" for n in range(10)),
        *("\x01\x02", "a\x00b", ".", "..", "...", ".hidden", "~", "~root", "-rf", "--help", "$(id)", "`id`"),
        *(
            "CON",
            "nul.txt",
            "COM1",
            "LPT9.xml",
            "aux",
            "con ",
            "prn.",
            "a.",
            "a ",
            " a",
            "a:b",
            "a|b",
            "a*",
            "a?",
        ),
        *("index.html", "all", "ALL", "rss.xml", "atom.xml", "feeds.opml", "status", "assets", "README.md"),
        *("x" * n for n in (100, 255, 256, 5000)),
        *("字" * n for n in (30, 100, 2000)),
        *("\u202egnp.exe", "\u200b", "\ufeff", "e\u0301", "\u00e9", "E\u0301", "ﬁ", "İ", "ß", "SS", "ss"),
        *(
            "%2e%2e%2f",
            "..%2f",
            "file:///etc",
            "C:\\",
            "\\\\host\\share",
            "a/b",
            "a//b",
            "a/./b",
            "a/../b",
            "#",
            "&",
        ),
    ]
    hostile = list(dict.fromkeys(hostile))
    assert len(hostile) >= 100
    home = tmp_path / "site"
    site = Site(home)
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    site.configure({"name": "a", "url": server.url + "/a", "categories": hostile})
    assert site.run("fetch").exit_code == 0
    inside = {path for path in tmp_path.rglob("*") if path.is_file() and site.output in path.parents}
    elsewhere = {path for path in tmp_path.rglob("*") if path.is_file()} - inside
    assert {path.relative_to(home).parts[0] for path in elsewhere} == {"config", "var"}
    store = Store(home / "var" / "aggregator.db")
    names = [feed_.name for feed_ in store.feeds.all()]
    folders = [feed_.folder or "" for feed_ in store.feeds.all()]
    store.close()
    assert {name.strip() for name in names} == {ALL, *(name.strip() for name in hostile)} - {""} | {ALL}
    assert len({folder.casefold() for folder in folders}) == len(names)
    inside_folders = {path.relative_to(site.output).parts for path in inside if path.parent != site.output}
    assert {(folder, name) for folder in folders for name in ("rss.xml", "atom.xml")} <= inside_folders
    assert {parts[0] for parts in inside_folders} <= {*folders, "assets"}
