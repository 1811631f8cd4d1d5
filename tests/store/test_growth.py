"""The cost of a run does not grow with the store: no statement reads all articles."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from aggregator.config.load import Keep, Source, load
from aggregator.model.article import Article
from aggregator.store import Found, Store, Update
from tests.conftest import NOW, Answer, Server
from tests.support.site import Site, feed

_WHOLE = re.compile(r"SCAN (articles|revisions|placements|stories|story_keys|decisions|aliases|pages)\b")
_BOUNDED = (
    "revisions_without_link",  # an index of the few that have none
    "revisions_replaced",  # of earlier versions alone
    "articles_unindexed",  # of those that came after the last search
)


@contextmanager
def _plans(site: Site) -> Iterator[list[str]]:
    """How SQLite reads for each SELECT or DELETE that any store asks inside the `with` statement.

    A fetch in it opens the whole store, as it may not rely on the run before.
    """
    found: list[str] = []
    (site.home / "var" / "aggregator.db.settled").unlink(missing_ok=True)

    def explain(
        _connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if statement.startswith(("SELECT", "DELETE")) and not many:
            rows = cursor.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.extend(f"{row[3]}: {statement}" for row in rows.fetchall())

    sa.event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        sa.event.remove(Engine, "before_cursor_execute", explain)


def _of_all(plans: list[str]) -> list[str]:
    return [
        plan
        for plan in plans
        if _WHOLE.search(plan.partition(":")[0])
        and not any(name in plan for name in _BOUNDED)
        and "SELECT EXISTS" not in plan  # which ends with the first row
    ]


def _follow(site: Site, server: Server, **settings: Any) -> None:
    """Follows and polls a source with three articles, with these settings."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2, 3))
    site.configure({"name": "Tea", "url": f"{server.url}/a", **settings})
    site.run("fetch")


def test_a_fetch_with_nothing_due_scans_no_table_of_articles(site: Site, server: Server) -> None:
    """Upkeep included, whether the day's is done or not."""
    _follow(site, server, categories=["drinks"])
    retention = {"max_age": "3650d", "max_articles": 1_000}
    site.configure(
        {"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"], "retention": retention}
    )
    for _ in range(2):
        with _plans(site) as plans:
            site.run("fetch")
        assert plans
        assert _of_all(plans) == []


def test_a_fetch_that_finds_nothing_new_scans_no_table_of_articles(site: Site, server: Server) -> None:
    """One source polled, its document as before."""
    _follow(site, server, categories=["drinks"])
    with _plans(site) as plans:
        site.run("fetch", "--force", "Tea")
    assert plans
    assert _of_all(plans) == []


def test_sources_are_counted_by_an_index(site: Site, server: Server) -> None:
    """Articles themselves are not looked at."""
    _follow(site, server)
    with _plans(site) as plans:
        site.run("sources")
    counting = [plan for plan in plans if re.match(r"\w+ articles\b", plan)]
    assert counting
    assert all("COVERING INDEX articles_newest" in plan for plan in counting)


def test_upkeep_drops_statistics_that_earlier_versions_made(site: Site, server: Server) -> None:
    """Statistics of a few articles would make queries read all of a million that came since."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2, 3))
    source = {"name": "Tea", "url": f"{server.url}/a"}
    site.configure(source)
    site.run("fetch")
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as store:
        store.execute("ANALYZE")
        assert store.execute("SELECT 1 FROM sqlite_stat1").fetchone()
    site.configure(source, retention={"max_age": "3650d"})  # so that the day's upkeep is due again
    assert site.run("fetch").exit_code == 0
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as store:
        assert not store.execute("SELECT 1 FROM sqlite_master WHERE name LIKE 'sqlite_stat%'").fetchone()


def test_a_search_scans_no_table_of_articles(site: Site, server: Server) -> None:
    """Once all are in the index; also if the query has more than words, or no words, or some came since."""
    _follow(site, server)
    site.run("search", "tea")
    server.pages["/a"] = Answer(body=feed("tea", 2, 3, 4))
    site.run("fetch", "--force")
    dated = ("tea published:<now", "published:<now", "published:>2000-01-01 published:<now")
    for query in ("tea", "tea", *dated, "title:tea OR tag:tea", "tea AND (tea OR text:4)"):
        with _plans(site) as plans:
            assert "tea 4" in site.run("search", query).output
        assert plans
        assert _of_all(plans) == []


def test_an_article_is_found_by_its_id_without_a_scan_of_articles(site: Site, server: Server) -> None:
    """Links have no index: all revisions are read for them, and the few earlier ids."""
    _follow(site, server)
    for command in ("why", "versions"):
        with _plans(site) as plans:
            assert site.run(command, "https://tea.example/1").exit_code == 0
        assert plans
        assert not [plan for plan in _of_all(plans) if not re.match("SCAN (revisions|aliases)", plan)]


def test_a_new_guid_of_a_known_article_is_found_by_numbers(site: Site, server: Server) -> None:
    """Not by reading all articles of the source."""
    _follow(site, server)
    other = feed("tea", 1, 2, 3).replace(b"<guid>https://tea.example/3", b"<guid>urn:tea:3")
    server.pages["/a"] = Answer(body=other)
    with _plans(site) as plans:
        assert "0 new" in site.run("fetch", "--force").output
    asked = [plan for plan in plans if "articles.pk IN" in plan and plan.startswith("SEARCH articles ")]
    assert asked
    assert all("USING INTEGER PRIMARY KEY" in plan for plan in asked)


def _filled(site: Site, count: int) -> Store:
    """A store with so many articles of one source."""
    store = Store(load(site.file).store)
    store.sources.adopt([Source(name="Tea", url="https://tea.example/feed", categories=("drinks",))], NOW)
    found = [
        Found(
            Article(source="Tea", id=f"{n}", published=NOW - n * timedelta(hours=1), categories=("drinks",)),
            f"{n}",
        )
        for n in range(count)
    ]
    store.sources.commit(Update(source="Tea", validators={}, body_hash=None, found=found), NOW)
    return store


def _steps_for_sources(site: Site, count: int) -> int:
    """How many steps of SQLite's machine it takes to count so many articles of a source."""
    steps = [0]

    def step() -> None:
        steps[0] += 1

    with closing(_filled(site, count)) as store:
        with store.database.snapshot() as connection:  # the pool has one connection
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(step, 1)
        (tea,) = store.sources.health(["Tea"])
        driver.set_progress_handler(None, 0)
    assert (tea.articles, tea.newest) == (count, NOW)
    return steps[0]


def test_counting_articles_of_a_source_takes_few_steps_for_each(tmp_path: Any) -> None:
    """It is all that `sources` does for each article: 1,000,000 take less than a fifth of that command."""
    few, many = (_steps_for_sources(Site(tmp_path / f"{n}"), n) for n in (10, 1_010))
    assert many - few <= 6 * 1_000


def test_a_category_that_has_not_too_many_articles_is_not_read(site: Site) -> None:
    """How many it has is known."""
    with closing(_filled(site, 10)) as store:
        with _plans(site) as plans:
            assert sum(store.articles.prune(Keep(max_articles=10), 1, NOW, category="drinks")) == 0
        assert plans
        assert not [plan for plan in plans if "placements" in plan]
        assert [*store.articles.prune(Keep(max_articles=7), 1, NOW, category="drinks")][-1] == 3
