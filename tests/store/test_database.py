"""The file of the store: who may read it, and what is said of one that is damaged or cannot be used."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from aggregator.errors import AggregatorError, DamagedStore, StoreError
from aggregator.store import Store
from aggregator.store.schema import metadata, settings
from tests.conftest import Answer, Server
from tests.support.site import Site, feed


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory, _workers_of_commands: None) -> Iterator[Site]:
    """A site with two sources, thirty articles, archives, edits and a page; tests work in copies."""
    server, site = Server(), Site(tmp_path_factory.mktemp("whole"))
    server.pages |= {"/a": Answer(200, {}, feed("a", *range(1, 29))), "/b": Answer(200, {}, feed("b", 1, 2))}
    site.configure(
        {"name": "a", "url": f"{server.url}/a", "categories": ["X"]},
        {"name": "b", "url": f"{server.url}/b"},
        entries_per_feed=5,
    )
    site.run("fetch")
    server.pages["/b"] = Answer(200, {}, feed("b", 1, 2).replace(b"b 1", b"b one"))
    site.run("fetch", "--force")
    yield site
    server.close()


@pytest.fixture
def filled(_whole: Site, site: Site) -> Path:
    """The store of such a site."""
    shutil.copytree(_whole.home, site.home, dirs_exist_ok=True)
    return site.home / "var" / "aggregator.db"


def test_a_new_store_is_readable_only_by_its_owner(tmp_path: Path) -> None:
    """With the files that SQLite puts beside it, whatever the umask."""
    before = os.umask(0)
    try:
        store = Store(tmp_path / "var" / "store.db")
        store.database.remember("a", "b")
        found = {path.name: mode(path) for path in (tmp_path / "var").iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert found == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


@pytest.mark.parametrize(
    ("before", "after"), [(0o644, 0o640), (0o664, 0o660), (0o666, 0o660), (0o640, 0o640), (0o600, 0o600)]
)
def test_an_existing_store_loses_the_permissions_of_others(tmp_path: Path, before: int, after: int) -> None:
    """The owner may have meant the group's rights."""
    path = tmp_path / "store.db"
    Store(path).close()
    path.chmod(before)
    store = Store(path)
    store.database.remember("a", "b")
    found = {file.name: mode(file) for file in tmp_path.iterdir()}
    store.close()
    assert set(found.values()) == {after}


def test_a_device_in_place_of_a_store_is_not_changed(tmp_path: Path) -> None:
    """As /dev/null, which everybody writes to."""
    path = tmp_path / "null"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this user may make no device")
    path.chmod(0o666)
    with suppress(StoreError):
        Store(path).close()
    assert mode(path) == 0o666


def test_check_reports_a_store_that_others_can_read(filled: Path, site: Site) -> None:
    """It changes nothing itself."""
    assert "mode" not in site.run("check").stdout
    filled.chmod(0o640)
    assert "(mode 0640)" in site.run("check").stdout
    assert mode(filled) == 0o640


def test_addresses_are_kept_without_logins(site: Site, server: Server) -> None:
    """A password that changes is no new address."""
    server.pages["/a"] = Answer(200, {"ETag": '"1"'}, feed("a", 1))
    for password in ("secret", "other"):
        with_login = server.url.replace("://", f"://me:{password}@")
        site.configure({"name": "a", "url": f"{with_login}/a"})
        site.run("fetch", "--force")
    assert [request.headers.get("If-None-Match") for request in server.requests] == [None, '"1"']
    store = site.home / "var" / "aggregator.db"
    with closing(sqlite3.connect(store)) as direct:
        direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"secret" not in store.read_bytes()
    assert b"other" not in store.read_bytes()
    assert "other" not in site.run("sources", "--json").stdout


def test_a_file_keeps_the_size_of_its_pages(tmp_path: Path) -> None:
    """A new one has larger ones than those of earlier versions, and both are used alike."""
    file = tmp_path / "store.db"
    sizes = []
    for _ in range(2):
        with closing(Store(file)) as store:
            store.database.remember("name", "value")
            assert store.database.setting("name") == "value"
        with closing(sqlite3.connect(file, isolation_level=None)) as direct:
            sizes += direct.execute("PRAGMA page_size").fetchone()
            for statement in ("PRAGMA journal_mode=DELETE", "PRAGMA page_size=4096", "VACUUM"):
                direct.execute(statement)
    assert sizes == [8192, 4096]


def test_a_further_connection_waits_for_no_other_process_that_writes(tmp_path: Path) -> None:
    """Threads that read open one when all others are in use."""
    file = tmp_path / "store.db"
    with closing(Store(file)) as store, closing(sqlite3.connect(file, isolation_level=None)) as other:
        store.database.remember("name", "value")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE settings SET value = ''")
        with store.database.snapshot(), store.database.snapshot():
            assert store.database.setting("name") == "value"


