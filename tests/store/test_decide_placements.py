"""Where stored articles stand, decided again after time has passed, over a real file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.app.feed_membership import FeedChooser
from aggregator.config.load import Config, Source
from aggregator.config.rules import SavedFeed
from aggregator.config.store_address import StoreAddress
from aggregator.model.article import Article
from aggregator.store import Found, Store, Update

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
QUERIES = {
    "Day": "age:<1d",
    "Week": "tea age:<7d",
    "Old": "age:[3d TO 30d]",
    "Edited": "updated:>now-2d",
    "Seen": "seen:>now-5d",
}
CHOOSER = FeedChooser(
    Config(feeds=tuple(SavedFeed(name=name, query=query) for name, query in QUERIES.items()))
)
HOURS = (1, 20, 30, 60, 100, 160, 200, 700, 730)


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """Articles of several ages, some edited since."""
    opened = Store(place, judge=CHOOSER)
    opened.sources.adopt([Source(name="a", url="https://a.example/")], NOW)
    articles = [
        Article(
            id=f"{hours}",
            source="a",
            title="Tea" if n % 2 else "Trains",
            published=NOW - timedelta(hours=hours),
            updated=NOW - timedelta(hours=hours // 3),
        )
        for n, hours in enumerate(HOURS)
    ]
    found = [Found(article) for article in articles]
    opened.sources.commit(Update(source="a", validators={}, body_hash=None, found=found), NOW)
    opened.placements.define([*QUERIES], NOW)
    assert [*opened.placements.decide_all(CHOOSER.digest, NOW)]
    yield opened
    opened.close()


def standing(store: Store) -> dict[str, frozenset[str]]:
    """The feeds of each article, by its id."""
    return {kept.article.id: feeds for kept, feeds, _ in store.placements.standing()}


@pytest.mark.parametrize("steps", [[1] * 8, [5, 20, 40, 90], [200], [0.1, 6, 24, 24 * 40]])
def test_decisions_by_time_equal_deciding_everything_again(store: Store, steps: list[float]) -> None:
    """By each date of theirs, in small steps and in large ones."""
    now, before, moved = NOW, standing(store), 0
    for hours in steps:
        now += timedelta(hours=hours)
        changed = store.placements.decide_in_time(CHOOSER.date_changes, now)
        expected = {
            kept.article.id: frozenset(CHOOSER(kept, now).feeds) for kept, *_ in store.placements.standing()
        }
        found = standing(store)
        assert found == expected
        assert changed == sum(found[each] != before[each] for each in found)
        before, moved = found, moved + changed
    assert moved > 0
    assert store.placements.decide_in_time(CHOOSER.date_changes, now) == 0


def test_a_clock_that_went_back_is_not_trusted(store: Store) -> None:
    """What was decided for a later time stays until that has come."""
    before = standing(store)
    assert store.placements.decide_in_time(CHOOSER.date_changes, NOW - timedelta(days=3)) == 0
    assert standing(store) == before
