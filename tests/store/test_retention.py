"""Retention, on a real SQLite file: what is let go, what never is, and that nothing comes back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.app import app
from aggregator.app.status import source_health
from aggregator.config import load as config
from aggregator.config.load import Keep, Source
from aggregator.config.store_address import StoreAddress
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.store import ALL, Found, Store, Update, retention
from tests.conftest import NOW, SQLITE_ONLY, Answer, Server
from tests.support.older_stores import take_back
from tests.support.site import Site, feed

NEWS = Source(name="news", url="https://example.org/feed", categories=("World",))
BLOG = Source(name="blog", url="https://example.net/feed", categories=("Diary",))
DAY = timedelta(days=1)


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """A store that knows two sources."""
    opened = Store(place)
    opened.sources.adopt([NEWS, BLOG], NOW)
    yield opened
    opened.close()


def articles(*numbers: int, source: str = "news", category: str = "World") -> list[Article]:
    """Articles of one source; each is as many days old as its number says."""
    return [
        Article(
            source=source,
            id=f"https://{source}.example/{n}",
            title=f"Title {n}",
            published=NOW - n * DAY,
            categories=(category,),
            content="<p>Body</p>",
        )
        for n in numbers
    ]


def commit(store: Store, made: Sequence[Article], now: Any = NOW) -> tuple[int, int, int]:
    """One poll's articles saved: how many were new, changed, unchanged."""
    found = [Found(a, f"mark {a.id} {a.title}", f"{a.title}.md") for a in made]
    saved = store.sources.commit(
        Update(source=made[0].source, validators={}, body_hash=None, found=found), now
    )
    return saved.new, saved.changed, saved.unchanged


def ages(store: Store) -> list[int]:
    """How many days old is what the store has, newest first."""
    return sorted((NOW - kept.published).days for kept in store.articles.all())


def stale(store: Store) -> set[str]:
    """The names of the feeds that must be rendered."""
    return {feed.name for feed in store.feeds.all() if feed.is_stale}


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (Keep(max_age=5 * DAY), [0, 1, 2, 3, 4, 5]),
        (Keep(max_articles=3), [0, 1, 2]),
        (Keep(max_age=5 * DAY, max_articles=8), [0, 1, 2, 3, 4, 5]),
        (Keep(max_age=8 * DAY, max_articles=4), [0, 1, 2, 3]),
        (Keep(max_articles=10), list(range(10))),
        (Keep(max_age=timedelta(weeks=999_999)), list(range(10))),
        (Keep(), list(range(10))),
    ],
    ids=["age", "count", "age is stricter", "count is stricter", "enough room", "for ever", "no limit"],
)
def test_articles_over_age_or_number_are_pruned(store: Store, keep: Keep, left: list[int]) -> None:
    """The oldest go first; another source keeps all it has."""
    commit(store, articles(*range(10)))
    commit(store, articles(90, source="blog", category="Diary"))
    assert sum(store.articles.prune(keep, 1, NOW, source="news")) == 10 - len(left)
    assert ages(store) == [*left, 90]


def test_an_article_without_a_date_ages_from_when_it_was_first_seen(store: Store) -> None:
    """It stands below those with one, and would be gone at once; among too many it goes by its place."""
    undated = [replace(each, published=None) for each in articles(20, 21)]
    found = [Found(each, each.id, stands_at=NOW - n * DAY) for n, each in zip((20, 21), undated, strict=True)]
    store.sources.commit(
        Update(source="news", validators={}, body_hash=None, found=[*found, *map(Found, articles(1, 9))]), NOW
    )
    keep = Keep(max_age=5 * DAY)
    list(store.articles.prune(keep, 1, NOW, source="news"))
    assert ages(store) == [1, 20, 21]
    list(store.articles.prune(Keep(max_age=5 * DAY, max_articles=2), 1, NOW + 4 * DAY, source="news"))
    assert ages(store) == [1, 20]
    list(store.articles.prune(keep, 1, NOW + 6 * DAY, source="news"))
    assert ages(store) == [1]


def test_a_pruned_article_never_comes_back(store: Store) -> None:
    """The feed lists it still, unchanged and edited: it counts as known, under its mark, and stays away."""
    made = articles(*range(4))
    commit(store, made)
    assert sum(store.articles.prune(Keep(max_articles=2), 1, NOW, source="news")) == 2
    assert commit(store, made) == (0, 0, 4)
    assert f"mark {made[3].id} Title 3" in store.articles.going_by("news").fingerprints
    edited = replace(made[3], title="Edited")
    assert commit(store, [edited]) == (0, 0, 1)
    assert f"mark {made[3].id} Edited" in store.articles.going_by("news").fingerprints
    assert ages(store) == [0, 1]


