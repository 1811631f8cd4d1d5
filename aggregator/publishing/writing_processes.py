"""The processes that write feeds besides this one, and what each of them does."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from functools import lru_cache

from aggregator.config.store_address import StoreAddress
from aggregator.errors import StoreError, TemplateMistake
from aggregator.model.struct import Struct
from aggregator.model.wire import Format
from aggregator.processes import Processes, cores
from aggregator.publishing.feed_folders import FeedFolders, RenderContext, Task
from aggregator.store import RecentArticles, Store

__all__ = [
    "OBJECTS_BEFORE_SEARCH",
    "ShareResult",
    "WritingProcesses",
    "count_others",
    "forked_writers",
    "writing_processes",
]

_MAX_PROCESSES = 4
"""A process takes about 60 MB, and a container may have all cores of a machine but little of its memory."""

OBJECTS_BEFORE_SEARCH = 50_000
"""How many objects are created before Python's garbage collector looks for cycles.

Rendering creates no cycles, and looking for them took a tenth of the time.
"""


class ShareResult(Struct, frozen=True, kw_only=True):
    """The results of a share's tasks, as plain data.

    - `errors`: for each task, the text of each error, and whether it is a mistake in a template.
    - `store_error`: the text of a StoreError, if there was one.
    """

    rendered: tuple[int, ...] = ()
    written: tuple[tuple[str, ...], ...] = ()
    errors: tuple[tuple[tuple[str, bool], ...], ...] = ()
    store_error: str | None = None


WritingProcesses = Processes[[RenderContext, Sequence[Task]], ShareResult]


def count_others(processes: int | None) -> int:
    """Returns how many of so many writing processes are others than this one; None: one for each core, at
    most four.
    """
    return (processes or min(cores(), _MAX_PROCESSES)) - 1


def writing_processes(count: int) -> WritingProcesses:
    """Returns so many processes; each is started when it is needed."""
    return Processes(_write_share, Format(ShareResult), count, prepare=_prepare)


def forked_writers() -> WritingProcesses | None:
    """Starts the processes for a large publication now, as forks of this one (see `Processes.fork`).

    None: this process will write all documents itself.
    """
    if not (count := count_others(None)):
        return None
    processes = writing_processes(count)
    processes.fork()
    return processes


def _prepare() -> str:
    """Makes the garbage collector skip what was imported, and run rarely."""
    gc.freeze()
    gc.set_threshold(OBJECTS_BEFORE_SEARCH, *gc.get_threshold()[1:])
    return ""


def _write_share(context: RenderContext, tasks: Sequence[Task]) -> ShareResult:
    try:
        store = _store(context.config.store)
        for plan, _ in tasks:
            plan.output.disclosure.ask(store.sources_outside_config.addresses)
        folders = FeedFolders(store, context, _recent())
        results = folders.write(tasks)
    except StoreError as error:
        return ShareResult(store_error=str(error))
    return ShareResult(
        rendered=tuple(result.rendered for result in results),
        written=tuple(tuple(map(str, result.written)) for result in results),
        # A format of another package may raise an error of its own class that cannot be sent.
        errors=tuple(
            tuple((str(error), isinstance(error, TemplateMistake)) for error in result.errors)
            for result in results
        ),
    )


@lru_cache(maxsize=1)
def _store(address: StoreAddress) -> Store:
    store = Store(address)
    store.database.save_memory()
    return store


@lru_cache(maxsize=1)
def _recent() -> RecentArticles:
    """Returns the cache of this process, which ends with the publication."""
    return RecentArticles()
