"""Imports all that reading needs, once for all workers: they are forked from the process that imported it."""

from __future__ import annotations

from importlib import import_module

from aggregator.adapters import kinds
from aggregator.confinement import library_folders
from aggregator.errors import ConfigError

__all__ = ["load_kinds"]


def load_kinds() -> None:
    """Imports every kind that is installed; one that cannot be is reported where a source wants it."""
    for name in kinds.names():
        try:
            kinds.named(name)
        except ConfigError:
            continue


# What is imported only when it is needed is needed here.
for module in (
    "aggregator.reading.document",
    "aggregator.adapters.feed.document",
    "aggregator.normalise.html",
    "charset_normalizer",
):
    import_module(module)
load_kinds()
library_folders()
