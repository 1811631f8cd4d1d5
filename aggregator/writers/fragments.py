"""Entries as they were rendered for one document, kept for others that show the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from aggregator.writers.channel import Item

__all__ = ["MAX_BYTES", "Fragments"]

MAX_BYTES = 8 * 1024 * 1024
"""So many bytes of articles' texts; what is rendered of them takes some six times as much."""

_LEAST_BYTES = 1_000
_Part = TypeVar("_Part")


class Fragments:
    """The rendered entries of the articles that were asked for last.

    An article stands in the feed of its category, in `all` and in archives of both: what is rendered in the
    order of dates is rendered once.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._left_bytes = max_bytes
        # With each the item itself: another could have its `id()` once it is gone.
        self._items: OrderedDict[Hashable, tuple[int, dict[Hashable, Any], Item]] = OrderedDict()

    def of(self, item: Item, variant: Hashable, make: Callable[[], _Part]) -> _Part:
        """What `make` made of this item in this variant: a format, and what else decides its bytes."""
        key = item.key or id(item)
        known = self._items.get(key)
        if known is None:
            size = _LEAST_BYTES + len(item.article.content) + len(item.article.summary)
            known = self._items[key] = (size, {}, item)
            self._left_bytes -= size
            while self._left_bytes < 0 and len(self._items) > 1:
                _, (freed, _, _) = self._items.popitem(last=False)
                self._left_bytes += freed
        else:
            self._items.move_to_end(key)
        parts = known[1]
        if variant not in parts:
            parts[variant] = make()
        found: _Part = parts[variant]
        return found
