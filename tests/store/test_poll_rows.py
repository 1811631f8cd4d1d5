"""What a poll changes in the row of its source is saved alike with and without articles, in each kind of
database.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from aggregator.config.load import Source
from aggregator.config.store_address import StoreAddress
from aggregator.model.struct import replace
from aggregator.schedule.state import PollState
from aggregator.store import Store, Update
from aggregator.store.raw_sql import fetch_rows
from aggregator.store.records import SourceRecord
from tests.conftest import NOW

HOUR = timedelta(hours=1)
READ = Update(
    source="a",
    validators={"etag": "1"},
    body_hash="x",
    identity="link",
    title="Tea",
    reader_version=7,
    schedule=PollState(polled=NOW, next_poll=NOW + HOUR),
)


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """A store with two sources."""
    made = Store(place)
    made.sources.adopt([Source(name=name, url=f"https://{name}.example/") for name in "ab"], NOW)
    yield made
    made.close()


def state(store: Store, name: str) -> tuple[SourceRecord, str]:
    """What is stored of a source, and its title."""
    with store.database.snapshot() as connection:
        ((title,),) = fetch_rows(connection, "SELECT title FROM sources WHERE name = ?", (name,))
    return store.sources.states([name])[name], title


def test_what_is_read_without_news_is_saved_alike_by_either_way(store: Store) -> None:
    """By the statement for many sources, and with articles of others."""
    assert READ.is_of_source_alone
    store.sources.commit_unchanged([READ], NOW)
    store.sources.commit_many([replace(READ, source="b")], NOW)
    assert state(store, "a") == state(store, "b")
    record, title = state(store, "a")
    assert (record.identity, record.reader_version, record.body_hash, title) == ("link", 7, "x", "Tea")


def test_what_is_not_read_keeps_what_reading_found(store: Store) -> None:
    """Reader, identity and title; also if no source of the statement has any of them."""
    store.sources.commit_unchanged([READ, replace(READ, source="b")], NOW)
    bare = Update(source="a", validators={}, body_hash="y", schedule=PollState(next_poll=NOW + 2 * HOUR))
    store.sources.commit_unchanged([bare, replace(bare, source="b")], NOW + HOUR)
    for name in "ab":
        record, title = state(store, name)
        assert (record.identity, record.reader_version, title) == ("link", 7, "Tea")
        assert (record.validators, record.body_hash, record.succeeded) == ({}, "y", NOW + HOUR)
        assert record.schedule.next_poll == NOW + 2 * HOUR


def test_two_polls_of_a_source_in_one_transaction_are_saved_in_their_order(store: Store) -> None:
    """The second keeps what the first found, and does not have."""
    later = Update(source="a", validators={"etag": "2"}, body_hash="y")
    store.sources.commit_many([READ, replace(READ, source="b"), later], NOW)
    record, title = state(store, "a")
    assert (record.validators, record.body_hash) == ({"etag": "2"}, "y")
    assert (record.identity, title, record.schedule.next_poll) == ("link", "Tea", NOW + HOUR)


@pytest.mark.parametrize("more", [{"refused": ["a.md"]}, {"withdrawn": ["a.md"]}, {"subscriptions": ()}])
def test_what_changes_articles_or_lists_is_not_of_the_source_alone(more: dict[str, object]) -> None:
    """Also a list that names nothing any more."""
    assert not replace(READ, **more).is_of_source_alone  # type: ignore[arg-type]
