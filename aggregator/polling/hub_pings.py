"""Reads the documents that hubs sent, and makes sources due whose changes hubs only reported."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from aggregator.config.load import Config, Source
from aggregator.errors import AggregatorError, SourceError
from aggregator.fetch import Resource
from aggregator.model.struct import replace
from aggregator.polling.compare_last_poll import context_of, is_outdated
from aggregator.polling.hubs import SourcesNamed, may_subscribe
from aggregator.polling.poll_result import PollResult
from aggregator.polling.read_documents import Reads, found, gather
from aggregator.polling.settings import as_moved, policy, poll_settings
from aggregator.reading.version import READER_VERSION
from aggregator.schedule import decide as schedule
from aggregator.schedule.state import PollState, Reason
from aggregator.store import HubPing, HubSubscription, Saved, SourceRecord, Store, Update

__all__ = ["PingReader"]

_GAP = timedelta(seconds=5)
_AT_ONCE = 500
_MAX_SEEN = 50
_ASKED_TO_WAIT = frozenset((Reason.RETRY_AFTER, Reason.LATER, Reason.GONE, Reason.NEW))
_AS_USUAL = frozenset(
    (
        *(Reason.INTERVAL, Reason.RATE, Reason.MAX_AGE, Reason.TTL, Reason.UPDATE_PERIOD),
        *(Reason.SKIP_HOURS, Reason.SKIP_DAYS, Reason.WAKING),
    )
)


class PingReader:
    """Reads what hubs sent for the sources of a config; one thread uses it at a time.

    A ping brings articles, but it is not a poll: validators, the body that a 304 refers to, the kind of
    ids, moves and hints stay those of the last poll, because the next poll relies on them.
    """

    def __init__(self, store: Store, read: Reads) -> None:
        self._store = store
        self._read = read
        self._last: dict[int, datetime] = {}
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ends `read` soon."""
        self._stop.set()

    def plan(self, named: SourcesNamed, now: datetime) -> None:
        """Makes sources due whose hubs reported a change, unless their servers asked us to wait."""
        pinged = self._store.hub_subscriptions.to_poll(now, _AT_ONCE)
        if not pinged:
            return
        sources = named([known.source for known in pinged])
        states = self._store.sources.schedules([known.source for known in pinged])
        following = {}
        for known in pinged:
            state = states.get(known.source, PollState())
            is_held = bool(state.postponed) or state.reason in _ASKED_TO_WAIT
            is_due = state.next_poll is None or state.next_poll <= now
            source = sources.get(known.source)
            if source is not None and source.enabled and not (is_held or is_due):
                following[known.source] = replace(state, next_poll=now, reason=Reason.PING)
        if following:
            self._store.sources.plan(following)
        self._store.hub_subscriptions.took([known.pk for known in pinged], now)

    def read(self, config: Config, named: SourcesNamed, now: datetime) -> Iterator[PollResult]:
        """Reads the oldest ping of each subscription, not two within five seconds, and saves its articles.

        If a ping cannot be read, or needs the whole feed to be understood, its source is polled.
        """
        for ping in self._store.hub_pings.waiting():
            if self._stop.is_set():
                return
            last = self._last.get(ping.subscription)
            if last is not None and timedelta(0) <= now - last < _GAP:
                continue
            known = self._store.hub_subscriptions.by_pk(ping.subscription)
            source = named([known.source]).get(known.source) if known is not None else None
            if known is not None and source is not None and may_subscribe(source):
                self._last[known.pk] = now
                if (poll := self._take(known, source, ping, config, now)) is not None:
                    yield poll
            self._store.hub_pings.done(ping)

    def _take(
        self, known: HubSubscription, source: Source, ping: HubPing, config: Config, now: datetime
    ) -> PollResult | None:
        state = self._store.sources.states([source.name]).get(source.name, SourceRecord())
        began, problem, poll = time.monotonic(), "", None
        try:
            poll = self._saved(known, source, state, ping, config, now)
        except SourceError as error:
            problem = f"what the hub sent cannot be read: {error.message}"[:500]
        except AggregatorError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug costs one ping, never a run
            problem = f"reading what the hub sent failed because of a bug in aggregator: {error!r}"[:500]
        seen = [*known.seen, ping.digest][-_MAX_SEEN:]
        changes: dict[str, object] = {"seen": seen, "error": problem or None}
        if poll is None:
            changes["poll_due"] = now if known.poll_due is None else known.poll_due
        self._store.hub_subscriptions.learn({known.pk: changes})
        if poll is None:
            return None
        following = _relying(known, source, state.schedule, config, now)
        if following != state.schedule:
            self._store.sources.plan({source.name: following})
        return replace(poll, following=following, seconds=time.monotonic() - began)

    def _saved(
        self,
        known: HubSubscription,
        source: Source,
        state: SourceRecord,
        ping: HubPing,
        config: Config,
        now: datetime,
    ) -> PollResult | None:
        """Saves the articles of a ping; returns None if it needs a poll to be understood. Raises
        SourceError.
        """
        url = state.validators.get("url")
        settings = poll_settings(source, source.address, config)
        is_read_otherwise = bool(state.schedule.options_as) and state.schedule.options_as != settings.read
        is_behind = state.succeeded is None or is_outdated(source, state) or is_read_otherwise
        if is_behind or not isinstance(url, str) or state.schedule.unread:
            return None
        moved_to = self._store.sources.moves().get(source.name)
        source = as_moved(source, moved_to)
        before = self._store.articles.going_by(source.name, READER_VERSION, dates=0)
        resource = Resource(url=url, body=ping.body, content_type=ping.content_type or None)
        context = context_of(source, state, before.fingerprints, config.html.players)
        gathered = gather([resource], context, self._read, _refuse, now)
        reading = gathered.readings[0][1]
        is_other = reading.subscriptions is not None or reading.identity != context.identity
        own_topic = reading.hub_links.topic
        if is_other or reading.more or (own_topic and own_topic not in (known.topic, url)):
            return None
        update = Update(
            source=source.name,
            validators={},
            body_hash=None,
            found=found(gathered, (), before.files),
            unchanged=reading.unchanged,
            present=frozenset(reading.known),
            pages=source.full_text.pages if source.full_text else 0,
            reader_version=READER_VERSION,
        )
        saved: Saved | None = self._store.pushed.commit(update, now)
        if saved is None:
            return None
        return PollResult(source=source, saved=saved, was_read=True, problems=tuple(gathered.problems))


def _relying(
    known: HubSubscription, source: Source, state: PollState, config: Config, now: datetime
) -> PollState:
    """Returns the state of a source whose hub has just proved to work: its next poll may wait for a day."""
    has_failed = state.failures or state.postponed or state.offline or state.unread
    if not known.is_trusted(now) or has_failed or state.reason not in _AS_USUAL:
        return state
    chance = schedule.chance_of(source.name, state.polls)
    following = schedule.replanned(state, now, policy(source, config, is_pushed=True), chance)
    is_later = state.next_poll is None or (following.next_poll and following.next_poll > state.next_poll)
    return following if is_later else state


def _refuse(url: str) -> Resource:
    raise SourceError(f"{url} is not fetched for a ping")
