"""Imports requests and urllib3 when they are first needed: a run that finds nothing new never needs them."""

from __future__ import annotations

import threading
from importlib import import_module

__all__ = ["import_requests"]

_USERS = ("aggregator.fetch.requests_adapter", "aggregator.fetch.error_mapping")
_lock = threading.Lock()


def import_requests() -> None:
    """Imports both, and the modules here that use them. Call it before a function imports one of them.

    Modules of requests import each other. If several threads import different ones at once, Python resolves
    the deadlock of its import locks by giving a thread a module that is not complete.
    """
    with _lock:
        for name in _USERS:
            import_module(name)
