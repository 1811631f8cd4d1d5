"""Stores of earlier versions are brought up to date: whole, or not at all, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aggregator.config.load import Keep, Source
from aggregator.errors import DamagedStore, StoreError
from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.store import ALL, Found, Store, StoredArticle, Update, migrations
from aggregator.store.article_states import PRUNED
from aggregator.store.schema import VERSION
from tests.conftest import NOW, Answer, Server
from tests.support.older_stores import take_back
from tests.support.site import Site, feed

NEWS = Source(name="news", url="https://example.org/feed", categories=("World",))
NOTES = Source(name="notes", url="https://notes.example/feed", categories=("Tea", "World"))
HOUR = timedelta(hours=1)
OLDER = range(1, VERSION)


def article(number: int, **changes: Any) -> Article:
    """An article published so many hours ago."""
    made = Article(
        source="news",
        id=f"https://example.org/{number:03}",
        title=f"Number {number}",
        link=f"https://example.org/{number:03}",
        published=NOW - number * HOUR,
        authors=("Ann",),
        categories=("World",),
        content=f"<p>Body {number} \N{SNOWMAN}</p>",
        origin=Origin(title="News", link="https://example.org/"),
    )
    return replace(made, **changes)


def commit(store: Store, *articles: Article, source: str = "news", after: timedelta = timedelta()) -> None:
    """One poll's articles, saved."""
    found = [Found(a, f"mark of {a.id}", f"{a.id[-3:]}.md") for a in articles]
    update = Update(source=source, validators={"etag": '"1"'}, body_hash="h", found=found, pages=2)
    store.sources.commit(update, NOW + after)


def fill(file: Path) -> None:
    """A store with all that stores hold: versions, archives of what was edited or pruned, given dates."""
    store = Store(file)
    store.sources.adopt([NEWS, NOTES], NOW)
    commit(store, *(article(n) for n in range(20)))
    commit(
        store,
        article(1, id="urn:later", published=NOW + 48 * HOUR, updated=NOW + 49 * HOUR),
        article(
            2,
            id="no uri",
            published=None,
            enclosures=(Enclosure(url="https://a.example/1.mp3", type="audio/mpeg", length=7),),
        ),
        article(
            3, id="urn:extra", extra={"when": datetime(2020, 1, 1, tzinfo=UTC), "long": timedelta(hours=2)}
        ),
        article(4, id="urn:large", extra={"n": 2**70, "nan": ["x", {"y": None}]}),
        source="notes",
    )
    for name in (ALL, "World"):
        store.archives.file_away(name, 3)
    commit(store, article(5, content="<p>Edited</p>"), article(19, title="Also"), after=HOUR)
    commit(store, article(5, content="<p>Edited again</p>"), after=2 * HOUR)
    store.archives.file_away(ALL, 3)
    assert sum(store.articles.prune(Keep(max_articles=15), 3, NOW, source="news")) == 5
    for page in store.pages.due(["news"], NOW + 9 * HOUR, 1):
        store.pages.complete(page, lambda own: replace(own, content="<p>Whole</p>"), NOW + 3 * HOUR)
    store.feeds.settle({ALL: ("all", "urn:all"), "World": ("world", "urn:world")})
    store.feeds.rendered({ALL: 1}, {ALL: "stamp"})
    store.archives.written([(ALL, number, "look") for number in (1, 2)])
    store.sources.fail("notes", "unreachable", NOW)
    store.database.remember("a", "b")
    store.close()


class Content(NamedTuple):
    """What a store gives out."""

    articles: list[StoredArticle]
    versions: dict[str, Any]
    feeds: Any
    newest: dict[str, list[str]]
    archives: dict[str, Any]
    unwritten: dict[str, Any]
    pruned: Any
    facts: Any
    pages: Any
    sources: Any
    health: Any


def _plain(kept: StoredArticle) -> StoredArticle:
    # Numbers inside the store, and when it was first seen, are no part of what an archive shows.
    return replace(kept, pk=0, revision=0, first_seen=NOW)


