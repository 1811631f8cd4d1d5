"""JSON Feed 1.0 and 1.1: what it holds, how it is distinguished from other JSON, and how it breaks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator import read
from aggregator.errors import NotAFeed, ReadError
from aggregator.model.article import Document

ITEM: dict[str, Any] = {
    "id": "tea-1",
    "url": "https://tea.example/1",
    "external_url": "https://elsewhere.example/",
    "title": "Tea & cake <3",
    "content_html": "<p>Hot <script>alert(1)</script>tea.</p>",
    "summary": "On tea",
    "image": "/cup.jpg",
    "date_published": "2026-02-07T14:04:00-05:00",
    "date_modified": "2026-02-08T00:00:00Z",
    "authors": [{"name": "Ann"}, {"name": "Bo", "url": "https://bo.example/"}],
    "tags": ["tea", "cake"],
    "language": "en-GB",
    "attachments": [
        {
            "url": "https://tea.example/1.mp3",
            "mime_type": "audio/mpeg",
            "size_in_bytes": 1234,
            "duration_in_seconds": 61,
            "title": "Read aloud",
        }
    ],
}


def feed(*items: Any, **more: Any) -> bytes:
    """A JSON Feed with these items."""
    head = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Tea",
        "home_page_url": "https://tea.example/",
    }
    return json.dumps({**head, "items": items, **more}).encode()


def read_it(body: bytes) -> Document:
    """The document as read from its usual address."""
    return read(body, url="https://tea.example/feed.json", content_type="application/feed+json")


def test_everything_that_an_item_may_hold_is_read() -> None:
    """JSON Feed 1.1, "Items", "Attachments"."""
    document = read_it(feed(ITEM))
    (article,) = document.articles
    assert (document.title, document.link, document.problems) == ("Tea", "https://tea.example/", ())
    assert (article.id, article.link, article.title) == ("tea-1", "https://tea.example/1", "Tea & cake <3")
    assert article.content == "<p>Hot tea.</p>"
    assert article.summary == "On tea"
    assert article.headimg == "https://tea.example/cup.jpg"
    assert article.published == datetime(2026, 2, 7, 19, 4, tzinfo=UTC)
    assert article.updated == datetime(2026, 2, 8, tzinfo=UTC)
    assert (article.authors, article.tags) == (("Ann", "Bo"), ("tea", "cake"))
    assert article.extra["language"] == "en-GB"
    (enclosure,) = article.enclosures
    assert (enclosure.url, enclosure.type, enclosure.length) == (
        "https://tea.example/1.mp3",
        "audio/mpeg",
        1234,
    )
    assert (enclosure.duration, enclosure.title) == (timedelta(seconds=61), "Read aloud")


def test_version_1_has_one_author_and_plain_text() -> None:
    """JSON Feed 1.0; `a < b` in a text is no markup."""
    item = {"id": 7, "content_text": "1 < 2\n& more", "author": {"name": "Ann"}}
    (article,) = read_it(feed(item, version="https://jsonfeed.org/version/1")).articles
    assert (article.id, article.authors) == ("7", ("Ann",))
    assert "1 &lt; 2" in article.content


def test_the_feeds_author_is_the_author_of_items_without_one() -> None:
    """JSON Feed 1.1: "authors … applies to all items"."""
    (article,) = read_it(feed({"id": "1", "title": "T"}, authors=[{"name": "Cleo"}])).articles
    assert article.authors == ("Cleo",)


def test_a_link_blogs_item_links_to_its_external_url() -> None:
    """`external_url` alone."""
    (article,) = read_it(feed({"id": "1", "external_url": "https://there.example/", "title": "T"})).articles
    assert article.link == "https://there.example/"


def test_byte_order_marks_and_control_characters_are_ignored() -> None:
    """Both are against RFC 8259, and common."""
    body = b"\xef\xbb\xbf" + feed({"id": "1", "title": "a b"}).replace(b"a b", b"a\tb\x01")
    assert [a.title for a in read_it(body).articles] == ["a b"]


def test_a_truncated_json_feed_gives_its_complete_items_and_a_problem() -> None:
    """A download that broke off."""
    whole = feed({"id": "1", "title": "One"}, {"id": "2", "title": "Two"}, {"id": "3", "title": "Three"})
    document = read_it(whole[: whole.index(b"Three")])
    assert [a.title for a in document.articles] == ["One", "Two"]
    assert "after 2 items" in document.problems[0].text
    assert document.problems[0].where == "line 1"


def test_items_of_a_truncated_json_feed_are_those_of_the_whole() -> None:
    """Links are relative to the feed's page, and its author is theirs: both are named before the items."""
    whole = (
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "F [x]", "authors": [{"name": "Ann"}],'
        b' "home_page_url": "https://here.example/blog/",'
        b' "items": [{"id": "1", "url": "one"}, {"id": "2", "url": "two"}]}'
    )
    document = read_it(whole[: whole.index(b"two")])
    assert document.articles == read_it(whole).articles[:1]
    assert document.articles[0].link == "https://here.example/blog/one"
    assert document.articles[0].authors == ("Ann",)


