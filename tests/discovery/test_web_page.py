"""A web page's bytes -> the feeds that it offers, the likeliest first."""

from __future__ import annotations

import pytest

from aggregator.discovery import offered_feeds
from aggregator.errors import ReadError
from aggregator.model.resource import Resource

PAGE = "https://example.org/blog/"


def urls(markup: str, url: str = PAGE) -> list[str]:
    """Returns what a page offers, in order."""
    found = offered_feeds(Resource(url=url, body=markup.encode(), content_type="text/html; charset=utf-8"))
    return [candidate.url for candidate in found]


def link(href: str, title: str = "", type_: str = "application/rss+xml") -> str:
    """A link of a page's head."""
    return f'<link rel="alternate" type="{type_}" title="{title}" href="{href}">'


def test_links_in_the_head_keep_title_and_type() -> None:
    """Titles are plain text on one line; relative addresses count from `<base>`."""
    markup = "<base href='/b/'>" + link("feed.xml", "News &amp; \n  more") + "<p>text"
    (found,) = offered_feeds(Resource(url=PAGE, body=markup.encode()))
    assert (found.url, found.title, found.type) == (
        "https://example.org/b/feed.xml",
        "News & more",
        "application/rss+xml",
    )


def test_feeds_of_comments_are_last() -> None:
    """A comments feed is never the first."""
    markup = link("/comments/feed/", "Comments") + link("/feed/", "Articles") + "<a href='/rss.xml'>RSS</a>"
    assert urls(markup) == [
        "https://example.org/feed/",
        "https://example.org/rss.xml",
        "https://example.org/comments/feed/",
    ]


def test_with_two_formats_of_one_feed_atom_is_first() -> None:
    """The titles are the same but for the format; other feeds keep the publisher's order."""
    markup = (
        link("/rss", "Blog RSS")
        + link("/news", "News")
        + link("/atom", "Blog Atom", "application/atom+xml")
        + link("/news.atom", "News", "application/atom+xml")
    )
    assert [url.rpartition("/")[2] for url in urls(markup)] == ["atom", "rss", "news.atom", "news"]


def test_the_section_that_was_asked_for_is_before_the_site() -> None:
    """A category's page is asked for because of the category; an article's own feed holds its comments."""
    markup = link("/feed/", "Site") + link("/category/tea/feed/", "Tea")
    assert urls(markup, "https://example.org/category/tea/page/2/")[0].endswith("/category/tea/feed/")
    assert urls(markup, "https://example.org/2024/tea/")[0] == "https://example.org/feed/"


def test_feeds_of_other_hosts_and_side_feeds_are_ranked_later() -> None:
    """A search elsewhere and an activity log are not what a site publishes."""
    markup = (
        link("https://search.twitter.example/search.atom?q=x", "Search")
        + link("/activity/log?fmt=rss", "Latest activity")
        + link("https://feeds.example.net/blog", "Blog")
        + link("/posts.rss", "Posts")
    )
    assert urls(markup)[:2] == ["https://example.org/posts.rss", "https://feeds.example.net/blog"]


@pytest.mark.parametrize(
    "anchor",
    [
        '<a href="/feed.xml">x</a>',
        '<a href="/index.xml">x</a>',
        '<a href="/blog.rss">x</a>',
        '<a href="/feed/">x</a>',
        '<a href="/rss/all">x</a>',
        '<a href="/backend.php">RSS 2.0</a>',
        '<a href="/x"><img alt="">  Atom feed </a>',
        '<a href="/?feed=rss2">x</a>',
        '<a href="https://feeds.example.com/x">x</a>',
    ],
)
def test_links_of_the_text_that_look_like_feeds(anchor: str) -> None:
    """By address or by what they are called."""
    assert len(urls(f"<p>{anchor}")) == 1


@pytest.mark.parametrize(
    "anchor",
    [
        '<a href="/feedback">x</a>',
        '<a href="/sitemap.xml">x</a>',
        '<a href="/blogroll.opml">RSS</a>',
        '<a href="/what-is-rss.html">RSS</a>',
        '<a href="#rss">RSS</a>',
        '<a href="/blog/">Feed</a>',
        '<a href="javascript:feed()">RSS</a>',
        '<a href="data:application/rss+xml,x">RSS</a>',
        '<a href="https://feedly.com/i/subscription/feed/https://example.org/feed/">RSS</a>',
        '<a href="https://elsewhere.example/rss-readers">x</a>',
        '<a href="http://[broken/rss.xml">RSS</a>',
        "<a>RSS</a>",
    ],
)
def test_links_that_only_talk_of_feeds(anchor: str) -> None:
    """Nothing is asked for that is surely none."""
    assert urls(f"<p>{anchor}") == []


@pytest.mark.parametrize(
    "tag",
    [
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/1">',
        '<link rel="alternate" type="application/json+oembed" href="/oembed">',
        '<link rel="alternate" hreflang="en" href="/en/rss.xml">',
        '<link rev="alternate" type="application/rss+xml" href="/old.xml">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">',
        '<link rel="alternate" type="application/rss+xml" href="file:///etc/passwd">',
        '<link rel="alternate" type="application/rss+xml">',
    ],
)
def test_links_of_the_head_that_are_no_feeds(tag: str) -> None:
    """Other twins of a page, and addresses of another kind."""
    assert urls(f"<head>{tag}</head><p>text") == []


def test_feeds_of_known_sites_are_before_links_of_the_page() -> None:
    """GitHub's pages link to the commits; releases are what people follow."""
    markup = link("/o/r/commits/main.atom", "Recent commits", "application/atom+xml")
    assert urls(markup, "https://github.com/o/r")[0] == "https://github.com/o/r/releases.atom"


def test_guesses_from_a_pages_software_are_ranked_after_its_links() -> None:
    """The sign of a blog engine is a guess at where its feed lies."""
    sign = "<link rel='https://api.w.org/' href='https://example.org/wp-json/' />"
    assert urls(sign + link("/news.xml")) == ["https://example.org/news.xml", "https://example.org/feed/"]


def test_a_body_over_the_limits_does_not_hide_the_head() -> None:
    """Nested too deep to be parsed in time; its head is read all the same."""
    markup = f"<head>{link('/feed')}</head><body>{'<div>' * 200_000}"
    assert urls(markup) == ["https://example.org/feed"]


def test_a_page_with_very_many_links_is_limited() -> None:
    """The other links are not fetched, and none is fetched twice."""
    markup = "".join(f'<a href="/{n}/feed.xml">RSS</a>' * 2 for n in range(5_000))
    assert len(urls(markup)) == 50


def test_documents_that_are_not_pages_are_reported() -> None:
    """An image, or nothing at all."""
    with pytest.raises(ReadError, match="PNG"):
        offered_feeds(Resource(url=PAGE, body=b"\x89PNG\r\n\x1a\n"))
    with pytest.raises(ReadError, match="empty"):
        offered_feeds(Resource(url=PAGE, body=b" "))
