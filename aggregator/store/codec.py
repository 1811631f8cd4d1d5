"""Article <-> the JSON text in which the store keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.errors import DamagedStore
from aggregator.model.article import Article, Enclosure, Origin

_SKIPPED = frozenset(("source", "id"))  # columns of their own


Given = Mapping[str, datetime | None]
"""Dates as the source gave them, by the names of ours where those are others; None for a date not given."""

_GIVEN = "given"
_NOTHING: Given = {}


def encode(article: Article, given: Given = _NOTHING) -> str:
    """Everything of an article but its source and id, as JSON; what equals its default is left out."""
    kept = {
        f.name: getattr(article, f.name)
        for f in fields(article)
        if f.name not in _SKIPPED and getattr(article, f.name) not in (None, "", (), {}, Origin())
    }
    if given:
        kept[_GIVEN] = given
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"), default=_plain)


def decode(text: str, *, source: str, id: str) -> Article:  # noqa: A002 - the field's own name
    """The article that `encode` was given. Raises DamagedStore for what it did not write."""
    if not (isinstance(source, str) and isinstance(id, str)):
        raise DamagedStore(f"the article {id!r} of source {source!r} in the store", "no text")
    try:
        kept: dict[str, Any] = _decoded(text)
        kept.pop(_GIVEN, None)
        for name in ("authors", "categories", "tags"):
            if name in kept:
                kept[name] = tuple(kept[name])
        if "enclosures" in kept:
            kept["enclosures"] = tuple(Enclosure(**e) for e in kept["enclosures"])
        if "origin" in kept:
            kept["origin"] = Origin(**kept["origin"])
        return Article(source=source, id=id, **kept)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedStore(f"the article {id!r} of source {source!r} in the store", error) from error


def other_dates(found: Article, dated: Article) -> Given:
    """The dates of an article as it was found, where those that it got are others."""
    given: dict[str, datetime | None] = {}
    if found.published != dated.published:
        given["published"] = found.published
    if found.updated is not None and found.updated != dated.updated:
        given["updated"] = found.updated
    return given


def given(text: str) -> Given:
    """The dates that `encode` was given beside the article."""
    return _decoded(text).get(_GIVEN, _NOTHING) if f'"{_GIVEN}":' in text else _NOTHING


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return {"$date": value.astimezone(UTC).isoformat()}
    if isinstance(value, timedelta):
        return {"$microseconds": value // timedelta(microseconds=1)}
    if isinstance(value, (Enclosure, Origin)):
        return {f.name: v for f in fields(value) if (v := getattr(value, f.name)) not in (None, False, {})}
    raise TypeError(f"an article cannot keep a {type(value).__name__}")


def _special(found: dict[str, Any]) -> Any:
    if len(found) == 1:
        try:
            if isinstance(date := found.get("$date"), str):
                return datetime.fromisoformat(date)
            if isinstance(count := found.get("$microseconds"), int):
                return timedelta(microseconds=count)
        except (ValueError, OverflowError):
            return found  # a stranger's front matter may hold such a key too
    return found


# Made once: json.loads makes one for each text that it is given with a hook, in half the time of reading it.
_decoded = json.JSONDecoder(object_hook=_special).decode
