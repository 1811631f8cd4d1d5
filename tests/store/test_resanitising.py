"""Stored bodies are sanitised again after an upgrade: everywhere, in steps, once."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.app.app import App
from aggregator.config import load as config
from aggregator.config.load import Source
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.reading.document import READER_VERSION
from aggregator.reading.resanitising import resanitised
from aggregator.store import ALL, Found, Store, Update, resanitising
from tests.conftest import NOW
from tests.support.older_stores import take_back
from tests.support.site import Site

HOSTILE = '<p>Hi <html style="content-visibility:auto" oncontentvisibilityautostatechange=alert(1)>there</p>'
OTHERS = (
    "<p>x</p><frameset onload=alert(2)>",
    "<head onclick=alert(3)><p>y</p>",
    "<table><col onclick=alert(4)><tr onclick=alert(5)><td background=//evil.example/x>z</td></tr></table>",
    "<body onpageshow=alert(6)>b",
    "<svg onload=alert(7)>",
    '<a href="javascript:alert(8)">j</a>',
    "<img src=x onerror=alert(9)>",
)
HARMLESS = (
    '<p class="lead">Kept <b>as it is</b></p>\n<!-- more -->\n<table border="1"><tr><td>1</td></tr></table>'
)


@pytest.fixture
def site_with_scripts(site: Site) -> Site:
    """A site of 30 articles, edits and archives, the third part with bodies that an earlier version kept."""
    (site.home / "notes").mkdir()
    site.configure(
        {"name": "notes", "kind": "articles", "path": "notes", "categories": ["X"]}, entries_per_feed=4
    )
    site.file.write_text(site.file.read_text() + '\n[publish.posts]\nfolder = "posts"\ngenerator = "hugo"\n')
    bodies = [HOSTILE, HARMLESS, *OTHERS]
    loaded = config.load(site.file)
    with App(loaded, NOW) as app:
        for edit in ("", " edited"):
            found = [
                Found(
                    Article(
                        source="notes",
                        id=f"urn:{n}",
                        title=f"{n}{edit}",
                        link=f"https://x.example/{n}",
                        published=NOW - timedelta(days=n),
                        categories=("X",),
                        content=bodies[n % len(bodies)],
                        summary=bodies[(n + 1) % len(bodies)],
                    ),
                    file=f"{n}.md",
                )
                for n in range(30)
            ]
            app._store.sources.commit(Update(source="notes", validators={}, body_hash=None, found=found), NOW)
            app._store.database.remember("mended", json.dumps([READER_VERSION, 9, 0]))
            app.publish()
    take_back(site.home / "var" / "aggregator.db", 5)
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as direct, direct:
        direct.execute("delete from settings where name = 'mended'")
    return site


def outputs(site: Site) -> Iterator[tuple[str, str]]:
    """Every file that was published, posts included."""
    for folder in (site.output, site.home / "posts"):
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix not in (".css", ".gz"):
                yield str(path), path.read_text(encoding="utf-8")


def acts(text: str) -> bool:
    """Whether any of the hostile attributes is in a text."""
    return any(f"alert({n})" in text for n in range(1, 10)) or "//evil.example" in text


def test_bodies_of_an_earlier_version_are_sanitised_again_everywhere(site_with_scripts: Site) -> None:
    """In feeds, pages, archives, posts, earlier versions; what is harmless stays byte for byte."""
    site = site_with_scripts
    assert any(acts(text) for _, text in outputs(site))
    assert site.run("publish").exit_code == 0
    assert [name for name, text in outputs(site) if acts(text)] == []
    with App(config.load(site.file), NOW) as app:
        store = app._store
        kept = list(store.articles.all())
        assert not any(acts(k.article.content + k.article.summary) for k in kept)
        assert any(k.article.content == HARMLESS for k in kept)
        assert all(v.article.title for k in kept for v in store.articles.earlier_versions(k.uid))
        assert not any(
            acts(v.article.content + v.article.summary)
            for k in kept
            for v in store.articles.earlier_versions(k.uid)
        )
        archived = [k for n in range(1, 7) for k in store.archives.articles(ALL, n)]
        assert archived
        assert not any(acts(k.article.content + k.article.summary) for k in archived)


def test_sanitising_again_is_no_edit(site_with_scripts: Site) -> None:
    """No dates change, no versions are added, and the next poll finds nothing changed."""
    site = site_with_scripts
    with App(config.load(site.file), NOW) as app:
        before = [(k.uid, k.published, k.updated, k.article.title) for k in app._store.articles.all()]
        app.publish()
        kept = list(app._store.articles.all())
        assert [(k.uid, k.published, k.updated, k.article.title) for k in kept] == before
        assert all(len(app._store.articles.earlier_versions(k.uid)) == 1 for k in kept)
        found = [Found(k.article, file=f"{k.uid[4:]}.md") for k in kept]
        saved = app._store.sources.commit(
            Update(source="notes", validators={}, body_hash=None, found=found), NOW
        )
        assert (saved.new, saved.changed) == (0, 0)


def test_stored_bodies_are_sanitised_once_per_version(site_with_scripts: Site) -> None:
    """And again for other rules."""
    site = site_with_scripts
    with App(config.load(site.file), NOW) as app:
        app.publish()
        seen = []

        def watching(article: Article) -> Article:
            seen.append(article.id)
            return article

        assert list(app._store.resanitising.mend(watching, READER_VERSION, NOW)) == []
        assert (
            sum(looked for looked, _ in app._store.resanitising.mend(watching, READER_VERSION + 1, NOW)) == 60
        )
        # Archives show what is stored once.
        assert len(seen) == 60


def test_sanitising_again_continues_after_a_kill(
    site_with_scripts: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step is whole; nothing is looked at twice."""
    monkeypatch.setattr(resanitising, "_BATCH", 7)
    site = site_with_scripts
    seen: list[str] = []

    def watching(article: Article) -> Article:
        seen.append(article.title)
        return resanitised(article)

    total = 0
    for _ in range(100):
        with App(config.load(site.file), NOW) as app:
            step = next(app._store.resanitising.mend(watching, READER_VERSION, NOW), None)
        if step is None:
            break
        assert step[0] <= 7
        total += step[0]
    assert total == 60
    assert seen.count("7 edited") == 1  # the archives of all and of its category show the same
    with App(config.load(site.file), NOW) as app:
        app.publish()
    assert [name for name, text in outputs(site) if acts(text)] == []