def content(file: Path) -> Content:
    """Everything that the store gives out, comparable."""
    store = Store(file)
    kept = list(store.articles.all())
    names = [each.name for each in store.feeds.all()]
    counts = {name: store.archives.count(name, "look") for name in names}
    with store.database.snapshot() as connection:

        def rows(query: str) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

        pruned = rows(
            f"select source, id, uid, fingerprint, file, reader_version from articles "
            f"where state = '{PRUNED}' order by uid"
        )
        facts = rows(
            "select uid, state, edits, fingerprint, file, given, content_hash from articles "
            "join revisions on revisions.pk = revision order by uid"
        )
        pages = rows("select * from pages order by article")
    found = Content(
        articles=[replace(k, revision=0) for k in kept],
        versions={k.uid: store.articles.earlier_versions(k.uid) for k in kept},
        feeds=store.feeds.all(),
        newest={name: [k.uid for k in store.feeds.newest(name, 1000)] for name in names},
        archives={
            name: [[_plain(k) for k in store.archives.articles(name, n)] for n in range(1, count + 1)]
            for name, (count, _) in counts.items()
        },
        unwritten={name: unwritten for name, (_, unwritten) in counts.items()},
        pruned=pruned,
        facts=facts,
        pages=pages,
        sources=store.sources.states(),
        health=store.sources.health(),
    )
    store.close()
    return found


def beside(file: Path) -> set[str]:
    """The names of the files in the folder of a store."""
    return {path.name for path in file.parent.iterdir()}


def rows_of(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of a database, whatever its version."""
    with closing(sqlite3.connect(file)) as direct:
        tables = [name for (name,) in direct.execute("select name from sqlite_master where type = 'table'")]
        return {name: sorted(direct.execute(f"select * from {name}").fetchall(), key=repr) for name in tables}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full store of today's."""
    file = tmp_path_factory.mktemp("filled") / "store.db"
    fill(file)
    return file


@pytest.fixture
def old(filled: Path, tmp_path: Path) -> Callable[[int], Path]:
    """Makes a store of an earlier version in a folder of its own."""

    def make(version: int) -> Path:
        file = tmp_path / f"{version}" / "store.db"
        file.parent.mkdir()
        shutil.copy2(filled, file)
        take_back(file, version)
        return file

    return make


@pytest.mark.parametrize("version", OLDER)
def test_everything_that_a_version_held_is_carried_over(
    filled: Path, old: Callable[[int], Path], version: int
) -> None:
    """Articles, versions, given dates, feeds, archives, tombstones, pages, validators."""
    before = content(filled)
    assert before.pruned
    assert sum(map(len, before.versions.values())) == 2
    assert sum(map(len, before.archives.values())) > 8
    assert any("published" in (row[5] or "") for row in before.facts)
    file = old(version)
    after = content(file)
    lost: dict[str, Any] = {}
    if version < 5:  # it kept no stamps
        lost["feeds"] = tuple(replace(each, listed=None) for each in before.feeds)
    if version < 3:
        lost |= {"archives": {name: [] for name in before.archives}, "unwritten": after.unwritten}
    if version < 2:
        lost["pruned"] = []
    assert after == before._replace(**lost)
    assert beside(file) == {"store.db", f"store.db.schema{version}"}
    assert content(file) == after


def test_the_old_store_is_kept_unchanged_for_its_owner(old: Callable[[int], Path]) -> None:
    """Under a name that says which version reads it."""
    file = old(6)
    before = rows_of(file)
    Store(file).close()
    kept = file.with_name("store.db.schema6")
    assert rows_of(kept) == before
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}


def test_a_group_that_may_read_the_old_store_may_read_the_new_one(old: Callable[[int], Path]) -> None:
    """The owner may have meant it."""
    file = old(6)
    file.chmod(0o640)
    Store(file).close()
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o640}


def test_an_old_store_of_that_name_is_not_overwritten(old: Callable[[int], Path]) -> None:
    """It may be the only one that is whole."""
    file = old(6)
    file.with_name("store.db.schema6").write_text("mine")
    before = rows_of(file)
    Store(file).close()
    assert file.with_name("store.db.schema6").read_text() == "mine"
    assert rows_of(file.with_name("store.db.schema6.2")) == before


def test_a_store_behind_a_link_is_upgraded_where_it_is(old: Callable[[int], Path], tmp_path: Path) -> None:
    """The link stays one."""
    file = old(6)
    link = tmp_path / "link.db"
    link.symlink_to(file)
    Store(link).close()
    assert link.is_symlink()
    assert beside(file) == {"store.db", "store.db.schema6"}
    Store(file, reads_only=True).close()


