"""A config file as it was when a run began: whatever is edited meanwhile is for the next run."""

from __future__ import annotations

import hashlib
import os
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from aggregator.config.home import DEFAULT_STORE, home_of

if TYPE_CHECKING:
    from aggregator.config.load import Config

__all__ = ["ConfigText"]


@dataclass(frozen=True)
class ConfigText:
    """A config file and its text; `body`: None if it cannot be read, which loading it reports."""

    file: Path
    body: bytes | None

    @classmethod
    def read(cls, file: Path) -> ConfigText:
        """Reads a file, once for everything that a run wants to know of it."""
        try:
            return cls(file, file.read_bytes())
        except (OSError, ValueError):  # ValueError: a NUL in the path
            return cls(file, None)

    @cached_property
    def digest(self) -> str:
        """A digest of the text and of the folders that its paths count from, "" without a text."""
        if self.body is None:
            return ""
        found = hashlib.blake2b(self.body, digest_size=16)
        with suppress(RuntimeError):  # it has no home
            found.update(os.fsencode(Path.home()))
        found.update(os.fsencode(home_of(self.file)))
        return found.hexdigest()

    @cached_property
    def store(self) -> Path | None:
        """The store file that it names; None if it is not a file, or is not found in this way.

        Top-level keys come before all tables in TOML, so that the tables, perhaps with thousands of sources,
        are not read. If a line that looks like a table is part of a string, the text before it is not valid
        TOML.
        """
        try:
            head, opened, _ = f"\n{(self.body or b'').decode('utf-8-sig')}".partition("\n[")
            store = tomllib.loads(head).get("store", DEFAULT_STORE)
            if not isinstance(store, str) or "://" in store or not opened:
                return None
            return (home_of(self.file) / Path(store).expanduser()).absolute()
        except (ValueError, RuntimeError):  # loading the config says what is wrong
            return None

    def load(self) -> Config:
        """Checks the config. Raises ConfigError."""
        # Imported here, like everything that a run with nothing to do does not need.
        from aggregator.config.load import checked, load

        return load(self.file) if self.body is None else checked(self.body, self.file, str(self.file))
