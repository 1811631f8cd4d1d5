"""The store, on a real SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.config.load import Keep, Source
from aggregator.config.store_address import StoreAddress
from aggregator.errors import StoreError
from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.store import ALL, Found, Saved, Store, StoredArticle, Update
from aggregator.store.article_changes import MAX_VERSIONS
from aggregator.store.edits import MAX_SILENT_EDITS
from aggregator.store.raw_sql import fetch_rows
from tests.conftest import NOW, SQLITE_ONLY
from tests.support.older_stores import take_back

NEWS = Source(name="news", url="https://example.org/feed", categories=("World",))
BLOG = Source(name="blog", url="https://example.net/feed", categories=("World", "Diary"))


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """A store that knows two sources."""
    opened = Store(place)
    opened.sources.adopt([NEWS, BLOG], NOW)
    yield opened
    opened.close()


def article(number: int = 1, **changes: object) -> Article:
    """A whole article; the higher the number the newer."""
    made = Article(
        source="news",
        id=f"https://example.org/{number}",
        title=f"Title {number}",
        link=f"https://example.org/{number}",
        published=NOW - timedelta(days=100 - number),
        categories=("World",),
        content="<p>Body</p>",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def commit(store: Store, *articles: Article, source: str = "news", now: datetime = NOW) -> Saved:
    """One poll's articles saved."""
    update = Update(
        source=source, validators={"etag": '"1"'}, body_hash="h", found=[Found(a) for a in articles]
    )
    return store.sources.commit(update, now)


def kept(store: Store) -> list[StoredArticle]:
    """Everything in the store, oldest first."""
    return list(store.articles.all())


def stale(store: Store) -> set[str]:
    """The names of the feeds that must be rendered."""
    return {feed.name for feed in store.feeds.all() if feed.is_stale}


def publish(store: Store) -> None:
    """Marks everything as rendered."""
    for feed in store.feeds.all():
        store.feeds.rendered({feed.name: feed.generation})


def test_an_article_comes_back_with_all_fields(store: Store) -> None:
    """Every field, types included."""
    whole = article(
        updated=NOW - timedelta(hours=1, microseconds=5),
        authors=("A", "B"),
        tags=("x",),
        headimg="https://example.org/i.png",
        summary="s",
        enclosures=(
            Enclosure(
                url="https://example.org/a.mp3", type="audio/mpeg", length=5, duration=timedelta(seconds=3)
            ),
        ),
        origin=Origin(id="urn:x", title="Origin", updated=NOW),
        extra={"a": [1, {"b": None}], "$date": "no date", "when": NOW, "deep": {"$date": "no date"}},
    )
    assert commit(store, whole) == Saved(new=1)
    assert kept(store)[0].article == whole


def test_validators_and_articles_are_saved_in_one_transaction(store: Store) -> None:
    """A poll whose articles cannot be saved leaves the validators as they were."""
    broken = article(2, extra={"x": object()})
    with pytest.raises(TypeError):
        commit(store, article(1), broken)
    assert store.sources.states(["news"])["news"].validators == {}
    assert kept(store) == []
    assert stale(store) == set()
    commit(store, article(1))
    assert store.sources.states(["news"])["news"].validators == {"etag": '"1"'}
    assert store.sources.states(["news"])["news"].body_hash == "h"


def test_the_same_poll_twice_changes_nothing(store: Store) -> None:
    """No article changed, no feed stale."""
    commit(store, article(1), article(2))
    publish(store)
    before = kept(store)
    assert commit(store, article(1), article(2), now=NOW + timedelta(days=1)) == Saved(unchanged=2)
    assert kept(store) == before
    assert stale(store) == set()


def test_an_edit_keeps_its_date_and_its_earlier_version(store: Store) -> None:
    """A changed content hash is an edit; `published` stays, `updated` is when it was seen."""
    commit(store, article(1))
    publish(store)
    later = NOW + timedelta(hours=1)
    edited = article(1, title="Better", published=NOW)
    assert commit(store, edited, now=later) == Saved(changed=1)
    (now_kept,) = kept(store)
    assert now_kept.article.title == "Better"
    assert (now_kept.published, now_kept.updated) == (article(1).published, later)
    assert [v.article.title for v in store.articles.earlier_versions(now_kept.uid)] == ["Title 1"]
    assert stale(store) == {ALL, "World"}


