"""A config as plain data, for polls of a run whose config was read and checked by an earlier one.

Reading a config takes half of the time of a run that polls 200 unchanged feeds: most of it is the import of
pydantic and of all settings. Secrets, which the environment may have, are not kept, so that a config with any
is always read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aggregator.adapters import kinds
from aggregator.config.source_facts import SourceFacts

if TYPE_CHECKING:
    from aggregator.config.load import Config

__all__ = ["FORMAT", "kept_config", "plain_facts"]

FORMAT = 1
"""Raised when a setting of sources, or of `[fetch]`, is added, renamed or removed."""

_MICROSECOND = timedelta(microseconds=1)
_UNSET = "unset"


def plain_facts(config: Config) -> dict[str, Any] | None:
    """Returns what polls of feeds need of a config, as plain data for JSON; None if it has secrets or paths.

    Of a source only those settings are kept that the config sets.
    """
    if any(source.is_bound for source in config.sources):  # a login may be part of an address
        return None
    from aggregator.config.sources import Source

    try:
        return {
            "format": FORMAT,
            "feed": kinds.where("feed"),
            "interval": _plain(config.interval),
            "fetch": _plain_all(_settings(config.fetch)),
            "chosen": sorted(config.fetch.model_fields_set),
            "players": _plain(config.html.players),
            "server": config.serve.url,
            "judges": bool(config.rules or config.feeds),
            "usual": _plain_all(_settings(Source.model_construct(name=""))),
            "sources": [
                {name: _plain(getattr(each, name)) for name in each.model_fields_set}
                for each in config.sources
            ],
        }
    except _NotPlain:
        return None


def kept_config(facts: Mapping[str, Any], store: Path, output: str) -> Config:
    """Returns the config of which these are the facts, with its store file and output folder.

    It has the settings that polls of feeds use, and no others. Raises ValueError for facts of another
    version, ConfigError for a kind whose package was removed, KeyError, TypeError and AttributeError for
    damaged facts.
    """
    if facts["format"] != FORMAT:
        raise ValueError("kept by another version")
    kinds.recall("feed", facts["feed"])
    return cast("Config", _Config(facts, store, Path(output)))


class _NotPlain(Exception):
    """A value that is not kept."""


class _Table:
    """A table of settings, and the names of those that the config sets."""

    __slots__ = ("__dict__", "model_fields_set")

    def __init__(self, *values: Mapping[str, Any], chosen: Iterable[str] = ()) -> None:
        self.model_fields_set = frozenset(chosen)
        for some in values:
            vars(self).update(some)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(vars(self).items())

    def model_copy(self, *, update: Mapping[str, Any]) -> _Table:
        """Returns a copy with these changes, as pydantic does."""
        return type(self)(vars(self), update)


class _Source(_Table, SourceFacts):
    """A `config.sources.Source`."""

    if TYPE_CHECKING:
        enabled: bool


class _Config:
    """A `config.load.Config`."""

    bucket = None

    def __init__(self, facts: Mapping[str, Any], store: Path, output: Path) -> None:
        self.store = store
        self.output = output
        self.interval = _value(facts["interval"])
        self.fetch = _Table(_values(facts["fetch"]), chosen=facts["chosen"])
        self.html = _Table({"players": _value(facts["players"])})
        self.serve = _Table({"url": facts["server"]})
        self.rules = self.feeds = facts["judges"]
        usual = _values(facts["usual"])
        self.sources = tuple(_Source(usual, _values(own)) for own in facts["sources"])

    def select(self, names: Sequence[str]) -> tuple[_Source, ...]:
        """Returns the sources with these names, which exist; all enabled ones if `names` is empty."""
        return tuple(each for each in self.sources if (each.name in names if names else each.enabled))


class _NoSecret(str):
    """A secret that is not set."""

    __slots__ = ()

    def get_secret_value(self) -> str:
        """Returns the text, as pydantic does."""
        return ""


def _settings(table: object) -> dict[str, Any]:
    return dict(cast("Any", table))


def _plain_all(settings: Mapping[str, object]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in settings.items()}


def _plain(value: object) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, timedelta):
        return {"microseconds": value // _MICROSECOND}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if value == {}:
        return {}
    reveal = getattr(value, "get_secret_value", None)
    if reveal is not None and reveal() == "":
        return {_UNSET: True}
    raise _NotPlain


def _values(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in facts.items()}


def _value(fact: Any) -> Any:
    if isinstance(fact, list):
        return tuple(map(_value, fact))
    if isinstance(fact, dict) and fact:
        if (count := fact.get("microseconds")) is not None:
            return timedelta(microseconds=count)
        return _NoSecret()
    return fact
