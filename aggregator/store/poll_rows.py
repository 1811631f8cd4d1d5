"""Saving what a poll changes in the row of its source: one statement for many, in any database."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from aggregator.schedule.state import PollState
from aggregator.store.instants import microseconds
from aggregator.store.records import Update

__all__ = ["following_poll", "row_of", "statements"]

_SOURCES_AT_ONCE = 50

# PostgreSQL takes a column with only NULL for text.
_SAVE = """UPDATE sources SET polled = CAST(new.column2 AS BIGINT), succeeded = CAST(new.column2 AS BIGINT),
error = NULL, advice = NULL, validators = new.column3, body_hash = new.column4,
schedule = COALESCE(NULLIF(new.column5, ''), sources.schedule),
next_poll = CASE new.column5 WHEN '' THEN sources.next_poll ELSE CAST(new.column6 AS BIGINT) END,
is_gone = CASE new.column5 WHEN '' THEN sources.is_gone ELSE new.column6 IS NULL END,
reader_version = COALESCE(CAST(new.column7 AS INTEGER), sources.reader_version),
identity = COALESCE(new.column8, sources.identity),
title = COALESCE(NULLIF(new.column9, ''), sources.title)
FROM ({}) AS new WHERE sources.name = new.column1"""
_ROW = f"({', '.join('?' * 9)})"


def row_of(update: Update, now: datetime, reader_version: int | None) -> tuple[Any, ...]:
    """Returns the row of a source for `statements`; `reader_version`: None for the stored one."""
    following = update.schedule
    schedule = following.to_json() if following else ""
    due = microseconds(following.next_poll) if following and following.next_poll else None
    state = (json.dumps(dict(update.validators)), update.body_hash, schedule, due)
    return (update.source, microseconds(now), *state, reader_version, update.identity, update.title)


def statements(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, list[Any]]]:
    """Yields the statements that save these rows, in their order, and the values of each."""
    batch: dict[str, tuple[Any, ...]] = {}  # with two rows of a source, which one is saved is undefined
    for row in rows:
        if row[0] in batch or len(batch) == _SOURCES_AT_ONCE:
            yield _statement(batch.values())
            batch = {}
        batch[row[0]] = row
    if batch:
        yield _statement(batch.values())


def _statement(rows: Collection[tuple[Any, ...]]) -> tuple[str, list[Any]]:
    values = f"VALUES {', '.join([_ROW] * len(rows))}"
    return _SAVE.format(values), [*chain.from_iterable(rows)]


def following_poll(following: PollState | None) -> dict[str, Any]:
    """Returns the columns with the next poll of a source; {} for None, which keeps them."""
    if following is None:
        return {}
    return {
        "schedule": following,
        "next_poll": following.next_poll,
        "is_gone": following.next_poll is None,
    }
