"""Polls many sources: fetches, reads, decides the next poll and saves."""

from __future__ import annotations

import logging
import threading
import time
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aggregator.adapters import kinds
from aggregator.errors import AggregatorError, Later, ReadError, SourceError
from aggregator.fetch import Fetched, NotModified, Validators
from aggregator.fetch.freshness import http_date
from aggregator.model.article import Article, Problem
from aggregator.model.struct import Struct, field, replace
from aggregator.polling import folder_files
from aggregator.polling.compare_last_poll import (
    body_hash_of,
    context_of,
    is_outdated,
    is_redated,
    is_same,
    reading_settings,
)
from aggregator.polling.fetcher_protocol import Fetches
from aggregator.polling.hubs import HubWatch, Offer, offer_of
from aggregator.polling.offline_check import Network, Successes
from aggregator.polling.paced_threads import PacedThreads
from aggregator.polling.poll_result import PollResult, lag_of
from aggregator.polling.read_documents import Reads, dated_in_order, found, gather
from aggregator.polling.schedule_input import hints_of, result_of
from aggregator.polling.server_clocks import ServerClocks
from aggregator.polling.settings import as_moved, policy, poll_settings, settings_read
from aggregator.reading.version import READER_VERSION
from aggregator.schedule import decide as schedule
from aggregator.schedule.clock import ServerTimes
from aggregator.schedule.settings import PollSettings, with_settings
from aggregator.store import PolledArticles, Saved, SourceRecord, Update

if TYPE_CHECKING:
    from aggregator.config.load import Config, Source
    from aggregator.store import Store

_log = logging.getLogger(__name__)
_DATES_FOR_A_RATE = 16
_FAILURES_BEFORE_TURNING_BACK = 5
_MOST_PASSING = 10_000
"""How many sources outside the config have their addresses remembered."""


class _Poll(Struct):
    """The result of fetching and reading a source, not yet saved."""

    update: Update | None = None
    was_read: bool = False
    problems: list[Problem] = field(default_factory=list)
    error: SourceError | None = None
    result: schedule.Result = field(default_factory=schedule.Result)
    validators: Validators | None = None
    server_time: datetime | None = None
    seconds: float = 0.0
    size: int = 0
    lag: timedelta | None = None
    offer: Offer | None = None
    redated: Sequence[Article] = ()
    saved: Saved = field(default_factory=Saved)


