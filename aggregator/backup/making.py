"""Makes a backup of a config and its store while other processes use them.

It appears complete or not at all.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from aggregator.backup.backup_file import MAX_CONFIG_BYTES, STORE, Container, Manifest, write_container
from aggregator.backup.temporary_folder import sync, working_folder
from aggregator.config.store_address import StoreAddress
from aggregator.errors import BackupError
from aggregator.store import Store
from aggregator.store.backup_copy import copy_store
from aggregator.store.database_copy import move_store

__all__ = ["make_backup"]


def make_backup(
    config_file: Path,
    store: StoreAddress,
    target: Path,
    *,
    now: datetime,
    version: str,
    replaces: bool = False,
) -> Manifest:
    """Saves a config file and its store into `target`, readable only by this user, and reads it again to
    check it.

    From a database on a server a file is made first, beside `target`. An existing file stays, unless
    `replaces`. Raises BackupError and StoreError.
    """
    if target.is_dir():
        raise BackupError(f"{target} is a folder; name a file in it")
    if os.path.lexists(target) and not (replaces and target.is_file()):
        raise BackupError(f"{target} is there already; name another file, or add --force to replace it")
    Store(store, reads_only=True).close()  # raises an error with advice if there is none, or an older one
    try:
        config = config_file.read_bytes()
        if len(config) > MAX_CONFIG_BYTES:
            raise BackupError(f"{config_file} is larger than {MAX_CONFIG_BYTES:,} bytes")
        with working_folder(target.parent) as folder:
            articles = copy_store(_file_of(store, folder), folder / STORE)
            made = folder / "backup.zip"
            with open(made, "xb", opener=_private) as file:
                manifest = write_container(
                    file, config, folder / STORE, version=version, made=now, articles=articles
                )
                file.flush()
                os.fsync(file.fileno())
            with Container.opened(made) as container:
                container.check()
            _put(made, target, replaces=replaces)
            sync(target.parent)
    except OSError as error:
        place = error.filename or target
        raise BackupError(f"{place}: the backup cannot be written ({error.strerror or error})") from error
    return manifest


def _file_of(store: StoreAddress, folder: Path) -> Path:
    """The store's file; for a database on a server, a file made from it in `folder`."""
    if isinstance(store, Path):
        return store
    made = folder / "made" / "copied.db"  # a store's folder is locked while it opens
    move_store(store, made)
    return made


def _private(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_CLOEXEC, 0o600)


def _put(made: Path, target: Path, *, replaces: bool) -> None:
    """Gives the file its name; a file that was created meanwhile stays, unless `replaces`. Raises OSError."""
    if not replaces:
        try:
            target.hardlink_to(made)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if os.path.lexists(target):
                raise
        else:
            return
    made.replace(target)
