"""The settings of sources as the schedule sees them: how each is polled, and what changed since."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from aggregator.config.load import Config, Fetch, Source
from aggregator.normalise.links import without_login
from aggregator.schedule import decide as schedule
from aggregator.schedule.settings import PollSettings, after_change
from aggregator.schedule.state import PollState

__all__ = ["changed", "policy", "poll_settings", "settings_read"]

_LOCAL = timedelta(minutes=1)


def policy(source: Source, config: Config, *, is_pushed: bool = False) -> schedule.Policy:
    """Files of this machine cost no site anything: polled each minute, or at the source's interval.

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
    """The states that follow from what changed in the config since each source was polled, by name."""
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
    """What tells whether the settings of a source changed; `address` is the config's, without moves."""
    host = ""
    with contextlib.suppress(ValueError):
        host = urlsplit(address).hostname or ""
    logins = [source.auth and source.auth.model_dump(), source.cookie, source.proxy, source.headers]
    tls = _text_of_tls(source.tls_ca, source.tls_verify, source.user_agent, source.robots)
    login = _text(_revealed(logins)) if logins != _NO_LOGINS else _TEXT_OF_NO_LOGINS
    read = _text_of_read(source)
    return PollSettings(
        asked=_digest(f"[{read}, {login}, {tls}, {_text_of_fetch(config.fetch)}]"),
        read=settings_read(source),
        at=_digest(_text([without_login(address)])),
        host=host,
        pace=_pace(source.interval, source.adaptive, config.interval),
    )


def settings_read(source: Source) -> str:
    """What `PollSettings.read` is of a source."""
    return _digest(f"[{_text_of_read(source)}]")


def _text_of_read(source: Source) -> str:
    return ", ".join(map(_text, (source.kind, source.options, source.timezone)))


@lru_cache(maxsize=100)
def _text_of_tls(*tls: object) -> str:
    return _text(tls)


@lru_cache(maxsize=4)
def _text_of_fetch(fetch: Fetch) -> str:
    # The same for thousands of sources, and longer than all else of them.
    return _text(_revealed(fetch.model_dump(exclude={"workers", "host_at_once", "host_gap", "hosts"})))


@lru_cache(maxsize=100)
def _pace(*pace: object) -> str:
    return _digest(_text([*map(str, pace)]))


def _revealed(value: object) -> object:
    """The value with its secrets, which only their digest leaves."""
    if reveal := getattr(value, "get_secret_value", None):
        return reveal()
    if isinstance(value, Mapping):
        return {name: _revealed(each) for name, each in value.items()}
    return [_revealed(each) for each in value] if isinstance(value, list | tuple) else value


def _text(facts: object) -> str:
    return json.dumps(facts, sort_keys=True, default=str)


def _digest(text: str) -> str:
    """Too short for anybody to try passwords against: four bytes."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def as_moved(source: Source, moved_to: str | None) -> Source:
    """The source as it is polled; what is for one origin alone goes nowhere else (docs/manners.md)."""
    return source.model_copy(update={"url": moved_to}) if moved_to and not source.is_bound else source


_NO_LOGINS: list[object] = [None, None, None, ()]
_TEXT_OF_NO_LOGINS = _text(_NO_LOGINS)
