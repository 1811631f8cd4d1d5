"""Answers the requests of hubs: verifications and pings (W3C WebSub §5.3, §7, §8).

Uses no thread, socket or clock, so that any kind of server can call it. What hubs send is stored;
`polling.hub_pings` reads it, in this or in another process.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from aggregator.config.load import Config
from aggregator.config.store_address import is_there
from aggregator.errors import StoreError
from aggregator.model.struct import replace
from aggregator.normalise.hub_links import in_header
from aggregator.polling.hub_subscribing import DENIED_FOR, LEASE, renewal
from aggregator.polling.hubs import callbacks_of
from aggregator.store import HubState, HubSubscription, Store

__all__ = ["MAX_PING_BYTES", "CallbackAnswer", "HubCallbacks", "least_gap"]

MAX_PING_BYTES = 4 * 1024 * 1024
"""The largest body, in bytes, that a hub may send, before it is decompressed; a larger one is not read."""

MAX_CHALLENGE_BYTES = 2_048
MAX_LEASE = timedelta(days=30)
"""A longer lease counts as this long, so that it is renewed sooner."""

_PATH = re.compile(r"(?:.*/)?websub/([A-Za-z0-9_-]{43})")
_MAX_FIELDS = 50
_MAX_REASON_CHARACTERS = 200
_MAX_TYPE_CHARACTERS = 200
_MAX_COUNTED = 10_000
_DOCUMENT = re.compile(r"xml|json|rss|atom|html|text/plain|octet-stream", re.IGNORECASE)
_SIGNATURE = re.compile(r"\s*(sha1|sha256|sha384|sha512)=([0-9a-f]{40,128})\s*", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,12}")
_WINDOW, _MAX_WRITES = timedelta(seconds=10), 20
"""How many pings of a subscription the store counts one by one within the window.

