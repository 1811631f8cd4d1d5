"""Rows of one transaction that wait: they are there before anything looks, and at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from aggregator.app.stories import StoryPolicy
from aggregator.config.load import Config, Source
from aggregator.config.store_address import StoreAddress
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.store import Found, Placement, Saved, Store, StoredArticle, Update
from tests.conftest import NOW

SOURCES = [Source(name=name, url=f"https://{name}.example/feed") for name in ("a", "b", "c")]


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    opened = Store(place)
    opened.sources.adopt(SOURCES, NOW)
    yield opened
    opened.close()


def update(source: str, *ids: str, title: str = "T") -> Update:
    """Returns what one poll gave; articles are new in the order of their ids."""
    found = [Found(Article(source=source, id=each, title=title, published=NOW)) for each in ids]
    return Update(source=source, validators={"etag": source}, body_hash=None, found=found)


def stored(store: Store) -> dict[str, tuple[str, str]]:
    """The sources and ids of all articles, by their outward ids."""
    return {kept.uid: (kept.article.source, kept.article.id) for kept in store.articles.all()}


def test_an_id_that_two_new_sources_share_leaves_verbatim_once(store: Store) -> None:
    """The first has it, also where both are saved in one transaction."""
    store.sources.commit_many([update("a", "urn:x:1"), update("b", "urn:x:1", "urn:x:2")], NOW)
    found = stored(store)
    assert found["urn:x:1"] == ("a", "urn:x:1")
    assert found["urn:x:2"] == ("b", "urn:x:2")
    assert sorted(found.values()) == [("a", "urn:x:1"), ("b", "urn:x:1"), ("b", "urn:x:2")]


def test_a_source_that_is_saved_twice_at_once_keeps_each_article_once(store: Store) -> None:
    """The second finds what the first left, although it waited to be inserted."""
    saved = store.sources.commit_many(
        [update("a", "1", "2"), update("b", "3"), update("a", "2", "4", title="Edited")], NOW
    )
    assert saved == [Saved(new=2), Saved(new=1), Saved(new=1, changed=1)]
    assert sorted(id_ for _, id_ in stored(store).values()) == ["1", "2", "3", "4"]


def test_new_and_known_sources_may_be_saved_together(store: Store) -> None:
    """What is known is compared, what is new is inserted, and every feed counts both."""
    store.sources.commit(update("b", "urn:x:1"), NOW)
    saved = store.sources.commit_many(
        [update("a", "urn:x:1"), update("b", "urn:x:1", "urn:x:2"), update("c", "urn:x:2")], NOW
    )
    assert saved == [Saved(new=1), Saved(new=1, unchanged=1), Saved(new=1)]
    assert stored(store)["urn:x:1"] == ("b", "urn:x:1")
    assert stored(store)["urn:x:2"] == ("b", "urn:x:2")
    assert [feed.total for feed in store.feeds.all()] == [4]


def test_articles_in_no_feed_are_saved(place: StoreAddress) -> None:
    """No feed becomes stale by them."""

    def nowhere(_found: StoredArticle, _now: object) -> Placement:
        return Placement(feeds=())

    with closing(Store(place, judge=nowhere)) as store:
        store.sources.adopt(SOURCES, NOW)
        store.sources.commit(update("a", "1"), NOW)
        assert [*stored(store).values()] == [("a", "1")]


def test_pages_of_new_articles_are_asked_for(store: Store) -> None:
    """What asks refers to articles that waited."""
    article = Article(source="a", id="1", link="https://a.example/1", published=NOW)
    wanted = replace(update("a"), found=[Found(article)], pages=5)
    store.sources.commit_many([wanted, update("b", "1")], NOW)
    assert store.pages.due(["a"], NOW, 10)


def test_articles_are_there_before_what_refers_to_them(place: StoreAddress) -> None:
    """A search for stories inserts the first article, but not its decision; for an old one there is none."""
    policy = StoryPolicy(Config(sources=tuple(SOURCES)))
    old = Found(Article(source="b", id="b:1", title="T", published=NOW - timedelta(days=900)))
    with closing(Store(place, judge=_decided, stories=policy)) as store:
        store.sources.adopt(SOURCES, NOW)
        store.sources.commit_many([update("a", "a:1"), replace(update("b"), found=[old])], NOW)
        assert len(stored(store)) == 2


def _decided(_found: StoredArticle, _now: datetime) -> Placement:
    return Placement(feeds=(), decision='{"matched": ["rule"]}')
