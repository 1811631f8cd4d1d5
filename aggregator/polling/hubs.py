"""Which WebSub hubs documents name, and which sources may be polled rarely because hubs report changes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from aggregator.adapters import kinds
from aggregator.fetch import Fetched
from aggregator.model.hub_links import HubLinks
from aggregator.model.reading import Reading
from aggregator.model.struct import Struct
from aggregator.normalise.links import WEB, without_login
from aggregator.polling.settings import policy
from aggregator.schedule.decide import Policy
from aggregator.schedule.state import PollState, Reason
from aggregator.store import Saved, SourceRecord

if TYPE_CHECKING:
    from aggregator.config.load import Config, Source
    from aggregator.store import HubSubscription, Store

__all__ = ["HubWatch", "Offer", "SourcesNamed", "callbacks_of", "may_subscribe", "offer_of"]

SourcesNamed = Callable[[Collection[str]], Mapping[str, "Source"]]
"""Returns the sources that have these names, by name; names without a source are left out."""

_TOKEN_BYTES = 32
_PATH = "websub/"
_NO_LINKS = HubLinks()
_LOST_WITHOUT_FAULT = (Reason.NEW, Reason.WAKING, Reason.CHANGED, Reason.PING)
"""If a poll for one of these reasons finds an article without a ping, that is no failure of the hub."""


class Offer(Struct, frozen=True, kw_only=True):
    """The hubs that a source's document names (none if empty), and the topic to subscribe to.

    `is_doubtful`: the topic is at another host than the document, so the document may not be allowed to name
    it.
    """

    hubs: tuple[str, ...] = ()
    topic: str = ""
    is_doubtful: bool = False


def callbacks_of(config: Config) -> str:
    """Returns the beginning of callback addresses; "" if hubs cannot reach this server."""
    return f"{config.serve.url.rstrip('/')}/{_PATH}" if config.serve.url else ""


def may_subscribe(source: Source) -> bool:
    """Returns whether a hub may be asked to report changes of a source; the hub learns that we follow it.

    Not if the source is private, needs a login or a proxy of its own, or is not at a web address.
    """
    if not (source.enabled and source.websub) or source.private or source.is_bound or source.proxy:
        return False
    is_web = source.url is not None and source.url.partition(":")[0] in WEB
    return is_web and kinds.named(source.kind).retrieve is None


def offer_of(source: Source, fetched: Fetched, reading: Reading | None = None) -> Offer | None:
    """Returns the hubs and topic of a document; Link headers take precedence over its own links (W3C WebSub
    §4).

    - `reading`: None for a document that was not read because it is unchanged.

    Returns None if the document was not read and its headers alone do not name hubs and topic. A document
    without `rel=self` is its own topic.
    """
    header = fetched.hub_links
    if reading is None and (header is None or not header.topic):
        return None
    if not fetched.resources or not may_subscribe(source):
        return None
    url = fetched.resources[0].url
    if reading is None:
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
    """Knows the hub subscriptions of the sources that are being polled. One thread uses it at a time."""

    def __init__(self, config: Config, store: Store) -> None:
        self._config = config
        self._store = store
        self._known: Mapping[str, HubSubscription] = {}
        self._is_answered = False
        self._now: datetime | None = None

    def look(self, sources: Sequence[Source], now: datetime) -> list[str]:
        """Loads the subscriptions of sources that are to be polled; returns the names of these sources."""
        names = [source.name for source in sources]
        self._known = self._store.hub_subscriptions.current(names)
        self._is_answered = bool(self._known) and self._store.hub_subscriptions.is_answered(now)
        self._now = now
        return names

    def policy(self, source: Source) -> Policy:
        """Returns how often a source is to be polled."""
        known = self._known.get(source.name)
        is_pushed = known is not None and self._now is not None and known.is_trusted(self._now)
        return policy(source, self._config, is_pushed=is_pushed and self._is_answered)

    def learn(
        self,
        polls: Sequence[_Polled],
        offers: Sequence[Offer | None],
        states: Mapping[str, SourceRecord],
        now: datetime,
    ) -> None:
        """Stores changed hubs, and whether pings had reported the new articles that polls found.

        `offers`: one for each poll; None if the poll learnt nothing about hubs.
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
                if known.address != address:  # the source has moved, and still names the same hub
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
    # `is_doubtful` is not compared: it may have been checked since.
    return (known.hubs, known.topic) == (offer.hubs, offer.topic)


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