def test_values_that_are_not_items_are_reported_and_left_out() -> None:
    """The others stay."""
    document = read_it(feed("x", None, {"id": "1", "title": "One"}))
    assert [a.id for a in document.articles] == ["1"]
    assert [p.where for p in document.problems] == ["item 1", "item 2"]


def test_a_feed_that_ended_is_reported() -> None:
    """JSON Feed 1.1, `expired`."""
    assert "has ended" in read_it(feed(expired=True)).problems[0].text


@pytest.mark.parametrize(
    "item",
    [
        {
            "id": ["x"],
            "title": {"a": 1},
            "url": 5,
            "tags": "tea",
            "authors": "Ann",
            "attachments": {"url": 1},
        },
        {
            "id": True,
            "title": None,
            "content_html": [],
            "date_published": 5,
            "attachments": [1, {"url": None}],
        },
        {"id": "1", "url": "http://[", "image": "javascript:alert(1)", "authors": [{"name": None}, 3]},
    ],
    ids=["wrong types", "nulls", "hostile addresses"],
)
def test_values_of_the_wrong_type_crash_nothing(item: dict[str, Any]) -> None:
    """Whatever a generator makes of the format."""
    document = read_it(feed(item, {"id": "sound", "title": "Sound"}))
    assert document.articles[-1].title == "Sound"


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ({"authors": {"name": "Ann"}}, "authors is an object"),
        ({"authors": "Ann"}, "authors is a text"),
        ({"authors": ["Ann", None]}, "one of authors is a text"),
        ({"authors": {"0": {"name": "Ann"}}}, "authors is an object"),
        ({"authors": [{"name": ["Ann"]}]}, "name is a list"),
        ({"author": "Ann"}, "author is a text where an object"),
        ({"author": ["Ann"]}, "one of author is a text"),
        ({"authors": None, "author": "Ann"}, "author is a text"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_authors_of_any_type_are_read_with_a_problem(odd: dict[str, Any], message: str) -> None:
    """Generators write all of these."""
    document = read_it(feed({"id": "1", "title": "T", **odd}))
    assert document.articles[0].authors == ("Ann",)
    assert [(p.where, message in p.text) for p in document.problems] == [("item 1", True)]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("x", ("x",)),
        ("x, y", ("x", "y")),
        (["x", 5, {"name": "y"}], ("x", "5", "y")),
        ({"name": "x"}, ("x",)),
        ({"0": "x", "1": "y"}, ("x", "y")),
        (2026, ("2026",)),
    ],
    ids=str,
)
def test_tags_of_any_type_are_read_with_a_problem(tags: Any, found: tuple[str, ...]) -> None:
    """A text is parted at its commas, as in every format where tags are one text."""
    document = read_it(feed({"id": "1", "title": "T", "tags": tags}))
    assert document.articles[0].tags == found
    assert len(document.problems) == 1
    assert "tags" in document.problems[0].text


@pytest.mark.parametrize(
    ("attachments", "problems"),
    [
        ([{"url": "/1.mp3", "size_in_bytes": 5025816.0}], 1),
        ([{"url": "/1.mp3", "size_in_bytes": "5025816.0"}], 1),
        ([{"url": "/1.mp3", "size_in_bytes": "5025816"}], 0),
        ({"url": "/1.mp3", "size_in_bytes": 5025816}, 1),
        ([{"url": ["/1.mp3"], "size_in_bytes": 5025816}], 1),
    ],
    ids=str,
)
def test_attachments_of_any_type_are_read(attachments: Any, problems: int) -> None:
    """Whole numbers are written with a fraction by languages that have no other."""
    document = read_it(feed({"id": "1", "title": "T", "attachments": attachments}))
    assert [(e.url, e.length) for e in document.articles[0].enclosures] == [
        ("https://tea.example/1.mp3", 5025816)
    ]
    assert len(document.problems) == problems


