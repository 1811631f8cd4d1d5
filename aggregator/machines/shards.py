"""Shards: the sources divided by publisher, so that only one process at a time polls a publisher. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

__all__ = ["SHARDS", "shard_of", "shards_of"]

SHARDS = 1024
"""The number of jobs that poll all sources, however many sources there are.

Fixed, because job engines are made for thousands of jobs, not millions.
"""


def shard_of(publisher: str) -> int:
    """Returns the shard of a publisher, 0 to `SHARDS` - 1: the same on every machine, in every version."""
    digest = hashlib.blake2b(publisher.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % SHARDS


def shards_of(sources: Iterable[tuple[str, str]], publisher: Callable[[str], str]) -> dict[str, int]:
    """Returns the shard of each source, by the source's name.

    `sources` are pairs of name and address. `publisher` returns the publisher of an address; all sources of
    a publisher share its request rate (see `fetch.Hosts.publisher`).
    """
    return {name: shard_of(publisher(address)) for name, address in sources}
