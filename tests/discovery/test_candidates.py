"""Candidates: typed addresses, and what a candidate's address and title tell about it."""

from __future__ import annotations

import pytest

from aggregator.discovery import Candidate, ReadCandidate, address, format_of
from aggregator.model.article import Article, Document, Origin


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("example.org", "https://example.org"),
        (" example.org/a?b=c ", "https://example.org/a?b=c"),
        ("example.org:8080/x", "https://example.org:8080/x"),
        ("http://example.org/", "http://example.org/"),
        ("feed://example.org/rss", "https://example.org/rss"),
        ("feed:https://example.org/rss", "https://example.org/rss"),
        ("file:///a/b.xml", "file:///a/b.xml"),
        ("mailto:me@example.org", "mailto:me@example.org"),
    ],
)
def test_typed_text_becomes_an_address(typed: str, url: str) -> None:
    """Most people do not type https://."""
    assert address(typed) == url


@pytest.mark.parametrize(
    ("title", "url", "is_of_comments"),
    [
        ("Blog » Comments Feed", "https://example.org/x", True),
        ("", "https://example.org/comments/feed/", True),
        ("Blog » Kommentar-Feed", "https://example.org/post/feed/", True),
        ("ブログ » コメントフィード", "https://example.org/x", True),
        ("Blog", "https://example.org/feed/", False),
        ("Blog", "https://comments.example/feed/", False),
    ],
)
def test_comments_are_recognised_by_title_or_address(title: str, url: str, is_of_comments: bool) -> None:
    """In the languages of blogs; the host's name says nothing."""
    assert Candidate(url=url, how="link", title=title).is_of_comments is is_of_comments


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'>", "Atom"),
        (b"\xef\xbb\xbf<a:feed xmlns:a='http://www.w3.org/2005/Atom'>", "Atom"),
        (b"<rss version='2.0'>", "RSS"),
        (b"<rdf:RDF>", "RSS"),
        (b'\n {"version": "https://jsonfeed.org/version/1.1"}', "JSON Feed"),
    ],
)
def test_the_format_is_recognised_by_the_bytes(body: bytes, name: str) -> None:
    """Whatever a page says of its type."""
    assert format_of(body) == name


def test_a_feed_is_described_by_what_most_entries_contain() -> None:
    """Full text, summaries, or nothing but titles; and the language that it declares."""

    def holding(*articles: Article) -> ReadCandidate:
        document = Document(articles=articles)
        return ReadCandidate(
            candidate=Candidate(url="https://e.example/", how="link"), document=document, format="RSS"
        )

    full = Article(id="1", content="<p>All of it</p>", origin=Origin(language="de"))
    short = Article(id="2", summary="Some")
    bare = Article(id="3")
    assert holding(full, full, short).holds == "full text"
    assert holding(full, short, short).holds == "summaries"
    assert holding(bare, bare, short).holds == "titles"
    assert holding().holds == "nothing"
    assert holding(short, full).language == "de"
    assert holding(short).newest is None
