"""Two processes at one store take turns, and say who is at work."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.app.store_lock import lock_store, lock_work, user_of
from aggregator.cli import wait_for_store
from aggregator.errors import StoreError, StoreInUse
from tests.conftest import Answer, Server
from tests.support.postgresql import PostgresServer
from tests.support.site import Site, feed

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from aggregator.app.store_lock import lock_work
began = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
with lock_work(Path(sys.argv[1]), "fetch", began, is_over=lambda: True, report=print):
    print("has it", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(store: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the lock until it is killed or its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "has it\n"
    try:
        yield process
    finally:
        process.communicate()


def test_the_holder_of_a_lock_is_named(tmp_path: Path) -> None:
    """Its process, its command, and when it started."""
    store = tmp_path / "var" / "store.db"
    with holder(store) as process:
        who = rf"another `aggregator fetch` \(process {process.pid}, since 2026-03-04 05:06:07 UTC\)"
        with pytest.raises(StoreInUse, match=who):
            lock_work(store, "publish", NOW, is_over=lambda: True, report=print).__enter__()


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    """The system lets go of it; the file that stays means nothing."""
    store = tmp_path / "store.db"
    with holder(store) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with lock_store(store, "publish", NOW, name="work"):
            assert store.with_name("store.db.work").read_text().split()[1] == "publish"


def test_a_second_process_waits_and_reports_it_once(tmp_path: Path) -> None:
    """It goes on as soon as the first has ended."""
    store = tmp_path / "store.db"
    message: list[str] = []
    looks = iter(range(1_000))
    with holder(store) as process:

        def is_over() -> bool:
            if next(looks) == 3:
                assert process.stdin
                process.stdin.close()
                process.stdin = None
            return False

        with lock_work(store, "publish", NOW, is_over=is_over, report=message.append):
            assert [text.partition(" (")[0] for text in message] == ["waiting for another `aggregator fetch`"]


def test_a_lock_file_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    """As a store that cannot be used."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(StoreError, match="cannot be used"),
        lock_store(tmp_path / "file" / "x.db", "run", NOW),
    ):
        pass


def test_publish_beside_fetch(site: Site, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has waited long enough ends with 1 and names the other; one that waits publishes after it."""
    asked, release = threading.Event(), threading.Event()

    def hang(_: object) -> Answer:
        asked.set()
        release.wait(60)
        return Answer(200, {}, feed("a", 1))

    server.pages["/a"] = hang
    site.configure({"name": "a", "url": server.url + "/a"})
    first = site.start("fetch")
    assert asked.wait(60)
    monkeypatch.setattr(wait_for_store, "WAIT_SECONDS", 0)
    refused = site.run("publish")
    assert refused.exit_code == 1
    assert f"`aggregator fetch` (process {first.pid}, since " in " ".join(refused.stderr.split())
    assert site.run("status").exit_code == 0
    threading.Timer(0.5, release.set).start()
    monkeypatch.setattr(wait_for_store, "WAIT_SECONDS", 60)
    waited = site.run("publish")
    assert (waited.exit_code, first.wait()) == (0, 0)
    assert "waiting for another `aggregator fetch`" in " ".join(waited.stderr.split())


def test_who_has_a_lock_whose_file_is_deleted_takes_it_again(tmp_path: Path) -> None:
    """Unless another process was first, as nobody saw the lock meanwhile."""
    store = tmp_path / "store.db"
    with lock_store(store, "run", NOW) as keep:
        (tmp_path / "store.db.lock").unlink()
        assert keep()
        with pytest.raises(StoreInUse, match="another `aggregator run`"):
            lock_store(store, "run", NOW).__enter__()
        (tmp_path / "store.db.lock").unlink()
        with lock_store(store, "run", NOW):
            assert not keep()
            assert not keep()
        assert keep()
    assert user_of(store) is None


def test_a_server_that_was_restarted_lets_another_process_take_the_lock(postgresql: PostgresServer) -> None:
    """Who had it takes it again, unless another was first."""
    address = postgresql.emptied()
    with lock_store(address, "run", NOW) as keep:
        assert keep()
        with pytest.raises(StoreInUse, match="another `aggregator run`"):
            lock_store(address, "run", NOW).__enter__()
        for is_taken in (False, True):
            postgresql.stop()
            postgresql.start()
            if is_taken:
                with lock_store(address, "run", NOW):
                    assert not keep()
            assert keep()
    assert user_of(address) is None
