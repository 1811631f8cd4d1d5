"""OPML 2.0: lists of our feeds and of what we follow, valid, the same to the byte, without secrets."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from aggregator.adapters.opml.outlines import Subscription, read
from aggregator.schedule.health import SourceHealth
from aggregator.writers import SITE_WRITERS, FollowedSource, Overview, Section
from aggregator.writers.opml import FeedList, SourceList, subscription_list
from tests.conformance.documents import check_opml
from tests.support.channels import FORMATS
from tests.support.examples import examples

UPDATED = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def section(category: str | None, *files: str, public: bool = True) -> Section:
    """A category's feed in these formats."""
    folder = category or "all"
    base = f"https://planet.example/feeds/{folder}/" if public else ""
    return Section(
        category=category,
        title=f"{folder} — Planet",
        description=f"About {folder}",
        folder=folder,
        files=files,
        total=3,
        updated=UPDATED,
        newest=(),
        link=base,
    )


def followed(name: str, url: str | None, *categories: str, link: str | None = None) -> FollowedSource:
    """A healthy source."""
    return FollowedSource(
        health=SourceHealth(
            name=name,
            address=url or "",
            moved_to=None,
            title="",
            state="healthy",
            articles=1,
            rhythm="",
            polled=None,
            succeeded=None,
            newest=None,
            failures=0,
            next_poll_at=None,
            reason="new",
            next_poll="",
            error=None,
            advice=None,
        ),
        categories=categories,
        url=url,
        link=link,
    )


def overview(*sections: Section, sources: tuple[FollowedSource, ...] = ()) -> Overview:
    """A site of these feeds and sources."""
    return Overview(
        title="Planet & friends",
        description="",
        link="https://planet.example/feeds/",
        updated=UPDATED,
        sections=sections,
        followed=sources,
        formats=FORMATS,
        language="en",
    )


def test_each_feed_is_listed_once_in_the_format_that_readers_like_best() -> None:
    """Both formats of one feed in a list would be followed both."""
    body = FeedList().render(
        overview(
            section(None, "rss.xml", "atom.xml", "index.html"),
            section("日本", "rss.xml", "feed.json"),
            section("Pages", "index.html"),
        )
    )
    assert check_opml(body) == []
    outlines = [dict(o.attrib) for o in etree.fromstring(body).iter("outline")]
    assert outlines[0] == {
        "text": "all — Planet",
        "title": "all — Planet",
        "type": "rss",
        "xmlUrl": "https://planet.example/feeds/all/atom.xml",
        "htmlUrl": "https://planet.example/feeds/all/",
        "description": "About all",
        "language": "en",
    }
    assert [o["xmlUrl"] for o in outlines[1:]] == ["https://planet.example/feeds/%E6%97%A5%E6%9C%AC/rss.xml"]
    assert b"<dateModified>" not in body


def test_without_a_public_address_references_are_relative() -> None:
    """The list is of use in its folder all the same."""
    body = FeedList().render(overview(section("a b", "rss.xml", "index.html", public=False)))
    outline = next(etree.fromstring(body).iter("outline"))
    assert (outline.get("xmlUrl"), outline.get("htmlUrl")) == ("a%20b/rss.xml", "a%20b/index.html")


def test_the_list_has_folders_and_no_logins() -> None:
    """A source of several categories says so; what is no feed of the web is not there."""
    body = SourceList().render(
        overview(
            sources=(
                followed(
                    "One", "https://me:secret@one.example/feed", "Tech", "A, b/c", link="https://one.example/"
                ),
                followed("Two", "https://two.example/feed"),
                followed("Three", "https://three.example/feed", "Tech"),
                followed("Folder", None, "Tech"),
            )
        )
    )
    assert check_opml(body) == []
    assert b"secret" not in body
    assert b"me:" not in body
    assert [(s.title, s.url, s.link, s.categories) for s in read(body).subscriptions] == [
        ("One", "https://one.example/feed", "https://one.example/", ("Tech", "A, b/c")),
        ("Three", "https://three.example/feed", None, ("Tech",)),
        ("Two", "https://two.example/feed", None, ()),
    ]


def test_an_empty_list_is_valid_too() -> None:
    """The specification wants one outline at least."""
    for writer in SITE_WRITERS["opml"]:
        body = writer.render(overview())
        assert check_opml(body) == []
        assert read(body).subscriptions == ()


names = st.text(min_size=1, max_size=30)
subscriptions = st.lists(
    st.builds(
        Subscription,
        url=st.sampled_from([f"https://{c}.example/feed?a=1&b={c}" for c in "abcdéф"]),
        title=names,
        link=st.sampled_from([None, "https://site.example/"]),
        categories=st.lists(names, max_size=4).map(tuple),
    ),
    max_size=8,
)


@settings(max_examples=examples(50), deadline=None)
@given(subscriptions)
def test_a_list_that_is_read_and_written_again_has_the_same_bytes(listed: list[Subscription]) -> None:
    """Whatever the names: nothing is lost when it is written and read again."""
    body = subscription_list("Mine", listed)
    assert check_opml(body) == []
    assert subscription_list("Mine", read(body).subscriptions) == body