def test_a_process_that_saves_memory_keeps_few_pages(tmp_path: Path) -> None:
    """Of connections that it has already, and of those that it opens later."""
    store = Store(tmp_path / "a.db")

    def kept() -> list[int]:
        with store.database.snapshot() as one, store.database.snapshot() as other:
            return [each.exec_driver_sql("PRAGMA cache_size").scalar_one() for each in (one, other)]

    assert kept() == [-32_000, -32_000]
    store.database.save_memory()
    assert kept() == [-4_000, -4_000]
    store.close()


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 4096 * 5 + 17])


def _not_a_database(path: Path) -> None:
    path.write_bytes(b"something else entirely " * 400)


def _flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    dice = random.Random(7)
    for _ in range(400):
        data[dice.randrange(100, len(data))] = dice.randrange(256)
    path.write_bytes(bytes(data))


def _sql(*statements: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with closing(sqlite3.connect(path)) as direct:
            direct.execute("PRAGMA foreign_keys=OFF")
            direct.execute("PRAGMA writable_schema=ON")
            for statement in statements:
                direct.execute(statement)
            direct.commit()

    return damage


DAMAGES = {
    "truncated": _truncated,
    "not a database": _not_a_database,
    "archives of a revision 0": _sql("UPDATE archive_entries SET revision = 0"),
    "articles that are no JSON": _sql("UPDATE revisions SET data = 'x{'"),
    "articles that are a list": _sql("UPDATE revisions SET data = '[1]'"),
    "articles with another field": _sql("UPDATE revisions SET data = '{\"colour\": 1}'"),
    "articles whose enclosures are a number": _sql("UPDATE revisions SET data = '{\"enclosures\": 7}'"),
    "articles nested too deeply": _sql(f"UPDATE revisions SET data = '{'[' * 50_000}'"),
    "articles that are a blob": _sql("UPDATE revisions SET data = x'00ff'"),
    "versions that are no JSON": _sql("UPDATE revisions SET data = 'x' WHERE replaced IS NOT NULL"),
    "dates that are words": _sql("UPDATE articles SET published = 'yesterday'"),
    "dates beyond all years": _sql("UPDATE articles SET published = 9223372036854775807"),
    "archives of revisions that are lost": _sql(
        "UPDATE archive_entries SET revision = revision + 1000", "UPDATE archives SET look = NULL"
    ),
    "articles in a state that is none": _sql("UPDATE articles SET state = 'x'"),
    "dates of sources that are none": _sql("UPDATE articles SET given = '{\"published\": 3}'"),
    "placements of articles that are lost": _sql("UPDATE placements SET article = article + 1000"),
    "categories of a source that are no JSON": _sql("UPDATE sources SET categories = '['"),
    "validators that are no JSON": _sql("UPDATE sources SET validators = '{'"),
    "a schedule that is none": _sql("UPDATE sources SET schedule = '{\"reason\": 3}'"),
    "a schema in words": _sql("UPDATE settings SET value = 'five' WHERE name = 'schema'"),
    "a schema below all": _sql("UPDATE settings SET value = '-3' WHERE name = 'schema'"),
    "a schema of the future": _sql("UPDATE settings SET value = '999' WHERE name = 'schema'"),
    "a table that is missing": _sql("DROP TABLE placements"),
    "a column that is missing": _sql("ALTER TABLE articles DROP COLUMN edits"),
    "a schema that is no UTF-8": _sql(
        "UPDATE settings SET value = CAST(x'ff37' AS TEXT) WHERE name = 'schema'"
    ),
    "ids that are no UTF-8": _sql("UPDATE articles SET id = CAST(x'ff' || pk AS TEXT)"),
    "articles that are no UTF-8": _sql("UPDATE revisions SET data = CAST(x'7bff7d' AS TEXT)"),
    "names of sources that are no UTF-8": _sql("UPDATE sources SET title = CAST(x'ff' AS TEXT)"),
    "flipped bytes": _flipped,
}
COMMANDS = (
    ("fetch", "--force"),
    ("publish", "--all"),
    ("sources",),
    ("status", "--json"),
    ("versions", "https://b.example/1"),
)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_no_command_ends_in_a_traceback_at_a_damaged_store(
    filled: Path, site: Site, damage: Callable[[Path], None]
) -> None:
    """What cannot be read is an error with what to do; what can is done."""
    with closing(sqlite3.connect(filled)) as direct:
        direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(filled)
    for command in COMMANDS:
        result = site.run(*command)
        assert result.exit_code in (0, 1), (command, result.stderr)
        assert "Traceback" not in result.output
        if result.exit_code and "error:" in result.stderr:
            assert any(word in result.stderr for word in ("is damaged", "another version", "store"))


def test_values_of_wrong_types_end_no_command_in_a_traceback(filled: Path, site: Site) -> None:
    """Bytes for a text and words for a number, in each column: the command works or reports the column."""
    with closing(sqlite3.connect(filled)) as direct:
        direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    sound, reported = filled.read_bytes(), set()
    for table in metadata.sorted_tables:
        for column in table.columns:
            filled.write_bytes(sound)
            wrong = b"\xff" if column.type.compile(sqlite.dialect()) == "TEXT" else "x"
            with suppress(sqlite3.IntegrityError), closing(sqlite3.connect(filled)) as direct, direct:
                direct.execute(f"UPDATE OR IGNORE {table.name} SET {column.name} = ?", (wrong,))
            result = site.run("publish", "--all")
            assert result.exit_code in (0, 1), (table.name, column.name, result.stderr)
            if "is damaged" in result.stderr:
                reported.add(f"{table.name}.{column.name}")
    assert {"articles.uid", "revisions.data", "feeds.name"} <= reported


@pytest.mark.parametrize(
    "name",
    [
        "not a database",
        "truncated",
        "articles that are no JSON",
        "a schema in words",
        "a schema that is no UTF-8",
        "articles that are no UTF-8",
    ],
)
def test_damage_is_reported_with_advice_and_losses(filled: Path, site: Site, name: str) -> None:
    """Restore it, or begin a new one."""
    with closing(sqlite3.connect(filled)) as direct:
        direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    DAMAGES[name](filled)
    result = site.run("publish", "--all")
    assert result.exit_code == 1
    for words in ("is damaged", "restore the store from a backup", "-wal", "are lost"):
        assert words in result.stderr


def test_our_own_exceptions_pass_through_a_transaction(tmp_path: Path) -> None:
    """Only what the database gave is taken for damage."""
    store = Store(tmp_path / "store.db")
    with pytest.raises(AggregatorError) as raised, store.database.transaction():
        raise StoreError("mine")
    assert not isinstance(raised.value, DamagedStore)
    assert str(raised.value) == "mine"
    store.close()


@pytest.mark.parametrize("begin", ["transaction", "row_transaction", "single"])
def test_a_failed_transaction_leaves_nothing_in_the_file(tmp_path: Path, begin: str) -> None:
    store = Store(tmp_path / "store.db")
    writing = (
        partial(store.database.single, writes=True) if begin == "single" else getattr(store.database, begin)
    )
    row = settings.insert().values(name="twice", value="1")
    with suppress(StoreError), writing() as connection:
        connection.execute(row)
        connection.execute(row)
    assert store.database.setting("twice") is None
    store.close()


def test_a_snapshot_reads_one_state(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.db")
    other = Store(tmp_path / "store.db")
    count = sa.select(sa.func.count()).select_from(settings)
    for reading in (store.database.snapshot, store.database.single):
        with reading() as connection:
            before = connection.scalar(count)
            other.database.remember(f"{reading.__name__}", "1")
            assert connection.scalar(count) == before
    store.close()
    other.close()


def test_an_empty_file_is_no_store_yet(tmp_path: Path) -> None:
    """It was made and the machine went down: reading says so, writing makes it."""
    path = tmp_path / "store.db"
    path.touch()
    with pytest.raises(StoreError, match="there is no store"):
        Store(path, reads_only=True)
    Store(path).close()
    Store(path, reads_only=True).close()


def _columns(path: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(path)) as direct:
        names = [row[0] for row in direct.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: [row[1] for row in direct.execute(f"PRAGMA table_info({name})")] for name in names}


def test_a_missing_table_is_never_created_again(tmp_path: Path) -> None:
    """Whichever it is: an empty one in its place would lose what was in it without a word."""
    made = tmp_path / "made.db"
    Store(made).close()
    for table in _columns(made):
        path = tmp_path / f"{table}.db"
        path.write_bytes(made.read_bytes())
        _sql(f"DROP TABLE {table}")(path)
        for reads_only in (False, True):
            with pytest.raises(StoreError, match="damaged"):
                Store(path, reads_only=reads_only)
        assert table not in _columns(path)


def test_a_column_that_is_missing_is_reported_at_once(tmp_path: Path) -> None:
    """Not only when it is first needed."""
    made = tmp_path / "made.db"
    Store(made).close()
    for column in ("reader_version", "given", "file"):
        path = tmp_path / f"{column}.db"
        path.write_bytes(made.read_bytes())
        _sql(f"ALTER TABLE articles DROP COLUMN {column}")(path)
        with pytest.raises(DamagedStore, match=column):
            Store(path)
