"""Checkpoints of a real SQLite file: its journal is written back while the store is used."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.load import Source
from aggregator.errors import StoreError
from aggregator.model.article import Article
from aggregator.store import Found, Store, Update
from aggregator.store.sqlite import checkpoint
from tests.conftest import NOW

SOURCE = Source(name="news", url="https://example.org/feed", categories=("World",))
LARGE = 6_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store.db"


@pytest.fixture
def store(file: Path) -> Iterator[Store]:
    """A store with one large article, which is in its journal."""
    opened = Store(file)
    opened.sources.adopt([SOURCE], NOW)
    commit(opened, "a", LARGE)
    yield opened
    opened.close()


def commit(store: Store, name: str, size: int) -> None:
    """Saves an article of so many characters."""
    article = Article(
        source="news", id=name, title=name, published=NOW, categories=("World",), content="x" * size
    )
    store.sources.commit(
        Update(source="news", validators={}, body_hash=None, found=[Found(article, name)]), NOW
    )


@contextmanager
def checkpoint_elsewhere(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Within the context, another process has the lock of a checkpoint, until its input ends."""
    # https://sqlite.org/walformat.html#locks: WAL_CKPT_LOCK
    code = (
        "import fcntl, sys\n"
        f"with open({str(file) + '-shm'!r}, 'r+b') as index:\n"
        "    fcntl.lockf(index, fcntl.LOCK_EX, 1, 121)\n"
        "    print(flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process


def tidy(store: Store) -> None:
    """Tidies the store, and waits until its checkpoint has ended."""
    store.database.tidy()
    sqlite: Any = store.database.dialect
    sqlite.checkpoint.end()


def size_of_journal(file: Path) -> int:
    """Returns the size of the journal's file in bytes."""
    return Path(f"{file}-wal").stat().st_size


def articles_in(file: Path) -> int:
    """Returns how many articles the file has without its journal."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as alone:
        return int(alone.execute("SELECT count(*) FROM articles").fetchone()[0])


def test_tidying_writes_the_journal_into_the_file(store: Store, file: Path) -> None:
    """All of it is there; the journal is needed no more, and what is written next begins it anew."""
    assert size_of_journal(file) > LARGE
    tidy(store)
    assert articles_in(file) == 1
    commit(store, "b", 1)
    assert size_of_journal(file) <= 4 * 1024 * 1024


def test_a_checkpoint_leaves_no_further_connection(store: Store) -> None:
    """Each keeps up to 32 MB of the file in memory."""
    with store.database.dialect.engine.connect():
        store.database.tidy()
        sqlite: Any = store.database.dialect
        sqlite.checkpoint.end()
    pool: Any = store.database.dialect.engine.pool
    assert sum(kept.dbapi_connection is not None for kept in pool._pool.queue) == 1


def test_a_process_that_reads_makes_neither_a_checkpoint_nor_a_commit_wait(store: Store, file: Path) -> None:
    """It keeps what it sees; the journal is written back up to there."""
    with closing(sqlite3.connect(file, timeout=0)) as other:
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM articles").fetchone() == (1,)
        commit(store, "b", 1)
        tidy(store)
        commit(store, "c", 1)
        assert other.execute("SELECT count(*) FROM articles").fetchone() == (1,)
    tidy(store)
    assert articles_in(file) == 3


def test_closing_ends_a_checkpoint(store: Store, file: Path) -> None:
    """The journal is gone then, as after any close."""
    store.database.tidy()
    store.close()
    assert articles_in(file) == 1
    assert not Path(f"{file}-wal").exists()


def test_closing_may_come_while_a_checkpoint_begins(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon closes the store in one thread to read its config again, and does the upkeep in another."""
    begun = threading.Thread.start

    def start(self: threading.Thread) -> None:
        if self.name == "checkpoint":
            store.close()
        begun(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    tidy(store)


def test_deleted_text_leaves_the_journal_once_the_checkpoint_of_another_process_ends(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite waits for readers, but says at once that the journal cannot be emptied if another does it."""
    with checkpoint_elsewhere(file) as other:
        monkeypatch.setattr(time, "sleep", lambda _: other.communicate())
        store.database.rewrite()
    assert size_of_journal(file) == 0


def test_a_journal_that_cannot_be_emptied_is_reported(
    store: Store, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may still have what was deleted."""
    monkeypatch.setattr(checkpoint, "BUSY_SECONDS", 0)
    with checkpoint_elsewhere(file), pytest.raises(StoreError, match="its journal may still have"):
        store.database.rewrite()
