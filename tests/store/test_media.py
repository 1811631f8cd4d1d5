"""Copies of what articles show, as the store keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.config.load import Keep, Source
from aggregator.config.store_address import StoreAddress
from aggregator.model.article import Article
from aggregator.model.media_copies import CopiedFile
from aggregator.model.struct import replace
from aggregator.store import CopyOutcome, Found, Store, Update, WantedFile
from aggregator.store.backup_copy import copy_store
from aggregator.store.schema import articles
from tests.conftest import SQLITE_ONLY

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
KEEP, MAX = timedelta(days=7), 10_000
TEA = Source(name="tea", url="https://tea.example/feed", categories=("Drinks",))


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """A store that knows one source."""
    opened = Store(place)
    opened.sources.adopt([TEA], NOW)
    yield opened
    opened.close()


def entry(number: int, *pictures: str) -> Article:
    """An article that shows these."""
    moment, link = NOW - number * timedelta(hours=1), f"https://t.example/{number}"
    return Article(id=f"{number}", title="Tea", content=" ".join(pictures), link=link, published=moment)


def finds(article: Article) -> dict[str, bool]:
    """The words of its content; one in capitals is a recording."""
    return {word: word.isupper() for word in article.content.split()}


def commit(store: Store, *articles: Article, now: datetime = NOW) -> None:
    """A poll that found these."""
    found = [Found(article, article.content_hash) for article in articles]
    store.sources.commit(Update(source="tea", validators={}, body_hash=None, found=found), now)


def note(store: Store, since: datetime | None = None, mark: str = "m") -> int:
    """Notes all; how many articles."""
    total = 0
    while count := store.media.note(finds, since, mark, NOW):
        total += count
    return total


def copied(store: Store, *addresses: str, size: int = 100) -> None:
    """These have copies, the same for those that begin alike."""
    outcomes = [CopyOutcome(address=a, file=file_of(a[0], size)) for a in addresses]
    store.media.record(outcomes, NOW)


def file_of(letter: str, size: int = 100) -> CopiedFile:
    """A file."""
    return CopiedFile(hash=f"{ord(letter):032x}", type="image/png", bytes=size, width=5, height=6)


def due(store: Store, now: datetime = NOW, since: datetime | None = None) -> list[str]:
    """Returns what is to be fetched."""
    return [wanted.address for wanted in store.media.due(since, now, 100)]


def shown(store: Store) -> dict[str, dict[str, CopiedFile | None]]:
    """By the id of each article in the feed of everything, the copies of what it shows."""
    newest = store.feeds.newest("", 100)
    found = store.media.of([kept.revision for kept in newest])
    return {kept.article.id: found[kept.revision] for kept in newest if kept.revision in found}


def is_stale(store: Store) -> bool:
    """Whether any feed is to be published; afterwards none is."""
    feeds = store.feeds.all()
    store.feeds.rendered({feed.name: feed.generation for feed in feeds})
    return any(feed.is_stale for feed in feeds)


def test_pictures_of_new_articles_are_due_newest_first(store: Store) -> None:
    """Each address once, and only for articles that are not too old."""
    commit(store, entry(1, "b", "a"), entry(2, "a", "c", "SOUND"), entry(9, "old"))
    assert note(store, NOW - timedelta(hours=5)) == 2
    assert store.media.due(None, NOW, 100) == (
        WantedFile(address="a", source="tea"),
        WantedFile(address="b", source="tea"),
        WantedFile(address="SOUND", source="tea", is_recording=True),
        WantedFile(address="c", source="tea"),
    )
    assert due(store, since=NOW - timedelta(hours=1, minutes=1)) == ["a", "b"]
    assert store.media.due(None, NOW, 1) == (WantedFile(address="a", source="tea"),)


def test_articles_are_searched_for_pictures_once_and_after_changes(store: Store) -> None:
    """Edits, and what rewrites an article without being an edit; another mark has all looked at anew."""
    commit(store, entry(1, "a"), entry(2, "b"))
    assert note(store) == 2
    assert note(store) == 0
    commit(store, entry(1, "a", "c"), entry(2, "b"), now=NOW + DAY)
    assert note(store) == 1
    assert due(store) == ["a", "c", "b"]
    assert note(store, mark="other") == 2


def test_articles_changed_without_an_edit_are_searched_again_too(store: Store) -> None:
    """Its revision stays, so what was noted of it is replaced."""
    commit(store, entry(1, "a"))
    note(store)
    copied(store, "a")
    kept = store.feeds.newest("", 1)[0]
    for _ in store.resanitising.mend(lambda article: replace(article, content="b"), 99, NOW):
        pass
    assert store.feeds.newest("", 1)[0].revision == kept.revision
    assert note(store) == 1
    assert shown(store) == {}
    assert due(store) == ["b"]


def test_an_article_whose_content_is_lost_is_passed_over(store: Store) -> None:
    """Others report it; looking for what it shows comes to an end."""
    commit(store, entry(1, "a"), entry(2, "b"))
    with store.database.transaction() as connection:
        connection.execute(articles.update().where(articles.c.id == "1").values(revision=999))
    assert note(store) == 2
    assert due(store) == ["b"]


def test_a_new_copy_makes_its_feeds_stale(store: Store) -> None:
    """Two addresses may have one file; a pixel is known as none; an error changes nothing that is shown."""
    commit(store, entry(1, "a1", "b"), entry(2, "a2", "pixel"))
    note(store)
    is_stale(store)
    copied(store, "a1", "a2")
    assert is_stale(store)
    store.media.record([CopyOutcome(address="b", error="404", attempts=1, due=NOW + DAY)], NOW)
    assert not is_stale(store)
    store.media.record([CopyOutcome(address="pixel", is_pixel=True)], NOW)
    assert is_stale(store)
    assert shown(store) == {"1": {"a1": file_of("a")}, "2": {"a2": file_of("a"), "pixel": None}}
    assert store.media.files() == (file_of("a"),)
    assert due(store) == []
    assert due(store, NOW + DAY) == ["b"]
    counts = store.media.counts()
    assert (counts.copied, counts.waiting, counts.pixels, counts.given_up, counts.bytes) == (2, 1, 1, 0, 100)


def test_the_mark_of_an_article_changes_with_its_copies(store: Store) -> None:
    """So that its post is written again."""
    commit(store, entry(1, "a"), entry(2, "b"))
    note(store)
    assert store.media.marks() == {}
    copied(store, "a")
    (first,) = store.media.marks().items()
    store.media.record([CopyOutcome(address="a", file=file_of("z"))], NOW)
    (second,) = store.media.marks().items()
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_unused_copies_are_removed_after_a_while(store: Store) -> None:
    """An edit took it out, and readers may still show what they fetched before."""
    commit(store, entry(1, "a", "b"))
    note(store)
    copied(store, "a", "b")
    commit(store, entry(1, "b"), now=NOW + DAY)
    note(store)
    assert store.media.let_go(NOW + DAY, KEEP, MAX) == set()
    assert store.media.let_go(NOW + 7 * DAY, KEEP, MAX) == set()
    assert store.media.let_go(NOW + 8 * DAY, KEEP, MAX) == {file_of("a").hash}
    assert store.media.files() == (file_of("b"),)


def test_a_copy_used_again_in_time_stays(store: Store) -> None:
    """Without being fetched again."""
    commit(store, entry(1, "a"))
    note(store)
    copied(store, "a")
    store.sources.adopt([], NOW)
    assert store.media.let_go(NOW, KEEP, MAX) == set()
    store.sources.adopt([TEA], NOW)
    assert store.media.let_go(NOW + 30 * DAY, KEEP, MAX) == set()
    assert due(store) == []


def test_a_copy_used_again_too_late_is_fetched_again(store: Store) -> None:
    """Its article is looked at anew."""
    commit(store, entry(1, "a"))
    note(store)
    copied(store, "a")
    store.sources.adopt([], NOW)
    store.media.let_go(NOW, KEEP, MAX)
    assert store.media.let_go(NOW + 30 * DAY, KEEP, MAX) == {file_of("a").hash}
    store.sources.adopt([TEA], NOW + 30 * DAY)
    assert note(store) == 1
    assert due(store) == ["a"]


def test_a_file_stays_as_long_as_any_address_has_it(store: Store) -> None:
    """The same picture at two addresses."""
    commit(store, entry(1, "a1"), entry(2, "a2"))
    note(store)
    copied(store, "a1", "a2")
    store.forgetting.forget(store.forgetting.named("1"), NOW)
    assert store.media.let_go(NOW, KEEP, MAX) == set()
    store.forgetting.forget(store.forgetting.named("2"), NOW)
    assert store.media.let_go(NOW, KEEP, MAX) == {file_of("a").hash}
    assert not store.media.any()


def test_a_full_archive_keeps_the_copies_of_what_it_shows(store: Store) -> None:
    """Also when its articles are edited or pruned; a takedown takes them out of it at once."""
    commit(store, entry(1, "n"), entry(2, "a"), entry(3, "b"))
    note(store)
    copied(store, "n", "a", "b")
    store.archives.file_away("", 1)
    commit(store, entry(2, "x"), now=NOW + DAY)
    note(store)
    assert [*store.articles.prune(Keep(max_articles=2), 1, NOW, source="tea")] == [1]
    assert store.media.let_go(NOW + 90 * DAY, KEEP, MAX) == set()
    archived = {kept.article.id: kept.revision for n in (1, 2) for kept in store.archives.articles("", n)}
    found = store.media.of(archived.values())
    assert found == {archived["2"]: {"a": file_of("a")}, archived["3"]: {"b": file_of("b")}}
    store.forgetting.forget(store.forgetting.named("2"), NOW)
    assert store.media.let_go(NOW, KEEP, MAX) == {file_of("a").hash}


def test_over_the_limit_the_longest_unused_copies_are_removed(store: Store) -> None:
    """Whatever `keep` says."""
    commit(store, entry(1, "a", "b", "c"))
    note(store)
    copied(store, "a", "b", "c")
    commit(store, entry(1, "b", "c"), now=NOW + DAY)
    note(store)
    store.media.let_go(NOW + DAY, KEEP, MAX)
    commit(store, entry(1, "c"), now=NOW + 2 * DAY)
    note(store)
    assert store.media.let_go(NOW + 2 * DAY, KEEP, 250) == {file_of("a").hash}
    assert store.media.let_go(NOW + 2 * DAY, KEEP, 10) == {file_of("b").hash}
    assert store.media.files() == (file_of("c"),)


def test_a_lost_file_is_fetched_again_and_not_shown_meanwhile(store: Store) -> None:
    """Its feeds are published again."""
    commit(store, entry(1, "a"))
    note(store)
    copied(store, "a")
    is_stale(store)
    store.media.lost([file_of("a").hash], NOW + DAY)
    assert is_stale(store)
    assert shown(store) == {}
    assert due(store, NOW + DAY) == ["a"]


@SQLITE_ONLY
def test_a_copy_of_the_store_has_no_copies_of_pictures(store: Store, tmp_path: Path) -> None:
    """A backup holds no output: after a restore they are fetched again."""
    commit(store, entry(1, "a"))
    note(store)
    copied(store, "a")
    store.close()
    copy_store(tmp_path / "store.db", tmp_path / "b.db")
    with_copy = Store(tmp_path / "b.db")
    assert not with_copy.media.any()
    assert note(with_copy) == 1
    with_copy.close()


def test_switching_copies_off_forgets_all_records(store: Store) -> None:
    """When copies are wanted again, they are recorded again."""
    commit(store, entry(1, "a"))
    note(store)
    store.media.forget_all()
    assert not store.media.any()
    assert note(store) == 1
