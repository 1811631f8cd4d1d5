"""Events of sources since the last look: broken, silent, moved, back, gone. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aggregator.normalise.secrets_in_addresses import without_keys
from aggregator.normalise.text import plain_value
from aggregator.notify.notice import MAX_SUMMARY, MAX_TITLE, SourceNotice
from aggregator.schedule.health import BROKEN_AFTER, PollRecord, judge

__all__ = ["changes", "states_to_store"]

_ILL = ("broken", "silent", "gone")
_MOVED = "moved "
Noted = Mapping[str, str]
"""Source name -> "broken", "silent" or "gone", and after it "moved " with a digest of the new address."""


def states_to_store(
    records: Mapping[str, PollRecord], before: Noted, now: datetime, broken_after: timedelta = BROKEN_AFTER
) -> dict[str, str]:
    """The states of sources that must be stored, without healthy ones.

    A source that was broken, silent or gone keeps that state until it is healthy again.
    """
    found = {}
    for name, record in records.items():
        state, was = judge(record, now, broken_after).state, _ill(before.get(name, ""))
        ill = state if state in _ILL else was if state != "healthy" else ""
        moved = f"{_MOVED}{_digest(record.moved_to)}" if record.moved_to else ""
        if said := f"{ill} {moved}".strip():
            found[name] = said
    return found


def changes(
    records: Mapping[str, PollRecord], before: Noted, after: Noted, now: datetime
) -> Iterator[SourceNotice]:
    """The events between two such states, in the order of names, without addresses with a key or a login."""
    for name, record in sorted(records.items()):
        was, is_now = before.get(name, ""), after.get(name, "")
        if was == is_now:
            continue
        ill, well = _ill(is_now), _ill(was)
        if ill != well:
            yield _notice(record, ill or "back", now)
        moved = is_now.partition(_MOVED)[2]
        if moved and moved != was.partition(_MOVED)[2]:
            yield _notice(record, "moved", now)


def _ill(said: str) -> str:
    first = said.partition(" ")[0]
    return first if first in _ILL else ""


def _notice(record: PollRecord, event: str, now: datetime) -> SourceNotice:
    detail = ""
    if event == "broken":
        health = judge(record, now)
        last = f"since {record.succeeded:%Y-%m-%d %H:%M} UTC" if record.succeeded else "yet"
        detail = "; ".join(filter(None, (f"none {last}", health.error, health.advice)))
    elif event == "silent" and record.newest:
        detail = f"since {record.newest:%Y-%m-%d}"
    elif event == "moved":
        parts = urlsplit(record.moved_to or "")
        detail = f"to {parts.hostname or 'another address'}"
    return SourceNotice(
        event=event,
        name=record.name,
        title=plain_value(record.title, "text", MAX_TITLE),
        detail=plain_value(without_keys(detail), "text", MAX_SUMMARY),
    )


def _digest(address: str | None) -> str:
    return hashlib.blake2b((address or "").encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