def test_a_process_killed_in_the_middle_of_an_upgrade_loses_nothing(site_with_scripts: Site) -> None:
    """Wherever it is: the next one goes on."""
    site = site_with_scripts
    program = (
        "import os, signal, sys\n"
        "from aggregator.store import resanitising\n"
        "resanitising._BATCH = 5\n"
        "from aggregator.reading import resanitising as rules\n"
        "def resanitised(article, _resanitised=rules.resanitised):\n"
        "    global count\n"
        "    count -= 1\n"
        "    if count == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return _resanitised(article)\n"
        "rules.resanitised = resanitised\n"
        "from aggregator.cli.main import main\n"
        "for count in (1, 8, 23, 34):\n"
        "    if (child := os.fork()) == 0:\n"
        "        os.dup2(2, 1)\n"
        "        main(['publish', '--config', sys.argv[1]])\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(site.file)], check=True, capture_output=True, text=True
    )
    assert ended.stdout.split() == [str(-signal.SIGKILL)] * 4, ended.stderr
    assert site.run("publish").exit_code == 0
    assert [name for name, text in outputs(site) if acts(text)] == []


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6])
def test_stores_of_every_earlier_version_are_brought_up_to_date(tmp_path: Path, version: int) -> None:
    """Twice, as a killed upgrade leaves all or nothing."""
    file = tmp_path / "store.db"
    source = Source(name="news", url="https://example.org/feed", categories=("World",))
    old = Store(file)
    old.sources.adopt([source], NOW)
    article = Article(source="news", id="urn:1", title="One", published=NOW, content=HOSTILE)
    update = Update(source="news", validators={"etag": "1"}, body_hash="h", found=[Found(article, "mark")])
    old.sources.commit(update, NOW)
    old.close()
    take_back(file, version)
    for _ in range(2):
        new = Store(file)
        new.sources.adopt([source], NOW)
        assert new.sources.states()["news"].reader_version == 1
        assert new.articles.going_by("news", 2).fingerprints == frozenset()
        list(new.resanitising.mend(resanitised, 2, NOW))
        (kept,) = new.articles.all()
        assert not acts(kept.article.content)
        assert not list(new.resanitising.mend(resanitised, 2, NOW))
        found = [Found(replace(article, content="<p>new</p>"), "mark", reader_version=2)]
        saved = new.sources.commit(replace(update, found=found, reader_version=2), NOW)
        assert saved.changed == 0
        assert new.articles.going_by("news", 2).fingerprints == {"mark"}
        assert new.sources.states()["news"].reader_version == 2
        new.close()
        take_back(file, 5)
