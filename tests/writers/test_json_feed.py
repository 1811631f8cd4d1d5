"""JSON Feed 1.1: every field where it belongs, valid whatever strangers write."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from aggregator.model.article import Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.writers.channel import Chain, Channel
from aggregator.writers.json_feed import JsonFeed
from tests.conformance.documents import check_json_feed
from tests.support.channels import ARTICLE, CHANNELS, article_with, channel_of, item_of
from tests.support.examples import examples

SELF = {"feed.json": "https://feeds.example/drinks/feed.json"}


def rendered(channel: Channel) -> dict[str, Any]:
    """A channel's document, found conformant, read back."""
    body = JsonFeed().render(channel)
    assert check_json_feed(body, self_link="feed.json" in channel.self_links) == []
    feed = json.loads(body)
    assert isinstance(feed, dict)
    return feed


def only_item(**changes: Any) -> dict[str, Any]:
    """The full article with some fields changed, as it is written."""
    (item,) = rendered(channel_of(item_of(article_with(**changes)))).pop("items")
    assert isinstance(item, dict)
    return item


def test_a_feed_has_all_its_metadata() -> None:
    """Address, page, pictures, language, the hub, and where older entries are."""
    channel = channel_of(
        self_links=SELF,
        image="https://feeds.example/i.png",
        hubs=("https://hub.example/",),
        chain=Chain(older="https://feeds.example/drinks/archive/3/"),
    )
    assert rendered(channel) == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Drinks & more",
        "home_page_url": "https://feeds.example/drinks/",
        "feed_url": "https://feeds.example/drinks/feed.json",
        "description": "All about drinks",
        "next_url": "https://feeds.example/drinks/archive/3/feed.json",
        "icon": "https://feeds.example/i.png",
        "favicon": "https://feeds.example/i.png",
        "language": "en",
        "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
        "items": [],
    }


def test_an_item_has_all_its_fields() -> None:
    """Text in plain text's places, HTML in HTML's, provenance in an extension."""
    assert only_item() == {
        "id": "https://tea.example/1",
        "url": "https://tea.example/1",
        "title": "Tea & <cake>",
        "content_html": ARTICLE.content,
        "summary": "Hot & sweet",
        "image": "https://tea.example/1.jpg",
        "date_published": "2026-01-01T03:04:05+00:00",
        "date_modified": "2026-01-02T03:04:05+00:00",
        "authors": [{"name": "Ann"}, {"name": "Bo <b>"}],
        "tags": ["Drinks", "Q&A", "oolong"],
        "language": "en-GB",
        "attachments": [
            {
                "url": "https://tea.example/1.mp3",
                "mime_type": "audio/mpeg",
                "size_in_bytes": 5,
                "duration_in_seconds": 61,
            },
            {"url": "https://tea.example/1.mp4", "mime_type": "video/mp4", "title": "Pour & stir"},
        ],
        "_source": {
            "id": "tag:tea.example,2026:f",
            "title": "Tea & leaves",
            "url": "https://tea.example/",
            "feed_url": "https://tea.example/feed",
            "updated": "2026-01-03T00:00:00+00:00",
        },
    }


def test_without_a_public_address_a_feed_contains_none() -> None:
    """No page, no address of its own, no hub; older entries are beside it."""
    channel = channel_of(
        link="", self_links={}, hubs=("https://hub.example/",), language=None, description=""
    )
    feed = rendered(replace(channel, chain=Chain(older="archive/2/")))
    assert feed == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Drinks & more",
        "next_url": "archive/2/feed.json",
        "items": [],
    }


@pytest.mark.parametrize(
    ("content", "summary", "html", "short"),
    [
        ("<p>c</p>", "<b>s</b>", "<p>c</p>", "s"),
        ("", "<b>s</b>", "<b>s</b>", None),
        ("", "", "", None),
        ("<p>c</p>", "", "<p>c</p>", None),
    ],
    ids=["both", "a summary alone is the content", "neither", "no summary"],
)
def test_every_item_has_content(content: str, summary: str, html: str, short: str | None) -> None:
    """One of the contents must be there; a summary is reported once."""
    item = only_item(content=content, summary=summary)
    assert (item["content_html"], item.get("summary")) == (html, short)


def test_unknown_values_are_left_out() -> None:
    """No null, nothing empty but the content."""
    bare = article_with(
        title="", link=None, authors=(), categories=(), tags=(), headimg=None, summary="", content="",
        enclosures=(), origin=Origin(), extra={},
    )  # fmt: skip
    (item,) = rendered(channel_of(item_of(bare)))["items"]
    assert item.keys() == {"id", "content_html", "date_published", "date_modified"}


def test_a_link_blogs_entries_name_the_linked_page() -> None:
    """rel="related" that leads elsewhere."""
    links = [{"rel": "related", "href": u} for u in ("https://tea.example/1", "https://other.example/")]
    assert only_item(extra={"links": links})["external_url"] == "https://other.example/"
    assert "external_url" not in only_item(extra={"links": links[:1]})


def test_an_attachment_without_type_or_with_an_odd_length_is_valid() -> None:
    """`mime_type` is required; a duration below zero is none; parts of a second stay."""
    first, second = only_item(
        enclosures=(
            Enclosure(url="https://tea.example/x", length=-1, duration=timedelta(seconds=1.5)),
            Enclosure(url="https://tea.example/0.mp3", length=0, duration=timedelta(seconds=-9)),
        )
    )["attachments"]
    assert first == {
        "url": "https://tea.example/x",
        "mime_type": "application/octet-stream",
        "duration_in_seconds": 1.5,
    }
    assert (second["size_in_bytes"], second["duration_in_seconds"]) == (0, 0)


def test_letters_are_not_escaped_and_each_item_is_one_line() -> None:
    """Small, and a difference between two versions can be read."""
    body = JsonFeed().render(
        channel_of(*(item_of(article_with(title="科技 é 😀"), f"urn:{n}") for n in "ab"))
    )
    assert body.decode().count("科技 é 😀") == 2
    assert [line[:14] for line in body.decode().splitlines() if "urn:" in line] == [
        '{"id": "urn:a"',
        '{"id": "urn:b"',
    ]


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(CHANNELS)
def test_any_channel_gives_a_valid_feed(channel: Channel) -> None:
    """Control characters, lone surrogates, addresses that are none: conformant, and the same twice."""
    body = JsonFeed().render(channel)
    assert check_json_feed(body) == []
    assert body == JsonFeed().render(channel)
    assert [item["id"] for item in json.loads(body)["items"]] == [item.id for item in channel.items]
