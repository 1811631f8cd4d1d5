"""Combines requests of several threads into one call, made by one of the threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["GroupCommit"]

_Asked = TypeVar("_Asked")
_Given = TypeVar("_Given")

_FAILURES = 2
"""After this many failures in a row, the cause is not a single request."""


class GroupCommit(Generic[_Asked, _Given]):
    """Calls `act` in one thread at a time, with all requests that threads have made by then.

    - `act`: returns the result of each request, in order; an exception among these is raised in the thread of
      the request.
    - `weigh`: returns the weight of a request.
    - `most`: the largest total weight for one call, unless a single request weighs more.

    If `act` fails for several requests, it is called for each separately, so that one does not make others
    fail.
    """

    def __init__(
        self,
        act: Callable[[Sequence[_Asked]], Sequence[_Given | Exception]],
        *,
        weigh: Callable[[_Asked], int],
        most: int,
    ) -> None:
        self._act = act
        self._weigh = weigh
        self._most = most
        self._waiting: deque[_Ticket[_Asked, _Given]] = deque()
        self._turn = threading.Lock()

    def __call__(self, asked: _Asked) -> _Given:
        """Waits until the request is done, by this thread or another; returns its result."""
        ticket = _Ticket[_Asked, _Given](asked)
        self._waiting.append(ticket)
        with self._turn:
            while not ticket.given:
                self._do(self._some())
        (given,) = ticket.given
        if isinstance(given, Exception):
            raise given
        return given

    def _some(self) -> list[_Ticket[_Asked, _Given]]:
        found = [self._waiting.popleft()]
        left = self._most - self._weigh(found[0].asked)
        while self._waiting and (left := left - self._weigh(self._waiting[0].asked)) >= 0:
            found.append(self._waiting.popleft())
        return found

    def _do(self, tickets: Sequence[_Ticket[_Asked, _Given]]) -> None:
        try:
            self._give(tickets)
        except Exception as error:  # noqa: BLE001 - raised in the thread of the request
            self._do_each(tickets, error)
        except BaseException:
            # This thread ends; other threads do their own requests.
            self._waiting.extendleft(reversed(tickets))
            raise

    def _give(self, tickets: Sequence[_Ticket[_Asked, _Given]]) -> None:
        given = self._act([ticket.asked for ticket in tickets])
        for ticket, each in zip(tickets, given, strict=True):
            ticket.given = (each,)

    def _do_each(self, tickets: Sequence[_Ticket[_Asked, _Given]], error: Exception) -> None:
        failures = 0 if len(tickets) > 1 else _FAILURES
        for ticket in tickets:
            if failures < _FAILURES:
                try:
                    self._give([ticket])
                    failures = 0
                except Exception as own:  # noqa: BLE001 - as above
                    error, failures = own, failures + 1
            if not ticket.given:
                ticket.given = (error,)


class _Ticket(Generic[_Asked, _Given]):
    """The request of one thread; `given` has its result once it is done."""

    __slots__ = ("asked", "given")

    def __init__(self, asked: _Asked) -> None:
        self.asked = asked
        self.given: tuple[()] | tuple[_Given | Exception] = ()
