"""What is known of a source where a document of it is read; without the reader, which is slow to import."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from pydantic import BaseModel

from aggregator.model.entry import IdentityKind

__all__ = ["Context"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the config and the store know of a source, for reading a document of it.

    `known` are fingerprints of entries that are kept already: they are counted, not made anew; None when
    no fingerprints are kept, so that none are computed. `options` are the kind's own, as its model has them.
    `players` are addresses of further players whose frames stay. `timezone` is that of dates without one,
    None for UTC.
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
