"""Documents that are one article go through normalising as entries of feeds do."""

from __future__ import annotations

import pytest

from aggregator.model.article import Article, Problem
from aggregator.model.entry import ArticleDocument
from aggregator.model.reading import Reading
from aggregator.model.struct import replace
from aggregator.normalise.entries import articles

ARTICLE = Article(
    id="a",
    title="  A\n title ",
    link="https://blog.example/a",
    authors=(" Ann ", "Ann"),
    categories=("Own",),
    tags=(" x ", "x", " "),
    content="<p class='a'>Text</p>\n\n<img src='https://blog.example/a.jpg'>",
)


def read(found: ArticleDocument, known: frozenset[str] | None = frozenset(), name: str = "a.md") -> Reading:
    """The reading of a document in a folder."""
    return articles(
        found, source="s", kind="articles", name=name, categories=("News", "Own"), author="Bo", known=known
    )


def test_everything_is_made_as_for_an_entry() -> None:
    """Tidy texts, the config's categories first, a summary, the lead image of the body; the body as it is."""
    reading = read(ArticleDocument(ARTICLE, (Problem(text="odd"),)))
    (made,) = reading.document.articles
    assert (reading.document.source, reading.document.kind, reading.document.title) == (
        "s",
        "articles",
        "A title",
    )
    assert (made.source, made.title, made.authors, made.tags) == ("s", "A title", ("Ann",), ("x",))
    assert made.categories == ("News", "Own")
    assert made.content == ARTICLE.content
    assert made.summary == "Text"
    assert made.headimg == "https://blog.example/a.jpg"
    assert reading.document.problems == (Problem(text="odd"),)


def test_a_named_lead_image_is_preferred() -> None:
    """It becomes absolute."""
    (made,) = read(ArticleDocument(replace(ARTICLE, headimg="/b.jpg"))).document.articles
    assert made.headimg == "https://blog.example/b.jpg"


def test_the_configs_author_is_used_for_articles_without_one() -> None:
    """As for feeds."""
    (made,) = read(ArticleDocument(replace(ARTICLE, authors=()))).document.articles
    assert made.authors == ("Bo",)


def test_a_known_document_is_not_read_again() -> None:
    """The same bytes at the same place; under another name, or with other settings, it is another."""
    found = ArticleDocument(ARTICLE)
    first = read(found)
    known = frozenset(first.fingerprints)
    assert len(known) == 1
    again = read(found, known)
    assert (again.document.articles, again.unchanged, again.fingerprints) == ((), 1, ())
    assert read(found, known, name="b.md").unchanged == 0
    assert read(ArticleDocument(replace(ARTICLE, title="B")), known).unchanged == 0
    assert articles(found, source="s", name="a.md", known=known).unchanged == 0
    assert read(found, None).fingerprints == ("",)


@pytest.mark.parametrize("is_markdown", [False, True])
def test_articles_of_adapters_are_sanitised(is_markdown: bool) -> None:
    """A kind of somebody's own need not sanitise."""
    hostile = "<p>a</p><script>alert(1)</script><img src=x onerror=alert(1)>"
    found = ArticleDocument(replace(ARTICLE, content=hostile, summary=hostile), is_markdown=is_markdown)
    (made,) = read(found).document.articles
    for text in (made.content, made.summary):
        assert "script" not in text
        assert "onerror" not in text


def test_a_body_that_cannot_be_sanitised_is_kept_as_text_and_reported() -> None:
    """As for feeds; nothing is lost in silence."""
    reading = read(ArticleDocument(replace(ARTICLE, content="<div>" * 100_000 + "text")))
    (made,) = reading.document.articles
    assert made.content == "text"
    (problem,) = reading.document.problems
    assert problem.text == "HTML nested more than 250 elements deep: kept as plain text"
