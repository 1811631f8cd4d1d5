"""Articles that are kept under other ids than their source gives now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from aggregator.config.load import Source
from aggregator.config.store_address import StoreAddress
from aggregator.model.struct import replace
from aggregator.store import Found, Saved, Store, Update
from tests.conftest import NOW
from tests.support.planet import article

OLD = article(1)
NEW = replace(OLD, id="https://www.news.example/1/", link="https://www.news.example/1/")


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """A store with one article, whose id was then spelled otherwise."""
    opened = Store(place)
    opened.sources.adopt([Source(name="news", url="https://news.example/feed")], NOW)
    for found in (OLD, NEW):
        saved = opened.sources.commit(
            Update(source="news", validators={}, body_hash=None, found=[Found(found)]), NOW
        )
    assert saved == Saved(unchanged=1)
    yield opened
    opened.close()


def test_every_id_that_it_had_names_it(store: Store) -> None:
    """Its own and those that are remembered; it has one outward id."""
    for name in (OLD.id, NEW.id, NEW.link or ""):
        assert [each.uid for each in store.articles.named(name)] == [OLD.id]


def test_dates_that_are_corrected_reach_it_under_its_other_id(store: Store) -> None:
    """As when a source's time zone is set."""
    assert NEW.published is not None
    store.clock_corrections.redate("news", [replace(NEW, published=NEW.published - timedelta(hours=2))], NOW)
    assert [each.published for each in store.articles.all()] == [NEW.published - timedelta(hours=2)]


def test_a_file_that_is_still_in_its_folder_is_another_article(store: Store) -> None:
    """A poll reads changed files alone: the others say nothing, but that they are not withdrawn."""
    other = replace(article(2), id="a.md", link=article(2).link)
    renamed = replace(other, id="b.md")
    for found, gone, new in ((Found(other, file="a.md"), (), 1), (Found(renamed, file="b.md"), (), 1)):
        update = Update(source="news", validators={}, body_hash=None, found=[found], withdrawn=gone)
        assert store.sources.commit(update, NOW).new == new
    again = Found(replace(other, id="c.md"), file="c.md")
    update = Update(source="news", validators={}, body_hash=None, found=[again], withdrawn=["a.md", "b.md"])
    assert store.sources.commit(update, NOW).new == 1  # it may be either
