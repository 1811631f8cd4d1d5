"""Tries a notice with stored articles, without sending or recording anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.config.load import Config, Notify
from aggregator.config.rules import rule_set
from aggregator.errors import DeliveryError
from aggregator.notify.channels import channel
from aggregator.notify.channels.protocol import Outside
from aggregator.notify.new_notices import matches, written_article
from aggregator.notify.notice import Notice, SourceNotice
from aggregator.notify.quiet_hours import is_quiet
from aggregator.store import Arrival, OutboxMessage, Store, message_id_of

__all__ = ["NoticeTrial", "send_test", "tried"]

_LOOKED_AT = 5_000
_MADE_UP = "A made-up source"
_DETAILS = {
    "broken": "none since 2026-06-01 09:00 UTC; the server failed (500)",
    "silent": "since 2026-06-01",
    "moved": "to new.example",
}
"""The text of a notice for each event; other events have no further text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeTrial:
    """The content of a notice for the newest stored articles; `place` is its receiver.

    If it reports events of sources, there is one of each kind, of a made-up source. `wants_articles`: it also
    reports articles; `matching` of the `looked_at` articles that arrived last match. `is_quiet`: it would not
    be sent now.
    """

    name: str
    channel: str
    place: str
    is_enabled: bool
    is_quiet: bool
    wants_articles: bool
    looked_at: int
    matching: int
    notice: Notice


def tried(config: Config, store: Store | None, rule: Notify, now: datetime) -> NoticeTrial:
    """Tries a notice with the newest articles of a store; None: there is none yet."""
    arrived: list[Arrival] = []
    if store is not None:
        last = store.arrivals.last()
        arrived, _ = store.arrivals.after(max(0, last - _LOOKED_AT), last, _LOOKED_AT)
    found = [each for each in arrived if rule.wants_articles and matches(rule, each, now)]
    newest = found[::-1][: rule.limit]
    rules = rule_set(config.rules, config.feeds)
    notice = Notice(
        name=rule.name,
        made=now.isoformat(timespec="seconds"),
        articles=tuple(written_article(each, rules) for each in newest),
        more_articles=len(found) - len(newest),
        sources=tuple(
            SourceNotice(event=event, name=_MADE_UP, title=_MADE_UP, detail=_DETAILS.get(event, ""))
            for event in rule.on
        ),
        is_test=True,
    )
    return NoticeTrial(
        name=rule.name,
        channel=rule.channel,
        place=rule.place,
        is_enabled=rule.enabled,
        is_quiet=is_quiet(rule, config.site, now),
        wants_articles=rule.wants_articles,
        looked_at=len(arrived),
        matching=len(found),
        notice=notice,
    )


def send_test(trial: NoticeTrial, outside: Outside, now: datetime) -> None:
    """Sends it at once, without the outbox. Raises DeliveryError."""
    way = channel(trial.channel, outside)
    if way is None:
        raise DeliveryError(f"this version has no channel {trial.channel!r}")
    payload = trial.notice.payload()
    message_id = message_id_of("test", payload)
    message = OutboxMessage(
        id=message_id, channel=trial.channel, target=trial.name, payload=payload, queued=now, due=now
    )
    way.send(message, now)
