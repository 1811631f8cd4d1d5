"""The examples of Lucene's documentation: each behaves as it says, or differs as docs/choosing.md lists.

https://lucene.apache.org/core/2_9_4/queryparsersyntax.html, and the ranges of later versions.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.errors import QueryError
from aggregator.model.article import Article
from aggregator.rules.query import ArticleFacts, parse

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DOCS = Path(__file__).parents[3] / "docs" / "choosing.md"


def finds(query: str, title: str = "", text: str = "", published: datetime | None = None) -> bool:
    """Whether a query finds an article of this title and text."""
    return parse(query).matches(
        ArticleFacts(Article(id="1", title=title, content=text, published=published)), NOW
    )


@pytest.mark.parametrize(
    ("query", "found", "not_found"),
    [
        ("test", "a test", "tests"),
        ('"hello dolly"', "Hello, Dolly!", "dolly hello"),
        ("te?t", "test text", "tet"),
        ("test*", "tester", "atest"),
        ("te*t", "tenet", "tests"),
        ("/[mb]oat/", "the boat", "the goat"),
        ('"jakarta apache" OR jakarta', "jakarta", "apache"),
        ('"jakarta apache" AND "Apache Lucene"', "jakarta apache lucene", "jakarta apache"),
        ('"jakarta apache" NOT "Apache Lucene"', "jakarta apache", "jakarta apache lucene"),
        ('"jakarta apache" -"Apache Lucene"', "jakarta apache", "jakarta apache lucene"),
        ("(jakarta OR apache) AND website", "apache website", "jakarta apache"),
        ("jakarta^4 apache", "apache jakarta", "tomcat"),
        ('"jakarta apache"^4 "Apache Lucene"', "jakarta apache lucene", "lucene"),
        (r"\(1\+1\)\:2", "(1+1):2", "1+2"),
        ("a && b || c", "c", "a"),
        ("!a", "b", "a"),
    ],
)
def test_terms_wildcards_and_operators_are_parsed(query: str, found: str, not_found: str) -> None:
    """As documented, over the text."""
    assert finds(query, text=found)
    assert not finds(query, text=not_found)


def test_fields() -> None:
    """A field is for the term directly after it; in a group for all of them."""
    assert finds('title:"The Right Way" AND text:go', "The right way", "let us go")
    assert finds('title:"The Right Way" AND go', "The right way", "let us go")
    assert finds("title:Do it right", "Do", "it right")
    assert not finds("title:Do it right", "It is right", "do")
    assert finds('title:(+return +"pink panther")', "Return of the Pink Panther")
    assert not finds('title:(+return +"pink panther")', "Return", "pink panther")


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("published:[20020101 TO 20030101]", ["2002-01-01", "2002-06-01", "2003-01-01"]),
        ("published:{20020101 TO 20030101}", ["2002-06-01"]),
        ("published:[20020101 TO 20030101}", ["2002-01-01", "2002-06-01"]),
        ("published:[2002-06-01 TO *]", ["2002-06-01", "2003-01-01"]),
        ("published:>=2003-01-01", ["2003-01-01"]),
        ("published:<2002-06-01", ["2002-01-01"]),
    ],
)
def test_ranges(query: str, days: list[str]) -> None:
    """Inclusive, exclusive, mixed and open."""
    dates = {
        day: datetime.fromisoformat(f"{day}T12:00+00:00")
        for day in ("2002-01-01", "2002-06-01", "2003-01-01")
    }
    assert [day for day, date in dates.items() if finds(query, "a", published=date)] == days


@pytest.mark.parametrize(
    "query", ["roam~", "roam~0.8", "roam~1", '"jakarta apache"~10', "title:{Aida TO Carmen}"]
)
def test_unsupported_syntax_is_refused(query: str) -> None:
    """Never ignored."""
    with pytest.raises(QueryError):
        parse(query)


def test_the_page_lists_every_example() -> None:
    """What it says is refused is refused, and everything else is read."""
    _, _, page = DOCS.read_text(encoding="utf-8").partition("The examples of [Lucene")
    page = page.partition("A query that")[0]
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    examples = {query: here for cell, here in rows for query in re.findall("`([^`]+)`", cell)}
    assert len(examples) == 26
    for query, here in examples.items():
        if here.startswith("refused"):
            with pytest.raises(QueryError):
                parse(query)
        else:
            assert parse(query).text == query


@pytest.mark.parametrize(
    ("query", "found", "not_found"),
    [
        ('title:"The Right Way" AND go', ("the right way", "go"), ("go", "the right way")),
        ("title:Do it right", ("do", "it right"), ("it right", "do")),
        ("jakarta apache", ("apache", "jakarta"), ("jakarta", "lucene")),
        ('"jakarta apache" jakarta', ("", "jakarta apache"), ("", "jakarta")),
        ("+jakarta lucene", ("", "lucene jakarta"), ("", "jakarta")),
        ('NOT "jakarta apache"', ("", "lucene"), ("", "jakarta apache")),
        ("jakarta^4 apache", ("", "apache jakarta"), ("", "jakarta")),
        ("/[mb]oat/", ("", "Boats"), ("", "goat")),
    ],
)
def test_examples_do_what_the_page_says(
    query: str, found: tuple[str, str], not_found: tuple[str, str]
) -> None:
    """Those that are others than in Lucene among them."""
    assert finds(query, *found)
    assert not finds(query, *not_found)


def test_the_documented_differences_to_lucene_hold() -> None:
    """Each is in docs/choosing.md."""
    # FoldedText side by side mean AND.
    assert not finds('"jakarta apache" jakarta', text="jakarta")
    assert not finds("+jakarta lucene", text="jakarta")
    # NOT may stand alone.
    assert finds('NOT "jakarta apache"', text="lucene")
    assert not finds('NOT "jakarta apache"', text="jakarta apache")
    # AND binds closer than OR.
    assert finds("a AND b OR c", text="c")
    assert finds("c OR a AND b", text="c")
    # + changes nothing, also beside OR.
    assert finds("a OR +b", text="a")
    # A wildcard may come first.
    assert finds("*est", text="test")
    # A regex is found anywhere, whatever its case.
    assert finds("/oat/", text="BOATS")
    # Wildcards in phrases are marks like others.
    assert finds('"te*t"', text="te t")
    assert not finds('"te*t"', text="test")
