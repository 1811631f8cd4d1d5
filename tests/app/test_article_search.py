"""Searches in a real store: the index narrows, and never hides what a query finds.

`AGGREGATOR_QUERY_CASES=100000 pytest tests/app/test_article_search.py` tries so many queries.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from aggregator.app import article_search
from aggregator.app.article_search import brought_up_to_date, search
from aggregator.app.feed_membership import FeedChooser
from aggregator.config.load import Config, Keep, Source, load
from aggregator.config.rules import RuleSettings, rule_set
from aggregator.config.store_address import StoreAddress
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.rules.query import parse
from aggregator.rules.query.index_conditions import HasWords
from aggregator.rules.rule import RuleSet
from aggregator.store import Found, Store, StoredArticle, Update
from aggregator.store import search as store_search
from aggregator.store.raw_sql import fetch_rows
from tests.conftest import SQLITE_ONLY
from tests.support.queries import NAMES, NOW, Made
from tests.support.site import Site, feed

CASES = int(os.environ.get("AGGREGATOR_QUERY_CASES", "200"))
NEWEST = NOW - timedelta(hours=1)


def no_total(_: int) -> None:
    """The search does not wait for it."""


def store_of(
    path: StoreAddress, *articles: Article, withdrawn: tuple[str, ...] = (), rules: Config | None = None
) -> None:
    """Saves what a poll of each source gave, an article from a file of its own."""
    opened = Store(path, judge=FeedChooser(rules or Config()))
    opened.sources.adopt(
        [Source(name=name, url=f"https://s.example/{n}") for n, name in enumerate(NAMES)], NOW
    )
    for name in NAMES:
        found = [Found(a, a.content_hash, f"{a.id}.md") for a in articles if a.source == name]
        update = Update(source=name, validators={}, body_hash=None, found=found, withdrawn=withdrawn)
        opened.sources.commit(update, NOW)
    opened.close()


def indexed(place: StoreAddress) -> dict[int, frozenset[str]]:
    """The words of titles in the index, folded, by the numbers of their articles; it is whole."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place)) as direct, direct:
            direct.execute("INSERT INTO search_index (search_index) VALUES ('integrity-check')")
            found = dict(direct.execute("SELECT rowid, title FROM search_index"))
        direct.close()
        return {pk: frozenset(title.split()) for pk, title in found.items()}
    opened = Store(place)
    with opened.database.snapshot() as connection:
        rows = fetch_rows(connection, "SELECT pk, tsvector_to_array(words) FROM search_index")
    opened.close()
    return {pk: frozenset(word[1:] for word in words if word[0] == "0") for pk, words in rows}


def titles(path: StoreAddress, query: str, limit: int = 100) -> list[str]:
    """Returns what a search finds."""
    return [hit.title for hit in search(path, parse(query), NOW, limit).articles]


def article(number: int, title: str, **changes: object) -> Article:
    """The higher its number the newer."""
    made = Article(id=f"urn:{number}", source=NAMES[0], title=title, content="<p>Body</p>")
    made = replace(made, published=NEWEST - timedelta(days=100 - number))
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def path(place: StoreAddress) -> StoreAddress:
    """Three articles, indexed."""
    store = place
    store_of(store, article(1, "Green tea"), article(2, "Black tea"), article(3, "大数据中心"))
    assert brought_up_to_date(store, RuleSet(), no_total, no_total) == ""
    return store


