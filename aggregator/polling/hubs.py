"""What polls have to do with WebSub hubs: which ones documents name, and which sources need few polls."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from aggregator.adapters import kinds
from aggregator.config.load import Config, Source
from aggregator.fetch import Fetched
from aggregator.model.hub_links import HubLinks
from aggregator.model.reading import Reading
from aggregator.normalise.links import WEB, without_login
from aggregator.polling.settings import policy
from aggregator.schedule.decide import Policy
from aggregator.schedule.state import PollState, Reason
from aggregator.store import HubSubscription, Saved, SourceRecord, Store

__all__ = ["HubWatch", "Offer", "SourcesNamed", "callbacks_of", "may_subscribe", "offer_of"]

SourcesNamed = Callable[[Collection[str]], Mapping[str, Source]]
"""The sources of these names that are followed, by name."""

_TOKEN_BYTES = 32
_PATH = "websub/"
_NO_LINKS = HubLinks()
_LOST_WITHOUT_FAULT = (Reason.NEW, Reason.WAKING, Reason.CHANGED, Reason.PING)
"""After polls for these reasons, an article that no ping had reported says nothing of a hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The hubs that a source's document names, none where it names no hub, and the topic to subscribe to.

    `is_doubtful`: the topic is at another host than the document, which may name what is not its own.
    """

    hubs: tuple[str, ...] = ()
    topic: str = ""
    is_doubtful: bool = False


def callbacks_of(config: Config) -> str:
    """The address that callbacks begin with, "" where hubs cannot reach this server."""
    return f"{config.serve.url.rstrip('/')}/{_PATH}" if config.serve.url else ""


def may_subscribe(source: Source) -> bool:
    """Whether a hub may be asked to report changes of a source: it then learns that we follow it.

    Not for what is private, what a login or a proxy of its own is needed for, and what is not asked for at
    a web address.
    """
    if not (source.enabled and source.websub) or source.private or source.is_bound or source.proxy:
        return False
    is_web = source.url is not None and source.url.partition(":")[0] in WEB
    return is_web and kinds.named(source.kind).retrieve is None


def offer_of(source: Source, fetched: Fetched, reading: Reading | None = None) -> Offer | None:
    """What a document offers: Link headers count before its own links (W3C WebSub §4).

    `reading`: None for a document that was not read, as it is known: None is returned then where its
    headers alone do not say it all. A document without a `rel=self` is its own topic.
    """
    header = fetched.hub_links
    if not may_subscribe(source) or not fetched.resources:
        return None
    url = fetched.resources[0].url
    if reading is None:
        if header is None or not header.topic:
            return None
        own = _NO_LINKS
    else:
        own = _NO_LINKS if reading.subscriptions is not None else reading.hub_links
        header = header if reading.subscriptions is None else None
    hubs = header.hubs if header else own.hubs
    if not hubs:
        return Offer()
    topic = (header.topic if header else "") or own.topic or url
    is_doubtful = _host(topic) not in (_host(url), _host(source.address))
    return Offer(hubs=hubs, topic=topic, is_doubtful=is_doubtful)


class _Polled(Protocol):
    @property
    def source(self) -> Source: ...

    @property
    def saved(self) -> Saved: ...

    @property
    def error(self) -> Exception | None: ...


class HubWatch:
    """What is known of the hubs of the sources that are being polled. One thread uses it at a time."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._known: Mapping[str, HubSubscription] = {}
        self._is_heard = False
        self._now: datetime | None = None

    def look(self, sources: Sequence[Source], now: datetime) -> list[str]:
        """Looks up the subscriptions of sources that are to be polled; their names."""
        names = [source.name for source in sources]
        self._known = self._store.hub_subscriptions.current(names)
        self._is_heard = bool(self._known) and self._store.hub_subscriptions.is_heard(now)
        self._now = now
        return names

    def policy(self, source: Source) -> Policy:
        """How a source is to be polled."""
        known = self._known.get(source.name)
        is_pushed = known is not None and self._now is not None and known.is_trusted(self._now)
        return policy(source, self._config, is_pushed=is_pushed and self._is_heard)

    def learn(
        self,
        polls: Sequence[_Polled],
        offers: Sequence[Offer | None],
        states: Mapping[str, SourceRecord],
        now: datetime,
    ) -> None:
        """Stores what polls found out: other hubs, and whether pings had reported what is new.

        `offers`: of each poll, None where it learnt nothing of hubs.
        """
        new: list[dict[str, object]] = []
        left: list[int] = []
        changes: dict[int, dict[str, object]] = {}
        for poll, offer in zip(polls, offers, strict=True):
            source = poll.source
            known, address = self._known.get(source.name), without_login(source.address)
            if poll.error is not None or (known is None and (offer is None or not offer.hubs)):
                continue
            if offer is not None and known is not None and not offer.hubs:
                left.append(known.pk)
            elif offer is not None and (known is None or not _is_same(known, offer)):
                new.append(_made(source.name, address, offer))
            elif known is not None:
                before = states.get(source.name, SourceRecord()).schedule
                learnt = _learnt(known, before, poll.saved) if known.is_live(now) else {}
                if known.address != address:  # it has moved, and names the same hub there
                    learnt["address"] = address
                if learnt:
                    changes[known.pk] = learnt
        if new:
            self._store.hub_subscriptions.add(new, now)
        if left:
            self._store.hub_subscriptions.leave(left, now)
        if changes:
            self._store.hub_subscriptions.learn(changes)


def _learnt(known: HubSubscription, before: PollState, saved: Saved) -> dict[str, object]:
    if before.reason is Reason.PING:
        vain = 0 if saved.new or saved.changed else known.vain + 1
        return {} if vain == known.vain else {"vain": vain}
    if saved.new and before.reason not in _LOST_WITHOUT_FAULT:
        return {"missed": known.missed + 1}
    return {}


def _is_same(known: HubSubscription, offer: Offer) -> bool:
    return (known.hubs, known.topic) == (offer.hubs, offer.topic)  # a doubt may have been settled


def _made(source: str, address: str, offer: Offer) -> dict[str, object]:
    return {
        "source": source,
        "address": address,
        "hubs": offer.hubs,
        "topic": offer.topic,
        "is_doubtful": offer.is_doubtful,
        "token": secrets.token_urlsafe(_TOKEN_BYTES),
        "hmac_key": secrets.token_urlsafe(_TOKEN_BYTES),
    }


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