def test_a_text_or_a_list_of_texts_may_be_attachments() -> None:
    """Their addresses."""
    (one,) = read_it(feed({"id": "1", "attachments": ["/1.mp3", {"url": "/2.mp3"}]})).articles
    (other,) = read_it(feed({"id": "1", "attachments": "/1.mp3"})).articles
    assert [len(each.enclosures) for each in (one, other)] == [2, 1]


@pytest.mark.parametrize(
    ("odd", "field", "value"),
    [
        ({"id": True}, "id", "true"),
        ({"title": 5}, "title", "5"),
        ({"title": ["Tea", "time"]}, "title", "Tea, time"),
        ({"title": {"rendered": "Tea"}}, "title", "Tea"),
        ({"content_html": ["<p>a</p>", "<p>b</p>"]}, "content", "<p>a</p>\n<p>b</p>"),
        ({"url": ["https://tea.example/2"]}, "link", "https://tea.example/2"),
        ({"image": {"url": "/cup.jpg"}}, "headimg", "https://tea.example/cup.jpg"),
        ({"date_published": 1767225600}, "published", datetime(2026, 1, 1, tzinfo=UTC)),
        ({"date_published": 1767225600000.0}, "published", datetime(2026, 1, 1, tzinfo=UTC)),
        (
            {"date_published": {"date": "2026-01-01 00:00:00.000000"}},
            "published",
            datetime(2026, 1, 1, tzinfo=UTC),
        ),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_read_with_a_problem(odd: dict[str, Any], field: str, value: Any) -> None:
    """Numbers, lists and objects where a text belongs."""
    document = read_it(feed({"id": "1", "title": "T", "content_text": "Tea.", **odd}))
    assert getattr(document.articles[0], field) == value
    assert [next(iter(odd)) in p.text for p in document.problems] == [True]


@pytest.mark.parametrize("items", [{"a": {"id": "1", "title": "T"}}, {"id": "1", "title": "T"}], ids=str)
def test_items_that_are_no_list_are_read_with_a_problem(items: Any) -> None:
    """Objects by their keys, or the only one."""
    document = read_it(feed(items=items))
    assert [a.id for a in document.articles] == ["1"]
    assert "items is an object" in document.problems[0].text


def test_the_same_fault_in_all_items_is_one_problem() -> None:
    """The problem says how often."""
    document = read_it(feed(*({"id": str(n), "title": "T", "tags": "x"} for n in range(30))))
    assert [p.where for p in document.problems] == ["item 1"]
    assert "in 29 other places" in document.problems[0].text


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (b'{"items": [{"name": 1}]}', NotAFeed, "not a JSON Feed"),
        (b'[{"id": 1}]', NotAFeed, "not a JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', NotAFeed, "not a JSON Feed"),
        (b'{"a": ', ReadError, "line 1: not JSON"),
        (b"[" * 100_000, ReadError, "nested too deeply"),
        (b'{"version": "jsonfeed.org/version/1", "items": [1' + b"0" * 5_000, ReadError, "not JSON"),
    ],
    ids=["an API", "a list", "no items", "cut short", "deep", "a huge number"],
)
def test_other_json_is_refused_with_its_reason(body: bytes, error: type[ReadError], message: str) -> None:
    """An API's answer is for kind `json`."""
    with pytest.raises(error, match=message):
        read_it(body)


def test_every_json_feed_of_the_corpus_is_read(corpus: Path) -> None:
    """Each with a title and all its items that are objects."""
    files = sorted((corpus / "feeds").glob("json-feed*"))
    assert len(files) == 15
    for file in files:
        body = file.read_bytes()
        articles = read_it(body).articles
        ids = {
            str(item.get("id") or item.get("url")) for item in json.loads(body.decode("utf-8-sig"))["items"]
        }
        assert len(articles) >= len(ids) > 0, file.name
