"""Indexes of a SQLite store that an earlier version made."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from aggregator.config.load import Source
from aggregator.model.article import Article
from aggregator.store import Found, Store, Update
from tests.conftest import NOW

SOURCE = Source(name="news", url="https://example.org/feed", categories=("World",))
NAME = "revisions_without_link"


def index(file: Path) -> str:
    """The statement that made the index."""
    with closing(sqlite3.connect(file)) as connection:
        (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [NAME]).fetchone()
    return str(made)


def opened(file: Path) -> set[str]:
    """The ids of the articles that get pages, by a store that is opened for it."""
    with closing(Store(file)) as store:
        pages = store.articles_with_pages
        return {kept.article.id for kept in pages.some([one.pk for one in pages.shown().values()])}


def test_an_index_with_another_condition_is_made_anew(tmp_path: Path) -> None:
    """SQLite uses an index only for the condition with which it was made; a missing one is made too."""
    file = tmp_path / "store.db"
    with closing(Store(file)) as store:
        store.sources.adopt([SOURCE], NOW)
        links = {"a": None, "b": "https://example.org/b"}
        found = [
            Found(Article(source="news", id=id_, link=link, published=NOW, categories=("World",)))
            for id_, link in links.items()
        ]
        store.sources.commit(Update(source="news", validators={}, body_hash=None, found=found), NOW)
    wanted = index(file)
    former = f"CREATE INDEX {NAME} ON revisions (article) WHERE json_extract(data, '$.link') IS NULL"
    for statement in (former, ""):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(f"DROP INDEX {NAME}")
            connection.execute(statement or "SELECT 1")
            connection.commit()
        assert opened(file) == {"a"}
        assert index(file) == wanted
