"""What several threads ask for at a time, done together by one of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["Together"]

_Asked = TypeVar("_Asked")
_Given = TypeVar("_Given")

_FAILURES = 2
"""After so many in a row it is not what was asked for that fails."""


class Together(Generic[_Asked, _Given]):
    """Calls `act` for one thread after the other, each time with all that threads ask for by then.

    - `act`: returns what each is given, in their order; an exception among that is raised in its thread.
    - `weigh` says how much one asks for; one call gets `most` of it, unless one alone asks for more.

    When `act` fails for several, it is called for each of them alone: one must not make others fail.
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
        """Waits until it is done, by this thread or by another."""
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
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
            self._do_each(tickets, error)
        except BaseException:
            # This thread ends; what others ask for is left to them.
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
    """What one thread asks for; `given` has what came of it, once it is done."""

    __slots__ = ("asked", "given")

    def __init__(self, asked: _Asked) -> None:
        self.asked = asked
        self.given: tuple[()] | tuple[_Given | Exception] = ()
