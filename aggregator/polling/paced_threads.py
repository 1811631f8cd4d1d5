"""Runs requests to many publishers in threads, within each publisher's request rate.

Results are returned in the order of the addresses, but no result waits more than some seconds for an earlier
one, so that a very slow server does not delay saving the results of others.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice, takewhile
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from aggregator.errors import Later
from aggregator.fetch import Hosts

_AHEAD = 256
_AT_ONCE = 150
_LONGEST_WAIT_SECONDS = 5.0
_GATHER_SECONDS = 0.5
"""How long few results wait for more: saving them together takes half the time."""
_FEWEST, _MOST_OF_FEW, _PART = 50, 120, 10
"""Few results are those below this part of all that are left, within these limits: a large store is written
less often, and the last ones are saved while others are read.
"""
_LOOK_SECONDS = 0.5
_LAST_SECONDS = 5.0

_Result = TypeVar("_Result")


class PacedThreads(Generic[_Result]):
    """One run of `work` over `addresses`, by number, on `workers` threads. Iterate over it once.

    - `work`: what runs in a thread; its exceptions are raised by the iteration.
    - `postponed`: returns the result for an address whose publisher asked for a longer wait than we accept.
    - `stop`: once set, no work is begun; work that ends within some seconds is returned, and the iteration
      ends.
    """

    def __init__(
        self,
        hosts: Hosts,
        addresses: Sequence[str],
        *,
        workers: int,
        work: Callable[[int], _Result],
        postponed: Callable[[int, Later], _Result],
        stop: threading.Event,
    ) -> None:
        self._hosts = hosts
        self._addresses = addresses
        self._workers = workers
        self._work = work
        self._postponed = postponed
        self._stop = stop
        moment = time.monotonic()
        self._turns = [(hosts.reserve(address, moment), n) for n, address in enumerate(addresses)]
        heapq.heapify(self._turns)
        self._left = dict.fromkeys(range(len(addresses)))  # in the order given
        self._done: SimpleQueue[tuple[int, Future[_Result]]] = SimpleQueue()
        self._ended: dict[int, _Result] = {}
        self._outstanding = 0
        self._waits_since: float | None = None
        self._gathers_since: float | None = None

    def __iter__(self) -> Iterator[list[tuple[int, _Result]]]:
        """Yields batches of at most 150 results, each with the number of its address."""
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="poll")
        try:
            while self._left and not self._stop.is_set():
                seconds = self._begin(pool)
                if next(iter(self._left)) not in self._ended or self._gathers_since is not None:
                    self._collect(min(seconds, _GATHER_SECONDS))
                self._collect(None)
                for batch in self._batches(self._ripe()):
                    yield batch
                    self._begin(pool)  # else nothing runs while what came late all at once is saved
            pool.shutdown(wait=False, cancel_futures=True)
            # Most responses arrive in a moment: waiting for them saves requesting them again.
            until = time.monotonic() + _LAST_SECONDS
            while self._outstanding > len(self._ended) and (left := until - time.monotonic()) > 0:
                self._collect(left)
            yield from self._batches(sorted(self._ended))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, pool: ThreadPoolExecutor) -> float:
        """Begins all work whose time has come; returns the seconds until the next, or until `stop` is
        checked.
        """
        while self._turns and self._outstanding < _AHEAD:
            at, number = self._turns[0]
            address = self._addresses[number]
            moment = time.monotonic()
            if at > moment:
                # A long queue at one publisher is waited for; a long wait that it asked for is not.
                refusal = self._hosts.refusal(address, moment)
                if refusal is None:
                    return min(at - moment, _LOOK_SECONDS)
                heapq.heappop(self._turns)
                self._outstanding += 1
                self._ended[number] = self._postponed(number, refusal)
                continue
            heapq.heappop(self._turns)
            if (again := self._hosts.start(address, moment)) is not None:
                heapq.heappush(self._turns, (again, number))
                continue
            self._outstanding += 1
            pool.submit(self._run, number).add_done_callback(
                lambda future, number=number: self._done.put((number, future))  # type: ignore[misc]
            )
        return _LOOK_SECONDS

    def _run(self, number: int) -> _Result:
        try:
            self._hosts.keep_gap(self._addresses[number])
            return self._work(number)
        finally:
            self._hosts.finish(self._addresses[number])

    def _collect(self, seconds: float | None) -> None:
        """Collects one result that arrives within `seconds`; with None, all results that have arrived."""
        with suppress(Empty):
            while True:
                number, future = self._done.get(block=seconds is not None, timeout=seconds)
                if future.cancelled():
                    self._outstanding -= 1
                else:
                    self._ended[number] = future.result()
                if seconds is not None:
                    return

    def _ripe(self) -> list[int]:
        """Returns the numbers to yield: those that ended in order, or all that ended if the next one is
        late.
        """
        if not self._ended or next(iter(self._left)) in self._ended:
            self._waits_since = None
            return self._gathered(list(takewhile(self._ended.__contains__, self._left)))
        moment = time.monotonic()
        if self._waits_since is None:
            self._waits_since = moment
        if moment - self._waits_since < _LONGEST_WAIT_SECONDS:
            return []
        self._waits_since = None
        return sorted(self._ended)

    def _gathered(self, ripe: list[int]) -> list[int]:
        """Returns `ripe`, or nothing while there are few and more are expected."""
        moment = time.monotonic()
        few = min(_MOST_OF_FEW, max(_FEWEST, len(self._left) // _PART))
        if 0 < len(ripe) < few and self._outstanding > len(self._ended):
            if self._gathers_since is None:
                self._gathers_since = moment
            if moment - self._gathers_since < _GATHER_SECONDS:
                return []
        self._gathers_since = None
        return ripe

    def _batches(self, numbers: list[int]) -> Iterator[list[tuple[int, _Result]]]:
        following = iter(numbers)
        while batch := list(islice(following, _AT_ONCE)):
            for number in batch:
                del self._left[number]
            self._outstanding -= len(batch)
            yield [(number, self._ended.pop(number)) for number in batch]
