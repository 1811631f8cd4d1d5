"""Full archives in the store: filed once, never changed, whatever happens to their articles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from aggregator.config.load import Keep, Source
from aggregator.config.store_address import StoreAddress
from aggregator.errors import StoreError
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.store import ALL, Found, Store, StoredArticle, Update, archives
from tests.conftest import NOW, SQLITE_ONLY
from tests.support.older_stores import take_back

NEWS = Source(name="news", url="https://example.org/feed", categories=("World",))
SIZE = 3


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """A store that knows one source."""
    opened = Store(place)
    opened.sources.adopt([NEWS], NOW)
    yield opened
    opened.close()


def article(day: int, **changes: object) -> Article:
    """An article published on this day; the higher the newer."""
    made = Article(
        source="news",
        id=f"https://example.org/{day:03}",
        title=f"Day {day}",
        published=NOW - timedelta(days=365 - day),
        categories=("World",),
        content="<p>Body</p>",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def commit(store: Store, *articles: Article, after: timedelta = timedelta()) -> None:
    """One poll's articles saved."""
    found = [Found(a) for a in articles]
    store.sources.commit(Update(source="news", validators={}, body_hash=None, found=found), NOW + after)


def titles(kept: Sequence[StoredArticle]) -> list[str]:
    """Returns what is written on them, without the word."""
    return [k.article.title.removeprefix("Day ") for k in kept]


def filed(store: Store, category: str = "World") -> list[list[str]]:
    """Every full archive of a category, the oldest first."""
    count, _ = store.archives.count(category, "")
    return [titles(store.archives.articles(category, number)) for number in range(1, count + 1)]


def unfiled(store: Store, category: str = "World") -> list[str]:
    """Returns what stands behind the feed and in no archive."""
    return titles(store.archives.unfiled(category, store.feeds.newest(category, SIZE)[-1]))


def test_articles_that_left_the_feed_are_archived_oldest_first(store: Store) -> None:
    """Full archives of the feed's size; what does not fill one stays unfiled."""
    commit(store, *map(article, range(11)))
    store.archives.file_away("World", SIZE)
    assert titles(store.feeds.newest("World", SIZE)) == ["10", "9", "8"]
    assert filed(store) == [["2", "1", "0"], ["5", "4", "3"]]
    assert unfiled(store) == ["7", "6"]
    store.archives.file_away("World", SIZE)
    assert len(filed(store)) == 2
    assert filed(store, ALL) == []


@pytest.mark.parametrize("number", [0, 1, 3, 5], ids=str)
def test_a_feed_shorter_than_two_documents_has_no_full_archive(store: Store, number: int) -> None:
    """Nothing is filed before a whole archive lies beyond the feed."""
    commit(store, *map(article, range(number)))
    store.archives.file_away("World", SIZE)
    assert filed(store) == []


def test_equal_dates_are_filed_exactly(store: Store) -> None:
    """None is left out and none stands twice, though a date cannot tell the last shown from the next."""
    commit(store, *(article(1, id=f"https://example.org/{n}", title=f"Day {n}") for n in range(9)))
    store.archives.file_away("World", SIZE)
    parts = [titles(store.feeds.newest("World", SIZE)), unfiled(store), *filed(store)[::-1]]
    assert parts == [["0", "1", "2"], [], ["3", "4", "5"], ["6", "7", "8"]]


