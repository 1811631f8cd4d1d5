"""PostgreSQL only: opening, tables, locks, values that it refuses, and faults of the server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import ProgrammingError

from aggregator.config.load import Source
from aggregator.config.store_address import DatabaseAddress
from aggregator.errors import StoreError, TookTooLong
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.store import Found, Store, Update
from aggregator.store.raw_sql import fetch_rows
from aggregator.store.schema import metadata
from tests.conftest import NOW
from tests.support.postgresql import PostgresServer

NEWS = Source(name="news", url="https://example.org/feed", categories=("World",))


def article(number: int = 1, **changes: object) -> Article:
    """An article; the higher the number the newer."""
    made = Article(
        source="news",
        id=f"https://example.org/{number}",
        title=f"Title {number}",
        link=f"https://example.org/{number}",
        published=NOW - timedelta(days=100 - number),
        categories=("World",),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def commit(store: Store, *articles: Article) -> int:
    """One poll's articles saved; how many were new."""
    update = Update(source="news", validators={}, body_hash="h", found=[Found(a) for a in articles])
    return store.sources.commit(update, NOW).new


@pytest.fixture
def store(postgresql: PostgresServer) -> Iterator[Store]:
    """A store that knows a source."""
    opened = Store(postgresql.emptied())
    opened.sources.adopt([NEWS], NOW)
    yield opened
    opened.close()


def test_all_text_is_in_the_order_of_its_bytes_and_numbers_have_64_bits(
    store: Store, postgresql: PostgresServer
) -> None:
    """Whatever the collation of the database; in every table of ours."""
    columns = postgresql.execute(
        "SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns "
        "WHERE table_schema = 'public'",
        database="shared",
    )
    known = {name for name, *_ in columns}
    assert {*metadata.tables} <= known
    ours = [column for column in columns if column[0] in metadata.tables]
    assert {(kind, collation) for *_, kind, collation in ours} <= {
        ("text", "C"),
        ("bigint", None),
        ("boolean", None),
        ("bytea", None),
    }


def test_processes_that_open_at_once_make_the_tables_once(postgresql: PostgresServer) -> None:
    """Each but the first waits."""
    address = postgresql.database()
    with ThreadPoolExecutor(4) as threads:
        stores = [*threads.map(Store, [address] * 4)]
    assert {each.database.setting("schema") for each in stores} == {"7"}
    for each in stores:
        each.close()
    query = "SELECT version_num FROM alembic_version"
    assert postgresql.execute(query, database=address.url.split("/")[3].split("?")[0]) == [("schema_7",)]


