"""Pruned articles are known again, lost content is reported, former links find articles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.config.store_address import StoreAddress
from aggregator.errors import DamagedStore
from aggregator.store.schema import articles
from tests.support.planet import Planet, article


@pytest.fixture
def planet(tmp_path: Path, place: StoreAddress) -> Iterator[Planet]:
    """A store of one source."""
    made = Planet(tmp_path, store=place)
    yield made
    made.store.close()


def ids(planet: Planet) -> list[str]:
    """The ids of what is kept, oldest first."""
    return [kept.article.id for kept in planet.store.articles.all()]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("http://news.example/{}", "https://news.example/{}"),
        ("https://www.news.example/{}/", "https://news.example/{}"),
        ("guid-{}", "another-{}"),
    ],
)
def test_a_pruned_article_does_not_come_back_under_another_id(
    planet: Planet, before: str, after: str
) -> None:
    """What its feed lists still, with other guids, is known by address, title and date."""
    for form in (before, after):
        links = [form.format(n) if "//" in form else f"https://news.example/{n}" for n in range(12)]
        planet.add(*(article(n, id=form.format(n), link=links[n]) for n in range(12)))
        if form == before:
            planet.prune(5)
            assert len(ids(planet)) == 5
    assert ids(planet) == [before.format(n) for n in range(7, 12)]


def test_another_article_at_the_address_of_a_pruned_one_is_new(planet: Planet) -> None:
    """A weekly post that always links to one page is another article each week."""
    planet.add(*(article(n, id=f"a{n}", link="https://news.example/weekly") for n in range(8)))
    planet.prune(5)
    planet.add(*(article(n, id=f"a{n}", link="https://news.example/weekly") for n in range(8, 10)))
    assert ids(planet) == [f"a{n}" for n in range(3, 10)]


def test_a_former_link_finds_an_article(planet: Planet) -> None:
    """Of any version that is kept."""
    planet.add(article(1, id="one"))
    planet.add(article(1, id="one", link="https://news.example/moved"))
    for name in ("https://news.example/1", "https://news.example/moved", "one"):
        assert [kept.article.id for kept in planet.store.articles.named(name)] == ["one"]
        assert [found.id for found in planet.store.articles.whereabouts(name)] == ["one"]
    assert planet.store.articles.named("https://news.example/2") == ()


def test_an_article_whose_content_is_lost_is_reported(planet: Planet) -> None:
    """Not left out in silence."""
    planet.add(article(1), article(2))
    with planet.store.database.transaction() as connection:
        connection.execute(articles.update().where(articles.c.id.endswith("/1")).values(revision=99))
    with pytest.raises(DamagedStore, match=r"news.example/1.*revision is lost.*restore the store"):
        planet.publish()
