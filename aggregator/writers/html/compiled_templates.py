"""Keeps our compiled templates where Python keeps compiled modules: to compile those of a run takes 40 ms."""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import suppress
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from aggregator.errors import WriteError
from aggregator.writers.output_files import write_if_changed

__all__ = ["CompiledTemplates"]


class CompiledTemplates(BytecodeCache):
    """The compiled templates of a folder, in files that only those who may change this program can write.

    `facts`: what the compiled code depends on besides the template and Jinja's version. If a file cannot be
    read or written, the template is compiled.
    """

    def __init__(self, folder: Path, *facts: str) -> None:
        self._folder = folder
        mark = json.dumps([version("jinja2"), *facts])
        self._mark = hashlib.blake2b(mark.encode(), digest_size=8).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fills the bucket, if its template was compiled before."""
        try:
            with self._file(bucket).open("rb") as file:
                bucket.load_bytecode(file)
        except Exception:  # noqa: BLE001 - a damaged file may raise anything
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Writes the bucket's template, unless Python may not write compiled modules either."""
        if sys.dont_write_bytecode:
            return
        with suppress(WriteError):
            write_if_changed(self._file(bucket), bucket.bytecode_to_string())

    def _file(self, bucket: Bucket) -> Path:
        return Path(cache_from_source(str(self._folder / f"{bucket.key}-{self._mark}.py")))
