"""The effect of changed settings on a source's next poll. Pure."""

from __future__ import annotations

from datetime import datetime

from aggregator.model.struct import Struct, replace
from aggregator.schedule.decide import Policy, replanned
from aggregator.schedule.state import PollState, Reason

__all__ = ["PollSettings", "after_change", "with_settings"]


class PollSettings(Struct, frozen=True, kw_only=True):
    """Short texts (digests) that differ when a source's settings differ; they reveal no secret.

    - `asked`: all settings by which it is requested and read, except how often: a change may end a failure.
    - `read`: the settings that decide which articles its document gives: kind and options.
    - `at`: the address in the config; `host`: its server, "" without one.
    - `pace`: how often it may be polled.
    """

    asked: str
    read: str
    at: str
    host: str
    pace: str


def with_settings(state: PollState, settings: PollSettings) -> PollState:
    """The state with `settings` recorded as those of the last poll."""
    asked = (state.asked_as, state.options_as, state.asked_at, state.asked_host, state.paced_as)
    if asked == (settings.asked, settings.read, settings.at, settings.host, settings.pace):
        return state
    return replace(
        state,
        asked_as=settings.asked,
        options_as=settings.read,
        asked_at=settings.at,
        asked_host=settings.host,
        paced_as=settings.pace,
    )


def after_change(
    state: PollState, settings: PollSettings, now: datetime, policy: Policy, chance: float
) -> PollState:
    """The state under the config's present settings; the same object if nothing changed.

    A source is due at once if its last poll failed and a changed setting could mend that, or if a setting
    changed that decides what is read: once for each change. What its server asked for (429, 503, Retry-After)
    is kept while the source stays at that server. If only the interval changed, the next poll is planned
    again. A state without settings is from an earlier version: the present ones are recorded.
    """
    if state.polled is None:
        return state
    known = (state.asked_as, state.asked_at, state.paced_as)
    if known == (settings.asked, settings.at, settings.pace):
        return state
    following = replace(
        state,
        asked_as=settings.asked,
        asked_at=settings.at,
        asked_host=settings.host,
        paced_as=settings.pace,
    )
    if not state.asked_as:
        return replace(following, options_as=settings.read)
    is_read_otherwise = (state.options_as, state.asked_at) != (settings.read, settings.at)
    is_mended = _has_failed(state) and (state.asked_as, state.asked_at) != (settings.asked, settings.at)
    was_asked_to_wait = bool(state.postponed) or state.reason is Reason.RETRY_AFTER
    is_held = was_asked_to_wait and state.asked_host == settings.host
    if (is_read_otherwise or is_mended) and not is_held:
        return replace(following, next_poll=now, reason=Reason.CHANGED)
    if state.paced_as != settings.pace and not (is_held or _has_failed(state)):
        return replanned(following, now, policy, chance)
    return following


def _has_failed(state: PollState) -> bool:
    return bool(state.failures or state.postponed or state.offline or state.gone_since or state.unread)
