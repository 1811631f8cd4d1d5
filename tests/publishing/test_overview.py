"""The whole site's documents: what they are made of, and when they are made anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from aggregator.config.load import Auth, CategoryFeed, SiteSettings, Source
from aggregator.publishing.publish import SectionCache
from aggregator.schedule.state import PollState
from aggregator.store import Update
from aggregator.writers.channel import Overview
from tests.conftest import NOW
from tests.support.planet import NEWS, Planet, article


class Witness:
    """A document of the whole site that keeps what it is given."""

    def __init__(self, file_name: str, *, shows: Literal["articles", "sources"]) -> None:
        self.file_name = file_name
        self.shows: Literal["articles", "feeds", "sources"] = shows
        self.seen: list[Overview] = []

    def render(self, overview: Overview) -> bytes:
        """Every title and count."""
        self.seen.append(overview)
        return repr([(s.title, s.total) for s in overview.sections]).encode()


@pytest.fixture
def witness() -> Witness:
    """Returns what sees the sections of a planet."""
    return Witness("index.html", shows="articles")


@pytest.fixture
def onlooker() -> Witness:
    """Returns what sees the sources of a planet."""
    return Witness("status.html", shows="sources")


@pytest.fixture
def planet(tmp_path: Path, witness: Witness, onlooker: Witness) -> Iterator[Planet]:
    """One source, a start page, and a page of the sources."""
    made = Planet(tmp_path)
    made.site_writers = {"html": (witness, onlooker)}
    yield made
    made.store.close()


def test_every_category_is_there_with_its_newest(planet: Planet, witness: Witness) -> None:
    """In order of appearance, `all` first; counts are of all that is kept."""
    planet.configure(
        site=SiteSettings(title="Planet", url="https://planet.example", description="About", language="en"),
        categories={"World": CategoryFeed(title="The world", description="What is new", formats=("json",))},
    )
    planet.add(*map(article, range(9)), article(9, categories=("World", "Ärger")))
    planet.publish()
    (whole,) = witness.seen
    assert (whole.title, whole.description, whole.language) == ("Planet", "About", "en")
    assert (whole.link, whole.files) == ("https://planet.example/", ("index.html", "status.html"))
    everything, world, other = whole.sections
    assert (everything.category, everything.title, everything.folder) == (None, "Planet", "all")
    assert (world.category, world.title, world.description) == ("World", "The world", "What is new")
    assert (world.files, world.total) == (("feed.json",), 10)
    assert world.self_links == {"feed.json": "https://planet.example/World/feed.json"}
    assert [item.article.title for item in world.newest] == ["Number 9", "Number 8", "Number 7"]
    assert (other.folder, other.total, other.link) == ("Ärger", 1, "https://planet.example/%C3%84rger/")
    assert world.updated == whole.updated == world.newest[0].updated


def test_equal_dates_are_ordered_as_in_the_feed(planet: Planet, witness: Witness) -> None:
    """The newest few are the feed's first."""
    planet.add(*(article(n, published=NOW) for n in (5, 3, 4, 1)))
    planet.publish()
    assert [i.article.title for i in witness.seen[0].sections[1].newest] == [
        "Number 1",
        "Number 3",
        "Number 4",
    ]


def test_every_source_of_the_config_is_there(planet: Planet, onlooker: Witness) -> None:
    """Judged at the newest poll, not by a clock; its site is what its newest article says."""
    planet.configure(sources=(Source(name="quiet", url="https://quiet.example/feed"), NEWS))
    planet.add(*map(article, range(3)), now=NOW)
    planet.add(source="quiet")
    planet.store.sources.fail("quiet", "it is broken", NOW + timedelta(days=9), advice="wait")
    planet.publish()
    (whole,) = onlooker.seen
    assert whole.seen == NOW + timedelta(days=9)
    quiet, news = whole.followed
    assert (quiet.health.name, quiet.health.state, quiet.health.advice) == ("quiet", "broken", None)
    assert (news.health.name, news.health.articles, news.categories) == ("news", 3, ("World",))
    assert (news.url, news.link, quiet.link) == ("https://news.example/feed", None, None)


