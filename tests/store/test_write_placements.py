"""Which articles stand in feeds and archives: silent changes, withdrawals, what is hidden and shown again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.load import Keep, Source
from aggregator.config.store_address import StoreAddress
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.store import ALL, Found, Saved, Store, StoredArticle, Update
from aggregator.store.raw_sql import fetch_rows
from aggregator.store.write_transaction import Placement, WriteTransaction
from tests.conftest import NOW

NOTES = Source(name="notes", url="https://notes.example/feed", categories=("Tea",))
OTHER = Source(name="other", url="https://other.example/feed", categories=("Tea",))
SIZE = 3
LOOK = "plain"


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """Twelve articles in files, in `all` and in Tea, with three archives each, written."""
    opened = Store(place)
    opened.sources.adopt([NOTES, OTHER], NOW)
    commit(opened, *map(article, range(12)))
    publish(opened)
    assert archived(opened) == [["2", "1", "0"], ["5", "4", "3"], ["8", "7", "6"]]
    yield opened
    opened.close()


def article(number: int, **changes: Any) -> Article:
    """An article; the higher its number the newer."""
    made = Article(
        source="notes",
        id=f"urn:{number}",
        title=f"{number}",
        published=NOW - timedelta(days=100 - number),
        categories=("Tea",),
        content="<p>Body</p>",
    )
    return replace(made, **changes)


def commit(store: Store, *articles: Article, withdrawn: tuple[str, ...] = (), **found: Any) -> Saved:
    """Returns what one look into the folder gave, each article from a file of its own."""
    update = Update(
        source=articles[0].source if articles else "notes",
        validators={},
        body_hash=None,
        found=[Found(a, f"mark {a.id}", f"{a.id[4:]}.md", **found) for a in articles],
        withdrawn=withdrawn,
    )
    return store.sources.commit(update, NOW + timedelta(hours=1))


def publish(store: Store) -> None:
    """Files what is to be filed, and records that all is in place."""
    for each in store.feeds.all():
        store.archives.file_away(each.name, SIZE)
        count, _ = store.archives.count(each.name, LOOK)
        store.archives.written([(each.name, number, LOOK) for number in range(1, count + 1)])
    store.feeds.rendered({each.name: each.generation for each in store.feeds.all()})


def in_archive(store: Store, feed: str = "Tea") -> list[tuple[StoredArticle, ...]]:
    """Every archive of a feed, the oldest first."""
    count, _ = store.archives.count(feed, LOOK)
    return [store.archives.articles(feed, number) for number in range(1, count + 1)]


def archived(store: Store, feed: str = "Tea") -> list[list[str]]:
    """The titles in every archive."""
    return [[k.article.title for k in one] for one in in_archive(store, feed)]


def shown(store: Store, feed: str = "Tea") -> list[str]:
    """The titles in a feed, newest first."""
    return [k.article.title for k in store.feeds.newest(feed, 99)]


def unwritten(store: Store, feed: str = "Tea") -> set[int]:
    """The archives that are to be written again."""
    return {*store.archives.count(feed, LOOK)[1]}


def stale(store: Store) -> set[str]:
    """The feeds that are to be published."""
    return {each.name for each in store.feeds.all() if each.is_stale}


def revisions(store: Store, uid: str) -> int:
    """How many revisions of an article are kept."""
    query = "select count(*) from revisions join articles on articles.pk = article where uid = ?"
    with store.database.snapshot() as connection:
        return int(fetch_rows(connection, query, (uid,))[0][0])


def hide(store: Store, uid: str, feed: str | None = None, *, is_hidden: bool = True) -> None:
    """Takes an article out of the archives of one feed, or of all, or shows it again."""
    with store.database.transaction() as connection:
        ((of,),) = fetch_rows(connection, "select pk from articles where uid = ?", (uid,))
        writing = WriteTransaction(connection, NOW)
        writing.placing.hide(of, feed, is_hidden=is_hidden)
        writing.placing.save()


def test_a_silent_change_of_an_archived_article_keeps_the_archive(store: Store) -> None:
    """The archive shows the article as it was; the article itself is another revision, and no version."""
    before = in_archive(store)
    saved = commit(store, article(1, extra={"rating": 5}))
    assert (saved.changed, saved.unchanged) == (0, 1)
    assert in_archive(store) == before
    (now,) = store.articles.named("urn:1")
    assert now.article.extra == {"rating": 5}
    assert store.articles.earlier_versions("urn:1") == ()
    assert revisions(store, "urn:1") == 2
    assert unwritten(store) == set()
    publish(store)
    assert in_archive(store) == before  # it is not filed again


def test_a_second_silent_change_takes_no_more_room(store: Store) -> None:
    """Only what an archive shows is kept beside."""
    for rating in range(5):
        commit(store, article(1, extra={"rating": rating}))
        commit(store, article(11, extra={"rating": rating}))
    assert (revisions(store, "urn:1"), revisions(store, "urn:11")) == (2, 1)


def test_an_edit_of_an_archived_article_comes_again_in_a_newer_archive(store: Store) -> None:
    """The full one never changes; what it was is an earlier version, kept once."""
    before = in_archive(store)
    assert commit(store, article(1, content="<p>Edited</p>")).changed == 1
    assert in_archive(store) == before
    assert [v.article.content for v in store.articles.earlier_versions("urn:1")] == ["<p>Body</p>"]
    assert revisions(store, "urn:1") == 2
    commit(store, article(20), article(21))
    publish(store)
    assert archived(store)[3:] == [["10", "9", "1"]]
    assert in_archive(store)[3][2].article.content == "<p>Edited</p>"
    assert in_archive(store)[:3] == before


def test_revisions_shown_by_archives_stay_when_pruned(store: Store) -> None:
    """Nothing else of the article stays; if it is found again, it is not inserted again."""
    before = in_archive(store)
    commit(store, article(1, content="<p>Edited</p>"), article(2, extra={"rating": 5}))
    assert sum(store.articles.prune(Keep(max_articles=3), 1, NOW, source="notes")) == 9
    assert shown(store) == ["11", "10", "9"]
    assert in_archive(store) == before
    assert [revisions(store, f"urn:{n}") for n in (0, 1, 2, 11)] == [1, 1, 1, 1]
    assert store.articles.earlier_versions("urn:1") == ()
    assert unwritten(store) == set()
    assert commit(store, *map(article, range(12))) == Saved(new=0, changed=0, unchanged=12)
    assert shown(store) == ["11", "10", "9"]


def test_a_withdrawn_file_leaves_feeds_and_archives(store: Store) -> None:
    """Those archives are written again that held it, and no others."""
    commit(store, withdrawn=("1.md", "10.md"))
    assert shown(store) == ["11", "9", "8", "7", "6", "5", "4", "3", "2", "0"]
    for feed in ("Tea", ALL):
        assert archived(store, feed) == [["2", "0"], ["5", "4", "3"], ["8", "7", "6"]]
        assert unwritten(store, feed) == {1}
    assert stale(store) == {ALL, "Tea"}
    assert {each.name: each.total for each in store.feeds.all()} == {ALL: 10, "Tea": 10}
    assert "urn:1" not in {a.id for a in (k.article for k in store.feeds.newest(ALL, 99))}


def test_a_withdrawn_file_that_is_back_is_shown_again(store: Store) -> None:
    """With the same id and dates, as no edit, where it was."""
    before, was = in_archive(store), store.articles.named("urn:1")
    commit(store, withdrawn=("1.md", "10.md"))
    publish(store)
    saved = commit(store, article(1), article(10))
    assert (saved.new, saved.changed) == (0, 0)
    assert shown(store) == [str(n) for n in range(11, -1, -1)]
    assert in_archive(store) == before
    assert unwritten(store) == {1}
    assert store.articles.named("urn:1") == was
    assert store.articles.earlier_versions("urn:1") == ()
    commit(store, article(20), article(21), article(22))
    publish(store)
    assert archived(store)[3:] == [["11", "10", "9"]]  # it is not filed a second time


def test_a_returning_source_is_not_archived_again(store: Store) -> None:
    """Its articles are in archives already."""
    before = in_archive(store)
    store.sources.adopt([OTHER], NOW)
    assert shown(store) == []
    store.sources.adopt([NOTES, OTHER], NOW)
    publish(store)
    assert shown(store) == [str(n) for n in range(11, -1, -1)]
    assert in_archive(store) == before


def test_a_file_that_is_back_with_another_text_is_an_edit(store: Store) -> None:
    """As if it had never been away."""
    commit(store, withdrawn=("11.md",))
    assert shown(store)[0] == "10"
    assert commit(store, article(11, content="<p>Edited</p>")).changed == 1
    assert shown(store)[0] == "11"
    assert len(store.articles.earlier_versions("urn:11")) == 1


def test_files_of_other_sources_stay(store: Store) -> None:
    """The same name in another folder is another file."""
    commit(store, article(1, source="other", id="urn:x1"))
    commit(store, withdrawn=("x1.md",))
    assert "1" in shown(store)
    assert "urn:x1" in {k.uid for k in store.feeds.newest("Tea", 99)}


def test_hiding_writes_only_the_archives_concerned(store: Store) -> None:
    """Of one feed where it is named; nothing at all where nothing changes."""
    hide(store, "urn:4", "Tea")
    assert (archived(store)[1], unwritten(store), stale(store)) == (["5", "3"], {2}, {"Tea"})
    assert (archived(store, ALL)[1], unwritten(store, ALL)) == (["5", "4", "3"], set())
    publish(store)
    hide(store, "urn:4", "Tea")
    assert (unwritten(store), stale(store)) == (set(), set())
    hide(store, "urn:4")
    assert (unwritten(store), unwritten(store, ALL), stale(store)) == (set(), {2}, {ALL})
    publish(store)
    hide(store, "urn:4", is_hidden=False)
    assert archived(store)[1] == archived(store, ALL)[1] == ["5", "4", "3"]
    assert (unwritten(store), unwritten(store, ALL), stale(store)) == ({2}, {2}, {ALL, "Tea"})


def test_hiding_what_no_archive_shows_changes_nothing(store: Store) -> None:
    """Feeds are another matter."""
    hide(store, "urn:11")
    assert (stale(store), unwritten(store)) == (set(), set())
    assert shown(store)[0] == "11"


def test_a_judge_function_decides_the_feeds(tmp_path: Path) -> None:
    """An article in no feed is stored, and shown nowhere; the decision is recorded."""

    def judge(found: StoredArticle, _now: datetime) -> Placement:
        if found.article.title == "1":
            return Placement(feeds=(), decision='{"dropped": true}')
        return Placement(feeds=(ALL, "Even") if int(found.article.title) % 2 == 0 else (ALL,))

    store = Store(tmp_path / "judged.db", judge=judge)
    store.sources.adopt([NOTES], NOW)
    commit(store, *map(article, range(4)))
    assert (shown(store, ALL), shown(store, "Even")) == (["3", "2", "0"], ["2", "0"])
    assert len(list(store.articles.all())) == 4
    commit(store, article(2, title="5"), article(3, title="1"))
    assert (shown(store, ALL), shown(store, "Even")) == (["5", "0"], ["0"])
    assert {each.name: each.total for each in store.feeds.all()} == {ALL: 2, "Even": 1}
    with store.database.snapshot() as connection:
        query = "select uid, data from decisions join articles on pk = article order by uid"
        decided = [tuple(row) for row in connection.exec_driver_sql(query)]
    assert decided == [("urn:1", '{"dropped": true}'), ("urn:3", '{"dropped": true}')]
    store.close()
