"""Subscribes to hubs, renews leases, unsubscribes (W3C WebSub §5), through the guard against internal hosts.

named ── asked ──(the hub verifies, see `polling.hub_callbacks`)── active ── renewed … ── leaving ── gone
            └─ failed or denied: tried again much later
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from aggregator.config.load import Config, Source
from aggregator.errors import (
    AggregatorError,
    BadAddress,
    BlockedAddress,
    FetchError,
    HttpStatus,
    SourceError,
)
from aggregator.fetch import Fetched, Hosts, NotModified, Validators
from aggregator.fetch.guard import Guard
from aggregator.model.struct import replace
from aggregator.normalise.links import without_login
from aggregator.polling.compare_last_poll import context_of
from aggregator.polling.hubs import SourcesNamed, callbacks_of, may_subscribe, offer_of
from aggregator.polling.paced_threads import PacedThreads
from aggregator.polling.read_documents import Reads
from aggregator.polling.settings import as_moved, policy
from aggregator.schedule import decide as schedule
from aggregator.store import HubState, HubSubscription, SourceRecord, Store

__all__ = ["DENIED_FOR", "LEASE", "HubRequest", "HubSubscriber", "renewal"]

LEASE = timedelta(days=10)
"""The lease that we ask hubs for; a hub may grant another."""

DENIED_FOR = timedelta(days=7)
FAILED_FOR = timedelta(days=30)
"""How long a hub is not asked again after it denied a subscription, and after requests to it failed."""

_VERIFIED_WITHIN = timedelta(hours=1)
_LEAST_LEASE = timedelta(seconds=30)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)
_LONGEST_ASKED = timedelta(days=1)
_MAX_ATTEMPTS, _MAX_REFUSALS = 8, 3
_LATER = frozenset((408, 425, 429))
_AT_ONCE, _WORKERS = 100, 4
_LOOK_EVERY = timedelta(minutes=10)
_ABSENCE = timedelta(minutes=3)
_FINAL = (BadAddress, BlockedAddress)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRequest:
    """The result of a request to a hub.

    - `mode`: "subscribe" or "unsubscribe".
    - `error`: None if the hub accepted the request, and will verify it.
    - `again`: when the hub is asked next; None for never.
    """

    source: str
    hub: str
    mode: str
    error: SourceError | None = None
    again: datetime | None = None


class AsksHubs(Protocol):
    """Sends requests to hubs; `hosts` decides when an address may be asked."""

    hosts: Hosts

    def ask_hub(self, hub: str, form: Mapping[str, str], now: datetime) -> None:
        """Sends a form to a hub. Raises FetchError."""
        ...

    def fetch(self, source: Source, validators: Validators, now: datetime) -> Fetched | NotModified:
        """Fetches a source's document. Raises FetchError."""
        ...


def renewal(lease: timedelta, known: HubSubscription) -> timedelta:
    """Returns how long after a verification to renew the lease: well before its end, and spread over time."""
    return max((0.75 - 0.1 * schedule.chance_of(known.source, known.pk)) * lease, _LEAST_LEASE)


def _wait(attempts: int, error: SourceError) -> timedelta | None:
    """Returns the wait before a hub is asked again after `attempts` failures, the last with `error`; None:
    stop.

    A minute, then four times as long each time, at most six hours: about a day in all. A hub that refuses
    (4xx, or a redirect) is asked three times. Retry-After is honoured, up to a day.
    """
    status = error.status if isinstance(error, HttpStatus) else 0
    is_refusal = 300 <= status < 500 and status not in _LATER
    if isinstance(error, _FINAL) or attempts >= (_MAX_REFUSALS if is_refusal else _MAX_ATTEMPTS):
        return None
    wait = min(_FIRST_WAIT * (1 << 2 * (attempts - 1)), _LONGEST_WAIT)
    if isinstance(error, HttpStatus) and error.retry_after:
        wait = max(wait, min(error.retry_after, _LONGEST_ASKED))
    return wait


