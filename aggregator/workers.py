"""Reading in processes that can be killed: a document that hangs or swells harms nobody but its source."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as DeadlineError
from datetime import timedelta
from types import TracebackType
from typing import Self

from pebble import ProcessExpired, ProcessPool

from aggregator import reading
from aggregator.errors import ReadError
from aggregator.reading import Context, Reading
from aggregator.resource import Resource

DEADLINE = timedelta(seconds=20)
MEMORY_BYTES = 1024**3
_TASKS_PER_WORKER = 2_000  # then it is replaced: whatever a library leaks goes with it


class Workers:
    """A pool of processes that read documents; none is started before the first document.

    - `count`: how many at once, None for one a core this process may use.
    - `deadline`: how long one document may take. `memory_bytes`: how much address space a worker may
      have (not on systems without RLIMIT_AS).
    - `read`: what the workers do; a function that can be imported by its name.
    """

    def __init__(
        self,
        count: int | None = None,
        *,
        deadline: timedelta = DEADLINE,
        memory_bytes: int = MEMORY_BYTES,
        read: Callable[[Resource, Context], Reading] = reading.read_resource,
    ) -> None:
        self._read = read
        self._deadline = deadline
        # A fork of a process that has threads may hold a lock that nobody will ever release; a fork
        # server has none, and has imported what the workers need once for all of them.
        context = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
        if sys.platform != "win32":
            context.set_forkserver_preload(["aggregator.reading"])
        self._pool = ProcessPool(
            max_workers=count or len(os.sched_getaffinity(0)),
            max_tasks=_TASKS_PER_WORKER,
            initializer=_limit_memory,
            initargs=(memory_bytes,),
            context=context,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops every worker, whatever it is doing."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def read(self, resource: Resource, context: Context) -> Reading:
        """`reading.read_resource` in a worker; safe to call from several threads.

        Raises ReadError, also when the worker was killed: for its deadline, for its memory, or because
        a library crashed it. The worker is replaced, and other documents are not concerned.
        """
        future = self._pool.schedule(
            _read, args=(self._read, resource, context), timeout=self._deadline.total_seconds()
        )
        try:
            result = future.result()
        except DeadlineError:
            seconds = self._deadline.total_seconds()
            raise ReadError(f"reading it took longer than {seconds:g} s", url=resource.url) from None
        except (ProcessExpired, MemoryError, CancelledError) as error:
            raise ReadError(
                f"reading it needed too much memory or crashed its worker ({type(error).__name__})",
                url=resource.url,
            ) from error
        if isinstance(result, ReadError):
            raise result
        return result


def _limit_memory(memory_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(
    read: Callable[[Resource, Context], Reading], resource: Resource, context: Context
) -> Reading | ReadError:
    # An error is a result: what pebble raises in the parent carries this process's traceback as text.
    try:
        return read(resource, context)
    except ReadError as error:
        return error
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake of ours costs one document, never a run
        return ReadError(f"reading it failed, which is a mistake of ours: {error!r}", url=resource.url)
