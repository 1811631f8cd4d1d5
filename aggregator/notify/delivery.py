"""Sends the messages of the outbox; failed ones are tried again later, and given up in the end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.errors import AggregatorError, DeliveryError
from aggregator.notify.channels import channel
from aggregator.notify.channels.protocol import DeliveryChannel, Outside, Patience
from aggregator.store import OutboxMessage, Store

__all__ = ["Delivery", "deliver", "next_attempt"]

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=6)
_LONGEST_ASKED = timedelta(days=1)
_BATCH = 100
_LEASE = timedelta(minutes=2)
"""How long no other process may send a message that one has started to send; sending takes less."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The result for a message; `error` None: accepted; `again`: the time of the next attempt, None: never.

    `place` is where `target` is, without secrets; `noun` and `subject` describe the message.
    """

    channel: str
    target: str
    place: str
    noun: str
    subject: str
    error: DeliveryError | None = None
    again: datetime | None = None


def next_attempt(
    message: OutboxMessage, error: DeliveryError, patience: Patience, now: datetime
) -> datetime | None:
    """When a message is sent again after this failure; None: never.

    After a minute, then four times as long each time, at most six hours. A Retry-After of the receiver is
    honoured, up to a day.
    """
    failures = message.attempts + 1
    most = patience.refusals if error.is_refusal and patience.refusals else patience.attempts
    is_old = patience.age is not None and now - message.queued >= patience.age
    if error.is_final or is_old or (most is not None and failures >= most):
        return None
    wait = min(_FIRST_WAIT * (1 << 2 * min(failures - 1, 10)), _LONGEST_WAIT)
    if error.wait is not None:
        wait = max(wait, min(error.wait, _LONGEST_ASKED))
    return now + wait


def deliver(store: Store, outside: Outside, now: datetime, is_over: Callable[[], bool]) -> Iterator[Delivery]:
    """Sends what is due, until all is done or `is_over`; what is left stays in the store.

    A target that fails is not tried again in this call. Messages for targets that are no longer in the config
    are given up, and so are those above the number that may wait. Raises StoreError.
    """
    made = {name: channel(name, outside) for name in store.outbox.channels()}
    channels = {name: way for name, way in made.items() if way is not None}
    for name, way in channels.items():
        yield from _given_up(store, name, way)
    resting: set[tuple[str, str]] = set()
    for message in store.outbox.due(now, _BATCH):
        if is_over():
            return
        if (message.channel, message.target) in resting or message.channel not in channels:
            continue
        way = channels[message.channel]
        if way.is_resting(message.target, now) or not store.outbox.claim(message, now, now + _LEASE):
            continue
        error, rest = _sent(way, message, now)
        if error is None:
            store.outbox.done(message, now, rest)
            if rest is not None:
                resting.add((message.channel, message.target))
            yield _result(way, message)
            continue
        again = next_attempt(message, error, way.patience, now)
        if again is None:
            store.outbox.done(message, now)
        else:
            resting.add((message.channel, message.target))
            store.outbox.put_off(message, again, str(error))
        yield _result(way, message, error, again)


def _given_up(store: Store, name: str, way: DeliveryChannel) -> Iterator[Delivery]:
    for message in store.outbox.withdraw(name, way.targets()):
        if not way.is_repeated:
            yield _result(way, message, DeliveryError("the config names no such receiver any more"))
    if (most := way.patience.waiting) is not None:
        for message in store.outbox.withdraw_surplus(name, most):
            yield _result(way, message, DeliveryError(f"more than {most} wait for this receiver"))


def _sent(
    way: DeliveryChannel, message: OutboxMessage, now: datetime
) -> tuple[DeliveryError | None, datetime | None]:
    """Why it was not accepted, None if it was; and until when nothing may be sent to its target."""
    try:
        return None, way.send(message, now)
    except DeliveryError as error:
        return error, None
    except AggregatorError:
        raise
    except Exception as error:  # noqa: BLE001 - a bug of ours or of a library fails only one message
        _log.debug("sending by %s failed", message.channel, exc_info=error)
        text = f"sending it failed because of a bug in aggregator: {type(error).__name__}"
        return DeliveryError(text), None


def _result(
    way: DeliveryChannel,
    message: OutboxMessage,
    error: DeliveryError | None = None,
    again: datetime | None = None,
) -> Delivery:
    return Delivery(
        channel=message.channel,
        target=message.target,
        place=way.place(message.target),
        noun=way.noun,
        subject=_subject(way, message),
        error=error,
        again=again,
    )


def _subject(way: DeliveryChannel, message: OutboxMessage) -> str:
    """The subject of a message; "" if its payload cannot be read."""
    try:
        return way.subject(message)
    except (LookupError, TypeError, ValueError, AttributeError):
        return ""
