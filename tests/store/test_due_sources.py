"""How polling keeps up, seen over all sources."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from aggregator.config.load import Source
from aggregator.config.store_address import StoreAddress
from aggregator.schedule.state import PollState
from aggregator.store import Lag, Store
from tests.conftest import NOW

HOUR = timedelta(hours=1)
NONE = timedelta(0)


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """An empty store."""
    made = Store(place)
    yield made
    made.close()


def follow(store: Store, count: int, *, disabled: int = 0) -> None:
    """Makes so many sources known, the last of them disabled."""
    url = "https://example.org/"
    sources = [Source(name=f"s{n}", url=f"{url}{n}", enabled=n < count - disabled) for n in range(count)]
    store.sources.adopt(sources, NOW)


def plan(store: Store, *late: timedelta) -> None:
    """Makes the first sources so late; negative: due later."""
    store.sources.plan({f"s{n}": PollState(next_poll=NOW - by) for n, by in enumerate(late)})


def test_an_empty_store_is_not_late(store: Store) -> None:
    """Nothing is divided by nothing."""
    assert store.due_sources.lag(NOW) == Lag(sources=0, due=0, p50=NONE, p95=NONE, p99=NONE)


def test_a_new_source_is_due_and_not_late(store: Store) -> None:
    """Since when is not known."""
    follow(store, 3)
    plan(store, -HOUR)
    assert store.due_sources.lag(NOW) == Lag(sources=3, due=2, p50=NONE, p95=NONE, p99=NONE)


def test_percentiles_are_of_all_sources_that_are_polled(store: Store) -> None:
    """By the nearest rank: of a hundred the 50th, the 95th and the 99th; those not due count as not late."""
    follow(store, 100)
    plan(store, *((n - 39) * HOUR for n in range(100)))  # 60 are late, by 1 to 60 hours
    assert store.due_sources.lag(NOW) == Lag(sources=100, due=61, p50=10 * HOUR, p95=55 * HOUR, p99=59 * HOUR)


def test_sources_that_are_not_polled_are_not_counted(store: Store) -> None:
    """Gone for good, not enabled, or no longer in the config."""
    follow(store, 4, disabled=1)
    plan(store, *[HOUR] * 4)
    store.sources.plan({"s0": PollState(next_poll=None)})
    assert store.due_sources.lag(NOW) == Lag(sources=2, due=2, p50=HOUR, p95=HOUR, p99=HOUR)
    store.sources.adopt([], NOW)
    assert store.due_sources.lag(NOW).sources == 0


def test_disabled_sources_are_not_among_the_due_ones(store: Store) -> None:
    """Their validators stay for when they are enabled again."""
    follow(store, 4, disabled=2)
    plan(store, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR)
    assert store.sources.due(NOW, 2) == ("s1", "s0")
    before = store.sources.states()
    follow(store, 4)
    assert store.sources.due(NOW, 2) == ("s3", "s2")
    assert store.sources.states() == before