def test_an_edit_takes_the_date_that_its_source_gives(store: Store) -> None:
    """A source that says when it edited is believed, unless it speaks of the future."""
    commit(store, article(1))
    said = NOW + timedelta(minutes=30)
    commit(store, article(1, title="B", updated=said), now=NOW + timedelta(hours=1))
    assert kept(store)[0].updated == said
    commit(store, article(1, title="C", updated=NOW + timedelta(days=9)), now=NOW + timedelta(hours=2))
    assert kept(store)[0].updated == NOW + timedelta(hours=2)


def test_changed_dates_are_no_edit(store: Store) -> None:
    """Feeds that stamp "now" on every poll leave everything as it is."""
    commit(store, article(1))
    publish(store)
    stamped = article(1, published=NOW, updated=NOW, origin=Origin(updated=NOW))
    assert commit(store, stamped, now=NOW + timedelta(hours=1)) == Saved(unchanged=1)
    assert stale(store) == set()


def test_changed_counters_are_no_edit(store: Store) -> None:
    """The number of comments changes all day; feeds are not rendered for it."""
    commit(store, article(1, extra={"slash:comments": ["1"]}))
    publish(store)
    commit(store, article(1, extra={"slash:comments": ["2"]}), now=NOW + timedelta(hours=1))
    assert stale(store) == set()


def test_other_extra_elements_are_kept_without_being_an_edit(store: Store) -> None:
    """A transcript that comes later is passed on, and is no new version."""
    commit(store, article(1))
    publish(store)
    late = article(1, extra={"podcast:transcript": [{"text": "", "url": "https://example.org/t"}]})
    assert commit(store, late, now=NOW + timedelta(hours=1)) == Saved(unchanged=1)
    assert kept(store)[0].article.extra == late.extra
    assert kept(store)[0].updated == article(1).published
    assert stale(store) == {ALL, "World"}


def test_a_missing_date_is_fixed_when_first_seen(store: Store) -> None:
    """It never becomes another "now"."""
    commit(store, article(1, published=None))
    commit(store, article(1, published=None, title="Edited"), now=NOW + timedelta(days=3))
    assert kept(store)[0].published == NOW


def test_a_future_date_is_capped_when_first_seen(store: Store) -> None:
    """An article of next year does not stay on top until then."""
    commit(store, article(1, published=NOW + timedelta(days=365), updated=NOW + timedelta(days=366)))
    assert (kept(store)[0].published, kept(store)[0].updated) == (NOW, NOW)


def test_versions_are_bounded(store: Store) -> None:
    """The newest ones are kept."""
    for number in range(MAX_VERSIONS + 5):
        commit(store, article(1, title=str(number)), now=NOW + timedelta(minutes=number))
    titles = [v.article.title for v in store.articles.earlier_versions(article(1).id)]
    assert titles == [str(n) for n in range(MAX_VERSIONS + 3, 3, -1)]


def test_edits_without_a_date_are_capped(store: Store) -> None:
    """A page with a random advertisement in it does not count as edited at each poll."""
    for number in range(MAX_SILENT_EDITS + 10):
        commit(store, article(1, title=str(number)), now=NOW + timedelta(minutes=number))
    assert kept(store)[0].article.title == str(MAX_SILENT_EDITS)
    said = NOW + timedelta(days=1)
    assert commit(store, article(1, title="told", updated=said), now=said) == Saved(changed=1)


def test_ids_of_different_sources_never_meet(store: Store) -> None:
    """The first keeps its id when published; the second gets one made of source and id, permanently."""
    commit(store, article(1))
    commit(store, article(1, source="blog"), source="blog")
    first, second = sorted(kept(store), key=lambda k: k.article.source, reverse=True)
    assert first.uid == article(1).id == second.article.id
    assert second.uid.startswith("urn:uuid:")


