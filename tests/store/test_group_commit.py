"""Requests of several threads at one time are handled by one of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from aggregator.store.group_commit import GroupCommit


class Act:
    """Gives the number that is asked for, once `may_go`; notes what came together."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.begun, self.may_go = threading.Event(), threading.Event()

    def __call__(self, asked: Sequence[int]) -> list[int | Exception]:
        self.calls.append([*asked])
        self.begun.set()
        self.may_go.wait(20)
        if 13 in asked:
            raise ValueError("13 makes all fail")
        return [KeyError(each) if each == 7 else each for each in asked]


def ask(together: GroupCommit[int, int], act: Act, *numbers: int) -> dict[int, int | Exception]:
    """Returns what each thread is given: the first one begins alone, the others ask while it is at it."""
    given: dict[int, int | Exception] = {}

    def one(number: int) -> None:
        try:
            given[number] = together(number)
        except Exception as error:  # noqa: BLE001 - it is looked at below
            given[number] = error

    threads = [threading.Thread(target=one, args=(number,)) for number in numbers]
    threads[0].start()
    assert act.begun.wait(20)
    for count, thread in enumerate(threads[1:], 1):
        thread.start()
        while len(together._waiting) < count:  # in this order
            pass
    act.may_go.set()
    for thread in threads:
        thread.join(20)
    return given


def test_waiting_requests_are_handled_by_one_call() -> None:
    """Each thread gets its own; what concerns one alone is raised there."""
    act = Act()
    given = ask(GroupCommit(act, weigh=lambda _: 1, most=10), act, 1, 2, 7, 3)
    assert act.calls == [[1], [2, 7, 3]]
    assert (given[1], given[2], given[3]) == (1, 2, 3)
    assert isinstance(given[7], KeyError)


def test_a_call_gets_requests_up_to_its_limit() -> None:
    """A single request over the limit is still made."""
    act = Act()
    given = ask(GroupCommit(act, weigh=lambda number: number, most=5), act, 1, 2, 3, 9, 4)
    assert act.calls == [[1], [2, 3], [9], [4]]
    assert given == {number: number for number in (1, 2, 3, 9, 4)}


def test_only_the_request_that_makes_a_call_fail_fails() -> None:
    """The others are asked for again, each by itself."""
    act = Act()
    given = ask(GroupCommit(act, weigh=lambda _: 1, most=10), act, 1, 2, 13, 3)
    assert act.calls == [[1], [2, 13, 3], [2], [13], [3]]
    assert (given[1], given[2], given[3]) == (1, 2, 3)
    assert isinstance(given[13], ValueError)


def test_when_all_requests_fail_only_a_few_are_tried_alone() -> None:
    """As while a database is away: each try may take ten seconds."""

    class Away(Act):
        def __call__(self, asked: Sequence[int]) -> list[int | Exception]:
            super().__call__(asked)
            raise OSError("away")

    act = Away()
    given = ask(GroupCommit(act, weigh=lambda _: 1, most=10), act, 1, 2, 3, 4, 5)
    assert act.calls == [[1], [2, 3, 4, 5], [2], [3]]
    assert {type(each) for each in given.values()} == {OSError}


def test_a_thread_that_ends_leaves_what_others_ask_for_to_them() -> None:
    """As at Ctrl-C."""

    class Ending(Act):
        def __call__(self, asked: Sequence[int]) -> list[int | Exception]:
            found = super().__call__(asked)
            if threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt
            return found

    act = Ending()
    act.may_go.set()
    together = GroupCommit(act, weigh=lambda _: 1, most=10)
    with pytest.raises(KeyboardInterrupt):
        together(1)
    assert ask(together, act, 2) == {2: 2}
