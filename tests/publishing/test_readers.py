"""Two independent readers find in our feeds what the articles say; over the corpus: test_main_job."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.store import StoredArticle
from tests.conftest import NOW
from tests.support.channels import ARTICLE
from tests.support.planet import BASIC, Planet, article
from tests.support.readers import (
    Seen,
    by_feedparser,
    by_feedsmith,
    differences,
    excused_in_feedparser,
    excused_in_feedsmith,
    why_no_feedsmith,
)

FORMS = ("rss.xml", "atom.xml", "feed.json")


def full(number: int, **changes: Any) -> Article:
    """An article with everything in it."""
    plain = article(number)
    own = {
        "id": plain.id,
        "source": "news",
        "published": plain.published,
        "categories": ("World",),
        **changes,
    }
    return replace(ARTICLE, **own, updated=NOW - timedelta(hours=number))


ARTICLES = (
    article(1),
    full(2, categories=("World", "Q&A", "<b>x</b>")),
    full(3, extra={"media:title": ["Of the medium", "Of another"], "itunes:title": ["Of the episode"]}),
    full(4, link=None, authors=(), summary="", enclosures=()),
    full(5, title="", summary="", content="", link="https://tea.example/?a=1&b=%C3%BC"),
    full(6, title="𝕏 < y & <script>z</script>", authors=('O\'Hara, "Ann" & <co>',)),
    article(7, link=None, content="", title="spaced   out"),
)


@pytest.fixture
def planet(tmp_path: Path) -> Iterator[Planet]:
    """All of them, published: five in the feed, the rest in an archive."""
    made = Planet(tmp_path)
    made.configure(archives=tuple(BASIC))
    made.add(*ARTICLES)
    made.publish()
    yield made
    made.store.close()


def documents(planet: Planet) -> dict[str, tuple[StoredArticle, ...]]:
    """Returns what each feed document should hold."""
    newest = planet.store.feeds.newest("World", 5)
    return {"World": newest, "World/archive/1": planet.store.archives.unfiled("World", newest[-1])}


def seen_by_feedparser(folder: Path) -> dict[str, list[Seen]]:
    """All that it can read."""
    return {form: by_feedparser((folder / form).read_bytes()) for form in FORMS if form != "feed.json"}


def seen_by_feedsmith(folder: Path) -> dict[str, list[Seen]]:
    """All, JSON Feed included."""
    if why := why_no_feedsmith():
        pytest.skip(why)
    return {path.name: seen for path, seen in by_feedsmith(folder / form for form in FORMS).items()}


READERS = {
    "feedparser": (seen_by_feedparser, excused_in_feedparser),
    "feedsmith": (seen_by_feedsmith, excused_in_feedsmith),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_feed_reader_finds_all_fields_of_the_articles(planet: Planet, reader: str) -> None:
    """Entries in their order, ids, links, titles, dates, authors, categories and enclosures."""
    read, excused = READERS[reader]
    for folder, kept in documents(planet).items():
        assert len(kept) in (5, 2)
        for form, seen in read(planet.config.output / folder).items():
            assert [*differences(seen, kept, form, excused)] == []


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("form", "written", "instead", "message"),
    [
        ("atom.xml", "<name>Ann</name>", "<name>Eve</name>", "authors is ('Eve', 'Bo <b>')"),
        ("rss.xml", 'length="5"', 'length="6"', "enclosures is "),
        ("atom.xml", "<published>2020", "<published>2019", "published is "),
        ("rss.xml", "</item>", "</item><item><title>One more</title></item>", "entries instead of 5"),
    ],
    ids=["author", "enclosure", "date", "entry"],
)
def test_the_comparison_with_a_feed_reader_finds_differences(
    planet: Planet, reader: str, form: str, written: str, instead: str, message: str
) -> None:
    """By file, entry and field: a comparison that finds nothing would otherwise prove nothing."""
    read, excused = READERS[reader]
    file = planet.config.output / "World" / form
    assert written in file.read_text()
    file.write_text(file.read_text().replace(written, instead))
    seen = read(file.parent)[form]
    lines = [*differences(seen, documents(planet)["World"], f"World/{form}", excused)]
    assert lines
    assert [line for line in lines if not line.startswith(f"World/{form}") or message not in line] == []
