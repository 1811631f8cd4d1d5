"""Kind `sitemap`: the pages of a site as entries, the newest first."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aggregator.adapters import kinds
from aggregator.errors import NotAFeed, ReadError
from aggregator.model.resource import Resource
from aggregator.reading.document import Context, Reading, read_resource
from tests.conftest import Answer, Server
from tests.support.site import Site

SPACES = (
    "xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
    "xmlns:news='http://www.google.com/schemas/sitemap-news/0.9' "
    "xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'"
)


def urlset(*urls: str) -> bytes:
    """A sitemap of these `url` elements' insides."""
    return (
        f"<?xml version='1.0'?><urlset {SPACES}>{''.join(f'<url>{u}</url>' for u in urls)}</urlset>".encode()
    )


def reading(body: bytes, depth: int = 0, **options: Any) -> Reading:
    """Returns what the kind makes of this document."""
    kind = kinds.named("sitemap")
    resource = Resource(url="https://tea.example/sitemap.xml", body=body, number=depth, depth=depth)
    return read_resource(resource, Context(kind="sitemap", options=kind.parse(options)))


PAGES = urlset(
    "<loc>https://tea.example/blog/2026/tea-at_noon.html</loc><lastmod>2026-01-02</lastmod>",
    "<loc>/about</loc>",
    "<loc>https://tea.example/blog/cake/</loc><lastmod>2026-03-04T05:06:07+01:00</lastmod>",
)


def test_pages_are_newest_first_with_titles_made_from_their_addresses() -> None:
    """A sitemap has no titles."""
    document = reading(PAGES).document
    assert [(a.title, a.link) for a in document.articles] == [
        ("cake", "https://tea.example/blog/cake/"),
        ("tea at noon", "https://tea.example/blog/2026/tea-at_noon.html"),
        ("about", "https://tea.example/about"),
    ]
    assert document.articles[0].published == datetime(2026, 3, 4, 4, 6, 7, tzinfo=UTC)


def test_a_news_sitemap_gives_titles_dates_keywords_and_images() -> None:
    """Google's extensions, which newsrooms publish."""
    (article,) = reading(
        urlset(
            "<loc>https://tea.example/1</loc><news:news><news:publication><news:name>Tea</news:name>"
            "<news:language>en</news:language></news:publication><news:title>Tea &amp; cake</news:title>"
            "<news:publication_date>2026-01-02T03:04:05Z</news:publication_date>"
            "<news:keywords>tea, cake</news:keywords></news:news>"
            "<image:image><image:loc>https://tea.example/cup.jpg</image:loc></image:image>"
        )
    ).document.articles
    assert (article.title, article.tags) == ("Tea & cake", ("tea", "cake"))
    assert article.published == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (article.link, article.headimg) == ("https://tea.example/1", "https://tea.example/cup.jpg")


def test_pages_are_chosen_by_their_addresses_and_number() -> None:
    """A site's sitemap holds far more than its articles."""
    chosen = reading(PAGES, include=["/blog/"], exclude=["cake"]).document
    assert [a.title for a in chosen.articles] == ["tea at noon"]
    assert [a.title for a in reading(PAGES, entries=1).document.articles] == ["cake"]
    nothing = reading(PAGES, include=["/news/"]).document
    assert "none of its 3 pages is included" in nothing.problems[0].text


def test_the_newest_sitemaps_of_an_index_are_followed() -> None:
    """Also those of an index in an index, three deep."""
    index = (
        f"<sitemapindex {SPACES}>"
        "<sitemap><loc>https://tea.example/old.xml</loc><lastmod>2020-01-01</lastmod></sitemap>"
        "<sitemap><loc>/new.xml.gz</loc><lastmod>2026-01-01</lastmod></sitemap></sitemapindex>"
    ).encode()
    assert reading(index).more == ("https://tea.example/new.xml.gz", "https://tea.example/old.xml")
    assert reading(index, sitemaps=1).more == ("https://tea.example/new.xml.gz",)
    assert len(reading(index, depth=2).more) == 2
    deeper = reading(index, depth=3)
    assert deeper.more == ()
    assert "an index nested in 3 others" in deeper.document.problems[0].text


