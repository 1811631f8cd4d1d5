"""Does the same work for many objects, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aggregator.errors import BucketInUse, ObjectStoreError

__all__ = ["run_parallel"]

_THREADS = 8

_Result = TypeVar("_Result")


def run_parallel(
    work: Callable[[str], _Result], paths: Iterable[str]
) -> tuple[dict[str, _Result], list[ObjectStoreError]]:
    """The results of the work for each path, and the errors of the others; after an error no further one is
    started.

    BucketInUse is raised at once, as nothing may be changed any more.
    """
    done: dict[str, _Result] = {}
    errors: list[ObjectStoreError] = []

    def one(path: str) -> None:
        if errors:
            return
        try:
            done[path] = work(path)
        except ObjectStoreError as error:
            errors.append(error)

    todo = list(paths)
    if len(todo) == 1:
        one(todo[0])
    elif todo:
        with ThreadPoolExecutor(min(_THREADS, len(todo)), thread_name_prefix="bucket") as pool:
            for _ in pool.map(one, todo):
                pass
    for error in errors:
        if isinstance(error, BucketInUse):
            raise error
    return done, errors
