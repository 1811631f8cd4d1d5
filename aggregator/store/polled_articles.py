"""The facts of a source's articles that a poll needs: one query, in any database, without SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
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
    fingerprints, files, newest = set[str](), dict[str, str](), []
    for id_, state, published, mark, version, file in rows:
        if state == FOUND:
            newest.append(published)
        elif state == WITHDRAWN:
            continue  # it must be read again when its file is back
        if mark and version == reader_version:
            fingerprints.add(mark)
        if file:
            files[id_] = file
    newest.sort(reverse=True)
    return PolledArticles(
        fingerprints=frozenset(fingerprints), files=files, newest=tuple(map(moment, newest[:dates]))
    )
