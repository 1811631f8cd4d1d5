"""Hostile input by chance: small documents of ours, mutated, for each part of the program that reads some.

`TARGETS` has each part by name; `with TARGETS[name](folder) as case:` gives a function that tries one case,
made from a `random.Random`, and returns its outcome as a word. It raises Wrong, or what the program raised,
when a case shows a mistake. tests/test_fuzzing.py tries a few, benchmarks/fuzz.py hundreds of thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from tests.support.fuzzing import commands, documents, server, stores
from tests.support.fuzzing.cases import Case, Wrong

__all__ = ["TARGETS", "Case", "Wrong"]

TARGETS: Mapping[str, Callable[[Path], AbstractContextManager[Case]]] = {
    **{kind: partial(documents.reading, kind) for kind in documents.SAMPLES},
    "commands": commands.running,
    "stores": stores.opening,
    "server": server.asking,
}
