"""The sources that a store follows itself, in every database that it may be in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from aggregator.config.sources_outside_config import checked_source, is_special
from aggregator.config.store_address import StoreAddress
from aggregator.config.subscriptions import address_key
from aggregator.store import NewSource, SourceOutsideConfig, Store
from tests.conftest import NOW


@pytest.fixture
def store(place: StoreAddress) -> Iterator[Store]:
    """An empty store."""
    made = Store(place)
    yield made
    made.close()


def new(name: str, **settings: Any) -> NewSource:
    """A source to follow."""
    settings = {"url": f"https://{name.lower()}.example/feed", **settings}
    source = checked_source(name, settings)
    return NewSource(
        SourceOutsideConfig(name, settings, True), source, address_key(source.address), is_special(settings)
    )


def names(batches: Iterator[list[SourceOutsideConfig]]) -> list[str]:
    """The names in batches."""
    return [row.name for rows in batches for row in rows]


def test_an_added_source_is_found_by_name_key_mark_and_category(store: Store) -> None:
    """It is a source at once: due, and in its categories."""
    followed = store.sources_outside_config
    assert (followed.count(), names(followed.batches()), followed.per_category()) == (0, [], {})
    followed.add([new("b", categories=["X"]), new("a", private=True), new("c", categories=["X", "Y"])])
    assert followed.count() == 3
    assert names(followed.batches()) == ["a", "b", "c"]
    assert names(followed.special()) == ["a"]
    assert names(followed.changed()) == []
    assert followed.named(["a", "z"])["a"].settings == {"url": "https://a.example/feed", "private": True}
    assert followed.by_key(["b.example/feed", "other"]) == {"b.example/feed": "b"}
    assert followed.per_category() == {"": 3, "X": 2, "Y": 1}
    assert (followed.addresses("a"), followed.addresses("z")) == (("https://a.example/feed", None), None)
    assert followed.like("a", 5) == ("a",)
    assert set(store.sources.due(NOW, 10)) == {"a", "b", "c"}


def test_a_changed_source_is_loaded_by_the_next_run(store: Store) -> None:
    """Which adopts it: other categories, and the mark that a daemon looks at."""
    store.sources_outside_config.add([new("a")])
    before = store.sources_outside_config.mark()
    store.sources_outside_config.change(new("a", categories=["X"]))
    assert store.sources_outside_config.mark() != before
    assert names(store.sources_outside_config.changed()) == ["a"]
    store.sources.adopt_more([new("a", categories=["X"]).source], NOW)
    store.sources_outside_config.seen(["a"])
    assert names(store.sources_outside_config.changed()) == []
    assert store.sources_outside_config.per_category() == {"": 1, "X": 1}


def test_disabled_and_removed_sources_are_not_due(store: Store) -> None:
    """A removed one keeps its name's history, and leaves with the next adoption; it may come back."""
    store.sources_outside_config.add([new("a"), new("b")])
    store.sources_outside_config.enable("a", is_enabled=False)
    assert store.sources.due(NOW, 10) == ("b",)
    store.sources_outside_config.remove("b")
    assert store.sources.due(NOW, 10) == ()
    assert store.sources_outside_config.taken(["a", "b", "c"]) == {"a": None, "b": "https://b.example/feed"}
    store.sources.adopt([], NOW)
    assert store.due_sources.lag(NOW).sources == 0
    store.sources_outside_config.add([new("b")])
    assert names(store.sources_outside_config.changed()) == ["b"]
    store.sources.adopt_more([new("b").source], NOW)
    assert store.sources.due(NOW, 10) == ("b",)


def test_adopting_a_config_does_not_affect_other_sources(store: Store) -> None:
    """They are followed whatever the config names."""
    store.sources_outside_config.add([new("a")])
    store.sources.adopt([checked_source("b", {"url": "https://b.example/"})], NOW)
    store.sources.adopt([], NOW)
    assert store.sources.due(NOW, 10) == ("a",)