def test_a_process_killed_while_creating_tables_leaves_none(
    postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is one transaction; the next process begins again."""
    address = postgresql.database()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sqlalchemy.engine.base.RootTransaction.commit", die)
        with pytest.raises(KeyboardInterrupt):
            Store(address)
    with pytest.raises(StoreError, match="there is no store"):
        Store(address, reads_only=True)
    Store(address).close()
    Store(address, reads_only=True).close()


def test_transactions_that_save_articles_come_one_after_another(store: Store) -> None:
    """Numbers, ids and feeds are decided by one at a time."""
    began, order = threading.Event(), list[str]()

    def second() -> None:
        began.wait()
        commit(store, article(2))
        order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with store.database.transaction() as connection:
        fetch_rows(connection, "SELECT 1")
        began.set()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_transactions_without_articles_do_not_wait_for_others(store: Store) -> None:
    """Next polls, failures, validators, settings."""
    with store.database.transaction() as connection:
        fetch_rows(connection, "SELECT 1")
        store.sources.fail("news", "unreachable", NOW)
        store.sources.plan({})
        store.sources.commit_unchanged([Update(source="news", validators={"a": 1}, body_hash=None)], NOW)
        store.database.remember("a", "b")
    assert store.database.setting("a") == "b"
    assert store.sources.states(["news"])["news"].validators == {"a": 1}


def test_a_reading_transaction_sees_one_state(store: Store) -> None:
    """However many statements it makes."""
    with store.database.snapshot() as connection:
        assert fetch_rows(connection, "SELECT count(*) FROM articles") == [(0,)]
        commit(store, article(1))
        assert fetch_rows(connection, "SELECT count(*) FROM articles") == [(0,)]


def test_a_reading_connection_cannot_write(store: Store) -> None:
    """The server refuses it."""
    with pytest.raises(StoreError, match="read-only"), store.database.snapshot() as connection:
        fetch_rows(connection, "DELETE FROM articles RETURNING pk")


def test_a_query_over_the_time_limit_is_cancelled(store: Store) -> None:
    """The connection can be used for the next query."""
    with (
        pytest.raises(TookTooLong),
        store.database.bounded(lambda: True) as connection,
    ):
        fetch_rows(connection, "SELECT pg_sleep(60)")
    assert commit(store, article(1)) == 1


def test_an_address_without_a_server_behind_it_is_reported_without_its_password(tmp_path: Path) -> None:
    """With what to look at."""
    address = DatabaseAddress(f"postgresql://me:s3cret@/db?host={tmp_path}")
    with pytest.raises(StoreError, match="is the server running") as refused:
        Store(address)
    assert "s3cret" not in str(refused.value)


def test_other_databases_are_refused_in_words(postgresql: PostgresServer) -> None:
    """One that is not there; one whose texts are not UTF-8; one of a newer version."""
    with pytest.raises(StoreError, match=r"does not exist; create it first"):
        Store(postgresql.address("nowhere"))
    latin = postgresql.database("ENCODING LATIN1 TEMPLATE template0")
    with pytest.raises(StoreError, match="createdb -E UTF8"):
        Store(latin)
    newer = postgresql.database()
    opened = Store(newer)
    opened.database.remember("schema", "999")
    opened.close()
    for reads_only in (False, True):
        with pytest.raises(StoreError, match=r"another version \(schema 999"):
            Store(newer, reads_only=reads_only)


def test_a_user_who_may_not_make_tables_is_reported(postgresql: PostgresServer) -> None:
    """With what to grant."""
    address = postgresql.database()
    name = address.url.split("/")[3].split("?")[0]
    postgresql.execute("CREATE ROLE nobody_special LOGIN")
    with pytest.raises(StoreError, match="let this user create and write tables"):
        Store(postgresql.address(name, user="nobody_special"))


def test_a_connection_that_the_server_cut_is_made_again(store: Store, postgresql: PostgresServer) -> None:
    """After a restart the next transaction has a new one."""
    commit(store, article(1))
    query = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE datname = 'shared'"
    postgresql.execute(query)
    assert commit(store, article(2)) == 1


def test_text_with_nul_is_kept_without_it(store: Store) -> None:
    """PostgreSQL has no text with NUL."""
    store.sources.fail("news", "a\x00b", NOW)
    (record,) = store.sources.health()
    assert record.error == "a\ufffdb"


def test_a_wrong_password_is_reported(postgresql: PostgresServer) -> None:
    """With where to set it; never shown."""
    postgresql.execute("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    rules = postgresql.folder / "data" / "pg_hba.conf"
    before = rules.read_text(encoding="utf-8")
    try:
        rules.write_text(f"local all guarded scram-sha-256\n{before}", encoding="utf-8")
        postgresql.execute("SELECT pg_reload_conf()")
        with pytest.raises(StoreError, match=r"~/\.pgpass") as refused:
            Store(DatabaseAddress(f"postgresql://guarded:s3cret@/postgres?host={postgresql.folder}"))
        assert "s3cret" not in str(refused.value)
    finally:
        rules.write_text(before, encoding="utf-8")
        postgresql.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("53100", "free some disk space on the server"),
        ("53300", "max_connections"),
        ("55P03", "another process is writing"),
        ("40P01", "run it again"),
        ("25006", "target_session_attrs"),
        ("58030", "the server's disk"),
        ("XX001", "pg_dump"),
    ],
)
def test_each_fault_of_the_server_comes_with_what_to_do(store: Store, code: str, words: str) -> None:
    """By its code, in whatever language it is said; the transaction leaves nothing."""
    fault = f"DO $$ BEGIN RAISE EXCEPTION 'Fehler' USING ERRCODE = '{code}'; END $$"
    statement = f"INSERT INTO settings VALUES ('half', 'done'); {fault}"
    with pytest.raises(StoreError, match=words), store.database.transaction() as connection:
        connection.exec_driver_sql(statement)
    assert store.database.setting("half") is None


def test_single_statements_are_no_transaction(store: Store) -> None:
    """Each reads what others have saved by then, and is saved by itself, though a later one fails."""
    with store.database.single() as connection:
        assert fetch_rows(connection, "SELECT name FROM sources") == [("news",)]
        store.sources.adopt([NEWS, NEWS.model_copy(update={"name": "more"})], NOW)
        assert len(fetch_rows(connection, "SELECT name FROM sources")) == 2
    with store.database.single(writes=True) as connection:
        connection.exec_driver_sql("UPDATE sources SET title = 'kept' WHERE name = 'news'")
        with pytest.raises(ProgrammingError):
            connection.exec_driver_sql("UPDATE sources SET nonsense = 1")
    with store.database.snapshot() as connection:
        assert fetch_rows(connection, "SELECT title FROM sources WHERE name = 'news'") == [("kept",)]
