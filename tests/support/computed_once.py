"""Values that commands compute at their start, computed once in each test process: a third of a fetch."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from aggregator.store.database import Database
from aggregator.store.migrations import upgrade


@contextmanager
def statements_are_compiled_once() -> Iterator[None]:
    """SQLAlchemy compiles each statement once an engine: the engines of SQLite share what they compiled.

    The key of a compiled statement has the dialect, so those that are set alike count as one.
    """
    compiled: LRUCache[Any, Any] = LRUCache(5_000)
    create_engine = sa.create_engine

    def settings(dialect: Any) -> tuple[object, ...]:
        return (type(dialect), dialect._json_serializer, dialect._json_deserializer)

    def sharing(*args: Any, **kwargs: Any) -> sa.Engine:
        engine = create_engine(*args, **kwargs)
        if isinstance(engine.dialect, SQLiteDialect_pysqlite):
            engine._compiled_cache = compiled
        return engine

    def equal(one: Any, other: object) -> bool:
        return isinstance(other, SQLiteDialect_pysqlite) and settings(one) == settings(other)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SQLiteDialect_pysqlite, "__eq__", equal)
        patch.setattr(SQLiteDialect_pysqlite, "__hash__", lambda dialect: hash(settings(dialect)))
        patch.setattr(sa, "create_engine", sharing)
        yield


@contextmanager
def empty_stores_are_made_once() -> Iterator[None]:
    """A new file begins as a copy of one that was really made: its tables are most of what it costs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        Database(path).close()
        empty = path.read_bytes()

    def filled(path: Path) -> None:
        if not path.stat().st_size:
            path.write_bytes(empty)
        upgrade(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aggregator.store.sqlite.file.upgrade", filled)
        yield
