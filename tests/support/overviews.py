"""Whole sites for the tests of their pages: one with everything in it, and any at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from aggregator.model.struct import replace
from aggregator.schedule.health import STATES, SourceHealth
from aggregator.writers.channel import FollowedSource, Overview, Section
from tests.support.channels import ADDRESSES, DATES, FORMATS, ITEMS, TEXTS, UPDATED, item_of

FILES = ("rss.xml", "atom.xml", "feed.json", "index.html")
SITE_FILES = ("index.html", "status.html", "style.css", "feeds.opml", "sources.opml")
SEEN = datetime(2026, 11, 22, 9, 40, tzinfo=UTC)


def section_of(category: str | None = "Drinks", **changes: Any) -> Section:
    """A category with one article; its folder is called as it is."""
    section = Section(
        category=category,
        title="Planet" if category is None else f"{category} — Planet",
        description="All about drinks",
        folder=category or "all",
        files=FILES,
        total=1_234,
        updated=UPDATED,
        newest=(item_of(),),
    )
    return replace(section, **changes)


def followed_of(name: str = "Tea", state: str = "healthy", **changes: Any) -> FollowedSource:
    """A source that published three times in the last week; `health` in `changes` changes its health."""
    health = SourceHealth(
        name=name,
        address="https://tea.example/feed",
        moved_to=None,
        title=name,
        state=state,
        articles=12,
        rhythm="3 a week",
        polled=SEEN,
        succeeded=SEEN - timedelta(hours=1),
        newest=SEEN - timedelta(days=1),
        failures=0,
        next_poll_at=None,
        reason="new",
        next_poll="2026-11-22 10:40 UTC: it is polled according to how often it publishes",
        error=None,
        advice=None,
    )
    followed = FollowedSource(
        health=replace(health, **changes.pop("health", {})),
        url="https://tea.example/feed",
        link="https://tea.example/",
        published=tuple(SEEN - timedelta(days=days) for days in (1, 3, 6)),
    )
    return replace(followed, **changes)


def overview_of(*sections: Section, **changes: Any) -> Overview:
    """A site without a public address that holds `sections`."""
    overview = Overview(
        title="Planet",
        description="What we read",
        link="",
        updated=UPDATED,
        sections=sections,
        seen=SEEN,
        files=SITE_FILES,
        formats=FORMATS,
        language="en",
        generator_version="1.2",
    )
    return replace(overview, **changes)


_MAYBE = st.one_of(st.none(), TEXTS)
_LINKS = st.one_of(st.none(), ADDRESSES, st.just("https://me:secret@tea.example/feed"))
HEALTHS = st.builds(
    SourceHealth,
    name=TEXTS,
    address=ADDRESSES,
    moved_to=_LINKS,
    title=TEXTS,
    state=st.sampled_from(STATES),
    articles=st.integers(0, 10**9),
    rhythm=TEXTS,
    polled=st.one_of(st.none(), DATES),
    succeeded=st.one_of(st.none(), DATES),
    newest=st.one_of(st.none(), DATES),
    failures=st.integers(0, 99),
    next_poll=TEXTS,
    next_poll_at=st.none() | DATES,
    reason=st.sampled_from(("new", "gone", "publication rate", "later", "")),
    error=_MAYBE,
    advice=_MAYBE,
)
FOLLOWED = st.builds(
    FollowedSource,
    health=HEALTHS,
    url=_LINKS,
    link=_LINKS,
    published=st.lists(DATES, max_size=4).map(tuple),
)
SECTIONS = st.builds(
    Section,
    category=_MAYBE.filter(lambda name: name != ""),
    title=TEXTS,
    description=TEXTS,
    folder=st.sampled_from(["all", "茶", "Q&A", "a-b"]),
    files=st.lists(st.sampled_from(FILES), unique=True).map(tuple),
    total=st.integers(0, 10**9),
    updated=DATES,
    newest=st.lists(ITEMS, max_size=2).map(tuple),
)
OVERVIEWS = st.builds(
    Overview,
    title=TEXTS,
    description=TEXTS,
    link=st.one_of(st.just(""), st.just("https://feeds.example/"), TEXTS),
    updated=DATES,
    sections=st.lists(SECTIONS, max_size=3).map(tuple),
    followed=st.lists(FOLLOWED, max_size=3).map(tuple),
    seen=st.one_of(st.none(), DATES),
    files=st.lists(st.sampled_from(SITE_FILES), unique=True).map(tuple),
    formats=st.just(FORMATS),
    language=_MAYBE,
    image=st.one_of(st.none(), ADDRESSES),
    generator_version=TEXTS,
)
