"""The dates of an article in its source, if they differ from those that we gave it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from aggregator.model.article import Article
from aggregator.store.column_types import Unreadable, from_json

__all__ = ["Given", "other", "read", "written"]

Given = Mapping[str, datetime | None]
"""Dates by the names of an article's fields; None: the source has no such date."""

_NOTHING: Given = {}


def other(found: Article, dated: Article) -> Given:
    """Returns the dates of an article as it was found that differ from those it was given."""
    if found.published == dated.published and found.updated in (None, dated.updated):
        return _NOTHING
    given: dict[str, datetime | None] = {}
    if found.published != dated.published:
        given["published"] = found.published
    if found.updated is not None and found.updated != dated.updated:
        given["updated"] = found.updated
    return given


def written(given: Given) -> str | None:
    """Converts dates to JSON; None if there are none."""
    return json.dumps({name: value and value.isoformat() for name, value in given.items()}) if given else None


def read(text: str | None) -> Given:
    """Parses the result of `written`. Raises Unreadable."""
    if not text:
        return _NOTHING
    try:
        found = dict(from_json(text))
        return {
            name: value and datetime.fromisoformat(value).astimezone(UTC) for name, value in found.items()
        }
    except (ValueError, TypeError, OverflowError) as error:
        raise Unreadable(f"not dates: {error}") from error