RULES = Config(
    rules=(
        RuleSettings(name="t", when="title:tea*", then={"tag": ["Café"], "file-under": ["数据"]}),
        RuleSettings(name="d", when="title:C", then="drop"),
    )
)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_search_finds_what_the_query_finds_in_everything(place: StoreAddress, seed: int) -> None:
    """Articles that are indexed, not yet, edited, withdrawn, and with tags and categories of rules."""
    made, store = Made(Random(seed)), place
    articles = [replace(made.facts().article, id=str(n)) for n in range(120)]
    store_of(store, *articles[:80], rules=RULES)
    assert brought_up_to_date(store, RuleSet(), no_total, no_total) == ""
    store_of(store, *articles[80:], rules=RULES)
    edited = [replace(a, title=made.words(4), content=made.words(9)) for a in articles[:30]]
    store_of(store, *edited, withdrawn=tuple(f"{n}.md" for n in range(60, 70)), rules=RULES)
    opened = Store(store, reads_only=True)
    found = [(each, article_search._facts(each)) for each in opened.articles.all() if not is_withdrawn(each)]
    known = {each.uid: facts for each, facts in found}
    assert len(found) == 110
    narrowed = matched = 0
    for _ in range(CASES // 3):
        query = parse(made.query())
        expected = {each.uid for each, facts in found if query.matches(facts, NOW)}
        candidates = [*opened.search.may_match(query.narrowing(NOW))]
        assert {e.uid for e in candidates if query.matches(known[e.uid], NOW)} == expected, query.text
        narrowed += len(candidates) < len(found)
        matched += bool(expected)
    opened.close()
    assert min(narrowed, matched) > CASES // 30


def is_withdrawn(each: StoredArticle) -> bool:
    """As the test above withdraws them."""
    return 60 <= int(each.article.id) < 70


def test_the_index_narrows(path: StoreAddress) -> None:
    """Only what has the words is unpacked, and what is not indexed yet."""
    opened = Store(path, reads_only=True)
    tea = parse("green -black").narrowing(NOW)
    assert [each.article.title for each in opened.search.may_match(tea)] == ["Green tea"]
    opened.close()
    store_of(path, article(4, "Trains"))
    opened = Store(path, reads_only=True)
    assert [each.article.title for each in opened.search.may_match(tea)] == ["Trains", "Green tea"]
    assert opened.search.left() == 1
    opened.close()
    assert titles(path, "数据") == ["大数据中心"]


def test_the_newest_are_found_first_and_no_more_than_asked(path: StoreAddress) -> None:
    """Whether there are more is known."""
    found = search(path, parse("tea"), NOW, 1)
    assert ([hit.title for hit in found.articles], found.is_complete) == (["Black tea"], False)
    found = search(path, parse("tea"), NOW, 2)
    assert ([hit.title for hit in found.articles], found.is_complete) == (["Black tea", "Green tea"], True)
    assert found.articles[0].feeds == ("all",)


@pytest.mark.parametrize("few", [0, 2, 5_000])
def test_a_search_by_dates_alone_finds_few_and_many_alike(
    path: StoreAddress, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By their index, or by reading all; what is not in the index of words yet is found once."""
    monkeypatch.setattr(store_search, "_FEW", few)
    every = titles(path, "published:>1970-01-02")
    assert len(every) >= 3
    assert titles(path, "published:>1970-01-02 published:<2100-01-01") == every
    store_of(path, article(9, "Coffee"))
    assert sorted(titles(path, "published:>1970-01-02")) == sorted([*every, "Coffee"])
    assert titles(path, "published:<1970-01-02") == []


def test_an_edit_is_found_before_and_after_it_is_indexed(path: StoreAddress) -> None:
    """And what it replaced no more."""
    store_of(path, article(1, "White coffee"))
    for _ in range(2):
        assert titles(path, "coffee") == ["White coffee"]
        assert titles(path, "title:green") == []
        assert brought_up_to_date(path, RuleSet(), no_total, no_total) == ""
    titles_now = {frozenset(("black", "tea")), frozenset(("white", "coffee")), frozenset("大数据中心")}
    assert {*indexed(path).values()} == titles_now


def test_withdrawn_articles_leave_the_index_and_come_back(path: StoreAddress) -> None:
    """In the transaction that withdraws them."""
    store_of(path, withdrawn=("urn:1.md",))
    assert len(indexed(path)) == 2
    assert titles(path, "green") == []
    store_of(path, article(1, "Green tea"))
    assert titles(path, "green") == ["Green tea"]
    brought_up_to_date(path, RuleSet(), no_total, no_total)
    assert len(indexed(path)) == 3


def test_pruned_articles_leave_the_index(path: StoreAddress) -> None:
    """With all its words."""
    opened = Store(path)
    list(opened.articles.prune(Keep(max_articles=1), 1, NOW, source=NAMES[0]))
    opened.close()
    assert [*indexed(path).values()] == [frozenset("大数据中心")]
    assert titles(path, "tea") == []


@SQLITE_ONLY
def test_no_word_of_a_forgotten_article_stays_in_the_file(path: Path) -> None:
    """Nor in the index."""
    store_of(path, article(6, "Xylographers", content="<p>zugzwang quixotry</p>"))
    brought_up_to_date(path, RuleSet(), no_total, no_total)
    opened = Store(path)
    opened.database.tidy()
    assert b"zugzwang" in path.read_bytes()
    opened.forgetting.forget(opened.forgetting.named("urn:6"), NOW)
    opened.database.rewrite()
    opened.close()
    rest = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert [word for word in (b"ylograph", b"gzwang", b"uixotry") if word in rest] == []
    assert len(indexed(path)) == 3


def test_tags_of_rules_are_found_and_indexed_again(path: StoreAddress) -> None:
    """When rules change what is stored."""
    chooser = FeedChooser(RULES)
    opened = Store(path, judge=chooser)
    list(opened.placements.decide_all(chooser.digest, NOW))
    assert opened.search.left() == 2
    opened.close()
    for _ in range(2):
        assert titles(path, "tag:cafe") == titles(path, "category:数据") == titles(path, "title:tea")
        brought_up_to_date(path, RuleSet(), no_total, no_total)
    assert titles(path, "tag:cafe") == ["Black tea", "Green tea"]


@SQLITE_ONLY
def test_an_index_of_another_version_is_rebuilt(path: Path) -> None:
    """Until then it is not asked."""
    with closing(sqlite3.connect(path)) as direct, direct:
        direct.execute("UPDATE settings SET value = 'other' WHERE name = 'search index'")
        direct.execute("UPDATE search_index SET title = ''")
    direct.close()
    assert titles(path, "green") == ["Green tea"]
    counts: list[int] = []
    brought_up_to_date(path, RuleSet(), counts.append, no_total)
    assert (counts, len(indexed(path))) == ([3], 3)


def test_a_store_that_cannot_be_written_is_searched_without_an_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says why."""
    store = tmp_path / "store.db"
    store_of(store, article(1, "Green tea"))
    monkeypatch.setattr("aggregator.store.sqlite.file.BUSY_SECONDS", 0)
    with closing(sqlite3.connect(store, isolation_level=None)) as direct, direct:
        direct.execute("BEGIN IMMEDIATE")
        assert "another process is writing" in brought_up_to_date(store, RuleSet(), no_total, no_total)
        assert titles(store, "green") == ["Green tea"]
        direct.execute("ROLLBACK")
    direct.close()


@pytest.mark.parametrize(
    "query",
    [
        " OR ".join(f"w{n}" for n in range(900)) + " OR tea",
        " ".join(["tea"] * 900),
        " OR ".join(f"published:{1000 + n}" for n in range(500)) + " OR tea",
        "(" * 45 + "tea" + " AND tea OR tea)" * 45,
        "tea OR 🫠 OR title:🫠*",
        'near* AND tea OR "tea" OR author:"a b"',
        "(tea OR x) AND (published:[2000 TO *] OR y) -z",
    ],
    ids=range(7),
)
def test_large_and_odd_queries_are_answered(path: StoreAddress, query: str) -> None:
    """Whatever SQLite would refuse."""
    assert titles(path, query) == ["Black tea", "Green tea"]


def test_characters_unknown_to_an_index_are_not_searched_in_it(path: StoreAddress) -> None:
    """Those that are newer than its tables of Unicode."""
    store_of(path, article(5, "A 🫠 face"))
    brought_up_to_date(path, RuleSet(), no_total, no_total)
    assert titles(path, "🫠") == ["A 🫠 face"]
    assert parse("🫠").narrowing(NOW) == HasWords(("🫠",), ("title", "author", "tag", "text"))


def test_a_publication_indexes_where_visitors_search(site: Site) -> None:
    """And only there."""
    (site.home / "a.xml").write_bytes(feed("a", 1, 2))
    of_a = {"name": "a", "url": "file:a.xml"}
    site.configure(of_a)
    assert site.run("fetch").exit_code == 0
    store = load(site.file).store
    assert isinstance(store, Path)
    assert "articles" in tables(store)
    assert "search_index" not in tables(store)
    site.configure(of_a, serve={"search": True})
    assert site.run("publish").exit_code == 0
    assert {*indexed(store).values()} == {frozenset(("a", "1")), frozenset(("a", "2"))}


def tables(path: Path) -> set[str]:
    """The tables of a store."""
    with closing(sqlite3.connect(path)) as direct, direct:
        found = {name for (name,) in direct.execute("SELECT name FROM sqlite_master")}
    direct.close()
    return found


def test_words_that_rules_put_into_an_article_are_indexed(tmp_path: Path) -> None:
    """Beside those that it was found with; rules that change are asked again."""
    rewriting = {"rewrite": {"title": {"pattern": "Black", "with": "Dark"}}}
    rules = Config(rules=(RuleSettings(name="r", when="title:black", then=rewriting),))
    store = tmp_path / "other.db"
    store_of(store, article(1, "Black tea"), rules=rules)
    assert brought_up_to_date(store, rule_set(rules.rules, ()), no_total, no_total) == ""
    assert [*indexed(store).values()] == [frozenset(("black", "dark", "tea"))]
