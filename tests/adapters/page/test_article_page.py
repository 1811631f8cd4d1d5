"""Web pages that are one article: by themselves, by selectors, and as they are in the wild."""

from __future__ import annotations

import importlib.util
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aggregator.adapters import kinds
from aggregator.errors import ReadError
from aggregator.model.article import Article, Document
from aggregator.model.resource import Resource
from aggregator.reading.document import Context, read_resource
from tests.support.examples import one_in
from tests.support.site import Site

URL = "https://tea.example/blog/1"
WORDS = "Tea is boiled with care and some patience. " * 5
BODY = f"<article><h1>Green tea</h1><p>First. {WORDS}</p><p>{WORDS}<img src='pot.jpg'></p></article>"


def read(body: str | bytes, **options: Any) -> Document:
    """A page, read with these options."""
    body = body.encode() if isinstance(body, str) else body
    parsed = kinds.named("article-page").parse(options)
    resource = Resource(url=URL, body=body, content_type="text/html; charset=utf-8")
    return read_resource(resource, Context(kind="article-page", options=parsed)).document


def article(body: str | bytes, **options: Any) -> Article:
    """Its one article."""
    (only,) = read(body, **options).articles
    return only


def page(head: str = "", body: str = BODY) -> str:
    """A page with what mostly stands around an article."""
    return (
        f"<!doctype html><html lang='en'><head><title>Green tea | Tea club</title>{head}</head><body>"
        f"<nav><a href='/'>Home</a> <a href='/shop'>Shop</a></nav>{body}"
        "<aside class='more'><p>Read this as well</p></aside><footer>© Tea club</footer></body></html>"
    )


def linked(**fields: Any) -> str:
    """JSON-LD of an article."""
    data = {
        "@context": "https://schema.org",
        "@graph": [{"@type": "WebSite"}, {"@type": "NewsArticle", **fields}],
    }
    return f"<script type='application/ld+json'>{json.dumps(data)}</script>"


def test_the_article_is_distinguished_from_what_is_around_it() -> None:
    """Its title stands once, links and images are absolute, and it is one with its address."""
    one = article(page())
    assert one.content.startswith("<p>First. Tea is boiled")
    assert "Home" not in one.content
    assert "©" not in one.content
    assert 'src="https://tea.example/blog/pot.jpg"' in one.content
    assert (one.title, one.link, one.id) == ("Green tea", URL, URL)
    assert one.headimg == "https://tea.example/blog/pot.jpg"
    assert one.extra["language"] == "en"


def test_structured_metadata_of_a_page_is_preferred() -> None:
    """JSON-LD first."""
    head = (
        linked(
            headline="Green tea &amp; more",
            author=[{"name": "Ada Leaf"}, "Bo Cup"],
            datePublished="2026-05-01T10:00:00+02:00",
            image={"url": "https://tea.example/lead.jpg"},
        )
        + "<meta property='og:title' content='Other'><meta property='og:site_name' content='Tea club'>"
        "<meta name='author' content='Somebody else'>"
    )
    document = read(page(head))
    (one,) = document.articles
    assert one.title == "Green tea & more"
    assert one.authors == ("Ada Leaf", "Bo Cup")
    assert one.published == datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
    assert one.headimg == "https://tea.example/lead.jpg"
    assert document.title == "Tea club"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("<meta property='article:published_time' content='2026-05-01'>", ""),
        ("<meta itemprop='datePublished' content='2026-05-01'>", ""),
        ("<meta name='DC.date' content='2026-05-01'>", ""),
        ("", "<main><time datetime='2026-05-01'>1 May</time></main>"),
        ("<meta name='date' content='Invalid Date'><meta name='pubdate' content='1 May 2026'>", ""),
    ],
    ids=["open graph", "microdata", "Dublin Core", "time", "the first that can be read"],
)
def test_dates_are_found_where_pages_put_them(head: str, body: str) -> None:
    """Each in turn."""
    assert article(page(head, body + BODY)).published == datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("head", "body", "authors"),
    [
        ("<meta name='author' content='Ada Leaf'>", "", ("Ada Leaf",)),
        ("<meta property='article:author' content='https://social.example/ada'>", "", ()),
        ("", "<a rel='author' href='/ada'>Ada Leaf</a>", ("Ada Leaf",)),
        ("", "<a rel='author' href='/a'>Ada</a><a rel='author' href='/b'>Bo</a>", ()),
        (linked(author="Ada Leaf"), "", ("Ada Leaf",)),
    ],
    ids=["meta", "an address", "a link", "two links", "JSON-LD"],
)
def test_authors_are_names(head: str, body: str, authors: tuple[str, ...]) -> None:
    """An address is no name; links to several may be those of other articles."""
    assert article(page(head, body + BODY)).authors == authors


def test_selectors_replace_automatic_extraction() -> None:
    """Each is shown with what it gave; what is cut out may have held a field."""
    body = (
        "<div class=by>Von Ada</div><div class=when>1.5.2026</div><h2>Tee</h2>"
        "<div class=text><p>Kurz.</p><p class=ad>Kauft!</p></div><div class=text><p>Ende.</p></div>"
    )
    document = read(
        page(linked(headline="Other"), body),
        content=".text",
        remove=".ad, .by, .ad *",
        title="h2",
        author={"selector": ".by", "regex": "Von (.*)"},
        date={"selector": ".when", "format": "%d.%m.%Y"},
    )
    (one,) = document.articles
    assert re.sub(r"\s+", "", one.content) == "<p>Kurz.</p><p>Ende.</p>"
    assert one.title == "Tee"
    assert one.authors[0].endswith("Ada")
    assert one.published == datetime(2026, 5, 1, tzinfo=UTC)
    assert [(f.name, f.count) for f in document.findings] == [
        ("title", 1),
        ("author", 1),
        ("date", 1),
        ("remove", 2),
        ("content", 2),
    ]


