"""Stories in the store: who joins, which is shown in which feed, what is left, and what a crash leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from aggregator.app.stories import StoryPolicy
from aggregator.config.load import Config, Keep, Source, StoriesSettings
from aggregator.config.store_address import StoreAddress
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.store import ALL, Found, Store, Update
from aggregator.store.raw_sql import fetch_rows
from aggregator.store.story_changes import HOT
from tests.conftest import NOW

SOURCES = tuple(Source(name=n, url=f"https://{n}.example/feed", categories=("News",)) for n in "abcd")
TITLE = "Baggage handlers at Corran airport walk out over night shifts"
AGENCY = " ".join(
    f"sentence{n} of what the harbour office of Tolmar said about its ferries" for n in range(40)
)


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """A store that finds stories; nothing is in it."""
    opened = Store(place, stories=StoryPolicy(Config(sources=SOURCES)))
    opened.sources.adopt(SOURCES, NOW)
    yield opened
    opened.close()


def article(source: str, **changes: Any) -> Article:
    """Returns what a source wrote of the story."""
    made = Article(
        source=source,
        id=f"urn:{source}",
        title=TITLE,
        link=f"https://{source}.example/1",
        published=NOW,
        categories=("News",),
        content=f"<p>{source} has words of its own for that.</p>",
    )
    return replace(made, **changes)


def commit(store: Store, *articles: Article, hours: int = 1, withdrawn: tuple[str, ...] = ()) -> None:
    """One poll of one source, each article from a file of its own."""
    source = articles[0].source if articles else withdrawn[0][4]
    found = [Found(each, f"mark {each.content}", each.id) for each in articles]
    update = Update(source=source, validators={}, body_hash=None, found=found, withdrawn=withdrawn)
    store.sources.commit(update, NOW + timedelta(hours=hours))


def shown(store: Store, feed: str = ALL) -> set[str]:
    """The ids in a feed."""
    return {each.uid for each in store.feeds.newest(feed, 99)}


def members(store: Store) -> list[list[tuple[str, str]]]:
    """Each story's members, by their ids, with why they are there."""
    return [[(each.stored.uid, each.code) for each in story.members] for story in store.stories.all()]


def stale(store: Store) -> set[str]:
    """The feeds that are to be published, which then are."""
    found = {each.name for each in store.feeds.all() if each.is_stale}
    store.feeds.rendered({each.name: each.generation for each in store.feeds.all()})
    return found


def test_every_way_of_joining_stories(store: Store) -> None:
    """By title, by link, by text; the totals of feeds follow."""
    commit(store, article("a", content=f"<p>{AGENCY}</p>"))
    commit(store, article("b"), hours=2)
    commit(store, article("c", title="Untitled", link="http://www.a.example/1?utm_source=x"), hours=3)
    commit(store, article("d", title="Strike at the airport", content=f"<p>{AGENCY}</p>"), hours=4)
    assert members(store) == [[("urn:a", ""), ("urn:b", "title"), ("urn:c", "link"), ("urn:d", "text")]]
    assert (shown(store), len(shown(store, "News"))) == ({"urn:a"}, 4)
    assert {each.name: each.total for each in store.feeds.all()} == {ALL: 1, "News": 4}


def test_a_joining_article_makes_the_feeds_of_the_shown_one_stale(store: Store) -> None:
    """As that one names it now."""
    commit(store, article("a"))
    stale(store)
    commit(store, article("b", categories=()), hours=2)
    assert stale(store) == {ALL, "News"}
    (mine,) = store.articles.named("urn:a")
    assert [each.uid for each in store.stories.others([mine.pk])[mine.pk]] == ["urn:b"]


def test_a_withdrawn_article_leaves_its_story_and_returns_to_its_place(store: Store) -> None:
    """The next one stands there meanwhile."""
    commit(store, article("a"))
    commit(store, article("b"), hours=2)
    commit(store, withdrawn=("urn:a",), hours=3)
    assert (shown(store), shown(store, "News")) == ({"urn:b"}, {"urn:b"})
    (left,) = store.articles.named("urn:b")
    assert store.stories.others([left.pk]) == {}
    commit(store, article("a"), hours=4)
    assert shown(store) == {"urn:a"}


