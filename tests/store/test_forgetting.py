"""The store after an article was forgotten, and after it was recalled."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.load import Source
from aggregator.config.store_address import StoreAddress
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.store import Found, Saved, Store, Update
from tests.conftest import NOW
from tests.support.planet import Planet, article


def commit(store: Store, *found: Article) -> Saved:
    """One poll's articles saved."""
    update = Update(source="news", validators={"etag": "1"}, body_hash="h", found=[Found(a) for a in found])
    return store.sources.commit(update, NOW)


def test_an_archive_of_which_all_is_forgotten_stays_in_the_chain(place: StoreAddress, tmp_path: Path) -> None:
    """It is empty; the others are as they were."""
    planet = Planet(tmp_path, store=place)
    planet.add(*map(article, range(23)))
    planet.publish()
    before = planet.files()
    found = [each for n in range(5) for each in planet.store.forgetting.named(article(n).id)]
    planet.store.forgetting.forget(found, NOW)
    planet.publish()
    after = planet.files()
    assert b"Body of 0" in before["World/archive/1/atom.xml"]
    assert b"<entry>" not in after["World/archive/1/atom.xml"]
    assert before["World/archive/2/atom.xml"] == after["World/archive/2/atom.xml"]
    assert planet.store.archives.dates({"World"}).keys() == {("World", 2), ("World", 3)}
    planet.store.close()


def test_only_ids_and_digests_are_left(place: StoreAddress) -> None:
    """Also of an article that was pruned before, or is in no feed."""
    store = Store(place)
    store.sources.adopt([Source(name="news", url="https://news.example/feed")], NOW)
    commit(store, article(1), article(2))
    (found,) = store.forgetting.named(article(1).id)
    assert (found.title, found.link, found.is_forgotten) == ("Number 1", article(1).link, False)
    store.forgetting.forget([found], NOW)
    store.forgetting.forget([*store.forgetting.named(article(1).id)], NOW)
    (left,) = store.forgetting.named(article(1).id)
    assert (left.title, left.link, left.is_forgotten) == ("", "", True)
    assert [each.article.id for each in store.articles.all()] == [article(2).id]
    assert commit(store, article(1), article(2)) == Saved(unchanged=2)
    store.close()


@pytest.mark.parametrize("number", [3, 4], ids=["another link", "the same link"])
def test_another_article_of_the_source_still_comes(place: StoreAddress, number: int) -> None:
    """Weekly posts that link to one page are not taken for the one that is forgotten."""
    store = Store(place)
    store.sources.adopt([Source(name="news", url="https://news.example/feed")], NOW)
    weekly = [replace(article(n), id=f"week-{n}", link="https://news.example/links") for n in (1, 2)]
    commit(store, *weekly)
    store.forgetting.forget(store.forgetting.named("week-1"), NOW)
    link = "https://news.example/links" if number == 4 else article(number).link
    another = replace(article(number), id=f"week-{number}", link=link)
    assert commit(store, another).new == 1
    assert commit(store, replace(weekly[0], id="other"), another).new == 0
    store.close()


def test_recalling_asks_the_source_for_all_again(place: StoreAddress) -> None:
    """Found under another id, it comes under the outward id that it had."""
    store = Store(place)
    store.sources.adopt([Source(name="news", url="https://news.example/feed")], NOW)
    commit(store, article(1))
    https = replace(article(1), id="https://www.news.example/1", link="https://www.news.example/1")
    commit(store, https)
    store.forgetting.forget(store.forgetting.named(https.id), NOW)
    assert commit(store, https) == Saved(unchanged=1)
    store.forgetting.recall(store.forgetting.named(https.id))
    state = store.sources.states()["news"]
    assert (state.body_hash, dict(state.validators)) == (None, {})
    assert commit(store, https).new == 1
    assert commit(store, https) == Saved(unchanged=1)
    assert [each.uid for each in store.articles.all()] == [article(1).id]
    store.close()