def test_without_hard_links_the_old_store_is_copied(
    old: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems have none."""
    file = old(6)
    before, whole = rows_of(file), content(old(5))

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert content(file).articles == whole.articles
    assert beside(file) == {"store.db", "store.db.schema6"}
    assert rows_of(file.with_name("store.db.schema6")) == before
    assert stat.S_IMODE(file.with_name("store.db.schema6").stat().st_mode) == 0o600


def test_too_little_disk_space_is_reported_before_an_upgrade(
    old: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the space that is needed; with enough space it continues."""
    file = old(6)
    before = rows_of(file)
    usage = shutil.disk_usage(file.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=file.stat().st_size))
    with pytest.raises(StoreError, match=r"takes .* MB of free disk space beside it, and .* MB are free"):
        Store(file)
    assert beside(file) == {"store.db"}
    assert rows_of(file) == before
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    Store(file).close()


def test_a_store_in_use_is_not_upgraded(old: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """An old version still runs: nothing is done beside it."""
    monkeypatch.setattr(migrations, "_ATTEMPTS", 2)
    file = old(6)
    with closing(sqlite3.connect(file)) as other:
        before = other.execute("select count(*) from articles").fetchone()
        with pytest.raises(StoreError, match="another process"):
            Store(file)
        assert other.execute("select count(*) from articles").fetchone() == before
    Store(file).close()


AT_ONCE = """
import os, pathlib, sys, traceback
from aggregator.store import Store

begin, writing = os.pipe()
children = []
for number in range(4):
    if not (child := os.fork()):
        try:
            os.close(writing)
            os.read(begin, 1)
            store = Store(pathlib.Path(sys.argv[1]))
            store.database.remember(str(number), "x")
            os.write(1, b"%d\\n" % len(list(store.articles.all())))
            store.close()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    children.append(child)
os.close(writing)  # all of them begin
for child in children:
    os.waitpid(child, 0)
"""


def test_processes_that_begin_at_once_upgrade_it_once(old: Callable[[int], Path]) -> None:
    """Each waits for the other, none fails."""
    file = old(6)
    ended = subprocess.run(
        [sys.executable, "-c", AT_ONCE, str(file)], capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.stdout.split() == ["19"] * 4, ended.stderr[-3000:]
    assert beside(file) == {"store.db", "store.db.schema6"}
    store = Store(file)
    assert [store.database.setting(str(number)) for number in range(4)] == ["x"] * 4
    store.close()


KILLER = '''
import json, os, shutil, signal, sys
from pathlib import Path
from aggregator.errors import AggregatorError
from aggregator.store import Store, migrations, old_schemas

old, folder, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
left = -1

def moment(*_):
    """Every file operation and every row is one."""
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

names = ("open", "os.link", "os.rename", "os.remove", "sqlite3.connect")
sys.addaudithook(lambda name, _: moment() if name in names else None)
insert, sync = old_schemas.OldStore._insert, migrations._sync
old_schemas.OldStore._insert = lambda *arguments: (moment(), insert(*arguments))[1]
migrations._sync = lambda path: (moment(), sync(path), moment())[1]

def run(file, count):
    """A process that opens the store and is killed at this moment; how it ended, and how many it had left."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        global left
        left = count
        Store(file).close()
        os.write(writing, str(left).encode())
        os._exit(0)
    os.close(writing)
    status = os.waitpid(child, 0)[1]
    text = os.read(reading, 99)
    os.close(reading)
    return os.WIFSIGNALED(status), int(text or 0)

def begin(name):
    file = folder / name / "store.db"
    file.parent.mkdir()
    shutil.copy2(old, file)
    return file

run(begin("first"), 1_000_000)  # what it imports may be compiled and written, which happens once
total = 1_000_000 - run(begin("whole"), 1_000_000)[1]
chosen = sorted({*range(1, 12), *range(total - 25, total), *range(12, total - 25, max(1, total // steps))})
chosen = chosen[int(sys.argv[4]) :: 2]
for number in chosen:
    file = begin(str(number))
    killed, _ = run(file, number)
    print(json.dumps([number, killed]), flush=True)
'''


@pytest.mark.parametrize(("version", "share"), [(6, 0), (2, 1)])
def test_a_process_killed_at_any_moment_leaves_the_old_store_or_the_new_one(
    old: Callable[[int], Path], tmp_path: Path, version: int, share: int
) -> None:
    """`kill -9` at some fifty moments, half of them for each; a rerun gives what an undisturbed one does."""
    file, folder = old(version), tmp_path / "killed"
    folder.mkdir()
    before = rows_of(file)
    steps = os.environ.get("AGGREGATOR_KILLS", "20")
    ended = subprocess.run(
        [sys.executable, "-c", KILLER, str(file), str(folder), steps, str(share)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    kills = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(kills) > 20
    assert all(killed for _, killed in kills)
    whole, kept = rows_of(folder / "whole" / "store.db"), f"store.db.schema{version}"
    was_old = 0
    for number, _ in kills:
        left = folder / str(number) / "store.db"
        found = rows_of(left)
        was_old += found == before
        assert found in (before, whole), number
        Store(left).close()
        assert rows_of(left) == whole, number
        assert beside(left) == {"store.db", kept}, number
        assert rows_of(left.with_name(kept)) == before, number
    assert 0 < was_old < len(kills)


def _sql(*statements: str) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        with closing(sqlite3.connect(file)) as direct, direct:
            direct.execute("pragma foreign_keys = off")
            for statement in statements:
                direct.execute(statement)

    return damage


def _flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[4096 * 3 : 4096 * 9] = bytes(4096 * 6)
    file.write_bytes(bytes(data))


def _shorten(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: 4096 * 12])


DAMAGES = {
    "articles that are no JSON": _sql("update articles set data = 'x{'"),
    "articles that are a list": _sql("update articles set data = '[1]'"),
    "articles with another field": _sql("update articles set data = '{\"colour\": 1}'"),
    "articles whose enclosures are a number": _sql("update articles set data = '{\"enclosures\": 7}'"),
    "articles whose title is a number": _sql("update articles set data = '{\"title\": 7}'"),
    "articles whose dates are given as numbers": _sql("update articles set data = '{\"given\": 7}'"),
    "articles nested too deeply": _sql(f"update articles set data = '{'[' * 50_000}'"),
    "articles that are a blob": _sql("update articles set data = x'00ff'"),
    "ids that are blobs": _sql("update articles set id = x'00ff' where pk = 2"),
    "dates that are words": _sql("update articles set published = 'yesterday'"),
    "versions that are no JSON": _sql("update versions set data = 'x'"),
    "pages that are no JSON": _sql("update pages set own = 'x'"),
    "pages of articles that are lost": _sql("update pages set article = article + 1000"),
    "archives that are not compressed": _sql("update archives set data = x'0102'"),
    "archives that are empty": _sql("update archives set data = zeroblob(0)"),
    "archives that are text": _sql("update archives set data = 'x'"),
    "archives of categories that are lost": _sql(
        "update archives set category = 'x' where category = 'World'"
    ),
    "memberships of categories that are lost": _sql(
        "update memberships set category = 'x' where category = 'World'"
    ),
    "memberships of articles that are lost": _sql("update memberships set article = article + 1000"),
    "articles of sources that are lost": _sql("delete from sources"),
    "ids that are there twice": _sql(
        "update tombstones set uid = (select min(uid) from articles) where uid = "
        "(select min(uid) from tombstones)"
    ),
    "a schema that is no UTF-8": _sql(
        "update settings set value = cast(x'ff36' as text) where name = 'schema'"
    ),
    "ids that are no UTF-8": _sql("update articles set id = cast(x'ff' || pk as text)"),
    "articles that are no UTF-8": _sql("update articles set data = cast(x'7bff7d' as text)"),
    "categories that are no UTF-8": _sql(
        "update memberships set category = cast(x'ff' as text) where category = 'World'"
    ),
    "a schema in words": _sql("update settings set value = 'five' where name = 'schema'"),
    "a table that is missing": _sql("drop table memberships"),
    "another table that is missing": _sql("drop table pages"),
    "no table of articles": _sql("drop table articles"),
    "a column that is missing": _sql("alter table articles drop column edits"),
    "flipped bytes": _flip,
    "truncated": _shorten,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_old_store_is_reported_and_left_as_it_is(
    old: Callable[[int], Path], damage: Callable[[Path], None]
) -> None:
    """With what to do; nothing of it is thrown away."""
    file = old(6)
    damage(file)
    with closing(sqlite3.connect(file)) as direct:
        direct.execute("pragma journal_mode = delete") if damage not in (_flip, _shorten) else None
    before = file.read_bytes()
    with pytest.raises(DamagedStore, match="restore the store from a backup"):
        Store(file)
    assert beside(file) == {"store.db"}
    # SQLite counts changes of the way it writes in its header (bytes 18 to 27, and 92 to 99).
    assert file.read_bytes()[100:] == before[100:]


def test_articles_that_only_archives_know_are_kept_for_them(old: Callable[[int], Path]) -> None:
    """A version that kept no tombstones, or a folder's file that was deleted."""
    file = old(6)
    expected = content(old(5)).archives
    with closing(sqlite3.connect(file)) as direct, direct:
        gone = [uid for (uid,) in direct.execute("select uid from tombstones")]
        direct.execute("delete from tombstones")
        direct.execute("update sources set name = 'other' where name = 'notes'")
        direct.execute("update articles set source = 'other' where source = 'notes'")
    store = Store(file)
    assert {
        name: [[_plain(k) for k in store.archives.articles(name, n)] for n in range(1, len(found) + 1)]
        for name, found in expected.items()
    } == {
        name: [[replace(k, article=replace(k.article, source=_renamed(k))) for k in one] for one in found]
        for name, found in expected.items()
    }
    archived = {k.uid for found in expected.values() for one in found for k in one}
    assert archived & set(gone)
    assert not {k.uid for k in store.articles.all()} & set(gone)
    # What a source still lists is not inserted a second time, but stays pruned.
    known = next(k.article for found in expected.values() for one in found for k in one if k.uid in gone)
    commit(store, known)
    assert known.id not in {k.article.id for k in store.articles.all()}
    store.close()


def _renamed(kept: StoredArticle) -> str:
    return "other" if kept.article.source == "notes" else kept.article.source


@pytest.mark.parametrize("version", OLDER)
def test_an_upgrade_changes_no_published_file(site: Site, server: Server, version: int) -> None:
    """Neither at the next publication nor when all is rendered again; nothing is an edit at the next poll."""
    server.pages |= {"/a": Answer(200, {}, feed("a", *range(1, 29))), "/b": Answer(200, {}, feed("b", 1, 2))}
    site.configure(
        {"name": "a", "url": f"{server.url}/a", "categories": ["X"]},
        {"name": "b", "url": f"{server.url}/b"},
        entries_per_feed=5,
    )
    site.file.write_text(site.file.read_text() + '\n[publish.posts]\nfolder = "posts"\ngenerator = "hugo"\n')
    site.run("fetch")
    server.pages["/a"] = Answer(200, {}, feed("a", *range(1, 29)).replace(b"a 7<", b"a seven<"))
    site.run("fetch", "--force")
    site.run("publish")
    before, times = feeds_of(site), site.times()
    assert sum("/archive/" in name for name in before) > 4
    posts = posts_of(site)
    assert len(posts) == 30
    take_back(site.home / "var" / "aggregator.db", version)
    if version > 2:  # before, there were no archives
        result = site.run("publish")
        assert result.exit_code == 0, result.output
        assert feeds_of(site) == before
    if version > 4:  # before, no stamps of files were kept
        assert site.times() == times
    assert "0 new articles, 0 changed" in site.run("fetch", "--force").output
    assert site.run("publish", "--all").exit_code == 0
    assert posts_of(site) == posts
    if version > 2:
        assert feeds_of(site) == before


def feeds_of(site: Site) -> dict[str, bytes]:
    """Every file but the report on sources, which says when each is polled next."""
    return {name: body for name, body in site.files().items() if name != "status.html"}


def posts_of(site: Site) -> dict[str, bytes]:
    """Every post by its path."""
    top = site.home / "posts"
    return {str(path): path.read_bytes() for path in top.rglob("*") if path.is_file()}