class Poller:
    """Polls sources in parallel, within each publisher's request rate, and saves them in the order given.

    One order gives the same public ids and folder names in every run; only a source that is seconds slower
    than the next one is saved after it. A source that fails does not affect others.
    """

    def __init__(self, config: Config, store: Store, fetcher: Fetches, read: Reads) -> None:
        self._config = config
        self._known = {source.name: source.address for source in config.sources}
        self._passing: dict[str, str] = {}
        self._addresses = ChainMap(self._known, self._passing)
        self.hosts = fetcher.hosts
        self._store = store
        self._fetcher = fetcher
        self._read = read
        self._network = Network(fetcher.hosts.publisher, self._addresses)
        self._stop = threading.Event()
        self._threads = config.fetch.workers
        self._server_clocks = ServerClocks(fetcher.hosts.publisher)
        self._hubs = HubWatch(config, store)
        self._successes = Successes(store.sources.successes)

    @property
    def addresses(self) -> frozenset[str]:
        """The addresses of the config's sources, and of those that were polled last."""
        return frozenset((*self._known.values(), *self._passing.values()))

    def server_times(self, addresses: Iterable[str], now: datetime) -> ServerTimes:
        """Returns what the Date headers of the publishers at these addresses say about the time."""
        return self._server_clocks.server_times(addresses, now)

    def poll_many(
        self, sources: Sequence[Source], now: datetime, *, refetch: bool = False
    ) -> Iterator[PollResult]:
        """Polls each source now, due or not; `refetch`: without validators, and reads everything again.

        A source that has moved permanently is polled at its new address, and yielded with that.
        """
        if len(self._passing) > _MOST_PASSING:
            self._passing.clear()
        self._passing |= {source.name: source.address for source in sources if source.name not in self._known}
        moment = time.monotonic()
        states = self._store.sources.states(self._hubs.look(sources, now))
        sources = [as_moved(each, states.get(each.name, SourceRecord()).moved_to) for each in sources]
        turns = PacedThreads(
            self._fetcher.hosts,
            [source.address for source in sources],
            workers=self._threads,
            work=lambda n: self._poll(
                sources[n], states.get(sources[n].name, SourceRecord()), now, refetch, moment
            ),
            postponed=lambda n, error: _postponed(sources[n], error),
            stop=self._stop,
        )
        for batch in turns:
            yield from self._save_all([(sources[n], polled) for n, polled in batch], states, now)

    def holding(self, store: Store, threads: int) -> Poller:
        """Returns a copy that shares this state, with its own store view, threads and `stop`."""
        polls = copy(self)
        polls._store, polls._threads, polls._stop = store, threads, threading.Event()
        polls._hubs = HubWatch(self._config, store)
        return polls

    def set_sources(self, sources: Sequence[Source]) -> None:
        """Adds sources that OPML lists named."""
        self._known |= {source.name: source.address for source in sources}

    def stop(self) -> None:
        """Begins no more polls: `poll_many` saves the responses of the next seconds, and ends."""
        self._stop.set()

    def _poll(
        self, source: Source, state: SourceRecord, now: datetime, refetch: bool, moment: float
    ) -> _Poll:
        """Polls one source; `moment`: the monotonic time at `now`, in seconds."""
        began = time.monotonic()
        poll = _Poll(lag=lag_of(state.schedule, now + timedelta(seconds=began - moment)))
        try:
            self._fetch_and_read(source, state, poll, now, refetch)
        except SourceError as error:
            self._refuse(source, poll, error, now)
        except AggregatorError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug costs one source, never a run
            _log.debug("polling %s failed", source.name, exc_info=error)
            ours = ReadError(f"polling it failed because of a bug in aggregator: {error!r}"[:500])
            self._refuse(source, poll, ours, now)
        poll.seconds = time.monotonic() - began
        return poll

    def _fetch_and_read(
        self, source: Source, state: SourceRecord, poll: _Poll, now: datetime, refetch: bool
    ) -> None:
        before = state.schedule
        is_whole = refetch or self._asks_whole(source, state, before, now)
        validators = {} if is_whole else folder_files.ready(state.validators, now)
        poll.result = schedule.Result(is_whole=not validators)
        fetched = self._fetcher.fetch(source, validators, now)
        hints = fetched.hints
        poll.server_time = hints.time
        poll.result = schedule.Result(
            status=fetched.status,
            is_whole=not validators,
            fresh_for=hints.max_age,
            retry_after=None if hints.retry_after is None else now + hints.retry_after,
            moved_to=hints.moved_to,
        )
        if before.unread and isinstance(fetched, NotModified):
            # The unchanged document is the one that could not be read before.
            poll.validators = fetched.validators
            raise ReadError(before.unread, advice=before.advice)
        body_hash = state.body_hash
        if isinstance(fetched, NotModified) and folder_files.is_pending(state.validators, now):
            fetched = Fetched(resources=(), validators=fetched.validators)
        if isinstance(fetched, Fetched):
            poll.validators = fetched.validators
            poll.problems.extend(fetched.unread)
            poll.size = sum(len(resource.body) for resource in fetched.resources)
            poll.offer = offer_of(source, fetched)
            body_hash = body_hash_of(fetched.resources)
        is_known_body = body_hash is not None and body_hash == state.body_hash
        is_other = refetch or is_outdated(source, state) or self._is_read_otherwise(source, before)
        if isinstance(fetched, NotModified) or (is_known_body and not is_other):
            kept = folder_files.unchanged(fetched.validators, state.validators)
            poll.update = Update(source=source.name, validators=kept, body_hash=body_hash)
            return
        self._take(source, fetched, state, poll, body_hash, now, refetch)

    def _refuse(self, source: Source, poll: _Poll, error: SourceError, now: datetime) -> None:
        """Sets the result and validators of a failed poll."""
        error.source = source.name
        error.url = error.url or source.address
        poll.error, poll.update = error, None
        poll.result = result_of(error, poll.result, now)
        # Without new validators, a later 304 refers to the document that was read before.
        has_own = set(poll.validators or ()) > {"url"}
        if isinstance(error, ReadError) and has_own and not (source.is_local or self._stop.is_set()):
            unread, advice = error.reason[:500], error.advice[:500]
            unread_as = reading_settings(source)
            poll.result = replace(poll.result, unread=unread, advice=advice, unread_as=unread_as)
        else:
            poll.validators = None

    def _asks_whole(
        self, source: Source, state: SourceRecord, before: schedule.PollState, now: datetime
    ) -> bool:
        """Returns whether a document is fetched without validators, although they are known.

        True for a document that could not be read, or was read by another version: at most once a day,
        unless the source's settings changed or it is on this machine.
        """
        if is_redated(source, state) or (before.unread and before.unread_as != reading_settings(source)):
            return True
        if self._is_read_otherwise(source, before):
            return True
        is_wanted = bool(before.unread) or is_outdated(source, state)
        how = policy(source, self._config)
        return is_wanted and (source.is_local or schedule.asks_whole(before, now, how))

    def _take(
        self,
        source: Source,
        fetched: Fetched,
        state: SourceRecord,
        poll: _Poll,
        body_hash: str | None,
        now: datetime,
        refetch: bool,
    ) -> None:
        poll.was_read = True
        redates = is_redated(source, state)
        before = PolledArticles()
        if state.has_articles:
            before = self._store.articles.going_by(source.name, READER_VERSION, dates=_DATES_FOR_A_RATE)
        known = frozenset[str]() if refetch or redates else before.fingerprints
        context = context_of(source, state, known, self._config.html.players)
        gathered = gather(
            fetched.resources, context, self._read, lambda url: self._fetcher.further(source, url, now), now
        )
        files = fetched.validators.get("files", {})
        articles = found(
            gathered,
            files,
            before.files,
            is_same=lambda resource: is_same(resource, fetched, state, body_hash),
            has_other_options=self._is_read_otherwise(source, state.schedule),
        )
        if state.succeeded is None:
            articles = dated_in_order(articles, http_date(fetched.validators.get("last_modified")), now)
        if redates:
            poll.redated = [f.article for f in articles]
        is_whole = not gathered.failed or bool(files)
        look = folder_files.Look(validators=fetched.validators_without(gathered.failed) if is_whole else {})
        if kinds.named(source.kind).withdraws:
            look = folder_files.look(state.validators, fetched, gathered, before.files, articles, now)
        poll.problems += (*gathered.problems, *look.problems)
        # Hints of a folder's files concern single files; hints of a paged list are on its first page.
        first = None if files else next((reading for _, reading in gathered.readings), None)
        poll.offer = offer_of(source, fetched, first)
        poll.saved = Saved(unchanged=sum(reading.unchanged for _, reading in gathered.readings))
        poll.update = Update(
            source=source.name,
            validators=look.validators,
            body_hash=body_hash if is_whole else None,
            identity=first.identity if first else None,
            title=first.document.title if first else "",
            found=articles,
            unchanged=poll.saved.unchanged,
            present=frozenset(mark for _, reading in gathered.readings for mark in reading.known),
            pages=source.full_text.pages if source.full_text else 0,
            subscriptions=first.subscriptions if first else None,
            refused=fetched.refused,
            withdrawn=look.withdrawn,
            reader_version=READER_VERSION,
        )
        dates = [*(f.article.published or now for f in poll.update.found), *before.newest]
        poll.result = replace(
            poll.result,
            hints=hints_of(first, source) if first else None,
            read_as=source.timezone or "",
            published=tuple(sorted({min(d, now) for d in dates}, reverse=True)[:_DATES_FOR_A_RATE]),
        )

    def _save_all(
        self, batch: Sequence[tuple[Source, _Poll]], states: Mapping[str, SourceRecord], now: datetime
    ) -> Iterator[PollResult]:
        """Saves a batch in order: what found something in one transaction, all others in another."""
        unchanged: list[Update] = []
        read: list[tuple[int, Update]] = []
        redated: dict[str, Sequence[Article]] = {}
        polls: list[PollResult] = []
        for source, polled in batch:
            before = states.get(source.name, SourceRecord()).schedule
            chance = schedule.chance_of(source.name, before.polls)
            result = polled.result
            self._server_clocks.record(source.address, polled.server_time, now)
            if result.is_unconnected:
                result = replace(result, answered=self._network.answered(self._succeeded(states, now), now))
            decision = schedule.decide(before, result, now, self._hubs.policy(source), chance)
            following = with_settings(decision.state, self._settings(source))
            if polled.update is None:
                self._fail(source, polled, replace(following, options_as=before.options_as), now)
            elif not polled.update.is_of_source_alone:
                read.append((len(polls), replace(polled.update, schedule=following)))
                if polled.redated:
                    redated[source.name] = polled.redated
            else:
                unchanged.append(replace(polled.update, schedule=following))
            polls.append(
                PollResult(
                    source=source,
                    was_read=polled.was_read,
                    saved=polled.saved,
                    problems=tuple(polled.problems),
                    error=polled.error,
                    following=decision.state,
                    seconds=polled.seconds,
                    size=polled.size,
                    lag=polled.lag,
                    move=self._move(source, decision),
                    is_offline=decision.is_offline,
                    is_list=polled.update is not None and polled.update.subscriptions is not None,
                    notice=self._network.record(
                        source.address, is_offline=decision.is_offline, is_answer=polled.update is not None
                    ),
                )
            )
        if unchanged:
            self._store.sources.commit_unchanged(unchanged, now)
        if read:
            saved = self._store.sources.commit_many([update for _, update in read], now)
            for (number, _), what in zip(read, saved, strict=True):
                polls[number] = replace(polls[number], saved=what)
        self._hubs.learn(polls, [polled.offer for _, polled in batch], states, now)
        for name, articles in redated.items():
            self._store.clock_corrections.redate(name, articles, now)
        yield from polls

    def _succeeded(self, states: Mapping[str, SourceRecord], now: datetime) -> Mapping[str, datetime]:
        """Returns when each source last succeeded before this run."""
        before = {name: state.succeeded for name, state in states.items() if state.succeeded is not None}
        return {**self._successes.known(now), **before}

    def _fail(self, source: Source, polled: _Poll, following: schedule.PollState, now: datetime) -> None:
        error = polled.error
        assert error is not None, "a poll gives an update or an error"
        self._store.sources.fail(
            source.name,
            error.reason,
            now,
            advice=error.advice,
            following=following,
            validators=polled.validators,
        )

    def _move(self, source: Source, decision: schedule.Decision) -> str:
        """Records a permanent move, or a return to the configured address; returns a message or ""."""
        if decision.adopt:
            moved = f"it has moved permanently to {decision.adopt}"
            is_weaker = source.address.startswith("https:") and not decision.adopt.startswith("https:")
            if source.is_bound or is_weaker:
                return f"{moved}; change its url"
            self._store.sources.move(source.name, decision.adopt)
            return f"{moved} and is polled there from now on; change its url"
        lost = decision.state.failures >= _FAILURES_BEFORE_TURNING_BACK
        configured = self._addresses.get(source.name, source.address)
        if source.address != configured and (lost or decision.state.gone_since):
            self._store.sources.move(source.name, None)
            return f"{source.address}, where it had moved, fails; {configured} is polled again"
        return ""

    def _settings(self, source: Source) -> PollSettings:
        return poll_settings(source, self._addresses.get(source.name, source.address), self._config)

    def _is_read_otherwise(self, source: Source, before: schedule.PollState) -> bool:
        """Returns whether options changed since the document was read, which is then read again."""
        return bool(before.options_as) and before.options_as != settings_read(source)


def _postponed(source: Source, error: Later) -> _Poll:
    """Returns the result for a source that was not asked, because its publisher asked us to wait."""
    error.source = source.name
    return _Poll(error=error, result=schedule.Result(status=429))
