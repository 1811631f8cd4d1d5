"""Subscriptions at hubs and what hubs sent, in each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.load import Source
from aggregator.config.store_address import StoreAddress
from aggregator.model.struct import replace
from aggregator.store import HubState, Store
from aggregator.store.backup_copy import copy_store
from aggregator.store.hubs.pings import MAX_WAITING_OF_ONE
from aggregator.store.renaming import rename_source
from tests.conftest import NOW

MINUTE = timedelta(minutes=1)


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """A store of one's own."""
    made = Store(place)
    yield made
    made.close()


def offer(source: str, token: str, **more: Any) -> dict[str, Any]:
    """Returns what a poll found of a hub."""
    hubs = ("https://hub.example/", "https://two.example/")
    own = {
        "source": source,
        "address": f"https://{source}.example/",
        "hubs": hubs,
        "topic": "https://t.example/",
    }
    return {**own, "is_doubtful": False, "token": token, "hmac_key": "k", **more}


def test_a_subscription_is_added_found_and_changed(store: Store) -> None:
    """By its token, its source, its number, and when it is due."""
    subscriptions = store.hub_subscriptions
    subscriptions.add([offer("a", "t1"), offer("b", "t2")], NOW)
    assert [known.token for known in subscriptions.due(NOW, 10)] == ["t1", "t2"]
    assert set(subscriptions.current()) == {"a", "b"}
    assert set(subscriptions.current(["b", "c"])) == {"b"}
    known = subscriptions.by_token("t1")
    assert known is not None
    assert (known.hub, known.state, known.due) == (known.hubs[0], HubState.NAMED, NOW)
    assert subscriptions.change(known, NOW, state=HubState.ACTIVE, expires=NOW + MINUTE, due=None)
    assert not subscriptions.change(known, NOW, error="it was changed meanwhile")
    found = subscriptions.by_pk(known.pk)
    assert found is not None
    assert (found.is_live(NOW), found.is_live(NOW + MINUTE), found.error) == (True, False, None)
    assert found.is_trusted(NOW)
    assert not replace(found, missed=2).is_trusted(NOW)


def test_another_subscription_leaves_the_first(store: Store) -> None:
    """What was never verified is forgotten at once, with what it sent."""
    subscriptions = store.hub_subscriptions
    subscriptions.add([offer("a", "t1")], NOW)
    first = subscriptions.current()["a"]
    store.hub_pings.add(first.pk, "", "d", b"body", NOW)
    subscriptions.add([offer("a", "t2")], NOW)
    assert [known.token for known in subscriptions.all()] == ["t2"]
    assert not store.hub_pings.are_there()
    second = subscriptions.current()["a"]
    subscriptions.change(second, NOW, state=HubState.ACTIVE, expires=NOW + MINUTE)
    subscriptions.leave([second.pk], NOW)
    assert subscriptions.current() == {}
    assert [known.state for known in subscriptions.all()] == [HubState.LEAVING]
    subscriptions.remove(second.pk)
    assert subscriptions.all() == []


def test_pings_wait_in_their_order_and_few_of_each(store: Store) -> None:
    """One of the same body is kept once."""
    pings = store.hub_pings
    for number in range(MAX_WAITING_OF_ONE):
        assert pings.add(1, "text/xml", str(number), b"%d" % number, NOW)
    assert pings.add(1, "text/xml", "0", b"0", NOW)
    assert not pings.add(1, "text/xml", "another", b"", NOW)
    assert pings.add(2, "text/xml", "another", b"\x00\xff", NOW)
    first, second = pings.waiting()
    assert (first.body, second.body, second.content_type) == (b"0", b"\x00\xff", "text/xml")
    pings.done(first)
    assert [ping.body for ping in pings.waiting()] == [b"1", b"\x00\xff"]


def test_a_source_is_to_be_polled_once_for_many_pings(store: Store) -> None:
    """At the time of the first."""
    subscriptions = store.hub_subscriptions
    subscriptions.add([offer("a", "t1")], NOW)
    known = subscriptions.current()["a"]
    subscriptions.pinged(known, 1, NOW, NOW)
    subscriptions.pinged(known, 2, NOW + MINUTE, NOW + MINUTE)
    (due,) = subscriptions.to_poll(NOW, 10)
    assert (due.pings, due.poll_due, due.pinged) == (3, NOW, NOW + MINUTE)
    subscriptions.took([due.pk], NOW)
    assert subscriptions.to_poll(NOW + MINUTE, 10) == []
    subscriptions.count(due.pk, forged=4)
    assert subscriptions.current()["a"].forged == 4


def test_leases_dated_by_a_wrong_clock_are_renewed(store: Store) -> None:
    """A lease of another year would be relied on for as long."""
    subscriptions = store.hub_subscriptions
    year = timedelta(days=365)
    subscriptions.add([offer("a", "t1"), offer("b", "t2")], NOW + year)
    subscriptions.leave([subscriptions.current()["b"].pk], NOW + year)
    a = subscriptions.current()["a"]
    subscriptions.change(a, NOW + year, state=HubState.ACTIVE, expires=NOW + 2 * year, due=NOW + 2 * year)
    subscriptions.restart(NOW)
    (known,) = subscriptions.all()
    assert (known.source, known.state, known.due, known.expires) == ("a", HubState.NAMED, NOW, None)


def test_a_source_that_is_renamed_keeps_its_subscription(store: Store) -> None:
    """As all that is known of it."""
    source = Source(name="a", url="https://a.example/")
    store.sources.adopt([source], NOW)
    store.hub_subscriptions.add([offer("a", "t1")], NOW)
    rename_source(store.database, "a", "b", NOW, lambda: None)
    assert set(store.hub_subscriptions.current()) == {"b"}


def test_a_backup_has_no_subscriptions(tmp_path: Path) -> None:
    """Two stores would have the same callbacks, and both would renew them."""
    store = Store(tmp_path / "store.db")
    store.hub_subscriptions.add([offer("a", "t1")], NOW)
    store.hub_pings.add(1, "", "d", b"body", NOW)
    store.close()
    copy_store(tmp_path / "store.db", tmp_path / "copy.db")
    copy_store(tmp_path / "copy.db", tmp_path / "restored.db", is_foreign=True)
    restored = Store(tmp_path / "restored.db")
    assert restored.hub_subscriptions.all() == []
    assert not restored.hub_pings.are_there()
    restored.close()


def test_a_process_counts_as_listening_for_ten_minutes(store: Store) -> None:
    """Whichever it is."""
    subscriptions = store.hub_subscriptions
    assert not subscriptions.is_answered(NOW)
    subscriptions.listening(NOW)
    assert subscriptions.is_answered(NOW + 10 * MINUTE)
    assert not subscriptions.is_answered(NOW + 11 * MINUTE)
    store.database.remember("hubs.listening", "no time")
    assert not subscriptions.is_answered(NOW)
