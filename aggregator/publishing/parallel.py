"""Folders written in shares, by this process and, where there are many, by others beside it."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from aggregator.errors import StoreError, WriteError
from aggregator.model.wire import Format
from aggregator.processes import Lost, Processes, cores
from aggregator.publishing.category_folders import Done, Folders, Manner
from aggregator.publishing.outputs import Outlet
from aggregator.store import Store

PAYS_FROM = 200
"""With fewer feeds, starting a process takes more time than it saves."""

MAX_PROCESSES = 4
"""Each takes some 60 MB, and a container may have far less of a machine than its cores."""

_AT_ONCE = 25
"""So many feeds are a share; the first feed, which is `all` with its many archives, is one by itself."""

_Share = tuple[int, Sequence[Outlet]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """`Done` of a share, as plain data; `store_error` is the text of a StoreError instead."""

    rendered: int = 0
    written: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    store_error: str | None = None


def write(outlets: Sequence[Outlet], store: Store, manner: Manner, processes: int | None = None) -> Done:
    """Writes the folders of `outlets`; what was done is told in their order.

    Many are written by so many processes, this one among them; None for one a core, at most `MAX_PROCESSES`.
    What one had to write that was killed is written by the others. Raises StoreError.
    """
    count = processes or min(cores(), MAX_PROCESSES)
    others = count - 1 if len(outlets) >= PAYS_FROM and _can_be_sent(manner) else 0
    bounds = [0, *range(1, len(outlets), _AT_ONCE), len(outlets)] if others else [0, len(outlets)]
    shares = _Shares([outlets[start:end] for start, end in pairwise(bounds)])
    with shares.written_beside(others, manner):
        shares.write(store, manner)
    shares.write(store, manner)  # what came back
    return shares.done()


def _can_be_sent(manner: Manner) -> bool:
    """Whether other processes can be given the writers: those of other packages may hold anything."""
    try:
        written = pickle.dumps(manner.writers)
    except Exception:  # noqa: BLE001 - pickling runs their code
        return False
    return b"__main__" not in written  # what the program that runs defines itself they do not have


class _Shares:
    """The shares that nobody has taken yet, and what was done of the others."""

    def __init__(self, shares: Sequence[Sequence[Outlet]]) -> None:
        self._left = deque(enumerate(shares))
        self._came_back: set[int] = set()
        self._done: dict[int, Done] = {}

    def _each(self, take: Callable[[], _Share], manner: Manner) -> Iterator[tuple[_Share, Manner]]:
        while self._left:
            try:
                share = take()
            except IndexError:  # another thread took the last
                return
            if share[0] in self._came_back:  # who died over it may have written some of it, and did not tell
                yield share, replace(manner, tells_all=True, everything=True)
            else:
                yield share, manner

    def write(self, store: Store, manner: Manner) -> None:
        """Takes share after share until there is none left, the first first: it is the longest."""
        for (number, outlets), how in self._each(self._left.popleft, manner):
            self._done[number] = _written(store, how, outlets)

    @contextmanager
    def written_beside(self, count: int, manner: Manner) -> Iterator[None]:
        """While this lasts, and until no share is left, so many processes write shares too."""
        if not count:
            yield
            return
        # Sources have nothing to say here, and there may be ten thousand to send along.
        slim = replace(manner, config=manner.config.model_copy(update={"sources": ()}))
        with (
            Processes(_written_apart, Format(_Answer), count) as pool,
            ThreadPoolExecutor(count, thread_name_prefix="publish") as threads,
        ):
            try:
                asking = [threads.submit(self._ask, pool, slim) for _ in range(count)]
                yield
                for each in asking:
                    each.result()
            except BaseException:
                pool.close()  # or the threads would wait for what nobody wants any more
                raise

    def _ask(self, pool: Processes[[Manner, Sequence[Outlet]], _Answer], manner: Manner) -> None:
        for (number, outlets), how in self._each(self._left.pop, manner):
            try:
                answer = pool.ask(None, how, [replace(outlet, config=how.config) for outlet in outlets])
            except Lost:
                self._came_back.add(number)
                self._left.append((number, outlets))
                return
            if answer.store_error is not None:
                raise StoreError(answer.store_error)
            self._done[number] = Done(
                rendered=answer.rendered,
                written=[Path(place) for place in answer.written],
                errors=[WriteError(error) for error in answer.errors],
            )

    def done(self) -> Done:
        """All that was done, in order."""
        whole = Done()
        for number in sorted(self._done):
            whole.add(self._done[number])
        return whole


def _written(store: Store, manner: Manner, outlets: Sequence[Outlet]) -> Done:
    folders = Folders(store, manner)
    for outlet in outlets:
        folders.write(outlet)
    folders.save()
    return folders.done


def _written_apart(manner: Manner, outlets: Sequence[Outlet]) -> _Answer:
    try:
        done = _written(_store(manner.config.store), manner, outlets)
    except StoreError as error:
        return _Answer(store_error=str(error))
    return _Answer(
        rendered=done.rendered,
        written=tuple(map(str, done.written)),
        # A format of another package may raise an error of its own making, which need not be fit to be sent.
        errors=tuple(map(str, done.errors)),
    )


@lru_cache(maxsize=1)
def _store(path: Path) -> Store:
    return Store(path)
