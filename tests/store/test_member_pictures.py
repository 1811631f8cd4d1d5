"""Pictures of members, as the store keeps them: no article shows them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.config.store_address import StoreAddress
from aggregator.model.media_copies import CopiedFile
from aggregator.store import CopyOutcome, Store

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FACE = CopiedFile(hash="0" * 32, type="image/png", bytes=100, width=5, height=6)


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """An empty one."""
    opened = Store(place)
    yield opened
    opened.close()


def test_each_is_fetched_until_there_is_a_result(store: Store) -> None:
    """For its source; a copy is known as soon as it is wanted again."""
    wanted = {"https://a.example/a.png": "a", "https://b.example/b.png": "b"}
    store.faces.want(wanted, NOW)
    assert {each.address: each.source for each in store.faces.due(NOW)} == wanted
    assert store.faces.copies() == {}
    first, second = sorted(wanted)
    later = NOW + DAY
    outcomes = [
        CopyOutcome(address=first, file=FACE),
        CopyOutcome(address=second, error="it failed", attempts=1, due=later),
    ]
    store.media.record(outcomes, NOW)
    store.faces.want(wanted, NOW)
    assert store.faces.copies() == {first: FACE.path}
    assert store.faces.due(NOW) == ()
    assert [(each.address, each.attempts) for each in store.faces.due(later)] == [(second, 1)]
    store.media.record([CopyOutcome(address=second, is_pixel=True)], NOW)
    store.faces.want(wanted, NOW)
    assert store.faces.copies() == {first: FACE.path, second: ""}


def test_a_copy_stays_as_long_as_it_is_wanted(store: Store) -> None:
    """Then its file may go at once, as no feed has it."""
    store.faces.want({"https://a.example/a.png": "a"}, NOW)
    store.media.record([CopyOutcome(address="https://a.example/a.png", file=FACE)], NOW)
    assert store.media.let_go(NOW + 30 * DAY, DAY, 10_000) == frozenset()
    store.faces.want({}, NOW + 31 * DAY)
    assert store.faces.copies() == {}
    assert store.media.let_go(NOW + 31 * DAY, DAY, 10_000) == {FACE.hash}


def test_a_damaged_setting_means_no_member_pictures(store: Store) -> None:
    """They are wanted again by the next run."""
    for text in ("[]", "{", '{"a": 1}', "null"):
        store.database.remember("faces", text)
        assert store.faces.copies() == {}
        store.faces.want({"https://a.example/a.png": "a"}, NOW)
        assert [each.source for each in store.faces.due(NOW)] == ["a"]
