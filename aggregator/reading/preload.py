"""Imports all modules that reading needs; workers are forked from the process that imported this one."""

from __future__ import annotations

from importlib import import_module

from aggregator.adapters import kinds
from aggregator.confinement import library_folders
from aggregator.errors import ConfigError

__all__ = ["load_kinds"]


def load_kinds() -> None:
    """Imports every installed kind of source; one that fails is reported when a source of it is read."""
    for name in kinds.names():
        try:
            kinds.named(name)
        except ConfigError:
            continue


# Modules that other code imports only when it first needs them.
for module in (
    "aggregator.reading.document",
    "aggregator.adapters.feed.document",
    "aggregator.normalise.html",
    "charset_normalizer",
):
    import_module(module)
load_kinds()
library_folders()
