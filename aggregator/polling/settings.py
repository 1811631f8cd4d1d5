"""The settings of sources as the schedule sees them: how each is polled, and what changed since."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aggregator.config.load import Config, Source
from aggregator.normalise.links import without_login
from aggregator.schedule import decide as schedule
from aggregator.schedule.settings import PollSettings, after_change
from aggregator.schedule.state import PollState

__all__ = ["changed", "policy", "poll_settings"]

_LOCAL = timedelta(minutes=1)


def policy(source: Source, config: Config) -> schedule.Policy:
    """Files of this machine cost no site anything: polled each minute, or at the source's interval."""
    if source.is_local:
        return schedule.Policy(interval=source.interval or _LOCAL, is_fixed=True)
    return schedule.Policy(interval=source.interval, is_fixed=not source.adaptive, usual=config.interval)


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
    tls = [source.tls_ca, source.tls_verify, source.user_agent, source.robots]
    fetch = config.fetch.model_dump(exclude={"workers", "host_at_once", "host_gap"})
    pace = (source.interval, source.adaptive, config.interval)
    return PollSettings(
        asked=_digest(source.kind, source.options, source.timezone, _revealed(logins), tls, _revealed(fetch)),
        read=_digest(source.kind, source.options, source.timezone),
        at=_digest(without_login(address)),
        host=host,
        pace=_digest(*map(str, pace)),
    )


def _revealed(value: object) -> object:
    """The value with its secrets, which only their digest leaves."""
    if reveal := getattr(value, "get_secret_value", None):
        return reveal()
    if isinstance(value, Mapping):
        return {name: _revealed(each) for name, each in value.items()}
    return [_revealed(each) for each in value] if isinstance(value, list | tuple) else value


def _digest(*facts: object) -> str:
    """Too short for anybody to try passwords against: four bytes."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
