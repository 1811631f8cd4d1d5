"""Turns exceptions of libraries into FetchErrors, and imports those libraries only once one was raised."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from aggregator.errors import AggregatorError
from aggregator.fetch.late_imports import import_requests

__all__ = ["map_errors"]


@contextlib.contextmanager
def map_errors() -> Iterator[None]:
    """Turns any exception of a library inside the `with` statement into a FetchError."""
    try:
        yield
    except AggregatorError:
        raise
    except Exception as error:
        import_requests()
        from aggregator.fetch.error_mapping import VENDORS, classify

        if not isinstance(error, VENDORS):
            raise
        raise classify(error) from error
