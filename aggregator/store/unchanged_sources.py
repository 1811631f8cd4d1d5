"""Saving polls that change nothing but their sources: one statement for many, in any database."""

from __future__ import annotations

import json
from typing import Any

from aggregator.schedule.state import PollState
from aggregator.store.instants import microseconds
from aggregator.store.records import Update

__all__ = ["SOURCES_AT_ONCE", "UNCHANGED", "row_of"]

SOURCES_AT_ONCE = 50

# PostgreSQL takes a column with only NULL for text.
UNCHANGED = """UPDATE sources SET polled = ?, succeeded = ?, error = NULL, advice = NULL, is_gone = FALSE,
validators = new.column2, body_hash = new.column3, schedule = new.column4,
next_poll = CAST(new.column5 AS BIGINT),
reader_version = COALESCE(CAST(new.column6 AS INTEGER), sources.reader_version),
identity = COALESCE(new.column7, sources.identity),
title = COALESCE(NULLIF(new.column8, ''), sources.title)
FROM ({}) AS new WHERE sources.name = new.column1"""
"""The time of the poll, twice; then in place of `{}` VALUES with a row of eight for each source."""


def row_of(update: Update) -> tuple[Any, ...]:
    """Returns the row of a source for `UNCHANGED`."""
    following = update.schedule or PollState()
    due = None if following.next_poll is None else microseconds(following.next_poll)
    schedule = update.schedule.to_json() if update.schedule else ""
    state = (json.dumps(dict(update.validators)), update.body_hash, schedule, due)
    return (update.source, *state, update.reader_version, update.identity, update.title)
