"""The facts about a source that reading needs; apart from the reader, which is slow to import."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.model.entry import IdentityKind
from aggregator.model.struct import Struct

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Context"]


class Context(Struct, frozen=True, kw_only=True):
    """The facts from config and store that reading a document of a source needs.

    - `kind`, `options`: the kind of source and its own options; None: the kind has none, or its defaults.
    - `source`: the name of the source, which every article of it gets.
    - `categories`, `author`: given to every article; `author` None: only what the document says.
    - `identity`: what the ids of articles are made of.
    - `known`: fingerprints of entries that are stored already: these are counted, not read again. None: no
      fingerprints are computed.
    - `players`: addresses of further players whose frames are kept in articles.
    - `timezone`: the zone of dates without one; None for UTC.
    - `rules`: new articles are judged by these at `now`, as `judge_in_worker.packed` writes them, or b"".
      `judged_by` names both.
    """

    kind: str = "feed"
    options: BaseModel | None = None
    source: str = ""
    categories: tuple[str, ...] = ()
    author: str | None = None
    identity: IdentityKind = "guid"
    known: Container[str] | None = None
    players: tuple[str, ...] = ()
    timezone: str | None = None
    rules: bytes = b""
    now: datetime | None = None
    judged_by: str = ""