@pytest.mark.parametrize("broken", ["http://[x/1.xml", "//[::g]/1.xml", "https://[1/", "javascript:a"])
def test_an_invalid_address_does_not_affect_the_others(broken: str) -> None:
    """In an index and in a list of pages."""
    index = (
        f"<sitemapindex {SPACES}><sitemap><loc>{broken}</loc></sitemap>"
        "<sitemap><loc>/sound.xml</loc></sitemap></sitemapindex>"
    ).encode()
    found = reading(index)
    assert found.more == ("https://tea.example/sound.xml",)
    assert [problem.where for problem in found.document.problems] == [broken]
    pages = urlset(f"<loc>{broken}</loc>", "<loc>https://tea.example/cake</loc>")
    assert "https://tea.example/cake" in [article.link for article in reading(pages).document.articles]


FILM = (
    "<video:video xmlns:video='http://www.google.com/schemas/sitemap-video/1.1'>"
    "<video:title>A film</video:title><video:publication_date>2020-01-01</video:publication_date>"
    "<video:thumbnail_loc>https://tea.example/film.jpg</video:thumbnail_loc></video:video>"
)
PICTURE = (
    "<image:image><image:loc>https://tea.example/cup.jpg</image:loc><image:title>A picture</image:title>"
    "<image:caption>Its caption</image:caption></image:image>"
)
PAGE = "<loc>https://tea.example/on-tea</loc><lastmod>2026-01-02</lastmod>"
NEWS = (
    "<news:news><news:title>News</news:title>"
    "<news:publication_date>2026-01-01</news:publication_date></news:news>"
)


@pytest.mark.parametrize(
    ("inside", "title", "published", "headimg"),
    [
        (PAGE + PICTURE, "on tea", 2, "https://tea.example/cup.jpg"),
        (PICTURE + PAGE, "on tea", 2, "https://tea.example/cup.jpg"),
        (FILM + PAGE, "on tea", 2, None),
        (FILM + PICTURE + NEWS + PAGE, "News", 1, "https://tea.example/cup.jpg"),
        (PAGE + "<image:title>A picture</image:title>", "on tea", 2, None),
        (PICTURE.replace("image:", "undeclared:") + PAGE, "on tea", 2, "https://tea.example/cup.jpg"),
    ],
    ids=["picture", "picture first", "film", "news too", "loose", "no namespace"],
)
def test_titles_of_images_and_videos_are_not_used_for_the_page(
    inside: str, title: str, published: int, headimg: str | None
) -> None:
    """Wherever they stand."""
    (article,) = reading(urlset(inside)).document.articles
    assert (article.link, article.title, article.headimg) == ("https://tea.example/on-tea", title, headimg)
    assert article.published == datetime(2026, 1, published, tzinfo=UTC)


def test_an_index_of_indexes_is_followed(site: Site, server: Server) -> None:
    """And one that leads back to itself ends."""

    def index(*names: str) -> Answer:
        listed = "".join(f"<sitemap><loc>{server.url}/{name}</loc></sitemap>" for name in names)
        return Answer(200, {}, f"<sitemapindex {SPACES}>{listed}</sitemapindex>".encode())

    server.pages["/sitemap.xml"] = index("2026.xml", "sitemap.xml")
    server.pages["/2026.xml"] = index("pages.xml", "sitemap.xml")
    server.pages["/pages.xml"] = Answer(200, {}, PAGES)
    site.configure({"name": "Tea", "kind": "sitemap", "url": f"{server.url}/sitemap.xml"})
    assert "3 new" in site.run("fetch").output