def test_the_rhythm_of_a_source_is_that_of_its_schedule(planet: Planet, onlooker: Witness) -> None:
    """The dates that its feed gave, newest first."""
    dates = (datetime(2026, 5, 2, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC))
    state = PollState(next_poll=NOW, published=dates)
    planet.store.sources.commit(Update(source="news", validators={}, body_hash=None, schedule=state), NOW)
    planet.publish()
    assert [date.day for date in onlooker.seen[0].followed[0].published] == [2, 1]


@pytest.mark.parametrize(
    "source",
    [
        Source(name="s", url="https://me:secret@news.example/feed"),
        Source(name="s", url="https://news.example/feed", auth=Auth.model_validate({"bearer": "secret"})),
        Source(name="s", url="file:///home/secret/feed.xml"),
        Source(name="s", kind="mail", url="imaps://secret.example/INBOX"),
        Source(name="s", kind="articles", path=Path("/home/secret/notes")),
        Source(name="s", kind="sitemap", url="https://news.example/sitemap.xml"),
    ],
    ids=["a login in the address", "a token", "a file", "a mailbox", "a folder", "no feed"],
)
def test_private_sources_are_not_published(planet: Planet, onlooker: Witness, source: Source) -> None:
    """No list for subscribers has it; logins and places on this machine are on no page."""
    planet.configure(sources=(source,))
    at = " at secret.example" if source.kind == "mail" else ""
    planet.store.sources.fail("s", f"{source.address}: cannot be had{at}", NOW)
    planet.publish()
    (followed,) = onlooker.seen[0].followed
    assert followed.url is None
    assert "secret" not in repr(followed)
    assert followed.health.error == "its last poll failed"


def test_a_source_that_moved_is_listed_where_it_is(planet: Planet, onlooker: Witness) -> None:
    """Subscribers need not be redirected permanently."""
    planet.store.sources.move("news", "https://new.example/feed")
    planet.publish()
    assert onlooker.seen[0].followed[0].url == "https://new.example/feed"


def test_site_documents_are_rendered_only_when_their_content_changed(
    planet: Planet, witness: Witness, onlooker: Witness
) -> None:
    """News; a failure, another config, some time with polls; a missing file. Otherwise nothing is done."""

    def made() -> tuple[int, int]:
        planet.publish()
        return len(witness.seen), len(onlooker.seen)

    planet.add(article(1))
    assert (made(), made()) == ((1, 1), (1, 1))
    planet.add(article(2))
    assert made() == (2, 1)
    planet.store.sources.fail("news", "it is broken", NOW + timedelta(minutes=1))
    assert (made(), made()) == ((2, 2), (2, 2))
    planet.store.sources.fail("news", "it is broken", NOW + timedelta(minutes=14))
    assert made() == (2, 2)
    planet.store.sources.fail("news", "it is broken", NOW + timedelta(minutes=16))
    assert made() == (2, 3)
    (planet.config.output / "index.html").unlink()
    assert made() == (3, 3)
    planet.configure(sources=(NEWS.model_copy(update={"name": "news", "categories": ("World", "More")}),))
    assert made()[1] == 4
    planet.publish(everything=True)
    assert len(onlooker.seen) == 5
    assert planet.publish().rendered == 0


def test_files_of_a_removed_format_are_deleted(planet: Planet) -> None:
    """With its compressed forms; other files at the top stay."""
    planet.configure(compress=("gzip",))
    planet.add(article(1, categories=tuple(f"category {n}" for n in range(60))))
    planet.publish()
    (planet.config.output / "robots.txt").write_text("theirs")
    assert {"index.html", "index.html.gz", "robots.txt"} <= planet.files().keys()
    planet.configure(formats=("rss",))
    planet.publish()
    assert [name for name in planet.files() if "/" not in name] == ["robots.txt"]


def test_a_cached_overview_equals_a_fresh_one(planet: Planet, witness: Witness) -> None:
    """A process that publishes again and again shows what one that starts anew does."""
    planet.sections = SectionCache()
    for number in range(6):
        planet.add(article(number, categories=("World", f"c{number % 2}")), now=NOW + timedelta(days=number))
        if number == 3:
            planet.configure(site=SiteSettings(title="Other", url=""))
        planet.publish()
        recalled = witness.seen[-1]
        known, planet.sections = planet.sections, None
        planet.publish(everything=True)
        planet.sections = known
        assert witness.seen[-1] == recalled
