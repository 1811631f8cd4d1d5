"""The kinds of sources: each is registered under its name in the entry-point group `aggregator.adapters`.

Ours are registered there like everybody's (pyproject.toml); docs/plugins.md tells how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from aggregator.errors import ConfigError
from aggregator.model.entry import ArticleDocument, Feed, SubscriptionList
from aggregator.model.resource import Resource

GROUP = "aggregator.adapters"

Place = Literal["url", "path", "either", "none"]
"""What a source of a kind is found by: its `url`, its `path`, one of the two, or neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of source: how one document of it is read.

    - `read` takes a document and the source's options, and gives a `Feed` of entries as found, which are
      normalised like every other, an `ArticleDocument`, or the feeds of a `SubscriptionList`, which are
      followed beside those of the config. Pure: no input or output, no clock; it runs in a process that
      may be killed. It raises ReadError and its kinds, nothing else. Further documents of the same source
      (the next page of a list) are named in `Feed.more`; they come back to `read` with their `number`.
    - `options` is the pydantic model of the source's `options` table; None: it has none.
    - `place` is what a source is found by; `schemes` are those that its `url` may have.
    - `is_scraped`: its documents are pages for people, so that robots.txt is honoured (RFC 9309).
    - `has_public_address`: anybody may follow a source of this kind where we do, so that its address is
      published with its entries and in lists, as long as it holds no query and no login. False for what
      needs a program of ours, such as an API, a mailbox or a private instance of something.
    """

    read: Callable[[Resource, Any], Feed | ArticleDocument | SubscriptionList]
    options: type[BaseModel] | None = None
    place: Place = "url"
    schemes: tuple[str, ...] = ("http", "https", "file")
    is_scraped: bool = False
    has_public_address: bool = False

    def parse(self, options: Mapping[str, Any]) -> BaseModel | None:
        """The options as this kind's model. Raises ValueError, of which pydantic's ValidationError is one."""
        if self.options is not None:
            return self.options.model_validate(options)
        if options:
            raise ValueError("this kind has no options; remove them")
        return None


def names() -> tuple[str, ...]:
    """The names of all the kinds that are installed."""
    return tuple(sorted(_registered()))


@lru_cache(maxsize=64)
def named(name: str) -> Kind:
    """The kind of this name. Raises ConfigError when none has it, or it cannot be loaded."""
    entry = _registered().get(name)
    if entry is None:
        raise ConfigError(f"no kind is named {name!r}; there are {', '.join(names())}")
    try:
        kind = entry.load()
    except Exception as error:
        raise ConfigError(f"kind {name!r} ({entry.value}) cannot be loaded: {error}") from error
    if not isinstance(kind, Kind):
        raise ConfigError(f"kind {name!r} ({entry.value}) is no aggregator.adapters.kinds.Kind")
    return kind


def mistakes(name: str, options: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str, str]]:
    """What is wrong with a source's kind and options: for each where, pydantic's type of it, and a text."""
    try:
        named(name).parse(options)
    except ConfigError as error:
        return [(("kind",), "value_error", str(error))]
    except ValidationError as error:
        return [(("options", *e["loc"]), e["type"], e["msg"]) for e in error.errors()]
    except ValueError as error:
        return [(("options",), "value_error", str(error))]
    return []


def forget() -> None:
    """Forgets what is installed: for a process in which packages come and go."""
    named.cache_clear()
    _registered.cache_clear()


@lru_cache(maxsize=1)
def _registered() -> dict[str, EntryPoint]:
    # The first of a name wins: what stands first on the path.
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, entry)
    return found
