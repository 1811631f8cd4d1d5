"""Messages in the outbox: stored once, sent by one process, limited in number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.config.store_address import DatabaseAddress
from aggregator.model.struct import replace
from aggregator.store import OutboxMessage, Store, announcement, message_id_of
from aggregator.store.backup_copy import copy_store
from aggregator.store.schema import VERSION
from tests.conftest import NOW
from tests.support.older_stores import take_back

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(place: Path | DatabaseAddress) -> Iterator[Store]:
    """A store of one's own."""
    made = Store(place)
    yield made
    made.close()


def message(name: str, target: str = "mine", *, after: timedelta = timedelta(0)) -> OutboxMessage:
    """One that was queued some time after now."""
    at = NOW + after
    payload = {"says": name}
    return OutboxMessage(id=name, channel="test", target=target, payload=payload, queued=at, due=at)


def test_the_same_facts_give_the_same_id() -> None:
    """Whatever process makes it; other facts give another."""
    assert message_id_of("a", 1, {"b": 2, "c": 3}) == message_id_of("a", 1, {"c": 3, "b": 2})
    assert len({message_id_of("a"), message_id_of("a", ""), message_id_of(), message_id_of("\ud800")}) == 4


def test_a_message_is_queued_once_and_keeps_its_place(store: Store) -> None:
    """What it says is renewed; who asked to wait is not asked sooner for it."""
    assert store.outbox.queue([message("a"), message("b")]) == 2
    store.outbox.put_off(message("a"), NOW + 5 * MINUTE, "away")
    newer = replace(message("a", after=MINUTE), payload={"says": "more"})
    assert store.outbox.queue([newer]) == 0
    assert store.outbox.due(NOW + 4 * MINUTE, 10) == []
    found = store.outbox.waiting(10)
    assert [(each.id, each.attempts, each.error) for each in found] == [("b", 0, ""), ("a", 1, "away")]
    assert found[1] == replace(newer, due=NOW + 5 * MINUTE, attempts=1, error="away")


def test_only_one_process_sends_a_message(store: Store, place: Path | DatabaseAddress) -> None:
    """Until a time when a killed process must have ended."""
    other = Store(place)
    store.outbox.queue([message("a")])
    assert store.outbox.claim(message("a"), NOW, NOW + MINUTE)
    assert not other.outbox.claim(message("a"), NOW, NOW + MINUTE)
    assert other.outbox.due(NOW, 10) == []
    assert other.outbox.claim(message("a"), NOW + MINUTE, NOW + 2 * MINUTE)
    other.outbox.done(message("a"), NOW + MINUTE)
    assert not store.outbox.claim(message("a"), NOW + 3 * MINUTE, NOW + 4 * MINUTE)
    other.close()


def test_messages_over_the_limit_of_a_target_are_returned(store: Store) -> None:
    """The oldest of them; another target is not concerned."""
    store.outbox.queue([message(f"{n}", after=n * MINUTE) for n in range(5)] + [message("x", "yours")])
    assert [each.id for each in store.outbox.withdraw_surplus("test", 3)] == ["0", "1"]
    assert store.outbox.withdraw_surplus("test", 3) == []
    assert [each.id for each in store.outbox.withdraw("test", ["mine"])] == ["x"]
    assert {each.id for each in store.outbox.waiting(10)} == {"2", "3", "4"}
    assert store.outbox.channels() == ("test",)


def test_announcements_of_an_earlier_version_wait_on(tmp_path: Path) -> None:
    """With their turn and their attempts, under the id that they would have today."""
    store = Store(tmp_path / "store.db")
    waiting = announcement("https://hub.example/", "https://e.example/a", NOW)
    store.outbox.queue([waiting])
    store.outbox.put_off(waiting, NOW + MINUTE, "")
    store.close()
    take_back(tmp_path / "store.db", VERSION - 1)
    upgraded = Store(tmp_path / "store.db")
    assert upgraded.outbox.waiting(10) == [replace(waiting, due=NOW + MINUTE, attempts=1)]
    upgraded.close()


def test_messages_in_a_backup_are_not_sent_again(tmp_path: Path) -> None:
    """They were sent since, or are someone else's; the backup contains them."""
    store = Store(tmp_path / "store.db")
    store.outbox.queue([message("a")])
    store.close()
    copy_store(tmp_path / "store.db", tmp_path / "backup.db")
    copy_store(tmp_path / "backup.db", tmp_path / "restored.db", is_foreign=True)
    for name, count in (("backup", 1), ("restored", 0)):
        found = Store(tmp_path / f"{name}.db")
        assert len(found.outbox.waiting(10)) == count
        found.close()
