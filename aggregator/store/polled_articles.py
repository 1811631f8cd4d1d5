"""The facts of a source's articles that a poll needs: one query, in any database, without SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from heapq import nlargest
from typing import Any

from aggregator.store.article_states import FOUND, WITHDRAWN
from aggregator.store.records import PolledArticles

__all__ = ["OF_SOURCE", "from_rows"]

OF_SOURCE = "SELECT id, state, published, fingerprint, reader_version, file FROM articles WHERE source = ?"
"""The query of the rows, by the name of the source."""


def from_rows(
    rows: Sequence[tuple[Any, ...]], reader_version: int, dates: int, moment: Callable[[Any], datetime]
) -> PolledArticles:
    """Returns what the rows of `OF_SOURCE` say, with at most `dates` dates, which `moment` converts."""
    # A withdrawn article must be read again when its file is back.
    there = [row for row in rows if row[1] != WITHDRAWN]
    newest = nlargest(dates, (published for _, state, published, *_ in rows if state == FOUND))
    return PolledArticles(
        fingerprints=frozenset(mark for *_, mark, version, _ in there if mark and version == reader_version),
        files={id_: file for id_, *_, file in there if file},
        newest=tuple(map(moment, newest)),
    )