def test_the_id_of_a_pruned_article_stays_reserved(store: Store) -> None:
    """Another source that uses the same id gets a uid of its own; subscribers know the old one."""
    made = articles(0, 9)
    commit(store, made)
    assert sum(store.articles.prune(Keep(max_age=DAY), 1, NOW, source="news")) == 1
    commit(store, [replace(made[1], source="blog")])
    (other,) = store.articles.all("blog")
    assert other.uid.startswith("urn:uuid:")


def test_the_file_of_a_pruned_article_keeps_its_id(store: Store) -> None:
    """Or a second file with that id would take it over, and be thrown away as pruned."""
    made = articles(0, 9)
    commit(store, made)
    list(store.articles.prune(Keep(max_age=DAY), 1, NOW, source="news"))
    assert store.articles.going_by("news").files == {made[0].id: "Title 0.md", made[1].id: "Title 9.md"}


def test_articles_shown_by_a_feed_are_never_pruned(store: Store) -> None:
    """Neither in the feed of all nor in that of a category, however old it is."""
    commit(store, articles(*range(6)))
    commit(store, articles(70, 80, 90, source="blog", category="Diary"))
    limits = Keep(max_age=DAY, max_articles=1)
    assert sum(store.articles.prune(limits, 2, NOW, source="blog")) == 1
    assert sum(store.articles.prune(limits, 2, NOW, source="news")) == 4
    assert [k.published for k in store.feeds.newest("Diary", 2)] == [NOW - 70 * DAY, NOW - 80 * DAY]
    assert ages(store) == [0, 1, 70, 80]


def test_with_empty_feeds_the_newest_article_is_pruned_too(store: Store) -> None:
    """A window of 0: no offset is below 0, which SQLite would take for 0 and PostgreSQL refuse."""
    commit(store, articles(*range(5, 9)))
    limits = Keep(max_age=DAY)
    assert sum(store.articles.prune(limits, 0, NOW, source="news")) == 4
    assert ages(store) == []
    assert sum(store.articles.prune(limits, 0, NOW, source="news")) == 0


def test_only_the_feeds_that_had_a_pruned_article_become_stale(store: Store) -> None:
    """And no others."""
    commit(store, articles(*range(4)))
    commit(store, articles(1, source="blog", category="Diary"))
    for category in store.feeds.all():
        store.feeds.rendered({category.name: category.generation})
    assert sum(store.articles.prune(Keep(max_articles=2), 1, NOW, source="news")) == 2
    assert stale(store) == {ALL, "World"}
    assert sum(store.articles.prune(Keep(max_articles=2), 1, NOW, source="news")) == 0


def test_a_category_can_be_limited_to_a_number_of_articles(store: Store) -> None:
    """Whatever source its articles are of."""
    commit(store, articles(*range(4)))
    commit(store, articles(4, 5, source="blog", category="World"))
    commit(store, articles(80, source="blog", category="Diary"))
    assert sum(store.articles.prune(Keep(max_articles=2), 1, NOW, category="World")) == 4
    assert ages(store) == [0, 1, 80]


def test_equal_dates_are_counted_exactly(store: Store) -> None:
    """As in a feed without dates; the batches lose none and take none twice."""
    same = [replace(a, published=NOW - DAY) for a in articles(*range(1, 30))]
    commit(store, [*same, *articles(0)])
    assert sum(store.articles.prune(Keep(max_articles=8), 1, NOW, source="news")) == 22
    assert len(list(store.articles.all())) == 8


