"""A store copied between a file and PostgreSQL: nothing is lost, nothing is published otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.store_address import StoreAddress
from aggregator.errors import StoreError
from aggregator.store import Store
from aggregator.store.database_copy import move_store
from aggregator.store.posts import PostFile
from tests.app.test_postgresql import NAMES, fill
from tests.conftest import NOW
from tests.support.planet import Planet, article
from tests.support.postgresql import PostgresServer


@pytest.fixture
def filled(tmp_path: Path) -> Planet:
    """A planet with archives, edits, prunings, a forgotten article and posts, whose store is closed."""
    planet = Planet(tmp_path)
    fill(planet)
    post = PostFile(path="a/b.html", body_hash="1", mark="2", source="news", id="x")
    planet.store.posts.record(planet.store.posts.key(tmp_path / "posts"), {"urn:x": post})
    planet.store.forgetting.forget(planet.store.forgetting.named(article(15).id), NOW)
    planet.publish()
    planet.store.close()
    return planet


def moved_on(planet: Planet, address: StoreAddress) -> dict[str, bytes]:
    """Returns what is published from another store after one more poll."""
    planet.config = planet.config.model_copy(update={"store": address})
    planet.store = Store(address)
    planet.add(*(article(n, id=f"new:{name}") for n, name in enumerate(NAMES, 200)))
    planet.publish(everything=True)
    planet.store.close()
    return planet.files()


def test_copying_a_store_there_and_back_changes_nothing(
    filled: Planet, tmp_path: Path, postgresql: PostgresServer
) -> None:
    """Counts, hashes, and every byte that is published from any of the three."""
    server, back = postgresql.emptied(), tmp_path / "back.db"
    there = move_store(tmp_path / "store.db", server)
    assert {table.name: table.rows for table in there}["articles"] > 30
    again = move_store(server, back)
    assert [(table.name, table.rows) for table in again] == [(table.name, table.rows) for table in there]
    changed = {a.name for a, b in zip(there, again, strict=True) if a.digest != b.digest}
    assert changed == {"posts"}, "their folder has another name to a file"
    opened = Store(server)
    assert {*opened.posts.written(opened.posts.key(tmp_path / "posts"))} == {"urn:x"}
    opened.close()
    before = filled.files()
    published = [moved_on(filled, address) for address in (server, back, tmp_path / "store.db")]
    assert published[0] == published[1] == published[2] != before


@pytest.mark.parametrize("at", ["articles", "revisions", "placements", "archive_entries", "settings"])
def test_a_killed_copy_continues_where_it_stopped(
    filled: Planet, tmp_path: Path, postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Until it is whole, nothing else works with it."""
    server = postgresql.emptied()

    def die(name: str, _rows: int) -> None:
        if name == at:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("aggregator.store.database_copy._ROWS_AT_ONCE", 7)
        if at == "settings":
            patched.setattr("aggregator.store.database_copy._Copying.compared", lambda _: die("settings", 0))
        with pytest.raises(KeyboardInterrupt):
            move_store(tmp_path / "store.db", server, die)
    for reads_only in (False, True):
        with pytest.raises(StoreError, match="not finished; run 'aggregator store copy' again"):
            Store(server, reads_only=reads_only)
    copied: list[str] = []
    move_store(tmp_path / "store.db", server, lambda name, _: copied.append(name))
    assert "sources" not in copied
    Store(server).close()


def test_a_source_store_changed_between_attempts_is_copied_again(
    filled: Planet, tmp_path: Path, postgresql: PostgresServer
) -> None:
    """A copy of two states would be none."""
    server = postgresql.emptied()

    def die(name: str, _rows: int) -> None:
        if name == "revisions":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move_store(tmp_path / "store.db", server, die)
    filled.store = Store(tmp_path / "store.db")
    filled.add(article(20, title="Another title"))
    filled.store.close()
    move_store(tmp_path / "store.db", server)
    opened = Store(server)
    assert "Another title" in [each.article.title for each in opened.articles.all()]
    opened.close()


def test_a_target_with_existing_content_is_refused(
    filled: Planet, tmp_path: Path, postgresql: PostgresServer
) -> None:
    """Also one that is itself, or an unfinished copy of another."""
    server = postgresql.emptied()
    move_store(tmp_path / "store.db", server)
    with pytest.raises(StoreError, match="with other content"):
        move_store(tmp_path / "store.db", server)
    with pytest.raises(StoreError, match="cannot be copied into itself"):
        move_store(server, server)
    Store(tmp_path / "other.db").close()
    half = Store(tmp_path / "half.db")
    half.database.remember("copying", "somewhere")
    half.close()
    with pytest.raises(StoreError, match="unfinished copy of somewhere"):
        move_store(tmp_path / "store.db", tmp_path / "half.db")
