"""Shards: parts of the sources by publisher, so that only one process at a time polls a publisher; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

__all__ = ["SHARDS", "shard_of", "shards_of"]

SHARDS = 1024
"""How many jobs poll all sources, for any number of sources: job engines are made for thousands of jobs, not
millions.
"""


def shard_of(publisher: str) -> int:
    """The shard of a publisher, from 0 to `SHARDS` - 1: the same on every machine, in every version."""
    digest = hashlib.blake2b(publisher.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) % SHARDS


def shards_of(sources: Iterable[tuple[str, str]], publisher: Callable[[str], str]) -> dict[str, int]:
    """The shard of each source by its name; `sources` are names and addresses.

    `publisher` returns the key of what is paced together (see `fetch.Hosts.publisher`).
    """
    return {name: shard_of(publisher(address)) for name, address in sources}