Further ones are counted in memory, and written together later.
"""

_FIRST_GAP, _LONGEST_GAP = timedelta(minutes=1), timedelta(hours=1)

Headers = Iterable[tuple[bytes, bytes]]
"""The headers of a request, their names in lower case."""


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """The response to a hub: an HTTP status, and a body in plain text."""

    status: int
    body: bytes = b""


@dataclass(slots=True)
class _Count:
    """The pings of a subscription that are counted in memory and not written yet."""

    since: datetime
    writes: int = 0
    pings: int = 0
    forged: int = 0

    def taken(self) -> tuple[int, int]:
        found = self.pings, self.forged
        self.pings = self.forged = 0
        return found


_AGREED = 200
_TAKEN = CallbackAnswer(202)
_NO_SUCH = CallbackAnswer(404, b"There is no such subscription.\n")
_ENDED = CallbackAnswer(410, b"There is no such subscription any more.\n")
_TOO_LARGE = CallbackAnswer(413, b"It is too large.\n")
_WRONG = CallbackAnswer(400, b"The request is not one that WebSub describes.\n")


def least_gap(vain: int) -> timedelta:
    """Returns the least time between two polls because of pings, after `vain` of them found nothing new."""
    return min(_FIRST_GAP * (1 << min(vain, 16)), _LONGEST_GAP)


class HubCallbacks:
    """Answers hubs at the callback addresses below `serve.url`; safe to use from several threads.

    The store is opened at the first request for a callback.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = Lock()
        self._opened: Store | None = None
        self._counts: dict[int, _Count] = {}

    def adopt(self, config: Config) -> None:
        """Uses another config, with the same store, from now on."""
        self._config = config

    def close(self) -> None:
        """Closes the store."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def token(self, path: str) -> str | None:
        """Returns the token in the path of a request; None if the path is not that of a callback.

        The beginning of the path is ignored, because a proxy may have removed or added a part of it.
        """
        if not callbacks_of(self._config):
            return None
        found = _PATH.fullmatch(path) if len(path) < 2_000 else None
        return found[1] if found else None

    def listening(self, now: datetime) -> None:
        """Records that this server answers hubs; without this record, no hub is asked for a subscription."""
        if callbacks_of(self._config) and (store := self._store()) is not None:
            store.hub_subscriptions.listening(now)
            self._write_counts(store)

    def verify(self, token: str, query: bytes, now: datetime) -> CallbackAnswer:
        """Answers a GET: confirms a request that we made, or records that the hub denied it."""
        store, known = self._known(token)
        if store is None or known is None:
            return _NO_SUCH
        try:
            fields = dict(reversed(_fields(query)))
        except ValueError:
            return _WRONG
        mode, challenge = fields.get("hub.mode"), fields.get("hub.challenge", "").encode("latin-1")
        if fields.get("hub.topic", "").encode("latin-1") != known.topic.encode():
            return _NO_SUCH
        if mode == "denied":
            return _denied(store, known, fields.get("hub.reason", ""), now)
        if mode not in ("subscribe", "unsubscribe"):
            return _NO_SUCH
        if not 0 < len(challenge) <= MAX_CHALLENGE_BYTES:
            return _WRONG
        if mode == "unsubscribe":
            if known.state is not HubState.LEAVING:
                return _NO_SUCH
            store.hub_subscriptions.remove(known.pk)
            return CallbackAnswer(_AGREED, challenge)
        lease = _lease(fields.get("hub.lease_seconds"))
        if lease is None:
            return _WRONG
        is_wanted = known.state is HubState.ASKED or known.is_live(now) or known.asked is not None
        if known.state in (HubState.LEAVING, HubState.DENIED) or not is_wanted:
            return _NO_SUCH
        due = now + renewal(lease, known)
        values: dict[str, Any] = {"state": HubState.ACTIVE, "expires": now + lease, "due": due}
        values |= {"asked": None, "attempts": 0, "error": None}
        if not known.is_live(now):
            values["missed"] = 0
        return CallbackAnswer(_AGREED, challenge) if _change(store, known, now, values) else _NO_SUCH

    def allowance(self, token: str, headers: Headers, now: datetime) -> CallbackAnswer | int:
        """Answers a POST before its body is read; an int is the largest number of bytes to read of the body.

        A longer body is to be answered with 413.
        """
        _, known = self._known(token)
        if known is None or not known.is_live(now):
            return _ENDED
        length = _one(headers, b"content-length")
        most = min(MAX_PING_BYTES, self._config.fetch.max_bytes)
        if length is not None and (not _SECONDS.fullmatch(length) or int(length) > most):
            return _TOO_LARGE
        return most

    def deliver(self, token: str, headers: Headers, body: bytes, now: datetime) -> CallbackAnswer:
        """Answers a POST, by which a hub reports that the topic changed; the answer says only that it
        arrived.

        Without a valid signature it is ignored, and counted. A document of the topic is stored to be read.
        For anything else, and for a document that was read before, the source is polled soon.
        """
        store, known = self._known(token)
        if store is None or known is None or not known.is_live(now):
            return _ENDED
        headers = list(headers)
        if known.hmac_key and not _is_signed(known.hmac_key, _one(headers, b"x-hub-signature"), body):
            pings, forged = self._counted(known, now, is_forged=True)
            if pings or forged:
                store.hub_subscriptions.count(known.pk, pings=pings, forged=forged)
            return _TAKEN
        after = known.polled_for
        poll_due: datetime | None = max(now, after + least_gap(known.vain)) if after else now
        if known.hmac_key and body and self._is_document(known, headers):
            digest = hashlib.blake2b(body, digest_size=12).hexdigest()
            content_type = (_one(headers, b"content-type") or "")[:_MAX_TYPE_CHARACTERS]
            if digest not in known.seen and store.hub_pings.add(known.pk, content_type, digest, body, now):
                poll_due = None
        pings, forged = self._counted(known, now)
        if pings or (poll_due is not None and known.poll_due is None):
            store.hub_subscriptions.pinged(known, pings, poll_due, now)
            if forged:
                store.hub_subscriptions.count(known.pk, forged=forged)
        return _TAKEN

    def _is_document(self, known: HubSubscription, headers: Headers) -> bool:
        """Returns whether the headers allow the body to be the topic: its Link headers may name another
        topic.
        """
        links = in_header(_one(headers, b"link"), known.topic)
        is_other = links is not None and links.topic and links.topic != known.topic
        return not is_other and bool(_DOCUMENT.search(_one(headers, b"content-type") or "text/plain"))

    def _counted(self, known: HubSubscription, now: datetime, *, is_forged: bool = False) -> tuple[int, int]:
        """Counts a ping; returns how many valid and forged ones to write now (of a flood, not each by
        itself).
        """
        with self._lock:
            if len(self._counts) >= _MAX_COUNTED and known.pk not in self._counts:
                self._counts.clear()
            count = self._counts.setdefault(known.pk, _Count(now))
            if not timedelta(0) <= now - count.since < _WINDOW:
                count.since, count.writes = now, 0
            count.pings += not is_forged
            count.forged += is_forged
            if count.writes >= _MAX_WRITES:
                return 0, 0
            count.writes += 1
            return count.taken()

    def _write_counts(self, store: Store) -> None:
        with self._lock:
            taken = {pk: count.taken() for pk, count in self._counts.items()}
        for pk, (pings, forged) in taken.items():
            if pings or forged:
                store.hub_subscriptions.count(pk, pings=pings, forged=forged)

    def _known(self, token: str) -> tuple[Store | None, HubSubscription | None]:
        store = self._store()
        return store, store.hub_subscriptions.by_token(token) if store is not None else None

    def _store(self) -> Store | None:
        with self._lock:
            if self._opened is None:
                if not is_there(self._config.store):
                    return None
                try:
                    self._opened = Store(self._config.store)
                except StoreError:
                    return None
            return self._opened


def _denied(store: Store, known: HubSubscription, reason: str, now: datetime) -> CallbackAnswer:
    if known.state is HubState.LEAVING:
        store.hub_subscriptions.remove(known.pk)
        return CallbackAnswer(_AGREED)
    text = reason.encode("latin-1").decode("utf-8", "replace")
    shown = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    error = f"the hub denied it: {shown[:_MAX_REASON_CHARACTERS]}" if shown else "the hub denied it"
    values: dict[str, Any] = {"state": HubState.DENIED, "error": error, "due": now + DENIED_FOR}
    values |= {"asked": None, "expires": None}
    _change(store, known, now, values)
    return CallbackAnswer(_AGREED)


def _change(store: Store, known: HubSubscription, now: datetime, values: dict[str, Any]) -> bool:
    """Changes a subscription; tries again once if another process changed it, such as by recording our
    request.
    """
    if store.hub_subscriptions.change(known, now, **values):
        return True
    again = store.hub_subscriptions.by_pk(known.pk)
    if again is None or again.state is HubState.LEAVING:
        return False
    return store.hub_subscriptions.change(replace(known, state=again.state, asked=again.asked), now, **values)


def _fields(query: bytes) -> list[tuple[str, str]]:
    """Returns the fields of a query, one character per byte, so that the challenge is sent back unchanged."""
    return parse_qsl(
        query.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=_MAX_FIELDS
    )


def _lease(written: str | None) -> timedelta | None:
    """Returns how long a subscription lasts: what we asked for if the hub does not say; None if it is
    invalid.
    """
    if written is None:
        return LEASE
    if not _SECONDS.fullmatch(written) or not int(written):
        return None
    return min(timedelta(seconds=int(written)), MAX_LEASE)


def _is_signed(secret: str, signature: str | None, body: bytes) -> bool:
    found = _SIGNATURE.fullmatch(signature or "")
    if found is None:
        return False
    expected = hmac.new(secret.encode(), body, found[1].lower()).hexdigest()
    return hmac.compare_digest(expected, found[2].lower())


def _one(headers: Headers, name: bytes) -> str | None:
    """Returns a header's value, with several lines joined by commas; None if it is missing."""
    values = [value.decode("latin-1") for key, value in headers if key == name]
    return ", ".join(values) if values else None
