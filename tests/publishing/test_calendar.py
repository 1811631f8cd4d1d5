"""The calendar of the archive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from aggregator.config.load import PageSettings
from aggregator.writers import SITE_WRITERS, WRITERS
from tests.conformance.html import check_html
from tests.support.planet import Planet, article


@pytest.fixture
def planet(tmp_path: Path) -> Iterator[Planet]:
    """A planet with a calendar, feeds of five entries."""
    made = Planet(tmp_path, url="")
    made.writers, made.site_writers = WRITERS, SITE_WRITERS
    made.configure(formats=("atom", "html"), pages=PageSettings(calendar=True))
    yield made
    made.store.close()


def months(planet: Planet) -> list[tuple[str, str, str]]:
    body = planet.files()["calendar.html"]
    assert [violation for violation in check_html(body) if violation != "no language"] == []
    tree = LexborHTMLParser(body.decode())
    found = []
    for item in tree.css(".months li"):
        link, count = item.css_first("a"), item.css_first(".facts")
        assert link is not None
        assert count is not None
        found.append((link.text(), str(link.attributes["href"]), count.text()))
    return found


def test_each_month_links_to_its_newest_articles(planet: Planet) -> None:
    """In the feed, in the open archive, in a full one; at the heading of the day."""
    first = datetime(2025, 1, 20, 12, tzinfo=UTC)
    planet.add(*(article(n, published=first + timedelta(days=20 * n)) for n in range(17)))
    planet.publish()
    found = months(planet)
    assert sum(int(count) for *_, count in found) == 17
    assert [found[0], found[-1]] == [
        ("December", "all/index.html#2025-12-06", "1"),
        ("January", "all/archive/1/index.html#2025-01-20", "1"),
    ]
    files = planet.files()
    for name, href, _ in found:
        path, _, day = href.partition("#")
        assert f'<h2 id="{day}">'.encode() in files[path], (name, href)
    assert b'href="calendar.html"' in files["index.html"]
    assert planet.publish().written == ()


def test_months_are_those_of_the_time_zone(planet: Planet) -> None:
    """The last hour of a month in UTC is in the next one further east."""
    planet.add(article(1, published=datetime(2025, 1, 31, 23, tzinfo=UTC)))
    planet.publish()
    assert [name for name, *_ in months(planet)] == ["January"]
    planet.configure(site=planet.config.site.model_copy(update={"timezone": "Asia/Tokyo", "language": "de"}))
    planet.publish()
    assert [(name, href) for name, href, _ in months(planet)] == [("Februar", "all/index.html#2025-02-01")]


def test_without_articles_the_calendar_is_empty(planet: Planet) -> None:
    """And there is none unless it is wanted."""
    planet.add(article(1))
    planet.publish()
    assert "calendar.html" in planet.files()
    planet.configure(pages=PageSettings())
    planet.publish()
    assert "calendar.html" not in planet.files()
