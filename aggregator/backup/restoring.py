"""Unpacks a backup into an empty folder. It may come from someone else: everything in it is checked."""

from __future__ import annotations

import os
import stat
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from aggregator.backup.backup_file import STORE, Container, Manifest
from aggregator.backup.temporary_folder import sync, working_folder
from aggregator.backup.untrusted_config import confined_config, reasons_to_disable
from aggregator.errors import BackupError, DamagedStore, StoreError
from aggregator.store import Store
from aggregator.store.backup_copy import copy_store

__all__ = ["Restored", "restore"]

_MOST_NOTES = 100
CONFIG_PLACE = Path("config", "aggregator.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The result: the config's file, the store, how many articles, and descriptions of what was changed."""

    config: Path
    store: Path
    articles: int
    manifest: Manifest
    notes: tuple[str, ...] = ()


def restore(file: Path, folder: Path, *, is_trusted: bool = False) -> Restored:
    """Unpacks a backup into `folder`, which is empty or does not exist; completely or not at all.

    `is_trusted`: commands, files, addresses and variables of this machine that the config names stay on. The
    store is a new file, into which the backup's rows are copied. Raises BackupError.
    """
    target = folder.absolute()
    _check_empty(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with Container.opened(file) as container, working_folder(target.parent) as aside:
            reach = confined_config(container.config(), is_trusted=is_trusted)
            made = aside / "made"
            store = made / reach.store
            store.parent.mkdir(parents=True)
            unpacked = aside / "unpacked" / STORE
            unpacked.parent.mkdir()
            container.unpack_store(unpacked)
            articles = _copied(file, unpacked, store)
            if not is_trusted:
                reach.notes += _switched_off(file, store)
            config = made / CONFIG_PLACE
            config.parent.mkdir(parents=True, exist_ok=True)
            with open(config, "x", opener=_private, encoding="utf-8", newline="") as written:
                written.write(reach.text)
                written.flush()
                os.fsync(written.fileno())
            for each in (config.parent, store.parent, made):
                sync(each)
            _put(made, target)
            return Restored(
                config=target / CONFIG_PLACE,
                store=target / reach.store,
                articles=articles,
                manifest=container.manifest,
                notes=tuple(reach.notes),
            )
    except OSError as error:
        place = error.filename or target
        raise BackupError(f"{place}: cannot be restored ({error.strerror or error})") from error


def _copied(file: Path, unpacked: Path, store: Path) -> int:
    try:
        return copy_store(unpacked, store, is_foreign=True)
    except DamagedStore as error:
        raise BackupError(f"{file} holds a damaged store ({error.cause}); use another backup") from error
    except StoreError as error:
        raise BackupError(f"{file} is not used: {error}") from error


def _switched_off(file: Path, store: Path) -> list[str]:
    """Switches off sources in the store that would harm this machine; returns descriptions of the first
    hundred.
    """
    notes: list[str] = []
    count = 0
    try:
        with closing(Store(store)) as opened:
            for rows in opened.sources_outside_config.batches():
                for row in rows:
                    if row.enabled and (reasons := [*reasons_to_disable(row.settings)]):
                        opened.sources_outside_config.enable(row.name, is_enabled=False)
                        count += 1
                        notes += [f"source {row.name[:60]!r}: {' and '.join(reasons)}, and is off"]
                        del notes[_MOST_NOTES:]
    except StoreError as error:
        raise BackupError(f"{file} is not used: {error}") from error
    return [*notes, f"and {count - len(notes)} more sources of the store"] if count > len(notes) else notes


def _check_empty(target: Path) -> None:
    if target.is_symlink():
        raise BackupError(f"{target} is a symbolic link; name the folder itself")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target} is not empty; name a folder that is not there yet")
    if target.is_mount():
        raise BackupError(f"{target} is a disk or volume of its own; name a new folder in it")


def _put(made: Path, target: Path) -> None:
    """Replaces an empty folder by the new one in one step; owner and permissions stay."""
    if target.exists():
        found = target.stat()
        os.chown(made, found.st_uid, found.st_gid)
        made.chmod(stat.S_IMODE(found.st_mode))
    else:
        made.chmod(0o755)
    made.rename(target)  # refused where the folder is not empty any more
    sync(target.parent)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
