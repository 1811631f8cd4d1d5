"""`aggregator.read`: every kind, with its options, from Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aggregator import read
from aggregator.errors import ReadError

PAGE = (
    "<html><head><title>Tea</title></head><body>"
    + "".join(
        f"<article><h2><a href='/{n}'>Tea number {n}</a></h2><p>Some words, long enough.</p></article>"
        for n in range(6)
    )
    + "</body></html>"
).encode()
ARTICLE = b"<html><title>Tea</title><article><h1>Tea</h1>" + b"<p>Words of a long article on tea.</p>" * 20
RSS = b"<rss version='2.0'><channel><item><title>Tea</title></item></channel></rss>"
SITEMAP = b"<urlset><url><loc>https://tea.example/tea</loc></url><url><loc>https://tea.example/cake</loc></url></urlset>"
DOCUMENTS = {
    "feed": RSS,
    "rsshub": RSS,
    "sitemap": SITEMAP,
    "json": json.dumps([{"title": "Tea", "url": "https://tea.example/"}]).encode(),
    "page": PAGE,
    "mail": b"From: ann@tea.example\nSubject: Tea\nMessage-ID: <1@tea.example>\n\nHot.",
    "articles": b"---\ntitle: Tea\n---\nHot.",
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_kind_is_read_with_its_default_options(kind: str) -> None:
    """As the config would have it without options."""
    document = read(DOCUMENTS[kind], url="https://tea.example/", kind=kind)
    assert document.articles[0].title.lower().startswith("tea")


def test_an_article_page_is_read_with_default_options() -> None:
    """Where the extra for it is installed."""
    pytest.importorskip("trafilatura")
    assert [a.title for a in read(ARTICLE, url="https://tea.example/", kind="article-page").articles] == [
        "Tea"
    ]


@pytest.mark.parametrize(
    ("kind", "body", "options", "count"),
    [
        ("sitemap", SITEMAP, {"include": ["/cake"]}, 1),
        ("sitemap", SITEMAP, {"entries": 1}, 1),
        ("page", PAGE, {"item": "article", "title": "h2", "link": "a"}, 6),
        ("article-page", ARTICLE, {"content": "article"}, 1),
        ("mail", DOCUMENTS["mail"], {"sender": "bo@tea.example"}, 0),
        ("exec", SITEMAP, {"command": ["cat"], "kind": "sitemap"}, 2),
    ],
)
def test_options_of_read_equal_those_of_the_config(kind: str, body: bytes, options: Any, count: int) -> None:
    """Plain values, named as there."""
    assert len(read(body, url="https://tea.example/", kind=kind, options=options).articles) == count


@pytest.mark.parametrize("body", [bytearray(RSS), memoryview(RSS)], ids=lambda body: type(body).__name__)
def test_bytes_of_every_type_are_read(body: Any) -> None:
    """What files and sockets give."""
    assert [a.title for a in read(body).articles] == ["Tea"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"body": "<rss/>"}, "body is str, not bytes: open the file in binary mode"),
        ({"body": None}, "body is NoneType, not bytes"),
        ({"body": Path("feed.xml")}, "Path, not bytes"),
        ({"url": None}, "url is NoneType, not str"),
        ({"content_type": b"text/xml"}, "content_type is bytes, not str"),
        ({"kind": None}, "kind is NoneType, not str"),
        ({"options": "x"}, "options is str, not Mapping"),
    ],
    ids=str,
)
def test_an_argument_of_the_wrong_type_is_a_type_error_that_says_so(
    given: dict[str, Any], message: str
) -> None:
    """Not an error from somewhere inside."""
    with pytest.raises(TypeError, match=message):
        read(**{"body": RSS, **given})


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("nothing", None, "no kind is named 'nothing'"),
        ("feed", {"entries": 1}, "has no options"),
        (
            "sitemap",
            {"pages": 1},
            "options.pages: kind 'sitemap' has no such option; it has entries, exclude",
        ),
        ("sitemap", {"entries": "x"}, "options.entries: write a whole number"),
        ("json", {"items": "[["}, "options.items: write a JMESPath expression"),
        ("exec", None, "options.command: kind 'exec' needs this option"),
    ],
)
def test_wrong_options_are_a_value_error_in_plain_words(kind: str, options: Any, message: str) -> None:
    """Each with the option that it is about."""
    with pytest.raises(ValueError, match=message):
        read(RSS, kind=kind, options=options)


@pytest.mark.parametrize("kind", ["feed", "sitemap", "json", "page", "mail", "opml"])
@pytest.mark.parametrize("body", [b"", b"\0", b"<", b"{", b"\xff\xfe"], ids=repr)
def test_an_empty_body_is_a_read_error(kind: str, body: bytes) -> None:
    """For every kind."""
    with pytest.raises(ReadError):
        read(body, kind=kind)