def test_a_selector_that_matches_nothing_is_reported_with_what_does() -> None:
    """An article without its body is none; without one of its other fields it is one with a problem."""
    with pytest.raises(ReadError, match=r'content = "article .text" gave nothing; there 1 match "article"'):
        read(page(), content="article .text")
    (message,) = read(page(), content="article", author=".by").problems
    assert 'author = ".by" gave nothing' in message.text
    (message,) = read(page(), content="article", date={"selector": "h1", "format": "%Y"}).problems
    assert "not in the format" in message.text


def test_a_page_without_an_article_is_reported() -> None:
    """And what to do."""
    with pytest.raises(ReadError, match="no article was recognised") as raised:
        read(page(body="<p>Welcome!</p>"))
    assert raised.value.advice == "give the option content"


def test_an_article_only_in_structured_data_is_read() -> None:
    """A page that a script fills in may have it all in its JSON-LD."""
    one = article(page(linked(headline="Green tea", articleBody=WORDS), "<div id=root></div>"))
    assert one.content.startswith("Tea is boiled")


@pytest.mark.parametrize(
    "head",
    [
        "<script type='application/ld+json'>{</script>",
        "<script type='application/ld+json'>" + "[" * 100_000 + "</script>",
        "<script type='application/ld+json'>" * 20_000,
        linked(headline={"a": 1}, author=[[]], datePublished=5, image=[[]], articleBody=[]),
        linked(headline="x" * 100_000, author=["y"] * 100_000),
        "<meta name='author' content='x'>" * 100_000,
    ],
    ids=["broken", "deep", "many openers", "other types", "long", "many metas"],
)
def test_hostile_metadata_does_no_harm(head: str) -> None:
    """The article is read all the same, or the page is refused with a reason."""
    try:
        one = article(page(head), content="article")
    except ReadError as error:
        assert "over a limit" in str(error)  # noqa: PT017 - either is right
    else:
        assert "First." in one.content
        assert len(one.title) <= 2_000


def test_a_page_of_very_many_elements_is_read_without_trafilatura(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which would take half a minute for it."""
    monkeypatch.setattr("trafilatura.extract", lambda *_, **__: pytest.fail("it was asked"))
    many = f"<article>{'<p>a <b>b</b></p>' * 25_000}</article>"
    assert article(page(body=many)).content.startswith("<p>a <b>b</b></p>")


def test_scripts_do_not_come_through() -> None:
    """Whatever finds the content, it is sanitised like every other."""
    evil = "<p onclick='x()'>Hi</p><script>alert(1)</script><a href='javascript:x()'>go</a>"
    content = article(page(body=f"<article>{BODY}{evil}</article>"), content="article").content
    assert not re.search(r"script|onclick", content)


def test_without_trafilatura_a_selector_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the config is read, not at the first page."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install .*\[full-text\]'?, or give content"):
        kinds.named("article-page").parse({})
    assert kinds.named("article-page").parse({"content": "article"})


def test_preview_shows_one_article(site: Site, tmp_path: Path) -> None:
    """So that selectors are found by trying."""
    file = tmp_path / "page.html"
    file.write_text(page(), encoding="utf-8")
    result = site.run("preview", file.as_uri(), "--kind", "article-page", "-o", "content=article")
    assert result.exit_code == 0
    assert "Green tea" in result.output
    assert "1 of 1" in result.output


# What a person sees as the article: how it begins and ends, and what stands around it.
SEEN = {
    "newspaper__flavorwire.com2.html": ("If you’re inclined to believe", "Tom Hawking"),
    "newspaper__theatlantic.com1.html": ("As happens to so many of us", "Noah Charney"),
    "2-readability__source.html": ("We all buy things from time to time", "Patrick Allan"),
    "feedless__medium_com.html": ("Change version name and version code", "Danish Amjad"),
    "picoFeed__html_scraper_lemonde.html": ("Il a suffi d'un vote", ""),
    "newspaper__thai_article.html": ("21 ม.ค.2561", ""),
    "odooist.github.io__posts-odoo-13-api-changes-index.html": ("Odoo 13.0 is here", "Odooist"),
    "trafilatura__archive.org.stol.it.berlusconi.html": ("Silvio Berlusconis", ""),
}


NO_ARTICLE = {"FeedReader__heise.html", "FeedReader__orf.html", "FeedReader__stackoverflow.html"}


@pytest.mark.parametrize("name", SEEN)
def test_articles_of_real_pages_are_extracted_well(corpus: Path, name: str) -> None:
    """Their text begins at the right place, and the author is right."""
    beginning, author = SEEN[name]
    one = article((corpus / "pages" / "html" / name).read_bytes())
    text = " ".join(re.sub(r"<[^>]+>", " ", one.content).split())
    assert beginning in text[:200]
    assert len(text) > 1_000
    assert not author or author in one.authors


def test_every_page_of_the_corpus_gives_an_article_or_a_reason(corpus: Path) -> None:
    """Each gives an article or says why not; every second one is tried, all with AGGREGATOR_EXAMPLES=2."""
    files = sorted((corpus / "pages" / "html").glob("*.html"))[:: one_in(2)]
    refused = set()
    for file in files:
        try:
            assert article(file.read_bytes()).content
        except ReadError as error:
            assert "no article" in str(error), file.name  # noqa: PT017 - either is right
            refused.add(file.name)
    assert refused == {file.name for file in files} & NO_ARTICLE
