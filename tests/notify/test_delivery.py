"""Waiting messages are sent; a mistake affects one message, and resting receivers are not disturbed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aggregator.config.load import Config
from aggregator.errors import DeliveryError
from aggregator.notify import delivery
from aggregator.notify.channels.protocol import DeliveryChannel, Outside, Patience
from aggregator.notify.delivery import Delivery, deliver
from aggregator.store import OutboxMessage, Store
from tests.conftest import NOW

MINUTE = timedelta(minutes=1)


class Test(DeliveryChannel):
    """A channel that does to each message what its payload says."""

    __test__ = False
    patience = Patience(age=timedelta(hours=1), waiting=3)

    def targets(self) -> Collection[str]:
        return ("one", "two", "asleep")

    def send(self, message: OutboxMessage, now: datetime) -> None:
        match message.payload["does"]:
            case "fail":
                raise DeliveryError("away", wait=timedelta(minutes=message.payload.get("wait", 0)))
            case "err":
                raise ZeroDivisionError("a mistake")

    def subject(self, message: OutboxMessage) -> str:
        if message.payload["does"] == "unsaid":
            raise KeyError("topic")
        return message.id

    def is_resting(self, target: str, now: datetime) -> bool:
        return target == "asleep"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of one's own, and the channel `test`."""
    monkeypatch.setattr(delivery, "channel", lambda name, outside: Test(outside) if name == "test" else None)
    made = Store(tmp_path / "store.db")
    yield made
    made.close()


def queue(store: Store, *said: tuple[str, str, str], channel: str = "test", wait: int = 0) -> None:
    """Queues messages: id, target, and what happens to them."""
    for name, target, does in said:
        says = {"does": does, "wait": wait}
        store.outbox.queue(
            [OutboxMessage(id=name, channel=channel, target=target, payload=says, queued=NOW, due=NOW)]
        )


def sent(store: Store, after: timedelta = timedelta(0)) -> list[Delivery]:
    """One round."""
    outside = Outside(config=Config(), fetcher=lambda: pytest.fail("nothing is asked"))
    return list(deliver(store, outside, NOW + after, lambda: False))


def test_an_unexpected_exception_affects_one_message(store: Store) -> None:
    """It is reported as a bug, without its text; the others are sent."""
    queue(store, ("a", "one", "err"), ("b", "two", ""))
    found = {each.subject: each.error for each in sent(store)}
    assert found["b"] is None
    assert "bug in aggregator: ZeroDivisionError" in str(found["a"])
    assert [each.id for each in store.outbox.waiting(10)] == ["a"]


def test_a_message_with_a_damaged_payload_delays_no_other(store: Store) -> None:
    """It is sent or given up like any other, and reported without a subject."""
    queue(store, ("a", "one", "unsaid"), ("b", "two", ""), ("c", "gone", "unsaid"))
    assert sorted(each.subject for each in sent(store)) == ["", "", "b"]
    assert store.outbox.waiting(10) == []


def test_a_new_message_waits_while_its_receiver_is_resting(store: Store) -> None:
    """A receiver that asked us to wait is not asked by another message, nor out of turn."""
    queue(store, ("a", "one", "fail"), wait=30)
    (failed,) = sent(store)
    assert failed.again == NOW + 30 * MINUTE
    queue(store, ("b", "one", ""), ("c", "two", ""))
    assert [each.subject for each in sent(store, MINUTE)] == ["c"]
    assert [each.subject for each in sent(store, 30 * MINUTE)] == ["a"]


def test_old_and_surplus_messages_are_given_up_and_reported(store: Store) -> None:
    """The oldest; what is old is tried once all the same."""
    queue(store, *((f"{n}", "one", "fail") for n in range(5)))
    found = sent(store, timedelta(hours=2))
    assert [each.again for each in found] == [None] * 5
    assert sum("more than 3 wait" in str(each.error) for each in found) == 2
    assert store.outbox.waiting(10) == []


def test_messages_of_unknown_channels_and_in_quiet_hours_stay(store: Store) -> None:
    """A later version may know it; quiet hours end."""
    queue(store, ("a", "asleep", ""))
    queue(store, ("b", "one", ""), channel="pigeon")
    assert sent(store) == []
    assert {each.id for each in store.outbox.waiting(10)} == {"a", "b"}
