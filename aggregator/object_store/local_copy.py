"""The copy in the folder `staging`: its files, and downloads of files that another machine uploaded."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from aggregator.errors import ObjectStoreError, WriteError
from aggregator.object_store.bucket import LARGE_BYTES, Bucket, Conflict
from aggregator.object_store.inventory import BucketFile
from aggregator.object_store.keys import Headers, digest_of, is_sound, new_digest, rank
from aggregator.object_store.object_metadata import file_of
from aggregator.object_store.parallel import run_parallel
from aggregator.writers.output_files import place

__all__ = ["fetch_changes", "paths_in", "read", "wanted"]


def paths_in(folder: Path) -> dict[str, os.stat_result]:
    """Every file that is published, by its path; without hidden files and links."""
    found: dict[str, os.stat_result] = {}
    below = [""]
    try:
        while below:
            at = below.pop()
            with os.scandir(folder / at) as entries:
                for entry in entries:
                    path = f"{at}{entry.name}"
                    if not is_sound(path):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        below.append(f"{path}/")
                    elif stat.S_ISREG((info := entry.stat(follow_symlinks=False)).st_mode):
                        found[path] = info
    except OSError as error:
        raise ObjectStoreError(f"{error.filename}: it cannot be read: {error.strerror}") from error
    return found


def wanted(
    folder: Path, known: Mapping[str, BucketFile], headers: Headers, paths: Mapping[str, os.stat_result]
) -> dict[str, BucketFile]:
    """The folder's files as they must be in the bucket, without their ETags.

    A file with the size and time of a known one is not read. Raises ObjectStoreError.
    """
    made = {}
    for path, info in paths.items():
        before = known.get(path)
        if before is not None and (before.size, before.modified_ns) == (info.st_size, info.st_mtime_ns):
            digest = before.digest
        else:
            digest = _digest(folder / path)
        made[path] = BucketFile(info.st_size, info.st_mtime_ns, digest, headers.mark(path), "")
    return made


def _digest(place: Path) -> str:
    try:
        with place.open("rb") as file:
            return hashlib.file_digest(file, new_digest).hexdigest()
    except OSError as error:
        raise ObjectStoreError(f"{place}: it cannot be read: {error.strerror}") from error


def read(folder: Path, path: str) -> bytes:
    """A file's bytes. Raises ObjectStoreError."""
    try:
        return (folder / path).read_bytes()
    except OSError as error:
        raise ObjectStoreError(f"{folder / path}: it cannot be read: {error.strerror}") from error


def fetch_changes(
    bucket: Bucket, folder: Path, before: Mapping[str, BucketFile], now: Mapping[str, BucketFile]
) -> set[str]:
    """Changes the folder from the files `before` to those that are in the bucket now.

    Files that feeds link to are downloaded first, deleted files are removed last. Only differences are
    downloaded. Returns the paths that were changed meanwhile or are lost: they must be looked up again.
    Raises ObjectStoreError.
    """
    changed = [path for path, file in now.items() if before.get(path) != file]
    lacking: set[str] = set()
    for step in (0, 1, 2):
        # Plain files before their compressed forms, which our server compares with them.
        paths = sorted(path for path in changed if rank(path) == step)
        done, errors = run_parallel(lambda path: _bring(bucket, folder, path, now[path]), paths)
        if errors:
            raise errors[0]
        lacking.update(path for path, is_right in done.items() if not is_right)
    for path in before.keys() - now.keys():
        with suppress(OSError):
            (folder / path).unlink(missing_ok=True)
        for parent in (folder / path).parents:
            if parent == folder or not _is_emptied(parent):
                break
    return lacking


def _bring(bucket: Bucket, folder: Path, path: str, file: BucketFile) -> bool:
    """Downloads a file unless it is here already; whether it is then as in the inventory."""
    target = folder / path
    with suppress(OSError):
        info = target.lstat()
        is_here = stat.S_ISREG(info.st_mode) and info.st_size == file.size
        if is_here and _digest(target) == file.digest:
            if info.st_mtime_ns != file.modified_ns:
                os.utime(target, ns=(file.modified_ns, file.modified_ns))
            return True
    if file.size > LARGE_BYTES:
        return _bring_large(bucket, target, path, file)
    got = bucket.get(path)
    if got is None:
        return False
    is_right = digest_of(got.body) == file.digest
    if not is_right and got.etag == file.etag:
        raise ObjectStoreError(f"{bucket}: {path} came in damaged; it is fetched again", is_passing=True)
    # Uploaded by a writer that has not finished: newer, and complete.
    marked = None if is_right else file_of(got.attributes, len(got.body), got.etag)
    _place(target, [got.body], (marked or file).modified_ns)
    return is_right


def _bring_large(bucket: Bucket, target: Path, path: str, file: BucketFile) -> bool:
    """Downloads a file in parts."""
    digest = new_digest()

    def parts() -> Iterator[bytes]:
        for part in bucket.parts(path, file.etag, file.size):
            digest.update(part)
            yield part
        if digest.hexdigest() != file.digest:
            raise ObjectStoreError(f"{bucket}: {path} came in damaged; it is fetched again", is_passing=True)

    try:
        _place(target, parts(), file.modified_ns)
    except Conflict:
        return False
    return True


def _place(target: Path, parts: Iterable[bytes], modified_ns: int) -> None:
    try:
        place(target, parts, modified_ns)
    except ObjectStoreError:
        raise
    except WriteError as error:
        raise ObjectStoreError(str(error)) from error


def _is_emptied(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
