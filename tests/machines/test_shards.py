"""Shards: a publisher is always in the same one."""

from __future__ import annotations

from aggregator.fetch.pacing import Hosts
from aggregator.machines.shards import SHARDS, shard_of, shards_of


def test_a_publishers_shard_never_changes() -> None:
    """Workers of several machines, and of several versions, agree."""
    assert [shard_of(name) for name in ("example.org", "example.com", "müller.example")] == [437, 614, 505]


def test_publishers_spread_over_all_shards() -> None:
    """No shard has much more than its part of ten thousand publishers."""
    found = [shard_of(f"site-{n}.example") for n in range(10_000)]
    assert {*found} <= {*range(SHARDS)}
    assert len({*found}) > 1_000
    assert max(found.count(number) for number in {*found}) < 30


def test_sources_of_one_publisher_share_a_shard() -> None:
    """So that one process paces all of them."""
    sources = {
        "a": "https://a.example.co.uk/feed",
        "b": "https://b.example.co.uk/feed",
        "c": "https://a.github.io/feed",
        "d": "https://b.github.io/feed",
    }
    found = shards_of(sources.items(), Hosts().publisher)
    assert found["a"] == found["b"] == shard_of("example.co.uk")
    assert found["c"] != found["d"]