def test_a_pruned_article_leaves_its_story(store: Store) -> None:
    """One article alone tells no story; nothing is left of the other one but its id."""
    commit(store, article("a", published=NOW - timedelta(days=1)), article("a", id="urn:a2", title="New"))
    commit(store, article("b"), hours=2)
    assert sum(store.articles.prune(Keep(max_articles=1), 1, NOW + timedelta(hours=3), source="a")) == 1
    assert (shown(store), members(store)) == ({"urn:a2", "urn:b"}, [])
    store.stories.tidy()
    with store.database.snapshot() as connection:
        left = connection.exec_driver_sql("select distinct article from story_keys order by article")
        assert left.scalars().all() == [2, 3]


def test_a_story_has_at_most_one_article_of_a_source(store: Store) -> None:
    """The second one joins the second of the other source; the third one tells its own."""
    commit(store, article("a"), article("a", id="urn:a2"))
    commit(store, article("b"), article("b", id="urn:b2"), hours=2)
    assert members(store) == [[("urn:a", ""), ("urn:b", "title")], [("urn:a2", ""), ("urn:b2", "title")]]
    commit(store, article("b", id="urn:b3"), hours=3)
    assert shown(store) == {"urn:a", "urn:a2", "urn:b3"}


def test_an_edited_article_joins_no_story_but_others_may_join_it(store: Store) -> None:
    """What was shown stays where it is; in the run that found it, it was not shown yet."""
    commit(store, article("a"))
    commit(store, article("b", title="Airport"), hours=2)
    commit(store, article("b", content="<p>Edited</p>"), hours=3)
    assert shown(store) == {"urn:a", "urn:b"}
    commit(store, article("c", title="Trains"), hours=4)
    commit(store, article("c", content="<p>At once</p>"), hours=4)
    assert shown(store) == {"urn:a", "urn:b"}
    assert members(store) == [[("urn:a", ""), ("urn:c", "title")]]


def test_keys_that_very_many_articles_share_are_ignored(store: Store) -> None:
    """Other keys of the article are still used."""
    many = [article("a", id=f"urn:{n}", link="https://a.example/") for n in range(HOT + 1)]
    commit(store, *many)
    commit(store, article("b"), hours=2)
    assert members(store) == []
    commit(store, article("c", link="https://b.example/1"), hours=3)
    assert members(store) == [[("urn:b", ""), ("urn:c", "link")]]


def test_switched_off_nothing_is_kept_of_an_article(place: StoreAddress) -> None:
    """And no article is looked for in stories."""
    config = Config(sources=SOURCES, stories=StoriesSettings(find=False))
    store = Store(place, stories=StoryPolicy(config))
    store.sources.adopt(SOURCES, NOW)
    commit(store, article("a"))
    commit(store, article("b"), hours=2)
    assert shown(store) == {"urn:a", "urn:b"}
    with store.database.snapshot() as connection:
        assert fetch_rows(connection, "select count(*) from story_keys") == [(0,)]
    store.close()


def test_a_story_is_saved_with_its_article_or_not_at_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll that is killed before its transaction ends leaves nothing; again, the same comes of it."""
    commit(store, article("a"))

    def die(_self: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("aggregator.store.write_placements.PlacementWriter.save", die)
        with pytest.raises(KeyboardInterrupt):
            commit(store, article("b"), hours=2)
    with store.database.snapshot() as connection:
        assert fetch_rows(connection, "select count(*) from stories") == [(0,)]
        assert fetch_rows(connection, "select count(distinct article) from story_keys") == [(1,)]
    commit(store, article("b"), hours=2)
    assert members(store) == [[("urn:a", ""), ("urn:b", "title")]]


def test_a_rebuild_of_stories_continues_where_it_was_stopped(
    place: StoreAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older articles are shown before those that came after; nothing is joined before it."""
    plain = Store(place)
    plain.sources.adopt(SOURCES, NOW)
    commit(plain, article("a"), article("a", id="urn:a2", title="Another thing entirely, in many words"))
    commit(plain, article("b"), hours=2)
    plain.close()
    monkeypatch.setattr("aggregator.store.stories._BATCH", 2)
    store = Store(place, stories=StoryPolicy(Config(sources=SOURCES)))
    commit(store, article("c"), hours=3)
    assert shown(store) == {"urn:a", "urn:a2", "urn:b", "urn:c"}
    assert next(store.stories.rebuild(NOW + timedelta(hours=4)))[:2] == (2, 1)
    assert shown(store) == {"urn:a", "urn:a2", "urn:b"}
    assert sum(joined for _, joined, _ in store.stories.rebuild(NOW + timedelta(hours=5))) == 1
    assert shown(store) == {"urn:a", "urn:a2"}
    assert [uid for uid, _ in members(store)[0]] == ["urn:a", "urn:b", "urn:c"]
    store.close()
