"""The settings of sources in the store, checked like a `[[sources]]` table. Pure.

A store may come from someone else's backup, and more people can read it than the config. Therefore it
contains no secrets, and no paths of this machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from aggregator.adapters import kinds
from aggregator.config.load import Source, mistake_at, mistakes_of_kinds
from aggregator.errors import ConfigError
from aggregator.model.wrong_values import sentence

__all__ = ["checked_source", "is_special", "settings_of"]

_WEB = ("http://", "https://")
_OF_THIS_MACHINE = ("path", "tls_ca")
_PLAIN = frozenset(
    ("adaptive", "author", "categories", "interval", "kind", "link", "timezone", "url", "user_agent")
)
"""Settings that only a poll reads, or that the store has in columns of their own."""


def checked_source(name: str, settings: Mapping[str, Any], *, enabled: bool = True) -> Source:
    """The source with these settings. Raises ConfigError with every mistake, each with the source's name."""
    if not isinstance(settings, Mapping):
        raise ConfigError(f"source {name!r}: its settings are not a table; remove it and add it again")
    table = {**settings, "name": name, "enabled": enabled}
    data = {"sources": [table]}
    if refused := [*_refused(settings)]:
        raise ConfigError(*(f"source {name!r}: {each}" for each in refused))
    mistakes = [*mistakes_of_kinds(data)]
    try:
        source = Source.model_validate(table)
    except ValidationError as error:
        mistakes += [
            mistake_at(e["type"], ("sources", 0, *e["loc"]), sentence(e), data) for e in error.errors()
        ]
    if mistakes:
        shown = (each.replace(f" (source {name!r})", "", 1) for each in mistakes)
        raise ConfigError(
            *(f"source {name!r}: {each.removeprefix('sources[1]').lstrip('.: ')}" for each in shown)
        )
    return source


def settings_of(table: Mapping[str, object]) -> dict[str, Any]:
    """The keys of a `[[sources]]` table that the store keeps: all that are set but name and `enabled`."""
    return {key: value for key, value in table.items() if value not in (None, (), []) and key not in _OWN}


_OWN = ("name", "enabled")


def is_special(settings: Mapping[str, Any]) -> bool:
    """Whether any other step than polling reads its settings: publishing, completing, upkeep, lists."""
    return not settings.keys() <= _PLAIN or settings.get("kind", "feed") != "feed"


def _refused(settings: Mapping[str, Any]) -> Iterator[str]:
    """Mistakes for settings that are allowed in a config, but not in a store."""
    try:
        json.dumps({**settings}, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        yield "a text in it contains half a character (a lone surrogate); remove it and add it again"
    url = settings.get("url")
    if not (isinstance(url, str) and url.lower().startswith(_WEB)):
        yield (
            "url: a source in the store has an address of http: or https:; "
            "write any other into the config (aggregator add without --store)"
        )
    elif "@" in url.partition("://")[2].partition("/")[0]:
        yield f"url: a login in an address is a secret; {_WRITE}"
    for key in _OF_THIS_MACHINE:
        if key in settings:
            yield f"{key}: a source in the store may not name files of this machine; add it to the config"
    image = settings.get("image")
    if image is not None and not (isinstance(image, str) and image.lower().startswith(_WEB)):
        yield "image: a source in the store may not name files of this machine; add it to the config"
    if settings.get("tls_verify") is False:
        yield "tls_verify: it can be switched off only in the config"
    kind = settings.get("kind", "feed")
    if isinstance(kind, str) and kind in kinds.names() and kinds.named(kind).retrieve is not None:
        yield f"kind: sources of kind {kind!r} can only be in the config"
    yield from (f"{key}: {_WRITE}" for key in _written_out(settings))


_WRITE = (
    'a secret is not written into the store; write { env = "NAME" }, the name of the environment '
    "variable that contains it"
)


def _written_out(settings: Mapping[str, Any]) -> Iterator[str]:
    """The keys of secrets whose text is written in the settings."""
    for key in ("auth", "headers"):
        table = settings.get(key)
        for inner, value in table.items() if isinstance(table, Mapping) else ():
            if isinstance(value, str):
                yield f"{key}.{inner}"
    for key in ("cookie", "proxy"):
        value = settings.get(key)
        if isinstance(value, str) and value:
            yield key
