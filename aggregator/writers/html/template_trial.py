"""Renders a small example site with the user's templates, to find mistakes before anything is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from aggregator.errors import TemplateMistake
from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.schedule.health import PollRecord, judge
from aggregator.schedule.state import PollState
from aggregator.writers.channel import (
    AlsoIn,
    Chain,
    Channel,
    FollowedSource,
    Item,
    Month,
    OutputFormat,
    Overview,
    Section,
)
from aggregator.writers.html.calendar_page import CalendarPage
from aggregator.writers.html.feed_page import Html
from aggregator.writers.html.members_page import MembersPage
from aggregator.writers.html.sandbox import EndlessTemplate
from aggregator.writers.html.search_page import SearchResults, results_page
from aggregator.writers.html.single_article import article_page
from aggregator.writers.html.site_pages import StartPage, StatusPage, Stylesheet
from aggregator.writers.page_look import PageLook

__all__ = ["trial_mistakes"]

_SITE = "https://planet.example/"
_NOW = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)
_FEED = OutputFormat(name="atom", file_name="atom.xml", media_type="application/atom+xml", is_feed=True)
_PAGE = OutputFormat(name="html", file_name="index.html")
_FILES = ("atom.xml", "index.html")
_SITE_FILES = ("index.html", "status.html", "calendar.html", "members.html", "feeds.opml", "sources.opml")

_FEEDS = (("search?f=atom", "Atom", "application/atom+xml"),)

_WITH_ALL = Article(
    source="Tea",
    id="https://tea.example/1",
    title="Tea and milk",
    link="https://tea.example/1",
    authors=("Ann", "Bo"),
    headimg="https://tea.example/1.png",
    summary="<p>Which of them comes first.</p>",
    content="<p>Which of them comes first.</p>\n<p>Milk.</p>",
    enclosures=(
        Enclosure(
            url="https://tea.example/1.mp3", type="audio/mpeg", length=9, duration=timedelta(minutes=1)
        ),
    ),
    origin=Origin(title="Tea", link="https://tea.example/", language="en"),
)
_WITH_LITTLE = Article(source="Tea", id="urn:tea:2")


def trial_mistakes(look: PageLook) -> Iterator[str]:
    """Yields mistakes that rendering each kind of page finds, with file and line, each once.

    Renders the pages of a site with everything, and of one in which every optional part is missing. A loop
    without end stops the trial, because every page may have it.
    """
    known: set[str] = set()
    for make in _pages(look):
        try:
            make()
        except TemplateMistake as error:
            if (mistake := str(error)) not in known:
                yield mistake
            known.add(mistake)
            if isinstance(error.__cause__, EndlessTemplate):
                return


def _pages(look: PageLook) -> Iterator[Callable[[], bytes]]:
    for channel in _channels(look):
        yield partial(Html().render, channel)
    for overview in _overviews(look):
        for writer in (StartPage(), StatusPage(), CalendarPage(), MembersPage(), Stylesheet()):
            yield partial(writer.render, overview)
    for item in _items():
        yield partial(article_page, item, site="Planet", root="../", version="1", look=look)
    nothing = SearchResults(query="", title="", look=look)
    found = replace(nothing, query="tea", title="Planet", items=_items(), is_complete=False, feeds=_FEEDS)
    for results in (nothing, replace(found, items=(), problem="It took too long."), found):
        yield partial(results_page, results)


def _items() -> tuple[Item, ...]:
    also = (AlsoIn(source="Milk", title="Milk and tea", link="https://milk.example/1"),)
    published = _NOW - timedelta(days=1)
    return (
        Item(id="urn:1", article=_WITH_ALL, published=_NOW, updated=_NOW, also_in=also, page="all/1.html"),
        Item(id="urn:2", article=_WITH_LITTLE, published=published, updated=published),
    )


def _channels(look: PageLook) -> Iterator[Channel]:
    """Yields the feed of everything, an archive of a category, and a feed without entries."""
    plain = Channel(
        id="urn:all",
        title="",
        description="",
        category=None,
        link="",
        self_links={},
        updated=_NOW,
        items=(),
        look=look,
    )
    whole = replace(
        plain,
        title="Planet",
        description="All of it",
        link=f"{_SITE}all/",
        self_links={name: f"{_SITE}all/{name}" for name in _FILES},
        items=_items(),
        files=_FILES,
        formats=(_FEED, _PAGE),
        language="en",
        image=f"{_SITE}tea.png",
        chain=Chain(older=f"{_SITE}all/archive/1/"),
        total=1_000,
        search="../search",
        site="Planet",
    )
    archive = Chain(number=2, is_full=True, older="../1/", newer="../3/", current="../../")
    yield whole
    yield replace(whole, category="Tea", title="Tea", root="../../../", chain=archive)
    yield plain
    yield replace(plain, category="Tea")


def _overviews(look: PageLook) -> Iterator[Overview]:
    """Yields a site with everything, and one with nothing yet."""
    empty = Overview(title="", description="", link="", updated=_NOW, sections=(), look=look)
    one = Section(
        category=None,
        title="Planet",
        description="",
        folder="all",
        files=_FILES,
        total=2,
        updated=_NOW,
        newest=_items(),
        link=f"{_SITE}all/",
    )
    named = [replace(one, category=f"Tea {n}", title=f"Tea {n}", folder=f"Tea-{n}") for n in range(13)]
    schedule = PollState(since=_NOW - timedelta(days=90), published=(_NOW - timedelta(days=1),), failures=3)
    well = PollRecord(
        name="Tea",
        address="https://tea.example/feed",
        polled=_NOW,
        succeeded=_NOW,
        articles=2,
        newest=_NOW,
        schedule=replace(schedule, failures=0),
        next_poll=_NOW + timedelta(hours=1),
    )
    ill = replace(
        well,
        name="Milk",
        succeeded=None,
        error="the server has a fault (500)",
        advice="wait",
        schedule=schedule,
        moved_to="https://milk.example/feed",
    )
    followed = (
        FollowedSource(
            health=judge(well, _NOW),
            url=well.address,
            link="https://tea.example/",
            face=f"{_SITE}tea.png",
            published=(_NOW,),
            page="sources/tea",
        ),
        FollowedSource(health=judge(ill, _NOW)),
        FollowedSource(health=judge(PollRecord(name="New", address="https://new.example/"), _NOW)),
    )
    month = Month(start=_NOW, count=2, folder="all/", day="2026-03-01")
    yield Overview(
        title="Planet",
        description="All of it",
        link=_SITE,
        updated=_NOW,
        sections=(one, *named),
        followed=followed,
        seen=_NOW,
        files=_SITE_FILES,
        formats=(_FEED, _PAGE),
        language=look.language,
        image=f"{_SITE}tea.png",
        search="search",
        look=look,
        months=(month, replace(month, folder="")),
    )
    yield empty
