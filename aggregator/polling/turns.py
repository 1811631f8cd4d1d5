"""Turns: requests to many publishers, each begun at its publisher's pace, a few at once.

Results are returned in the order of the addresses, but no result waits more than some seconds for an earlier
one: a very slow server must not delay saving what others gave.
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
_AT_ONCE = 100
_LONGEST_WAIT_SECONDS = 5.0
_FEW = 50
_GATHER_SECONDS = 0.5
"""Fewer results wait so long for more, while any are on their way: saved together they cost half as much."""
_LOOK_SECONDS = 0.5
_LAST_SECONDS = 5.0

_Result = TypeVar("_Result")


class Turns(Generic[_Result]):
    """One run of `work` over `addresses`, by number, on `workers` threads. Iterate over it once.

    - `work`: what runs in a thread; its exceptions are raised by the iteration.
    - `held_back`: gives the result of an address whose publisher asked for a longer wait than we accept.
    - `stop`: once set, nothing more is begun; what ends within some seconds is returned, and the iteration
      ends.
    """

    def __init__(
        self,
        hosts: Hosts,
        addresses: Sequence[str],
        *,
        workers: int,
        work: Callable[[int], _Result],
        held_back: Callable[[int, Later], _Result],
        stop: threading.Event,
    ) -> None:
        self._hosts = hosts
        self._addresses = addresses
        self._workers = workers
        self._work = work
        self._held_back = held_back
        self._stop = stop
        moment = time.monotonic()
        self._turns = [(hosts.reserve(address, moment), n) for n, address in enumerate(addresses)]
        heapq.heapify(self._turns)
        self._left = dict.fromkeys(range(len(addresses)))  # in the order asked for
        self._done: SimpleQueue[tuple[int, Future[_Result]]] = SimpleQueue()
        self._ended: dict[int, _Result] = {}
        self._outstanding = 0
        self._waits_since: float | None = None
        self._gathers_since: float | None = None

    def __iter__(self) -> Iterator[list[tuple[int, _Result]]]:
        """Batches of results with the numbers of their addresses; at most a hundred each."""
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="poll")
        try:
            while self._left and not self._stop.is_set():
                seconds = self._begin(pool)
                if next(iter(self._left)) not in self._ended or self._gathers_since is not None:
                    self._collect(min(seconds, _GATHER_SECONDS))
                self._collect(None)
                yield from self._batches(self._ripe())
            pool.shutdown(wait=False, cancel_futures=True)
            # What was asked for is not to be asked for again: most answers are only a moment away.
            until = time.monotonic() + _LAST_SECONDS
            while self._outstanding > len(self._ended) and (left := until - time.monotonic()) > 0:
                self._collect(left)
            yield from self._batches(sorted(self._ended))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, pool: ThreadPoolExecutor) -> float:
        """Begins all whose turn has come; returns the seconds until the next turn, or a look at `stop`."""
        while self._turns and self._outstanding < _AHEAD:
            at, number = self._turns[0]
            address = self._addresses[number]
            moment = time.monotonic()
            if at > moment:
                # A long queue at one publisher is waited for, second by second; a long hold is not.
                refusal = self._hosts.refusal(address, moment)
                if refusal is None:
                    return min(at - moment, _LOOK_SECONDS)
                heapq.heappop(self._turns)
                self._outstanding += 1
                self._ended[number] = self._held_back(number, refusal)
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
        """Takes one that ended within so many seconds; with None all that have ended."""
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
        """What may be returned: all that ended in order, or all that ended when the next one is late."""
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
        """These, or none of them while they are few and more are on their way."""
        moment = time.monotonic()
        if 0 < len(ripe) < _FEW and self._outstanding > len(self._ended):
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