def test_gzip_and_lists_of_addresses_are_sitemaps_too() -> None:
    """sitemaps.org: "Sitemap file formats"."""
    assert len(reading(gzip.compress(PAGES)).document.articles) == 3
    listed = b"\xef\xbb\xbfhttps://tea.example/a\r\nhttps://tea.example/b\r\n"
    assert [a.title for a in reading(listed).document.articles] == ["a", "b"]


def test_a_truncated_sitemap_gives_the_pages_before_the_break() -> None:
    """With a problem."""
    document = reading(PAGES[: PAGES.index(b"cake/") + 5]).document
    assert len(document.articles) >= 2
    assert "not well formed" in document.problems[0].text


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (b"", ReadError, "empty"),
        (b"<rss/>", NotAFeed, "its root is <rss>"),
        (b"<!DOCTYPE html><html>", NotAFeed, "its root is <html>"),
        (b"hello", NotAFeed, "neither XML nor a list"),
    ],
    ids=["nothing", "a feed", "a page", "text"],
)
def test_documents_that_are_not_sitemaps_are_refused(
    body: bytes, error: type[ReadError], message: str
) -> None:
    """The error says what the document is."""
    with pytest.raises(error, match=message):
        reading(body)


def test_entities_are_not_read() -> None:
    """An address in one could be anything, and any length."""
    document = reading(b"<!DOCTYPE a [<!ENTITY b '/c'>]><urlset><url><loc>&b;</loc></url></urlset>").document
    assert document.articles == ()
    assert "without an address" in document.problems[0].text


def test_a_site_is_followed_by_its_sitemap_index(site: Site, server: Server) -> None:
    """The whole way, the second sitemap gzipped."""
    index = f"<sitemapindex {SPACES}><sitemap><loc>{server.url}/a.xml.gz</loc></sitemap></sitemapindex>"
    server.pages["/sitemap.xml"] = Answer(200, {}, index.encode())
    server.pages["/a.xml.gz"] = Answer(200, {"Content-Type": "application/gzip"}, gzip.compress(PAGES))
    site.configure({"name": "Tea", "kind": "sitemap", "url": f"{server.url}/sitemap.xml"})
    assert "3 new" in site.run("fetch").output
    assert b"tea at noon" in site.files()["all/rss.xml"]


def test_a_sitemap_that_cannot_be_had_leaves_the_others(site: Site, server: Server) -> None:
    """It is reported, and all is fetched again at the next poll."""
    index = (
        f"<sitemapindex {SPACES}><sitemap><loc>{server.url}/a.xml</loc></sitemap>"
        f"<sitemap><loc>{server.url}/lost.xml</loc></sitemap></sitemapindex>"
    )
    server.pages["/sitemap.xml"] = Answer(200, {"ETag": '"1"'}, index.encode())
    server.pages["/a.xml"] = Answer(200, {}, PAGES)
    site.configure({"name": "Tea", "kind": "sitemap", "url": f"{server.url}/sitemap.xml"})
    output = site.run("fetch").output
    assert "3 new" in output
    assert "lost.xml" in output
    server.pages["/lost.xml"] = Answer(200, {}, urlset("<loc>https://tea.example/found</loc>"))
    assert "1 new" in site.run("fetch", "--force").output


def test_every_sitemap_of_the_corpus_is_read(corpus: Path) -> None:
    """Each gives pages, or sitemaps to read."""
    for file in sorted((corpus / "pages" / "sitemaps").iterdir()):
        found = reading(file.read_bytes())
        assert found.document.articles or found.more, file.name


@pytest.mark.parametrize(
    "reference", ["&#xD800;", "&#XdFfF;", "&#x000dabc;", "&#55296;", "&#057343;", "&#xDC00"]
)
def test_a_surrogate_in_an_address_is_removed(reference: str) -> None:
    """The document is not well formed (XML 1.0 §2.2); its other pages are read."""
    body = urlset(f"<loc>https://tea.example/{reference}x</loc>", "<loc>https://tea.example/&#57344;</loc>")
    assert len(reading(body).document.articles) == 2
