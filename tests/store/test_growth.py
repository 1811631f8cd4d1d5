"""The cost of a run does not grow with the store: no statement reads all articles."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from tests.conftest import Answer, Server
from tests.support.site import Site, feed

_WHOLE = re.compile(r"SCAN (articles|revisions|placements|stories|story_keys|decisions|aliases|pages)\b")
_BOUNDED = (
    "revisions_without_link",  # an index of the few that have none
    "revisions_replaced",  # of earlier versions alone
)


@contextmanager
def _plans(site: Site) -> Iterator[list[str]]:
    """How SQLite reads for each SELECT that any store asks inside the `with` statement.

    As it would where it has no statistics: those of a store of three articles would make it read all three.
    """
    found: list[str] = []
    with closing(sqlite3.connect(site.home / "var" / "aggregator.db")) as store, suppress(sqlite3.Error):
        store.execute("DELETE FROM sqlite_stat1")
        store.commit()

    def explain(
        _connection: Any, cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if statement.startswith("SELECT") and not many:
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


def test_a_fetch_with_nothing_due_scans_no_table_of_articles(site: Site, server: Server) -> None:
    """Upkeep included, whether the day's is done or not."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2, 3))
    site.configure({"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]})
    site.run("fetch")
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
    server.pages["/a"] = Answer(body=feed("tea", 1, 2, 3))
    site.configure({"name": "Tea", "url": f"{server.url}/a", "categories": ["drinks"]})
    site.run("fetch")
    with _plans(site) as plans:
        site.run("fetch", "--force", "Tea")
    assert plans
    assert _of_all(plans) == []


def test_sources_are_counted_by_an_index(site: Site, server: Server) -> None:
    """Articles themselves are not looked at."""
    server.pages["/a"] = Answer(body=feed("tea", 1, 2, 3))
    site.configure({"name": "Tea", "url": f"{server.url}/a"})
    site.run("fetch")
    with _plans(site) as plans:
        site.run("sources")
    counting = [plan for plan in plans if re.match(r"\w+ articles\b", plan)]
    assert counting
    assert all("COVERING INDEX articles_newest" in plan for plan in counting)
