"""Documents that are no feeds."""

from __future__ import annotations

from html import escape

import pytest

from aggregator.adapters.feed import document as feed
from aggregator.adapters.feed.not_a_feed import linked_feeds
from aggregator.errors import NotAFeed, ReadError
from aggregator.normalise.entries import articles
from aggregator.normalise.link_relations import short_relation


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
def test_the_error_says_what_the_document_is(body: bytes, says: str) -> None:
    """So that the user knows what to change."""
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


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("0; url=/feed.xml", "http://a/feed.xml"),
        ("0;URL='http://b/feed.xml'", "http://b/feed.xml"),
        ('3, url="feed.xml" ', "http://a/x/feed.xml"),
        ("0;feed.xml", "http://a/x/feed.xml"),
        ("; url = feed.xml", "http://a/x/feed.xml"),
        ("300; url=/elsewhere", None),
        ("0", None),
        ("5; url=http://a/x/", None),
        ("0; url=javascript:alert(1)", None),
        ("0; url=http://[", None),
        ("0; url=" + "x" * 10_000, None),
    ],
)
def test_a_meta_refresh_page_names_its_target(content: str, target: str | None) -> None:
    """As servers without redirects do; one that only loads itself again is no redirect."""
    page = f"<html><head><meta http-equiv=Refresh content='{escape(content)}'></head><p>Moved</html>"
    with pytest.raises(NotAFeed) as caught:
        feed.read(page.encode(), url="http://a/x/")
    assert caught.value.feeds == ((target,) if target else ())
    assert (f"it redirects browsers to {target}" in caught.value.reason) == (target is not None)


@pytest.mark.parametrize(
    ("written", "rel"),
    [
        ("ALTERNATE", "alternate"),
        ("http://www.iana.org/assignments/relation/alternate", "alternate"),
        ("https://www.iana.org/assignments/relation/Enclosure", "enclosure"),
        ("http://www.iana.org/assignments/link-relations/#via", "via"),
        ("http://www.iana.org/assignments/link-relations/link-relations.xhtml#self", "self"),
        ("http://www.iana.org/assignments/relation/", "http://www.iana.org/assignments/relation/"),
        ("http://schemas.google.com/g/2005#Feed", "http://schemas.google.com/g/2005#Feed"),
    ],
)
def test_long_names_of_relations_are_their_short_ones(written: str, rel: str) -> None:
    """RFC 4287 §4.2.7.2: a registered name means the same as its URI."""
    assert short_relation(f" {written}\n") == rel


def test_a_link_of_a_long_name_is_the_entrys_page() -> None:
    """And an enclosure is one."""
    long = "http://www.iana.org/assignments/relation/"
    body = (
        f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>a</id><link rel='{long}related' href='http://a/r'/>"
        f"<link rel='{long}enclosure' href='http://a/e.mp3'/><link rel='{long}alternate' href='http://a/p'/>"
        "</entry></feed>"
    )
    [article] = articles(feed.read(body.encode())).document.articles
    assert article.link == "http://a/p"
    assert [enclosure.url for enclosure in article.enclosures] == ["http://a/e.mp3"]
    assert article.extra["links"] == [{"rel": "related", "href": "http://a/r"}]