class HubSubscriber:
    """Keeps the subscriptions of a config's sources; one thread runs it at a time."""

    def __init__(self, store: Store, fetcher: AsksHubs, read: Reads) -> None:
        self._store = store
        self._known = store.hub_subscriptions
        self._fetcher = fetcher
        self._read = read
        self._stop = threading.Event()
        self._looked: tuple[Config, datetime] | None = None

    def stop(self) -> None:
        """Ends `run` soon."""
        self._stop.set()

    def run(self, config: Config, named: SourcesNamed, now: datetime) -> Iterator[HubRequest]:
        """Sends requests that are due, at most a hundred; sources whose hubs are silent are polled as usual
        again.

        No hub is asked if no process answers at the callback addresses.
        """
        is_answered = bool(callbacks_of(config)) and self._known.is_answered(now)
        last = self._known.ran(now)
        was_away = last is None or abs(now - last) > _ABSENCE
        if was_away or self._looked is None or self._looked[0] is not config:
            self._look(config, named, now, is_answered=is_answered, was_away=was_away)
        elif now - self._looked[1] >= _LOOK_EVERY:
            self._look(config, named, now, is_answered=is_answered, was_away=False)
        if is_answered:
            yield from self._ask(config, named, now)

    def _look(
        self, config: Config, named: SourcesNamed, now: datetime, *, is_answered: bool, was_away: bool
    ) -> None:
        """Ends subscriptions that are not wanted any more, and stops relying on hubs that may not work.

        `was_away`: pings may have been lost, so no hub is relied on before the next poll.
        """
        self._looked = (config, now)
        self._known.restart(now)
        current, relied_on = self._known.current(), self._known.relied_on()
        moves, sources = self._store.sources.moves(), named({*current, *relied_on})
        callbacks = callbacks_of(config)
        left, again, trusted = [], [], set()
        for name, known in current.items():
            source = sources.get(name)
            is_elsewhere = bool(known.callback and callbacks) and not known.callback.startswith(callbacks)
            if not _is_wanted(known, source, moves.get(name), config):
                left.append(known.pk)
            elif is_elsewhere:
                left.append(known.pk)
                again.append(_with_new_callback(known))
            elif known.is_trusted(now) and is_answered and not was_away:
                trusted.add(name)
        if left:
            self._known.leave(left, now)
        if again:
            self._known.add(again, now)
        following = {}
        for name, state in relied_on.items():
            if name in trusted or (source := sources.get(name)) is None:
                continue
            chance, how = schedule.chance_of(name, state.polls), policy(source, config)
            following[name] = schedule.wake(schedule.replanned(state, now, how, chance), now, how, chance)
        if following:
            self._store.sources.plan(following)

    def _ask(self, config: Config, named: SourcesNamed, now: datetime) -> Iterator[HubRequest]:
        asked = [
            each
            for known in self._known.due(now, _AT_ONCE)
            if (each := self._ready(known, config, now)) is not None
        ]
        sources = named({known.source for known in asked})
        turns = PacedThreads(
            self._fetcher.hosts,
            [known.hub for known in asked],
            workers=_WORKERS,
            work=lambda n: self._tried(asked[n], sources.get(asked[n].source), config, now),
            postponed=lambda n, error: self._failed(asked[n], error, now),
            stop=self._stop,
        )
        for batch in turns:
            for _, request in batch:
                if request is not None:
                    yield request

    def _ready(self, known: HubSubscription, config: Config, now: datetime) -> HubSubscription | None:
        """Returns the subscription to request now; None if there is nothing to request."""
        is_over = known.expires is None or known.expires <= now
        if known.state is HubState.LEAVING:
            if is_over or known.asked is not None or known.attempts >= _MAX_REFUSALS:
                self._known.remove(known.pk)
                return None
            return known
        values: dict[str, Any] = {}
        if known.state is HubState.ACTIVE and is_over:
            values = {"state": HubState.NAMED, "expires": None, "asked": None, "attempts": 0}
            values["error"] = "its lease ended before the hub renewed it"
        elif known.state is HubState.ASKED and known.attempts >= _MAX_ATTEMPTS:
            silent = FetchError("the hub has never verified what we asked for")
            self._given_up(known, silent, now)
            return None
        if _is_ours(known.topic, config):
            values |= {"state": HubState.FAILED, "due": None, "error": "its topic is a feed of this server"}
        if values and not self._known.change(known, now, **values):
            return None
        return None if "due" in values else self._known.by_pk(known.pk)

    def _tried(
        self, known: HubSubscription, source: Source | None, config: Config, now: datetime
    ) -> HubRequest | None:
        try:
            return self._request(known, source, config, now)
        except AggregatorError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug costs one request, never those of other hubs
            text = f"asking it failed because of a bug in aggregator: {type(error).__name__}"
            return self._failed(self._known.by_pk(known.pk) or known, FetchError(text), now)

    def _request(
        self, known: HubSubscription, source: Source | None, config: Config, now: datetime
    ) -> HubRequest | None:
        """Sends one request within the hub's request rate; returns None if the subscription changed
        meanwhile.
        """
        if known.state is HubState.LEAVING:
            return self._unsubscribe(known, now)
        if source is None:
            return None
        callback = callbacks_of(config) + known.token
        # Over http, others in the network could read the secret; without one, a ping only causes a poll.
        is_safe = known.hub.startswith("https:") or Guard(config.fetch.allow).is_own(_host(known.hub))
        secret = (known.hmac_key or secrets.token_urlsafe(32)) if is_safe else ""
        left = known.expires - now if known.expires is not None else _VERIFIED_WITHIN
        asking: dict[str, Any] = {"asked": now, "callback": callback, "hmac_key": secret}
        asking["due"] = now + max(min(_VERIFIED_WITHIN, left / 2), _LEAST_LEASE)
        asking["attempts"] = known.attempts + 1
        asking["state"] = known.state if known.state is HubState.ACTIVE else HubState.ASKED
        form = {
            "hub.mode": "subscribe",
            "hub.topic": known.topic,
            "hub.callback": callback,
            "hub.lease_seconds": f"{LEASE.total_seconds():.0f}",
            **({"hub.secret": secret} if secret else {}),
        }
        try:
            if known.is_doubtful:
                self._check_topic(known, source, now)
            # Before it is sent: some hubs verify before they answer.
            if not self._known.change(known, now, **asking):
                return None
            known = replace(known, state=asking["state"], asked=now, attempts=asking["attempts"])
            self._fetcher.ask_hub(known.hub, form, now)
        except SourceError as error:
            return self._failed(known, error, now)
        return HubRequest(source=known.source, hub=known.hub, mode="subscribe")

    def _unsubscribe(self, known: HubSubscription, now: datetime) -> HubRequest | None:
        form = {"hub.mode": "unsubscribe", "hub.topic": known.topic, "hub.callback": known.callback}
        asking = {"asked": now, "attempts": known.attempts + 1, "due": now + _VERIFIED_WITHIN}
        if not self._known.change(known, now, **asking):
            return None
        asked = replace(known, asked=now, attempts=known.attempts + 1)
        try:
            self._fetcher.ask_hub(known.hub, form, now)
        except SourceError as error:
            wait = _wait(asked.attempts, error)
            again = None if wait is None else now + wait
            if again is None:
                self._known.remove(known.pk)
            else:
                self._known.change(asked, now, asked=None, due=again, error=error.reason[:500])
            return HubRequest(
                source=known.source, hub=known.hub, mode="unsubscribe", error=error, again=again
            )
        return HubRequest(source=known.source, hub=known.hub, mode="unsubscribe")

    def _check_topic(self, known: HubSubscription, source: Source, now: datetime) -> None:
        """Checks that the document at the topic's address names the same hub. Raises SourceError if not."""
        there = source.model_copy(update={"url": known.topic})
        with self._fetcher.hosts.turn(known.topic, within=known.hub):
            fetched = self._fetcher.fetch(there, {}, now)
        offer = None
        if isinstance(fetched, Fetched) and fetched.resources:
            context = context_of(there, SourceRecord(), frozenset(), ())
            offer = offer_of(there, fetched, self._read(fetched.resources[0], context))
        if offer is None or known.hub not in offer.hubs or offer.topic != known.topic:
            reason = "its topic is at another host, which does not name the same hub and topic"
            raise BadAddress(reason, url=known.topic)
        self._known.learn({known.pk: {"is_doubtful": False}})

    def _failed(self, known: HubSubscription, error: SourceError, now: datetime) -> HubRequest | None:
        """Records a failed request: the hub is tried again, or the next hub, or none for a long time."""
        error.url = error.url or known.hub
        if (wait := _wait(max(known.attempts, 1), error)) is None:
            again = self._given_up(known, error, now)
        else:
            again = now + wait
            if known.expires is not None and known.expires > now:
                again = min(again, known.expires)
            self._known.change(known, now, due=again, error=error.reason[:500])
        mode = "unsubscribe" if known.state is HubState.LEAVING else "subscribe"
        return HubRequest(source=known.source, hub=known.hub, mode=mode, error=error, again=again)

    def _given_up(self, known: HubSubscription, error: SourceError, now: datetime) -> datetime | None:
        """Changes to the next hub that the document names, if there is one; returns when a hub is asked
        again.
        """
        values: dict[str, Any] = {"error": error.reason[:500], "asked": None}
        following = known.hubs[known.hubs.index(known.hub) + 1 :] if known.hub in known.hubs else ()
        if known.is_live(now):
            values |= {"due": known.expires}
        elif following and not isinstance(error, BadAddress):
            values |= {"hub": following[0], "state": HubState.NAMED, "attempts": 0, "due": now}
        else:
            values |= {"hub": known.hubs[0], "state": HubState.FAILED, "due": now + FAILED_FOR}
            values["attempts"] = _MAX_ATTEMPTS - 1
        self._known.change(known, now, **values)
        due = values["due"]
        return due if isinstance(due, datetime) else None


def _is_wanted(known: HubSubscription, source: Source | None, moved_to: str | None, config: Config) -> bool:
    if source is None or not may_subscribe(source) or not config.serve.websub:
        return False
    addresses = (without_login(source.address), without_login(as_moved(source, moved_to).address))
    return known.address in addresses


def _with_new_callback(known: HubSubscription) -> dict[str, Any]:
    """Returns the same subscription with a new callback: for hubs, another callback is another
    subscription.
    """
    return {
        "source": known.source,
        "address": known.address,
        "hubs": known.hubs,
        "topic": known.topic,
        "is_doubtful": known.is_doubtful,
        "token": secrets.token_urlsafe(32),
        "hmac_key": secrets.token_urlsafe(32),
    }


def _is_ours(topic: str, config: Config) -> bool:
    """Returns whether this server publishes the topic: each ping would cause another, without end."""
    own = (config.site.url, config.serve.url)
    return any(url and f"{topic}/".startswith(f"{url.rstrip('/')}/") for url in own)


def _host(url: str) -> str:
    with suppress(ValueError):
        return urlsplit(url).hostname or ""
    return ""
