"""Divides the writing of feeds among several processes if there is much to write.

Done in three steps: feeds that were never published, then full archives, then the other feeds. So new feeds
appear soon, and every entry of a known feed is always in one of its documents.
"""

from __future__ import annotations

import gc
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from aggregator.errors import StoreError, TemplateMistake, WriteError
from aggregator.model.struct import replace
from aggregator.processes import Lost
from aggregator.publishing.feed_folders import (
    FeedFolders,
    FeedPlan,
    RenderContext,
    Task,
    WriteResult,
    plan_of,
    stamps_of,
)
from aggregator.publishing.outputs import FeedOutput
from aggregator.publishing.writing_processes import (
    OBJECTS_BEFORE_SEARCH,
    ShareResult,
    WritingProcesses,
    count_others,
    writing_processes,
)
from aggregator.store import Store

PAYS_FROM = 100
"""With fewer documents, starting a process takes longer than it saves."""

_AT_ONCE = 24
"""The largest number of documents in a share; the articles of a share are read together."""

_ENTRIES_AT_ONCE = 50 * _AT_ONCE

_LEAST_DIVIDED = 4
"""The last share is divided again and again if it has more documents."""

_SAVED_AT_ONCE = 50
_FIRST = datetime.min.replace(tzinfo=UTC)
_NOT_IN_PLACE = -1
"""The generation that is recorded after a failure: no feed has it, so the feed stays stale."""


def write(
    outputs: Sequence[FeedOutput],
    store: Store,
    context: RenderContext,
    processes: int | None = None,
    *,
    forked: WritingProcesses | None = None,
    beside: Callable[[], object] = bool,
) -> WriteResult:
    """Writes these feeds and their archives; the result is in the order of `outputs`.

    - `processes`: how many processes write many documents, this one included; None for one per core, at most
      four. If a process is killed, this one writes its share.
    - `forked`: the processes that `forked_writers` started; closed when everything is written.
    - `beside`: called while other processes write archives, if all feeds themselves are written by then; else
      not at all.

    Raises StoreError.
    """
    with ExitStack() as stack:
        stack.enter_context(_few_searches())
        sharing = _Sharing(store, context, count_others(processes), stack, forked)
        sharing.start(sum(map(_expected, outputs)))
        plans, results = _plans(outputs, store, context, sharing.write_beside)
        sharing.start(len(plans) + sum(len(plan.archives) for plan in plans))
        sharing.write([(plan, None) for plan in plans if plan.is_new])
        going_on = [plan for plan in plans if not sharing.has_failed(plan)]
        full = _by_date([(plan, number) for plan in going_on for number in plan.archives], store)
        sharing.write(full, beside if all(plan.is_new for plan in plans) else bool)
        sharing.write([(plan, None) for plan in plans if not (plan.is_new or sharing.has_failed(plan))])
    for plan in plans:
        whole = WriteResult()
        for number in (*plan.archives, None):
            whole.add(sharing.done.get((plan.output.feed.name, number), WriteResult()))
        whole.rendered = int(whole.rendered > 0 and not whole.errors)
        results[plan.output.feed.name] = whole
    _save(outputs, results, store, context)
    everything = WriteResult()
    for output in outputs:
        everything.add(results[output.feed.name])
    return everything


