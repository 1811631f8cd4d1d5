"""The feeds of lists as the store keeps them: those that left are forgotten in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from aggregator.config.load import Keep, Source
from aggregator.config.store_address import StoreAddress
from aggregator.config.subscriptions import with_listed
from aggregator.model.article import Article
from aggregator.model.entry import Subscription
from aggregator.store import Found, Store, Update
from aggregator.store.subscriptions import FORGOTTEN_AFTER, MISSING_IS_GONE
from tests.conftest import NOW

LIST = Source(name="List", kind="opml", url="https://l.example/list")
TEA, MILK = (Subscription(url=f"https://{name}.example/feed", title=name) for name in ("Tea", "Milk"))
WHITE = Article(id="1", title="White", published=NOW - timedelta(days=9))
LATER = NOW + FORGOTTEN_AFTER


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """A store in which a list of two feeds was read, and its second feed polled: it had an article."""
    opened = Store(place)
    opened.sources.adopt([LIST], NOW)
    read(opened, [TEA, MILK])
    poll(opened, "List: Milk", WHITE)
    yield opened
    opened.close()


def read(store: Store, subscriptions: Sequence[Subscription]) -> None:
    """The list is read, and its feeds are added."""
    update = Update(source="List", validators={}, body_hash="", subscriptions=subscriptions)
    store.sources.commit(update, NOW)
    store.sources.adopt(with_listed([LIST], store.subscriptions.listed())[0], NOW)


def poll(store: Store, name: str, *articles: Article) -> None:
    """A feed of the list is polled."""
    found = [Found(article) for article in articles]
    store.sources.commit(Update(source=name, validators={}, body_hash="", found=found), NOW)


def known(store: Store) -> set[str]:
    """The sources that the store has a line of."""
    return {*store.sources.states()}


def test_a_feed_leaves_a_list_after_several_readings_without_it(store: Store) -> None:
    """Until then it stays, also if it comes back."""
    for number in range(MISSING_IS_GONE):
        assert store.subscriptions.left() == {}, number
        read(store, [TEA])
    assert store.subscriptions.left() == {"List: Milk": "List"}
    read(store, [TEA, MILK])
    assert store.subscriptions.left() == {}


def test_a_feed_that_left_is_forgotten_when_nothing_is_kept_of_it_any_more(store: Store) -> None:
    """Not before its time, and not while an article is kept; what was pruned goes along."""
    for _ in range(MISSING_IS_GONE):
        read(store, [TEA])
    store.subscriptions.forget(LATER)
    assert known(store) == {"List", "List: Milk", "List: Tea"}
    assert list(store.articles.prune(Keep(max_age=timedelta(days=1)), 1, NOW, source="List: Milk")) == [1]
    store.subscriptions.forget(LATER - timedelta(seconds=1))
    assert known(store) == {"List", "List: Milk", "List: Tea"}
    store.subscriptions.forget(LATER)
    assert known(store) == {"List", "List: Tea"}
    assert store.subscriptions.left() == {}


def test_a_forgotten_feed_may_come_back_as_a_new_one(store: Store) -> None:
    """Its name is free, and its articles are new."""
    for _ in range(MISSING_IS_GONE):
        read(store, [TEA])
    list(store.articles.prune(Keep(max_age=timedelta(days=1)), 1, NOW, source="List: Milk"))
    store.subscriptions.forget(LATER)
    read(store, [TEA, MILK])
    assert [each.name for each in store.subscriptions.listed()] == ["List: Tea", "List: Milk"]
    poll(store, "List: Milk", WHITE)
    assert [one.article.title for one in store.articles.all("List: Milk")] == ["White"]


def test_feeds_that_are_followed_are_never_forgotten(store: Store) -> None:
    """However long ago their last poll was, or under whichever name the config has them now."""
    store.subscriptions.forget(LATER)
    assert known(store) == {"List", "List: Milk", "List: Tea"}
    for _ in range(MISSING_IS_GONE):
        read(store, [MILK])
    store.sources.adopt([LIST, Source(name="List: Tea", url=TEA.url)], NOW)
    store.subscriptions.forget(LATER)
    assert "List: Tea" in known(store)


def test_a_feed_that_left_before_it_was_polled_is_forgotten_at_once(store: Store) -> None:
    """There is nothing to know of it."""
    for _ in range(MISSING_IS_GONE):
        read(store, [MILK])
    store.subscriptions.forget(NOW)
    assert known(store) == {"List", "List: Milk"}
