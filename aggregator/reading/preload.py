"""Imports the modules that reading feeds needs; workers are forked from a process that imported this one."""

from __future__ import annotations

import gc
from importlib import import_module

from aggregator.adapters import kinds
from aggregator.confinement import library_folders

# What is imported stays: looking for cycles in it took an eighth of the time until readers are ready. Kept in
# the processes that are forked, which make few cycles.
gc.set_threshold(100_000, *gc.get_threshold()[1:])

# Modules that other code imports only when it first needs them.
for module in (
    "aggregator.reading.document",
    "aggregator.reading.workers",
    "aggregator.adapters.feed.document",
    "aggregator.normalise.html",
    "charset_normalizer",
):
    import_module(module)
kinds.named("feed")
library_folders()
