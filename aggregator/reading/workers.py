"""Reading in processes that can be killed: a document that hangs or swells harms nobody but its source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from aggregator.errors import ReadError
from aggregator.model.resource import Resource
from aggregator.processes import Lost, Processes, Stopped
from aggregator.reading import document as reading
from aggregator.reading.document import Context, Reading

DEADLINE = timedelta(seconds=20)
MEMORY_BYTES = 1024**3
DOCUMENTS_PER_PROCESS = 2_000

Read = Callable[[Resource, Context], Reading]


class Workers(Processes[[Read, Resource, Context], Reading | ReadError]):
    """Processes that read documents; none is started before the first document, and `close` stops them all.

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
        read: Read = reading.read_resource,
    ) -> None:
        self._deadline = deadline
        self._read = read
        super().__init__(
            _answer,
            count,
            memory_bytes=memory_bytes,
            tasks_each=DOCUMENTS_PER_PROCESS,
            needs_main=read.__module__ == "__main__",
        )

    def read(self, resource: Resource, context: Context) -> Reading:
        """`reading.read_resource` in a worker; safe to call from several threads.

        Raises ReadError, also when the worker was killed: for its deadline, for its memory, or because
        a library crashed it. The worker is replaced, and other documents are not concerned. Closed workers
        raise it for every document.
        """
        try:
            result = self.ask(self._deadline.total_seconds(), self._read, resource, context)
        except Stopped:
            raise ReadError("the workers are stopped", url=resource.url) from None
        except Lost as lost:
            raise ReadError(f"reading it {lost}", url=resource.url) from None
        if isinstance(result, ReadError):
            raise result
        return result


def _answer(read: Read, resource: Resource, context: Context) -> Reading | ReadError:
    try:
        return read(resource, context)
    except ReadError as error:
        return error
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake of ours costs one document, never a run
        return ReadError(f"reading it failed, which is a mistake of ours: {error!r}", url=resource.url)
