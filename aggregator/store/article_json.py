"""SQL expressions over articles as JSON text (`model.article_json`), written differently for each database.

Each dialect's module registers its SQL with `sqlalchemy.ext.compiler.compiles`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.functions import FunctionElement

from aggregator.model.article import FACE

__all__ = ["HasLink", "OriginOf", "WithoutLink", "has_link", "origin_face", "origin_link"]


class HasLink(FunctionElement[bool]):
    """Whether an article's link is a given text; arguments: the data, the text, its JSON, its JSON in
    ASCII.
    """

    inherit_cache = True  # without a type: SQLite would compare a boolean with 1, and use no index


class WithoutLink(FunctionElement[bool]):
    """Whether an article has no link."""

    inherit_cache = True


class OriginOf(FunctionElement[str]):
    """The origin of an article as JSON; NULL if it has none."""

    type = sa.Text()
    inherit_cache = True


def has_link(data: sa.ColumnElement[Any], link: str) -> sa.ColumnElement[bool]:
    """Returns the condition that an article's link is `link`."""
    spelled = (json.dumps(link, ensure_ascii=False)[1:-1], json.dumps(link)[1:-1])
    return HasLink(data, *(sa.bindparam(None, each, sa.Text) for each in (link, *spelled)))


def origin_link(found: str | None) -> str | None:
    """Returns the link in the result of `OriginOf`."""
    return _said(found, lambda origin: origin.get("link"))


def origin_face(found: str | None) -> str | None:
    """Returns the address of the feed's picture in the result of `OriginOf`."""
    return _said(found, lambda origin: origin.get("extra", {}).get(FACE))


def _said(found: str | None, what: Callable[[Any], object]) -> str | None:
    try:
        value = what(json.loads(found or "{}"))
    except (ValueError, AttributeError):
        return None
    return value if isinstance(value, str) else None
