"""Where the files of a site are; without pydantic, for runs that read no more of a config."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DEFAULT_STORE", "home_of"]

DEFAULT_STORE = "var/aggregator.db"


def home_of(file: Path) -> Path:
    """The folder that relative paths in a config file count from.

    The one that contains `config/`, else the file's own folder.
    """
    folder = file.absolute().parent
    return folder.parent if folder.name == "config" else folder