def test_pruning_is_done_in_batches(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a transaction of its own; what is shown in between holds up none of the rest."""
    monkeypatch.setattr(retention, "_BATCH", 4)
    commit(store, articles(*range(12)))
    commit(store, articles(50, 60, 70, category="Rare"))
    steps = list(store.articles.prune(Keep(max_articles=1), 2, NOW, source="news"))
    assert max(steps) <= 4
    assert sum(steps) == 11
    assert ages(store) == [0, 1, 50, 60]


def test_a_killed_pruning_continues_at_the_next_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was pruned until then is whole: tombstones and no articles."""
    monkeypatch.setattr(retention, "_BATCH", 4)
    made = articles(*range(10))
    commit(store, made)
    assert next(store.articles.prune(Keep(max_articles=1), 1, NOW, source="news")) == 4
    assert commit(store, made) == (0, 0, 10)
    assert sum(store.articles.prune(Keep(max_articles=1), 1, NOW, source="news")) == 5


def test_earlier_versions_go_with_their_article_or_by_age(store: Store) -> None:
    """An article that stays keeps the versions that are young enough."""
    (first,) = articles(0)
    for n, later in enumerate((0, 1, 30)):
        commit(store, [replace(first, title=str(n))], NOW + later * DAY)
    assert len(store.articles.earlier_versions(first.id)) == 2
    list(store.articles.prune(Keep(max_age=10 * DAY), 1, NOW + 31 * DAY, source="news"))
    assert [v.article.title for v in store.articles.earlier_versions(first.id)] == ["1"]
    commit(store, articles(-20), NOW + 31 * DAY)
    assert sum(store.articles.prune(Keep(max_age=10 * DAY), 1, NOW + 32 * DAY, source="news")) == 1
    assert store.articles.earlier_versions(first.id) == ()


@SQLITE_ONLY
def test_the_stores_file_shrinks_when_much_of_it_is_unused(store: Store, tmp_path: Path) -> None:
    """A store of 20 MB of which nothing is left gives its pages back; a little is not worth it."""
    file = tmp_path / "store.db"

    def tidied() -> None:
        store.database.tidy()
        sqlite: Any = store.database.dialect
        sqlite.checkpoint.end()

    large = [replace(a, content="x" * 100_000) for a in articles(*range(200))]
    commit(store, large)
    tidied()
    before = file.stat().st_size
    assert before > 20_000_000
    assert sum(store.articles.prune(Keep(max_articles=180), 1, NOW, source="news")) == 20
    tidied()
    assert file.stat().st_size == before
    assert sum(store.articles.prune(Keep(max_articles=2), 1, NOW, source="news")) == 178
    tidied()
    assert file.stat().st_size < 1_000_000
    assert ages(store) == [0, 1]


def test_a_file_that_was_made_without_auto_vacuum_shrinks_too(tmp_path: Path) -> None:
    """It is rewritten once."""
    file = tmp_path / "store.db"
    with closing(Store(file)) as store:
        store.sources.adopt([NEWS], NOW)
        commit(store, [replace(a, content="x" * 200_000) for a in articles(*range(100))])
    with closing(sqlite3.connect(file, isolation_level=None)) as direct:
        for statement in ("PRAGMA journal_mode=DELETE", "PRAGMA auto_vacuum=NONE", "VACUUM"):
            direct.execute(statement)
    with closing(Store(file)) as store:
        list(store.articles.prune(Keep(max_articles=2), 1, NOW, source="news"))
        store.database.tidy()
    assert file.stat().st_size < 1_000_000
    with closing(sqlite3.connect(file)) as direct:
        assert direct.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_a_store_of_the_version_before_is_brought_up_to_date(tmp_path: Path) -> None:
    """Articles stay; what is new works, giving back room included."""
    file = tmp_path / "old.db"
    old = Store(file)
    old.sources.adopt([NEWS], NOW)
    commit(old, [replace(a, content="x" * 200_000) for a in articles(*range(100))])
    old.close()
    take_back(file, 1)
    for _ in range(2):
        new = Store(file)
        new.sources.adopt([NEWS], NOW)
        assert ages(new)[:2] == [0, 1]
        list(new.articles.prune(Keep(max_articles=2), 1, NOW, source="news"))
        new.database.tidy()
        new.sources.move("news", "https://example.org/new")
        assert new.sources.moves() == {"news": "https://example.org/new"}
        new.close()
    assert file.stat().st_size < 1_000_000


def test_fetch_prunes_once_a_day_and_when_the_rules_change(site: Site, server: Server) -> None:
    """From the config to the feeds; the feed that lists them still brings none back."""
    body = feed("a", *range(1, 9))
    server.pages["/a"] = Answer(200, {}, body)
    a: dict[str, Any] = {"name": "a", "url": f"{server.url}/a", "categories": ["X"]}
    site.configure(a, entries_per_feed=2)
    assert "pruned" not in site.run("fetch").stdout
    site.configure(a, entries_per_feed=2)
    site.file.write_text(site.file.read_text() + "\n[retention]\nmax_articles = 5\n")
    assert "pruned 3 articles" in site.run("fetch").stdout
    assert json.loads(site.run("fetch", "--refetch", "--json").stdout)["pruned"] == 0
    assert json.loads(site.run("sources", "--json").stdout)["sources"][0]["articles"] == 5
    assert [p.name for p in site.output.iterdir()]
    assert site.files()["X/atom.xml"].count(b"<entry>") == 2


def test_upkeep_uses_the_retention_of_a_source(site: Site, server: Server) -> None:
    """An empty table keeps everything; upkeep of the next day is another."""
    for name in ("a", "b", "c"):
        server.pages[f"/{name}"] = Answer(200, {}, feed(name, *range(1, 9)))
    site.configure(*({"name": n, "url": f"{server.url}/{n}", "categories": [n]} for n in "abc"))
    text = site.file.read_text().replace('name = "b"', 'name = "b"\nretention = {}')
    text = text.replace('name = "c"', 'name = "c"\nretention = { max_articles = 6 }')
    text = f"entries_per_feed = 1\n{text}\n[retention]\nmax_articles = 3\ncategories = {{ c = 4 }}\n"
    site.file.write_text(text)
    loaded = config.load(site.file)
    with app.App(loaded, NOW) as opened:
        assert sum(opened.upkeep(NOW)) == 0
        list(opened.fetch(loaded.select(()), NOW))
        assert sum(opened.upkeep(NOW)) == 0
        assert sum(opened.upkeep(NOW + DAY)) == 5 + 4
    assert [each.articles for each in source_health(loaded, NOW)] == [3, 8, 4]
