"""Every base of a document is joined once, absolute or relative, whichever reader reads it."""

from __future__ import annotations

import pytest

from aggregator import read
from aggregator.model.article import Article

URL = "https://tea.example/feeds/atom.xml?key=1"
WRONG = "<b><i></b></i></wrong>"
BODY = '<content type="html">&lt;img src="p.jpg"&gt;&lt;a href="q.html"&gt;q&lt;/a&gt;</content>'


def entry(feed: str, inside: str, of_entry: str = "", *, is_broken: bool = False) -> Article:
    """The one entry of an Atom feed with these bases; broken so that no strict reader takes it."""
    tail = WRONG if is_broken else ""
    document = (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="{feed}"><title>T</title>'
        f'<entry xml:base="{of_entry}"><id>urn:1</id><title>E</title>{inside}</entry>{tail}</feed>'
    )
    (article,) = read(document.encode(), url=URL).articles
    return article


@pytest.mark.parametrize("is_broken", [False, True], ids=["strict", "broken"])
@pytest.mark.parametrize(
    ("feed", "of_entry", "expected"),
    [
        ("blog/", "2026/01/", "https://tea.example/feeds/blog/2026/01/"),
        ("blog/", "", "https://tea.example/feeds/blog/"),
        ("", "2026/01/", "https://tea.example/feeds/2026/01/"),
        ("/blog/", "2026/", "https://tea.example/blog/2026/"),
        ("../blog/", "../2026/", "https://tea.example/2026/"),
        ("blog/", "/2026/", "https://tea.example/2026/"),
        ("https://a.example/blog/", "2026/", "https://a.example/blog/2026/"),
        ("//a.example/blog/", "2026/", "https://a.example/blog/2026/"),
        ("blog/", "https://a.example/2026/", "https://a.example/2026/"),
    ],
)
def test_bases_of_feed_and_entry_are_joined_once(
    feed: str, of_entry: str, expected: str, is_broken: bool
) -> None:
    """In links, enclosures, pictures and bodies."""
    inside = f'<link href="post.html"/><link rel="enclosure" href="a.mp3"/>{BODY}'
    article = entry(feed, inside, of_entry, is_broken=is_broken)
    assert article.link == f"{expected}post.html"
    assert article.headimg == f"{expected}p.jpg"
    assert f'src="{expected}p.jpg"' in article.content
    assert f'href="{expected}q.html"' in article.content
    assert [e.url for e in article.enclosures] == [f"{expected}a.mp3"]


@pytest.mark.parametrize("is_broken", [False, True], ids=["strict", "broken"])
def test_elements_have_bases_of_their_own(is_broken: bool) -> None:
    """Of content, link and the div of XHTML."""
    at = "https://tea.example/feeds/blog/"
    link = '<link xml:base="links/" href="post.html"/>'
    html = BODY.replace("<content", '<content xml:base="img/"')
    article = entry("blog/", link + html, is_broken=is_broken)
    assert article.link == f"{at}links/post.html"
    assert f'src="{at}img/p.jpg"' in article.content
    xhtml = (
        '<content type="xhtml" xml:base="img/"><div xmlns="http://www.w3.org/1999/xhtml" xml:base="2026/">'
        '<img src="p.jpg"/></div></content>'
    )
    assert f'src="{at}img/2026/p.jpg"' in entry("blog/", xhtml, is_broken=is_broken).content


def test_rss_has_bases_too() -> None:
    """On the root, the channel, the item and its elements."""
    rss = (
        '<rss version="2.0" xml:base="a/"><channel xml:base="b/"><item xml:base="c/"><link>post.html</link>'
        '<description xml:base="d/">&lt;img src="p.jpg"&gt;</description></item></channel></rss>'
    )
    (article,) = read(rss.encode(), url=URL).articles
    assert article.link == "https://tea.example/feeds/a/b/c/post.html"
    assert 'src="https://tea.example/feeds/a/b/c/d/p.jpg"' in article.summary


def test_without_an_address_the_feeds_own_is_used() -> None:
    """A document read from a file knows where it was published."""
    document = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="blog/">'
        '<link rel="alternate" href="https://tea.example/"/>'
        '<link rel="self" href="https://tea.example/feeds/atom.xml"/>'
        '<entry><id>urn:1</id><link href="post.html"/></entry></feed>'
    )
    (article,) = read(document.encode()).articles
    assert article.link == "https://tea.example/feeds/blog/post.html"