@pytest.mark.parametrize(
    ("id", "verbatim"),
    [
        ("tag:example.org,2026:1", True),
        ("https://example.org/?a=b#c", True),
        ("urn:isbn:1", True),
        ("https://example.org/中文", True),
        ("12345", False),
        ("a b:c", False),
        ("https://example.org/a b", False),
        ("https://example.org/<x>", False),
        ("x:" + "y" * 3000, False),
        ("", False),
    ],
)
def test_an_origin_id_that_is_a_uri_leaves_verbatim(store: Store, id: str, verbatim: bool) -> None:  # noqa: A002
    """Anything else becomes a URI, the same one in every store."""
    commit(store, article(1, id=id))
    uid = kept(store)[0].uid
    assert (uid == id) is verbatim
    assert verbatim or uid.startswith("urn:uuid:")


def test_the_newest_come_first_and_no_more_than_asked(store: Store) -> None:
    """Equal dates are ordered by id, so that the order never depends on chance."""
    commit(store, *(article(n) for n in (3, 1, 2)), article(4, published=article(3).published))
    assert [k.article.title for k in store.feeds.newest("World", 3)] == ["Title 3", "Title 4", "Title 2"]
    assert [k.article.title for k in store.feeds.newest(ALL, 1)] == ["Title 3"]
    assert store.feeds.newest("none", 5) == ()


def test_a_change_during_rendering_leaves_the_feed_stale(store: Store) -> None:
    """The generation that was rendered counts, not the moment of saying so."""
    commit(store, article(1))
    before = {feed.name: feed.generation for feed in store.feeds.all()}
    commit(store, article(2))
    store.feeds.rendered({"World": before["World"]})
    assert "World" in stale(store)


def test_moving_a_source_moves_its_articles(store: Store) -> None:
    """New categories in the config count for what is kept too; the article's own stay."""
    commit(store, article(1, categories=("World", "Own")))
    publish(store)
    store.sources.adopt([replace_source(NEWS, categories=("Globe",)), BLOG], NOW)
    assert kept(store)[0].article.categories == ("Globe", "Own")
    assert store.feeds.newest("World", 5) == ()
    assert len(store.feeds.newest("Globe", 5)) == 1
    assert stale(store) == {ALL, "World", "Own", "Globe"}


def test_every_category_keeps_count_of_its_articles(store: Store) -> None:
    """Through new articles, edits, other categories, sources that go and come, and pruning."""
    news = replace_source(NEWS, categories=("World",))

    def agree() -> None:
        query = (
            "select feeds.name, count(*) from placements join feeds on feeds.pk = feed group by feeds.name"
        )
        with store.database.snapshot() as connection:
            counted = {row[0]: row[1] for row in connection.exec_driver_sql(query)}
        assert {feed.name: feed.total for feed in store.feeds.all() if feed.total} == counted

    commit(store, *(article(n) for n in range(9)))
    agree()
    commit(store, article(1, title="Another"), article(2, categories=("World", "Tea", "Tea")))
    agree()
    store.sources.adopt([replace_source(news, categories=("Continents",))], NOW)
    agree()
    store.sources.adopt([], NOW)
    agree()
    assert not any(feed.total for feed in store.feeds.all())
    store.sources.adopt([news], NOW)
    commit(store, *(article(n, title="Back") for n in range(9)))
    agree()
    assert sum(store.articles.prune(Keep(max_articles=4), 1, NOW, source="news")) == 5
    agree()
    assert {feed.name: feed.total for feed in store.feeds.all()}[ALL] == 4


def test_a_source_no_longer_named_leaves_the_feeds_and_returns(store: Store) -> None:
    """Its articles are kept, and are back when it is."""
    commit(store, article(1))
    publish(store)
    store.sources.adopt([BLOG], NOW)
    assert len(kept(store)) == 1
    assert store.feeds.newest(ALL, 5) == ()
    assert stale(store) == {ALL, "World"}
    store.sources.adopt([NEWS, BLOG], NOW)
    assert len(store.feeds.newest("World", 5)) == 1


