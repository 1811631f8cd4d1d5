"""Compares this machine's clock with earlier runs and with the servers that were polled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from aggregator.schedule import clock as clocks
from aggregator.schedule.clock import Clock, ServerTimes
from aggregator.store import Store

_SETTING = "clock"
_REMEMBERED_EVERY = timedelta(hours=1)
_log = logging.getLogger("aggregator")


class RememberedClock:
    """Checks the clock for one store, and corrects dates there that a wrong clock gave, once that is known.

    - `server_times`: returns what the servers at these addresses said about the time.
    - `has_polled`: returns whether any server was asked.
    """

    def __init__(
        self,
        store: Store,
        server_times: Callable[[Iterable[str], datetime], ServerTimes],
        has_polled: Callable[[], bool],
    ) -> None:
        self._store = store
        self._server_times = server_times
        self._has_polled = has_polled
        self._reported = ""
        self._newest = 0

    def read(self, now: datetime) -> None:
        """Compares `now` with earlier readings, at a start or after a sleep; brings polls forward that a
        wrong clock put too late.
        """
        self._newest = self._store.articles.newest_number()
        before = self._remembered()
        clock = clocks.read(before, now, self._newest)
        was_behind = clock.doubted is not None and clock.seen is not None and clock.doubted < clock.believed
        is_back = before is not None and clock == before and was_behind
        wrong = (clock.doubted, clock.seen) if is_back and clock.doubted and clock.seen else None
        self._store.clock_corrections.correct_schedule(now, wrong)
        self._remember(clock, before)

    def may_prune(self, now: datetime, addresses: Iterable[str]) -> bool:
        """Returns whether `now` is trusted enough to delete by age; `addresses`: those of enabled sources."""
        before = self._remembered() or clocks.read(None, now, self._newest)
        # If nothing was polled and the clock has not gone back, there is nothing to compare it with.
        is_asked = self._has_polled() or not clocks.follows(before.believed, now)
        judgement = clocks.judge(
            before, now, self._server_times(addresses, now) if is_asked else ServerTimes()
        )
        if (mistaken := judgement.mistaken) is not None:
            self._store.clock_corrections.correct_articles(
                now, mistaken.believed, mistaken.newest, is_sure=judgement.is_sure
            )
        self._remember(judgement.clock, before)
        if judgement.report != self._reported:
            self._reported = judgement.report
            if judgement.report:
                _log.warning("%s", judgement.report)
        return judgement.may_prune

    def _remembered(self) -> Clock | None:
        text = self._store.database.setting(_SETTING)
        if text is not None and (clock := Clock.from_json(text)) is not None:
            return clock
        last = self._store.sources.last_poll()
        return None if last is None else Clock(believed=last, since=last, is_firm=True)

    def _remember(self, clock: Clock, before: Clock | None) -> None:
        is_small = (
            before is not None
            and timedelta(0) <= clock.believed - before.believed < _REMEMBERED_EVERY
            and clock == clocks.moved(before, clock.believed)
        )
        if not is_small:
            self._store.database.remember(_SETTING, clock.to_json())