@pytest.mark.parametrize("rows", [1, 4, 6, 40], ids=str)
def test_more_archives_than_one_transaction_makes(
    store: Store, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long history is filed whole."""
    monkeypatch.setattr(archives, "_ROWS_AT_ONCE", rows)
    commit(store, *map(article, range(40)))
    store.archives.file_away("World", SIZE)
    assert filed(store) == [[f"{n + 2}", f"{n + 1}", f"{n}"] for n in range(0, 36, 3)]
    assert unfiled(store) == ["36"]


@SQLITE_ONLY
def test_references_are_checked_after_archives_were_made(store: Store) -> None:
    """Only their entries are inserted without it."""
    commit(store, *map(article, range(8)))
    store.archives.file_away("World", SIZE)
    assert store.database.dialect.orphans() == []
    with (
        pytest.raises(StoreError, match="FOREIGN KEY"),
        store.database.transaction() as connection,
    ):
        connection.exec_driver_sql("UPDATE archive_entries SET revision = 1000")


def test_a_full_archive_keeps_what_was_edited_or_pruned(store: Store) -> None:
    """The edit comes again outside, to be filed anew; the pruned article does not."""
    commit(store, *map(article, range(8)))
    store.archives.file_away("World", SIZE)
    before = filed(store)
    commit(store, article(1, title="Day 1, edited"), after=timedelta(days=1))
    assert filed(store) == before == [["2", "1", "0"]]
    assert unfiled(store) == ["4", "3", "1, edited"]
    assert sum(store.articles.prune(Keep(max_articles=4), SIZE, NOW, source="news")) == 4
    assert filed(store) == before
    assert unfiled(store) == ["4"]


def test_changes_that_are_not_edits_leave_articles_archived(store: Store) -> None:
    """Another tag, and another category from the config: the article is where it was."""
    commit(store, *map(article, range(8)))
    store.archives.file_away("World", SIZE)
    commit(store, article(1, tags=("new",)))
    assert unfiled(store) == ["4", "3"]
    store.sources.adopt([NEWS.model_copy(update={"categories": ("World", "More")})], NOW)
    assert unfiled(store) == ["4", "3"]
    assert titles(store.feeds.newest("More", 9)) == ["7", "6", "5", "4", "3", "2", "1", "0"]


def test_another_size_changes_no_full_archive(store: Store) -> None:
    """A feed that was made longer shows what is filed, one made shorter files more."""
    commit(store, *map(article, range(11)))
    store.archives.file_away("World", SIZE)
    before = filed(store)
    store.archives.file_away("World", 9)
    assert filed(store) == before
    assert store.archives.unfiled("World", store.feeds.newest("World", 9)[-1]) == ()
    store.archives.file_away("World", 1)
    assert filed(store) == [*before, ["6"], ["7"], ["8"], ["9"]]


def test_an_article_comes_back_from_an_archive_with_all_fields(store: Store) -> None:
    """Outward id, every field and every date."""
    made = article(0, extra={"podcast:person": "Ann"}, authors=("Ann 科",), summary="<p>é</p>")
    commit(store, made, article(1))
    (expected,) = [k for k in store.articles.all() if k.article.title == "Day 0"]
    store.archives.file_away("World", 1)
    assert store.archives.articles("World", 1) == (expected,)


def test_archives_are_written_once_for_each_look(store: Store) -> None:
    """What is noted as written is asked for no more, until it looks otherwise."""
    commit(store, *map(article, range(9)))
    store.archives.file_away("World", SIZE)
    assert store.archives.count("World", "plain") == (2, frozenset({1, 2}))
    store.archives.written([("World", 1, "plain")])
    assert store.archives.count("World", "plain") == (2, frozenset({2}))
    assert store.archives.count("World", "other") == (2, frozenset({1, 2}))


@SQLITE_ONLY
def test_which_archives_are_unwritten_is_found_without_reading_them(store: Store) -> None:
    """By the key of a table that holds nothing else: what they show is elsewhere."""
    with store.database.snapshot() as connection:
        plan = connection.exec_driver_sql(
            "explain query plan select number from archives where feed = 1 and look is not 'plain'"
        ).all()
    assert [row[3] for row in plan] == ["SEARCH archives USING PRIMARY KEY (feed=?)"]


@SQLITE_ONLY
def test_filing_reads_no_more_than_it_files(store: Store) -> None:
    """The index of what is unfiled is used, and not the whole feed's, however many are filed."""
    commit(store, *map(article, range(9)))
    ran: list[tuple[str, Any]] = []
    engine = store.database.dialect.engine

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        ran.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    store.archives.file_away("World", SIZE)
    store.archives.unfiled("World", store.feeds.newest("World", SIZE)[-1])
    sa.event.remove(engine, "before_cursor_execute", note)
    asked = [one for one in ran if "archived IS NULL" in one[0]]
    assert len(asked) == 3
    with store.database.snapshot() as connection:
        for statement, parameters in asked:
            query = statement[statement.index("SELECT") :]  # that of an INSERT too
            plan = connection.exec_driver_sql(f"explain query plan {query}", parameters).all()
            assert any(
                "INDEX placements_unfiled (feed=? AND archived=? AND published<" in row[3] for row in plan
            ), plan


def test_a_store_of_version_2_is_brought_up_to_date(tmp_path: Path) -> None:
    """Its articles are unfiled, and can be filed."""
    file = tmp_path / "old.db"
    old = Store(file)
    old.sources.adopt([NEWS], NOW)
    commit(old, *map(article, range(9)))
    old.close()
    take_back(file, 2)
    for _ in range(2):
        new = Store(file)
        assert {feed.name: feed.total for feed in new.feeds.all()} == {ALL: 9, "World": 9}
        new.archives.file_away("World", SIZE)
        assert filed(new) == [["2", "1", "0"], ["5", "4", "3"]]
        new.close()