@contextmanager
def _few_searches() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BEFORE_SEARCH, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _expected(output: FeedOutput) -> int:
    """Estimates how many documents of a feed are to be written: all of a new one."""
    is_new = output.feed.listed is None and output.archived
    return 1 + (output.feed.total // output.entries if is_new else 0)


def _plans(
    outputs: Sequence[FeedOutput],
    store: Store,
    context: RenderContext,
    is_planned: Callable[[FeedPlan], object],
) -> tuple[list[FeedPlan], dict[str, WriteResult]]:
    """Returns the plans of feeds, and the results of those for which planning failed.

    Calls `is_planned` with each plan before it makes the next one: that of the largest feed, which takes as
    long as all others together, comes last.
    """
    plans, failed = [], {}
    for output in sorted(outputs, key=_expected):
        try:
            plan = plan_of(output, store, context)
        except WriteError as error:
            failed[output.feed.name] = WriteResult(errors=[error])
        else:
            plans.append(plan)
            is_planned(plan)
    return plans, failed


def _by_date(tasks: list[Task], store: Store) -> list[Task]:
    """Sorts archives by their newest entries, so that an entry that several of them show is rendered once."""
    if len(tasks) < _AT_ONCE:
        return tasks
    dates = store.archives.dates({plan.output.feed.name for plan, _ in tasks})
    # An archive whose entries were all erased has no date.
    return sorted(tasks, key=lambda task: dates.get((task[0].output.feed.name, task[1] or 0), _FIRST))


def _save(
    outputs: Sequence[FeedOutput], results: Mapping[str, WriteResult], store: Store, context: RenderContext
) -> None:
    """Records what is in place. If the record is lost, feeds are rendered again and found to be unchanged."""
    for start in range(0, len(outputs), _SAVED_AT_ONCE):
        in_place, stamps = {}, {}
        for output in outputs[start : start + _SAVED_AT_ONCE]:
            feed = output.feed
            is_whole = not results[feed.name].errors
            in_place[feed.name] = feed.generation if is_whole else _NOT_IN_PLACE
            if is_whole and output.files:
                stamps[feed.name] = stamps_of(output, context)
        store.feeds.rendered(in_place, stamps)


def _can_be_sent(context: RenderContext) -> bool:
    """Returns whether the writers can be sent to other processes: those of other packages may not."""
    try:
        written = pickle.dumps(context.writers)
    except Exception:  # noqa: BLE001 - pickling runs their code
        return False
    return b"__main__" not in written  # other processes do not have what the main program defines


_Key = tuple[str, int | None]


def _key(task: Task) -> _Key:
    return task[0].output.feed.name, task[1]


class _Sharing:
    """The shares that no process has begun yet, and in `done` the results of the others, by task."""

    def __init__(
        self,
        store: Store,
        context: RenderContext,
        others: int,
        stack: ExitStack,
        forked: WritingProcesses | None = None,
    ) -> None:
        self._store = store
        self._context = context
        self._others = others
        self._stack = stack
        self._forked = forked
        self._pool: WritingProcesses | None = None
        self._threads = ThreadPoolExecutor(max(others, 1), thread_name_prefix="publish")
        # Rendering does not need the sources, and sending ten thousand of them takes time.
        self._slim = replace(context, config=context.config.model_copy(update={"sources": ()}))
        self._left: deque[Sequence[Task]] = deque()
        self._starting: list[Future[ShareResult]] = []
        self._asking: list[Future[None]] = []
        self._begun: set[_Key] = set()
        self._came_back: list[Sequence[Task]] = []
        self._folders = FeedFolders(store, context)
        self.done: dict[_Key, WriteResult] = {}

    def start(self, documents: int) -> None:
        """Starts the other processes if there are enough documents for it.

        Each is ready after about 0.5 s; this process does not wait for them.
        """
        if self._pool or not self._others or documents < PAYS_FROM or not _can_be_sent(self._context):
            return
        self._stack.enter_context(self._threads)
        # Closed before the threads: they would wait for answers that are not needed after an error.
        self._pool = self._stack.enter_context(self._forked or writing_processes(self._others))
        self._starting = [
            self._threads.submit(self._pool.ask, None, self._slim, ()) for _ in range(self._others)
        ]

    def write_beside(self, plan: FeedPlan) -> None:
        """Has another process begin with a new feed, if one is ready, while this one does something else."""
        if plan.is_new and self._pool and self._are_ready:
            self._left.append([(plan, None)])
            self._begun.add(_key((plan, None)))
            self._asking.append(self._threads.submit(self._ask, self._pool))

    @property
    def _are_ready(self) -> bool:
        return all(each.done() for each in self._starting)

    def write(self, tasks: Sequence[Task], beside: Callable[[], object] = bool) -> None:
        """Writes these documents, apart from those that were begun before; none is left when it returns.

        Calls `beside` if other processes help.
        """
        at_once = _AT_ONCE
        if self._pool and self._are_ready:  # few documents too are divided
            at_once = min(_AT_ONCE, max(1, len(tasks) // (1 + self._others)))
        self._left.extend(_shares([task for task in tasks if _key(task) not in self._begun], at_once))
        with self._written_apart() as is_shared:
            if is_shared:
                beside()
            self.write_here()
        self.write_here()  # the half of its last share that a process put back before it was killed
        if self._came_back:  # a process that was killed may have written a part of its share
            folders = FeedFolders(self._store, replace(self._context, reports_all=True))
            while self._came_back:
                self._write_here(self._came_back.pop(), folders)

    def has_failed(self, plan: FeedPlan) -> bool:
        """Returns whether a document of this feed could not be written; pages that fail because of
        templates do not count.
        """
        name = plan.output.feed.name
        found = (self.done[name, n].errors for n in (*plan.archives, None) if (name, n) in self.done)
        return any(not isinstance(error, TemplateMistake) for errors in found for error in errors)

    def write_here(self) -> None:
        """Writes shares in this process until there is none left."""
        for share in self._each(self._left.popleft):
            self._write_here(share, self._folders)

    def _write_here(self, share: Sequence[Task], folders: FeedFolders) -> None:
        self.done.update(zip(map(_key, share), folders.write(share), strict=True))

    def _each(self, take: Callable[[], Sequence[Task]]) -> Iterator[Sequence[Task]]:
        while self._left:
            try:
                share = take()
            except IndexError:  # another thread took the last
                return
            if self._pool and not self._left and len(share) > _LEAST_DIVIDED:
                half = len(share) // 2  # so that all end at about the same time
                self._left.append(share[half:])
                share = share[:half]
            yield share

    @contextmanager
    def _written_apart(self) -> Iterator[bool]:
        """Within this context, the other processes write shares too, until there is none left; False: they do
        not.
        """
        pool = self._pool
        if pool is None or (len(self._left) < 2 and not self._asking):
            yield False
            return
        self._asking += [self._threads.submit(self._ask, pool) for _ in range(self._others)]
        yield True
        while self._asking:
            self._asking.pop().result()

    def _ask(self, pool: WritingProcesses) -> None:
        if len(self._came_back) >= self._others:
            return  # whatever killed so many processes would kill the next
        for share in self._each(self._left.pop):
            try:
                answer = pool.ask(
                    None, self._slim, [(_slim(plan, self._slim), number) for plan, number in share]
                )
            except Lost:
                self._came_back.append(share)
                return
            if answer.store_error is not None:
                raise StoreError(answer.store_error)
            for task, rendered, written, errors in zip(
                share, answer.rendered, answer.written, answer.errors, strict=True
            ):
                self.done[_key(task)] = WriteResult(
                    rendered=rendered,
                    written=[Path(place) for place in written],
                    errors=[
                        TemplateMistake(text) if is_template else WriteError(text)
                        for text, is_template in errors
                    ],
                )


def _shares(tasks: Sequence[Task], at_once: int) -> Iterator[Sequence[Task]]:
    """Yields shares of the tasks, in their order, each of at most `at_once` documents, limited in entries,
    with at least one document.
    """
    share: list[Task] = []
    entries = 0
    for task in tasks:
        entries += task[0].output.entries
        if share and (len(share) >= at_once or entries > _ENTRIES_AT_ONCE):
            yield share
            share, entries = [], task[0].output.entries
        share.append(task)
    if share:
        yield share


def _slim(plan: FeedPlan, context: RenderContext) -> FeedPlan:
    return replace(plan, output=replace(plan.output, config=context.config), archives=())
