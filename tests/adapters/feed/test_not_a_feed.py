"""Documents that are no feeds."""

from __future__ import annotations

import pytest

from aggregator.adapters.feed import document as feed
from aggregator.adapters.feed.not_a_feed import linked_feeds
from aggregator.errors import NotAFeed, ReadError


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<!doctype html><html><head></head><body>Hi<br></body></html>", "a web page"),
        (b"<html xmlns='http://www.w3.org/1999/xhtml'><head/></html>", "a web page"),
        (b"<html><body><p>No feed here</p></body></html>", 'kind = "page" reads lists'),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', "JSON Feed"),
        (b"<opml version='2.0'><body/></opml>", "OPML"),
        (b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>", "a sitemap"),
        (b"<foo><bar></foo>", "<foo>"),
        (b"<foo/>", "<foo>"),
        (b"Not found", "begins with 'Not found'"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08\x00", "gzip"),
    ],
)
def test_it_says_what_the_document_is(body: bytes, says: str) -> None:
    """So that the reader of the error knows what to change."""
    with pytest.raises(NotAFeed) as caught:
        feed.read(body, url="http://a/")
    assert says in caught.value.reason
    assert caught.value.url == "http://a/"


@pytest.mark.parametrize("body", [b"", b" \r\n\t"])
def test_an_empty_document_is_an_error_of_its_own(body: bytes) -> None:
    """It says nothing about what the address serves at other times."""
    with pytest.raises(ReadError, match="empty") as caught:
        feed.read(body)
    assert not isinstance(caught.value, NotAFeed)


def test_a_page_names_the_feeds_it_links_to() -> None:
    """Absolute, in order, each once; other links are none."""
    page = (
        "<html><head><base href='/blog/'><link rel=stylesheet href=x.css>"
        "<link rel='alternate' type='application/rss+xml; charset=utf-8' href='feed'>"
        "<link rel='ALTERNATE home' type='application/atom+xml' href='http://b/atom'>"
        "<link rel=alternate type='application/rss+xml' href='feed'>"
        "<link rel=alternate hreflang=de href='/de'>"
        "<link rel=alternate type='application/rss+xml' href='javascript:alert(1)'>"
        "<link rel=alternate type='application/feed+json' href='/f.json'></head><body>"
    )
    with pytest.raises(NotAFeed) as caught:
        feed.read(page.encode(), url="http://a/x/")
    assert caught.value.feeds == ("http://a/blog/feed", "http://b/atom", "http://a/f.json")
    assert "http://a/blog/feed" in caught.value.reason


def test_an_impossible_address_in_a_page_is_no_error() -> None:
    """It is kept out of the way of the others."""
    page = "<link rel=alternate type=application/rss+xml href='http://['><link rel=feed href=/f>"
    assert "http://a/f" in linked_feeds(page, "http://a/")