def test_a_moved_source_is_fetched_without_validators(store: Store) -> None:
    """Validators belong to an address."""
    commit(store, article(1))
    store.sources.adopt([replace_source(NEWS, url="https://example.org/new"), BLOG], NOW)
    assert store.sources.states(["news"])["news"].validators == {}


def test_a_failure_keeps_validators(store: Store) -> None:
    """What was known stays known; success clears the error."""
    commit(store, article(1))
    store.sources.fail("news", "unreachable", NOW)
    assert store.sources.states(["news"])["news"].validators == {"etag": '"1"'}
    query = "select error from sources where name = 'news'"
    with store.database.snapshot() as connection:
        assert fetch_rows(connection, query) == [("unreachable",)]
    commit(store, article(1))
    with store.database.snapshot() as connection:
        assert fetch_rows(connection, query) == [(None,)]


@SQLITE_ONLY
def test_a_store_of_version_3_is_brought_up_to_date(store: Store, tmp_path: Path) -> None:
    """It counted failures beside the schedule; all else stays, and new sources are added."""
    commit(store, article(1))
    store.close()
    file = tmp_path / "store.db"
    take_back(file, 3)
    with closing(sqlite3.connect(file, isolation_level=None)) as direct:
        direct.execute("update sources set failures = 7")
    for _ in range(2):
        new = Store(file)
        new.sources.adopt([NEWS, Source(name="new", url="https://new.example/feed")], NOW)
        assert {health.name: health.articles for health in new.sources.health()} == {
            "blog": 0,
            "new": 0,
            "news": 1,
        }
        assert new.sources.states(["news"])["news"].validators == {"etag": '"1"'}
        new.close()


def test_folder_and_feed_id_are_given_once(store: Store) -> None:
    """Subscribers rely on both."""
    commit(store, article(1))
    store.feeds.settle({"World": ("world", "urn:a")})
    store.feeds.settle({"World": ("other", "urn:b")})
    (world,) = (feed for feed in store.feeds.all() if feed.name == "World")
    assert (world.folder, world.feed_id) == ("world", "urn:a")


def test_a_store_survives_being_opened_again(place: StoreAddress) -> None:
    """What was saved is there for the next run."""
    for _ in range(2):
        store = Store(place)
        store.sources.adopt([NEWS], NOW)
        commit(store, article(1))
        assert len(kept(store)) == 1
        store.close()


def test_files_that_are_not_stores_are_refused(tmp_path: Path) -> None:
    """Another file, a folder, or a store of a later version: reported, and not changed."""
    (tmp_path / "text.db").write_text("not a database" * 100)
    with pytest.raises(StoreError, match=r"text\.db cannot be used: it is damaged"):
        Store(tmp_path / "text.db")
    assert (tmp_path / "text.db").read_text().startswith("not a database")
    with pytest.raises(StoreError):
        Store(tmp_path)
    Store(tmp_path / "new.db").close()
    with closing(sqlite3.connect(tmp_path / "new.db")) as direct, direct:
        direct.execute("update settings set value = '99' where name = 'schema'")
    with pytest.raises(StoreError, match="made by another version"):
        Store(tmp_path / "new.db")


def test_naive_dates_are_a_bug_not_a_guess(store: Store) -> None:
    """They raise before anything is saved."""
    with pytest.raises(TypeError):
        commit(store, article(1, published=datetime(2026, 1, 1)))  # noqa: DTZ001
    assert kept(store) == []


def test_dates_sort_alike_before_1970_and_after(store: Store) -> None:
    """Archives reach back further than Unix."""
    commit(store, article(1, published=datetime(1865, 4, 15, tzinfo=UTC)), article(2))
    assert [k.published.year for k in store.feeds.newest(ALL, 5)] == [2026, 1865]


def replace_source(source: Source, **changes: object) -> Source:
    """The same source, configured otherwise."""
    return source.model_copy(update=changes)
