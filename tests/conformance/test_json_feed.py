"""The checker of JSON Feed finds nothing in a feed that conforms, and each violation in one that does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.documents import check_json_feed

FEED: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Tea",
    "home_page_url": "https://tea.example/",
    "feed_url": "https://tea.example/feed.json",
    "next_url": "archive/1/feed.json",
    "description": "",
    "icon": "https://tea.example/t.png",
    "language": "en-GB",
    "authors": [{"name": "Ann"}],
    "hubs": [{"type": "WebSub", "url": "https://hub.example/"}],
    "_tea": {"about": "https://tea.example/about", "number": 3},
    "items": [
        {
            "id": "https://tea.example/1",
            "url": "https://tea.example/1",
            "title": "One",
            "content_html": "<p>Hot</p>",
            "summary": "Hot",
            "image": "https://tea.example/1.png",
            "date_published": "2026-01-01T03:04:05Z",
            "date_modified": "2026-01-02T03:04:05+00:00",
            "authors": [{"url": "https://ann.example/"}],
            "tags": ["tea"],
            "language": "de",
            "attachments": [
                {
                    "url": "https://tea.example/1.mp3",
                    "mime_type": "audio/mpeg",
                    "size_in_bytes": 5,
                    "duration_in_seconds": 1.5,
                }
            ],
            "_source": {"title": "Leaf", "language": None},
        },
        {"id": "tag:tea.example,2026:2", "content_text": ""},
    ],
}


def test_a_conformant_feed_has_no_violations() -> None:
    """Every member that a writer may use passes, extensions included."""
    assert check_json_feed(json.dumps(FEED).encode(), self_link=True) == []


def first(feed: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = feed["items"][0]
    return item


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.update(version="https://jsonfeed.org/version/1"), "version"),
        (lambda f: f.pop("title"), "'title' is a required property"),
        (lambda f: f.update(title=" "), "feed title"),
        (lambda f: f.pop("items"), "'items' is a required property"),
        (lambda f: f.update(feed_url="/feed.json"), "feed feed_url"),
        (lambda f: f.pop("feed_url"), "no feed_url"),
        (lambda f: f.update(next_url=f["feed_url"]), "next_url is the feed_url"),
        (lambda f: f.update(next_url="a b"), "feed next_url"),
        (lambda f: f.update(language="English language"), "feed language"),
        (lambda f: f.update(author={"name": "Ann"}), "author"),
        (lambda f: f.update(authors=[{}]), "feed authors 0"),
        (lambda f: f.update(authors={"name": "Ann"}), "feed authors"),
        (lambda f: f.update(expired="no"), "feed expired"),
        (lambda f: f.update(hubs=[{"url": "https://hub.example/"}]), "'type' is a required property"),
        (lambda f: f.update(hubs=[{"type": "WebSub"}]), "'url' is a required property"),
        (lambda f: f.update(subtitle="x"), "subtitle"),
        (lambda f: f.update(_tea="x"), "feed _tea"),
        (lambda f: f.update({"_a.b": {}}), "_a.b"),
        (lambda f: first(f).pop("id"), "item 1 None: 'id'"),
        (lambda f: first(f).update(id=5), "item 1 5 id"),
        (lambda f: first(f).update(id="tag:tea.example,2026:2"), "occurs 2 times"),
        (lambda f: first(f).pop("content_html"), "is not valid under any"),
        (lambda f: first(f).update(content_html=None), "content_html"),
        (lambda f: first(f).update(url="1"), "item 1 'https://tea.example/1' url"),
        (lambda f: first(f).update(external_url=first(f)["url"]), "external_url is the url"),
        (lambda f: first(f).update(date_published="2026-01-01"), "date_published"),
        (lambda f: first(f).update(date_modified="2026-02-30T00:00:00Z"), "date_modified"),
        (lambda f: first(f).update(tags="tea"), "tags"),
        (lambda f: first(f).update(tags=["a", "a"]), "tags"),
        (lambda f: first(f).update(categories=["a"]), "categories"),
        (lambda f: first(f)["attachments"][0].pop("mime_type"), "'mime_type' is a required"),
        (lambda f: first(f)["attachments"][0].pop("url"), "'url' is a required"),
        (lambda f: first(f)["attachments"][0].update(mime_type="mp3"), "attachments 0 mime_type"),
        (lambda f: first(f)["attachments"][0].update(size_in_bytes=-1), "size_in_bytes"),
        (lambda f: first(f)["attachments"][0].update(duration_in_seconds="1:00"), "duration_in_seconds"),
        (lambda f: f.update(version=f.pop("version")), "version does not come first"),
    ],
)
def test_each_violation_of_json_feed_is_found(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    """One change to the conformant feed gives the one message that names it."""
    feed = json.loads(json.dumps(FEED))
    change(feed)
    found = check_json_feed(json.dumps(feed).encode(), self_link=True)
    assert any(message in violation for violation in found), found


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "document"),
        (b'\xef\xbb\xbf{"version": 1}', "BOM"),
        (b'{"title": "\xff"}', "utf-8"),
        (b'{"title": "a", "title": "b"}', "'title' 2 times"),
        (b'{"title": NaN}', "NaN is no JSON"),
        (b"[]", "is not of type 'object'"),
    ],
)
def test_invalid_json_is_found(body: bytes, message: str) -> None:
    """RFC 8259: UTF-8 without a byte order mark, names once, no NaN."""
    assert any(message in violation for violation in check_json_feed(body))
