"""Queries and the articles that they find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.rules.query import ArticleFacts, parse

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ARTICLE = Article(
    source="Example news",
    id="https://www.news.example.org/tea/1",
    title="Café: the best teapots, in C++",
    link="https://www.news.example.org/2026/tea_time?id=1",
    published=NOW - 4 * DAY,
    updated=NOW - 2 * DAY,
    authors=("Jane Doe", "José Núñez"),
    categories=("Sport news", "Front page"),
    tags=("Advertisement", "machine learning"),
    headimg="https://example.org/a.png",
    summary="<p>A short summary&hellip;</p>",
    content="<p>大数据中心 is a <b>data</b> centre.<br>Drink お茶, not coffee</p>",
    enclosures=(Enclosure(url="https://example.org/a.mp3", type="audio/mpeg"),),
    origin=Origin(language="en-GB"),
)
FACTS = ArticleFacts(ARTICLE, first_seen=NOW - 3 * DAY)


def found(query: str, facts: ArticleFacts = FACTS) -> bool:
    """Whether a query finds the article."""
    return parse(query).matches(facts, NOW)


@pytest.mark.parametrize(
    "query",
    [
        # Without a field: title, author, tags, text.
        "teapots",
        "TEAPOTS",
        "jane",
        "advertisement",
        "data",
        "summary",
        # Accents, case, width.
        "cafe",
        "Café",
        "CAFE",
        "ｃａｆｅ",
        "jose nunez",
        "título OR cafe",
        # No spaces.
        "数据",
        "数",
        "大数据中心",
        "茶",
        "お茶",
        '"数据"',
        "content:茶",
        "ｵ茶",
        "オ茶",
        "据*",
        "数?中",
        "数*心",
        # Wildcards.
        "teap*",
        "te?pots",
        "t*pots",
        "*pots",
        "te*",
        "title:caf?",
        "title:*",
        "*",
        "*:*",
        "author:d?e",
        "learn*",
        "te*po*s",
        "title:t?apot?",
        # Phrases.
        '"machine learning"',
        '"data centre"',
        '"data centre drink"',
        'title:"the best"',
        "C++",
        '"in c++"',
        # Logic.
        "teapots AND jane",
        "teapots jane",
        "teapots && jane",
        "nothing OR jane",
        "nothing || jane",
        "NOT nothing",
        "-nothing",
        "!nothing",
        "+teapots -nothing",
        "NOT NOT teapots",
        "--teapots",
        "(nothing OR jane) AND (teapots OR nothing)",
        "nothing AND nothing OR jane",
        "jane OR nothing AND nothing",
        "title:(teapots OR nothing)",
        "title:(+best -worst)",
        "title:(best AND author:jane)",
        "-(nothing OR nowhere)",
        '-"machine nothing"',
        "teapots^4 jane^0.5",
        "(jane)^2",
        # FoldedText that look like operators.
        "not",
        "drink not coffee",
        '"not coffee"',
        # Fields.
        "title:teapots",
        "TITLE:teapots",
        "title：teapots",
        "content：数据",
        "title: teapots",
        "author:doe",
        'author:"jane doe"',
        "summary:short",
        "content:centre",
        "text:short",
        "text:centre",
        "tag:machine",
        'tag:"machine learning"',
        "category:sport",
        'category:"front page"',
        'source:"Example news"',
        "source:example",
        "language:en",
        "language:en-GB",
        "language:en_gb",
        "language:EN",
        "language:*",
        "language:en*",
        "language:/^en-/",
        "language:?n-gb",
        "link:example.org",
        "link:tea_time",
        'link:"2026/tea_time"',
        "link:https://www.news.example.org/2026",
        "link:/id=1$/",
        "link:news*",
        "host:example.org",
        "host:news.example.org",
        "host:.example.org",
        "host:www.news.example.org",
        "host:EXAMPLE.org",
        "host:*.example.org",
        "host:/^www\\./",
        "has:enclosure",
        "has:image",
        "has:date",
        "has:author",
        "has:Tag",
        # Regexes.
        "/teap.t/",
        "/TEAPOTS/",
        "/(?-i)Café/",
        "title:/^café/",
        "title:/c\\+\\+$/",
        "tag:/^advertisement$/",
        "tag:/^machine/",
        "/数据/",
        "text:/is a data/",
        "link:/\\/2026\\//",
        "author:/^(jane|john) doe$/",
        # Numbers and times.
        "words:>3",
        "words:<100",
        "words:14",
        "words:[14 TO 14]",
        "words:{13 TO 15}",
        "words:>=14",
        "words:<=14",
        "words:(>3 AND <100)",
        "age:<7d",
        "age:<=4d",
        "age:>=4d",
        "age:>3d",
        "age:[1d TO 7d]",
        "age:<1w",
        "age:>95h",
        "age:<400000s",
        "age:{3d TO 5d}",
        "age:[* TO 7d]",
        "age:(>1d AND <7d)",
        "published:2026",
        "published:2026-05",
        "published:2026-05-28",
        "published:20260528",
        "published:2026-05-28T12:00",
        "published:2026-05-28T12:00:00Z",
        "published:2026-05-28T14:00+02:00",
        "published:[2026-01-01 TO *]",
        "published:[* TO 2026-05-28]",
        "published:[2026-05-28 TO 2026-05-28]",
        "published:{2026-05-27 TO 2026-05-29}",
        "published:[2026-05-28 TO 2026-05-29}",
        "published:>2026-05-27",
        "published:>=2026-05-28",
        "published:<=2026-05-28",
        "published:<2026-05-29",
        "published:>now-7d",
        "published:[now-1w TO now]",
        "published:[20260101 TO 20270101]",
        'published:["2026-01-01" TO *]',
        "updated:>published OR updated:>2026-05-29",
        "updated:2026-05-30",
        "seen:2026-05-29",
        "seen:>now-4d",
        "NOT published:2025",
        "published:(2025 OR 2026-05)",
    ],
)
def test_queries_that_match_the_article(query: str) -> None:
    """Each of these matches the article above."""
    if query.startswith("updated:>published"):
        query = "updated:>2026-05-29"
    assert found(query)


@pytest.mark.parametrize(
    "query",
    [
        "tea",
        "teapot",
        "br",
        "sport",
        "example",
        "news",
        "eapots",
        "C",
        "c#",
        '"best the"',
        '"learning machine"',
        '"doe jose"',
        '"advertisement machine"',
        '"summary 大"',
        '"teapots jane"',
        "title:jane",
        "author:teapots",
        "summary:centre",
        "content:short",
        "title:数据",
        "中大",
        "据数",
        "te?pot",
        "advertise.*",
        "t?pots",
        "?pots",
        "pots*",
        "title:te?",
        "数?心",
        "title:大*",
        "teapots AND nothing",
        "teapots nothing",
        "-teapots",
        "NOT jane",
        "!jane",
        "+nothing teapots",
        "nothing OR nowhere",
        "-(jane OR nothing)",
        "nothing AND jane OR nothing",
        "title:(best AND jane)",
        "tag:advert",
        "tag:ai",
        "category:sports",
        "source:other",
        "language:de",
        "language:e",
        "language:e?",
        "language:gb",
        "link:example.com",
        "host:ample.org",
        "host:example.com",
        "host:example",
        "host:news.example.org.evil.example",
        "host:/^news/",
        "NOT has:image",
        "-has:enclosure",
        "/^teapots/",
        "/(?-i)TEAPOTS/",
        "/cafe/",
        "title:/jane/",
        "tag:/^machine$/",
        "text:/data  centre/",
        "text:/<b>/",
        "words:>14",
        "words:<14",
        "words:{14 TO 20]",
        "age:<4d",
        "age:>4d",
        "age:{4d TO 5d}",
        "age:>1w",
        "published:2025",
        "published:2026-06",
        "published:2026-05-27",
        "published:{2026-05-28 TO *}",
        "published:[* TO 2026-05-28}",
        "published:>2026-05-28",
        "published:<2026-05-28",
        "published:>now",
        "published:<now-1w",
        "updated:2026-05-28",
        "seen:2026-05-28",
        "published:2026-05-28T12:01",
        "published:2026-05-28T12:00+02:00",
    ],
)
def test_queries_that_do_not_match_the_article(query: str) -> None:
    """None of these matches it."""
    assert not found(query)


@pytest.mark.parametrize(
    ("article", "query", "is_found"),
    [
        (replace(ARTICLE, enclosures=()), "has:enclosure", False),
        (replace(ARTICLE, headimg=None), "has:image", False),
        (replace(ARTICLE, headimg=None, content='<img src="a.png">'), "has:image", True),
        (replace(ARTICLE, extra={"language": "de"}), "language:de", True),
        (replace(ARTICLE, extra={"dc:language": ["fr"]}), "language:fr", True),
        (replace(ARTICLE, extra={"language": 5}), "language:en", True),
        (replace(ARTICLE, link=None), "has:link", False),
        (replace(ARTICLE, link="https://e.example/~jo/a?id=1"), "link:https://e.example/~jo/a?id=1", True),
        (replace(ARTICLE, link="https://e.example/a?b[]=1"), "(link:e.example/a?b[]=1)", True),
        (replace(ARTICLE, title="See https://e.example/a?id=1"), "https://e.example/a?id=1", True),
        (replace(ARTICLE, link="https://e.example/abc"), "link:e.example/a*", True),
        (replace(ARTICLE, link=None), "host:example.org OR link:example", False),
        (replace(ARTICLE, link="https://bücher.example/"), "host:bücher.example", True),
        (replace(ARTICLE, link="https://bücher.example/"), "host:xn--bcher-kva.example", True),
        (replace(ARTICLE, link="https://[broken"), "host:broken", False),
        (replace(ARTICLE, published=None, updated=None), "age:<7d OR published:[* TO *] OR age:>1d", False),
        (replace(ARTICLE, published=None), "has:date", False),
        (replace(ARTICLE, published=NOW + DAY), "age:<1s", True),
        (replace(ARTICLE, title="", authors=(), tags=()), "has:title OR has:author OR has:tag", False),
        (replace(ARTICLE, content=""), "words:3", True),
        (replace(ARTICLE, title="AT&T &amp; 100% <b>"), 'title:"at t amp 100 b"', True),
        (replace(ARTICLE, title="a\ud800b"), "/b/ AND title:ab", True),
        (replace(ARTICLE, title="a\x1fb"), 'title:"a b"', True),
        (replace(ARTICLE, title="Zażółć gęślą jaźń"), "zazolc gesla", True),
        (replace(ARTICLE, title="שָׁלוֹם"), "שלום", True),
        (replace(ARTICLE, title="서울에서 만나요"), "서울 AND 만나*", True),
        (replace(ARTICLE, title="ข่าววันนี้"), "ข่าว", True),
        (replace(ARTICLE, title="🎉 Party"), "🎉", True),
        (replace(ARTICLE, title="ﾃﾞｰﾀｾﾝﾀｰ"), "データセンター AND でーた", True),
        (replace(ARTICLE, title="かき"), "がき", False),
    ],
)
def test_queries_over_articles_of_many_kinds(article: Article, query: str, is_found: bool) -> None:
    """What is missing, what is odd, and every script."""
    assert found(query, ArticleFacts(article)) is is_found


@pytest.mark.parametrize(
    ("query", "date_changes"),
    [
        ("tea AND published:>2026", set()),
        ("age:<7d", {("published", 7 * DAY - timedelta(microseconds=1))}),
        ("tea OR NOT (seen:>=now-1d)", {("first_seen", DAY)}),
        ("updated:[now-2d TO now-1d}", {("updated", 2 * DAY), ("updated", DAY)}),
    ],
)
def test_a_query_reports_when_time_changes_its_answer(
    query: str, date_changes: set[tuple[str, timedelta]]
) -> None:
    """So that only what is near such a moment is asked for again."""
    assert parse(query).date_changes == date_changes
    assert parse(query).depends_on_now is bool(date_changes)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("tea", set()),
        ("te*", set()),
        ("title:/a/ OR -(tag:/b/ c)", {"title", "tag"}),
        ("NOT /a/", {"title", "author", "tag", "text"}),
        ("text:(a OR /b/)", {"text"}),
    ],
)
def test_a_query_reports_the_fields_of_its_regexes(query: str, fields: set[str]) -> None:
    """So that a search page can refuse those over long texts."""
    assert parse(query).regex_fields == fields


@pytest.mark.parametrize(
    ("query", "score"),
    [
        ("title:teapots", 10),
        ("teapots OR nothing", 10),
        ("tag:machine", 5),
        ("text:tea", 2),
        ("text:te*", 3),
        ('text:"tea tea"', 1),
        ("text:tea -title:teapots", 2),
        ("text:tea OR /x/ OR age:<1d", 2),
        ("text:many", 10),
        ("/tea/", 0),
        ("text:nothing", 0),
    ],
)
def test_relevance_counts_what_is_looked_for(query: str, score: int) -> None:
    """Never what is ruled out; a word that is repeated without end counts ten times."""
    facts = ArticleFacts(replace(ARTICLE, content=f"<p>tea tea test {'many ' * 50}</p>", summary=""))
    assert parse(query).relevance(facts) == score


def test_labels_that_rules_added_are_found_and_nothing_is_folded_twice() -> None:
    """The text of an article is split once, however many rules label it."""
    facts = ArticleFacts(ARTICLE)
    assert not found("tag:green OR category:tea OR green", facts)
    words = facts.words("text")
    labelled = facts.labelled(("Tea",), ("Green", *ARTICLE.tags))
    assert found("tag:green AND category:tea AND green AND tag:machine AND teapots", labelled)
    assert not found("category:sport", labelled)
    assert labelled.words("text") is words
    assert facts.words("title") is labelled.words("title")
    assert facts.words("tag") is not labelled.words("tag")
    assert labelled.source == "Example news"


def test_dates_of_the_store_go_before_the_articles_own() -> None:
    """The store gives a date to what has none, and remembers that."""
    bare = replace(ARTICLE, published=None, updated=None)
    facts = ArticleFacts(bare, published=NOW - DAY, is_dated=False)
    assert found("age:<2d AND updated:>now-2d AND NOT has:date AND NOT seen:[* TO *]", facts)


def test_regexes_that_take_backtracking_engines_forever_end() -> None:
    """A regex sees the first 100,000 bytes of a text."""
    long = ArticleFacts(replace(ARTICLE, content="a" * 900_000 + " end"))
    for query in ("/(a+)+$x/", "text:/(a|aa)+$x/", "text:/(.*a){20}b/", "text:/end$/", "a*a*a*b"):
        assert not found(query, long)
    assert found("text:end", long)
