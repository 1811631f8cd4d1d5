"""Leases: a shard is saved by the worker that claimed it last, and by no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from aggregator.config.load import Source
from aggregator.errors import LeaseLost
from aggregator.schedule.state import PollState
from aggregator.store import Store, Update, WorkerRecord
from aggregator.store.raw_sql import insert_rows
from tests.conftest import NOW
from tests.support.postgresql import PostgresServer

MINUTE = timedelta(minutes=1)
_INSERTING = "aggregator.store.leases.insert_rows"


@pytest.fixture
def store(postgresql: PostgresServer) -> Iterator[Store]:
    """A store in which three sources are in two shards."""
    with closing(Store(postgresql.emptied())) as made:
        made.sources.adopt(
            [Source(name=name, url=f"https://{name}.example/feed") for name in ("a", "b", "c")], NOW
        )
        made.leases.assign({"a": 1, "b": 1, "c": 2})
        yield made


def update(source: str, *, tag: str = '"1"') -> Update:
    """A poll that gave new validators."""
    return Update(source=source, validators={"etag": tag}, body_hash=None, schedule=PollState(next_poll=NOW))


def tag_of(store: Store, source: str) -> object:
    """The validator that is kept."""
    return store.sources.states([source])[source].validators.get("etag")


def test_a_lost_lease_cannot_save(store: Store) -> None:
    """Every way of saving what a poll gave is; the later claim saves."""
    old = store.holding(store.leases.claim(1, "first").hold)
    old.sources.commit(update("a"), NOW)
    new = store.holding(store.leases.claim(1, "second").hold)
    for save in (
        lambda: old.sources.commit(update("a", tag='"2"'), NOW),
        lambda: old.sources.commit_unchanged([update("a", tag='"2"')], NOW),
        lambda: old.sources.fail("a", "no answer", NOW, validators={"etag": '"2"'}),
        lambda: old.sources.plan({"a": PollState(next_poll=NOW + MINUTE)}),
        lambda: old.sources.move("a", "https://elsewhere.example/"),
    ):
        with pytest.raises(LeaseLost, match="shard 1"):
            save()
    assert tag_of(store, "a") == '"1"'
    new.sources.commit(update("a", tag='"3"'), NOW)
    assert tag_of(store, "a") == '"3"'


def test_a_claim_waits_for_what_is_being_saved(store: Store) -> None:
    """It comes before the save, which is then refused, or after it; never between check and commit."""
    held = store.leases.claim(1, "first").hold
    order = []
    with store.holding(held).sources._saving():

        def claim() -> None:
            store.leases.claim(1, "second")
            order.append("claimed")

        claiming = threading.Thread(target=claim)
        claiming.start()
        claiming.join(0.2)
        order.append("saved")
    claiming.join(10)
    assert order == ["saved", "claimed"]


def test_a_claim_of_one_shard_takes_no_other(store: Store) -> None:
    """What another worker polls goes on."""
    held = store.holding(store.leases.claim(2, "first").hold)
    store.leases.claim(1, "second")
    held.sources.commit(update("c"), NOW)
    assert tag_of(store, "c") == '"1"'


def test_a_claim_has_the_waits_of_the_last_holder(store: Store) -> None:
    """Since when publishers rest, which asked us to wait, and whether it was the same worker."""
    first = store.leases.claim(1, "first")
    assert (first.is_first, first.is_ours, first.rested, first.holds) == (True, False, None, {})
    until = NOW + MINUTE
    store.leases.release(first.hold, NOW, {"a.example": until, "b.example": NOW})
    again = store.leases.claim(1, "first")
    assert (again.is_first, again.is_ours, again.rested) == (False, True, NOW)
    assert again.holds == {"a.example": until}
    other = store.leases.claim(1, "second")
    assert (other.is_ours, other.rested) == (False, None), "the last holder has not released it"
    store.leases.release(again.hold, NOW, {})
    assert store.leases.claim(1, "second").rested is None, "it had the shard no more"


def test_shards_are_due_when_their_first_source_is(store: Store) -> None:
    """New sources at once; sources that are gone, or that the config names no longer, never."""
    assert store.leases.due_shards(NOW) == {1: None, 2: None}
    assert store.leases.due(1, NOW, 9) == ("a", "b")
    later = {"a": NOW + 2 * MINUTE, "b": NOW + MINUTE, "c": NOW + 9 * MINUTE}
    store.sources.plan({name: PollState(next_poll=at) for name, at in later.items()})
    assert store.leases.due_shards(NOW) == {}
    assert store.leases.due_shards(NOW + 5 * MINUTE) == {1: NOW + MINUTE}
    assert store.leases.due(1, NOW + MINUTE, 9) == ("b",)
    assert store.leases.next_due(1) == NOW + MINUTE
    store.sources.adopt([Source(name="a", url="https://a.example/feed")], NOW)
    assert store.leases.next_due(1) == NOW + 2 * MINUTE
    assert store.leases.next_due(2) is None


def test_a_source_that_moves_gets_a_new_shard(store: Store) -> None:
    """Another publisher paces it; until then no worker polls it."""
    assert store.leases.unassigned() == []
    store.sources.move("a", "https://other.example/feed")
    assert store.leases.unassigned() == [("a", "https://other.example/feed")]
    store.leases.assign({"a": 7})
    store.sources.adopt([Source(name="a", url="https://third.example/feed")], NOW)
    assert store.leases.unassigned() == [("a", "https://third.example/feed")]


def test_workers_report_themselves(store: Store) -> None:
    """The newest report of each; those of which nothing is heard are forgotten."""

    def report(name: str, at: int, polls: int = 0) -> None:
        record = WorkerRecord(
            name=name, jobs="poll", config="x", started=NOW, seen=NOW + at * MINUTE, polls=polls
        )
        store.leases.report(record)

    report("one", 0)
    report("two", 1)
    report("one", 2, polls=5)
    assert [(one.name, one.polls) for one in store.leases.workers()] == [("one", 5), ("two", 0)]
    report("one", 4)
    store.leases.leave("none")
    assert [one.name for one in store.leases.workers()] == ["one"]
    store.leases.leave("one")
    assert store.leases.workers() == []


def test_two_workers_that_start_together_make_the_same_shards(
    store: Store, postgresql: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has seen that the shard is missing before the other has made it."""
    second = Store(postgresql.address("shared"))

    def insert_late(*arguments: object, **options: object) -> None:
        monkeypatch.setattr(_INSERTING, insert_rows)
        second.leases.assign({"b": 7})
        insert_rows(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(_INSERTING, insert_late)
    with closing(second):
        store.leases.assign({"a": 7})
    assert store.leases.claim(7, "first").is_first
