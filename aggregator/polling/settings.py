"""Converts settings of sources to those of the schedule, and finds which changed since the last poll."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from aggregator.normalise.links import without_login
from aggregator.schedule import decide as schedule
from aggregator.schedule.settings import PollSettings, after_change
from aggregator.schedule.state import PollState

if TYPE_CHECKING:
    from aggregator.config.load import Config, Fetch, Source

__all__ = ["changed", "policy", "poll_settings", "settings_read"]

_LOCAL = timedelta(minutes=1)


def policy(source: Source, config: Config, *, is_pushed: bool = False) -> schedule.Policy:
    """Returns how often a source is polled; files of this machine each minute, or at the source's interval.

    `is_pushed`: a hub reports its changes.
    """
    if source.is_local:
        return schedule.Policy(interval=source.interval or _LOCAL, is_fixed=True)
    return schedule.Policy(
        interval=source.interval,
        is_fixed=not source.adaptive,
        is_pushed=is_pushed,
        usual=config.interval,
    )


def changed(
    sources: Sequence[Source], states: Mapping[str, PollState], config: Config, now: datetime
) -> dict[str, PollState]:
    """Returns new states, by name, for sources whose settings changed since they were polled."""
    found = {}
    for source in sources:
        before = states.get(source.name, PollState())
        settings = poll_settings(source, source.address, config)
        chance = schedule.chance_of(source.name, before.polls)
        after = after_change(before, settings, now, policy(source, config), chance)
        if after != before:
            found[source.name] = after
    return found


def poll_settings(source: Source, address: str, config: Config) -> PollSettings:
    """Returns digests that show whether a source's settings changed; `address`: in the config, without
    moves.
    """
    place = _place_of(address)
    logins = [source.auth, source.cookie, source.proxy, source.headers]
    tls = _text_of_tls(source.tls_ca, source.tls_verify, source.user_agent, source.robots)
    login = _text(_revealed(logins)) if logins != _NO_LOGINS else _TEXT_OF_NO_LOGINS
    read = _read_of(source)
    return PollSettings(
        asked=_digest_of(read.text, login, tls, _text_of_fetch(config.fetch)),
        read=read.digest,
        at=place.digest,
        host=place.host,
        pace=_pace(source.interval, source.adaptive, config.interval),
    )


def settings_read(source: Source) -> str:
    """Returns `PollSettings.read` of a source."""
    return _read_of(source).digest


class _Place(NamedTuple):
    host: str
    digest: str


@lru_cache(maxsize=5_000)
def _place_of(address: str) -> _Place:
    # A run needs it of each source when it starts and when it saves the poll.
    host = ""
    with contextlib.suppress(ValueError):
        host = urlsplit(address).hostname or ""
    return _Place(host, _digest(f"[{_text(without_login(address))}]"))  # a list takes five times as long


class _Read(NamedTuple):
    text: str
    digest: str


def _read_of(source: Source) -> _Read:
    if source.options:
        return _made_read(source.kind, source.options, source.timezone)
    return _read_without_options(source.kind, source.timezone)


@lru_cache(maxsize=100)
def _read_without_options(kind: str, timezone: object) -> _Read:
    return _made_read(kind, {}, timezone)


def _made_read(*facts: object) -> _Read:
    text = ", ".join(map(_text, facts))
    return _Read(text, _digest_of(text))


@lru_cache(maxsize=100)
def _digest_of(*texts: str) -> str:
    # They are the same for most sources.
    return _digest(f"[{', '.join(texts)}]")


@lru_cache(maxsize=100)
def _text_of_tls(*tls: object) -> str:
    return _text(tls)


@lru_cache(maxsize=4)
def _text_of_fetch(fetch: Fetch) -> str:
    # It is the same for thousands of sources, and longer than all their other settings.
    # Not `model_dump`: pydantic would first build a serializer, for this use alone.
    return _text(_revealed({name: value for name, value in fetch if name not in _PACE}))


@lru_cache(maxsize=100)
def _pace(*pace: object) -> str:
    return _digest(_text([*map(str, pace)]))


def _revealed(value: object) -> object:
    """Returns the value for JSON, with its secrets shown; only a digest of them is stored."""
    if reveal := getattr(value, "get_secret_value", None):
        return reveal()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping) or hasattr(value, "model_fields_set"):  # a table of settings
        return {name: _revealed(each) for name, each in dict(cast(Any, value)).items()}
    return [_revealed(each) for each in value] if isinstance(value, list | tuple) else value


def _text(facts: object) -> str:
    return _ENCODER.encode(facts)


def _digest(text: str) -> str:
    """Returns a digest of four bytes: too short to test guessed passwords against it."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def as_moved(source: Source, moved_to: str | None) -> Source:
    """Returns the source as it is polled; logins and headers for one origin are not sent to another
    (docs/manners.md).
    """
    return source.model_copy(update={"url": moved_to}) if moved_to and not source.is_bound else source


_ENCODER = json.JSONEncoder(sort_keys=True, default=str)
_PACE = ("workers", "host_at_once", "host_gap", "hosts")
_NO_LOGINS: list[object] = [None, None, None, ()]
_TEXT_OF_NO_LOGINS = _text(_NO_LOGINS)
