"""One publication: uploads what changed, in the order of links; deletes what is gone at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from aggregator.errors import BucketInUse, ObjectStoreError
from aggregator.model.struct import replace
from aggregator.object_store.bucket import LARGE_BYTES, Bucket, BucketObject, Conflict
from aggregator.object_store.inventory import BucketFile
from aggregator.object_store.inventory_lock import Register
from aggregator.object_store.keys import Headers, rank
from aggregator.object_store.local_copy import read
from aggregator.object_store.object_metadata import file_of, with_mark
from aggregator.object_store.parallel import run_parallel

__all__ = ["Push", "Pushed", "looked_at"]

_AT_ONCE = 1000
"""How many files are changed between two versions of the inventory: after a kill, these must be checked."""
_LISTED_FROM = 200
"""From this number of paths on, a listing is used, which returns a thousand objects a request."""
_ATTEMPTS = 3


@dataclass(slots=True)
class Pushed:
    """The result: the paths that were uploaded and deleted, and the errors."""

    put: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    errors: list[ObjectStoreError] = field(default_factory=list)


def looked_at(bucket: Bucket, paths: Sequence[str]) -> dict[str, BucketObject | None]:
    """The objects at each of these paths now. Raises ObjectStoreError."""
    if len(paths) >= _LISTED_FROM:
        listed = bucket.list()
        return {path: listed.get(path) for path in paths}
    done, errors = run_parallel(bucket.find, paths)
    if errors:
        raise errors[0]
    return done


class Push:
    """Changes the bucket from its present to the wanted content, as `register` allows.

    `files` are known to be there; `odd` are ours too, by path and ETag, but with unknown content.
    """

    def __init__(
        self,
        bucket: Bucket,
        folder: Path,
        headers: Headers,
        register: Register,
        files: Mapping[str, BucketFile],
        odd: Mapping[str, str],
        run: str,
    ) -> None:
        self._bucket = bucket
        self._folder = folder
        self._headers = headers
        self._register = register
        self._files = dict(files)
        self._run = run
        self._doubtful: set[str] = set()
        # The ETag of the present object, which a put replaces.
        self._there = {path: file.etag for path, file in files.items()} | {**odd}
        self._found_right: set[str] = set()
        self._result = Pushed()

    def run(self, wanted: Mapping[str, BucketFile]) -> Pushed:
        """Uploads and deletes. Raises BucketInUse as soon as another writer is active, and then changes
        nothing more.
        """
        put = [path for path, file in wanted.items() if not self._is_right(path, file)]
        put.sort(key=lambda path: (rank(path), path in self._there, path))
        gone = sorted(path for path in self._there if path not in wanted)
        for path in wanted.keys() & self._files.keys() - {*put}:  # written again as it was
            self._files[path] = replace(self._files[path], modified_ns=wanted[path].modified_ns)
        steps = [
            *((f"{rank(path)}{path in self._there:d}", path) for path in put),
            *(("gone", p) for p in gone),
        ]
        try:
            for start in range(0, len(steps), _AT_ONCE):
                some = steps[start : start + _AT_ONCE]
                self._register.write(self._files, tuple(sorted({path for _, path in some})), self._run)
                for name, step in groupby(some, key=lambda one: one[0]):
                    paths = [path for _, path in step]
                    self._delete(paths) if name == "gone" else self._put(paths, wanted)
                    if self._result.errors:
                        break
                if self._result.errors:
                    break
        except BucketInUse:
            raise
        except ObjectStoreError as error:
            self._result.errors.append(error)
        self._finish()
        return self._result

    def _is_right(self, path: str, file: BucketFile) -> bool:
        there = self._files.get(path)
        return there is not None and there.holds(file) and there.headers == file.headers

    def _finish(self) -> None:
        try:
            self._register.write(self._files, tuple(sorted(self._doubtful)), "")
        except BucketInUse:
            raise
        except ObjectStoreError as error:
            self._result.errors = self._result.errors or [error]

    def _put(self, paths: Sequence[str], wanted: Mapping[str, BucketFile]) -> None:
        """Uploads files, and checks that they exist: a store may lose what it has acknowledged."""
        todo = list(paths)
        for _ in range(_ATTEMPTS):
            self._doubtful.update(todo)
            done, errors = run_parallel(lambda path: self._put_one(path, wanted[path]), todo)
            self._result.errors += errors
            found = looked_at(self._bucket, list(done))
            for path, file in done.items():
                there = found[path]
                self._there.pop(path, None)
                if there is not None:
                    self._there[path] = there.etag
                if there is None or there.size != file.size or file.etag not in ("", there.etag):
                    continue
                self._files[path] = replace(file, etag=there.etag)
                self._doubtful.discard(path)
                if path not in self._found_right:
                    self._result.put.append(path)
            todo = [path for path in done if path in self._doubtful]
            if not todo or self._result.errors:
                return
        self._result.errors.append(
            ObjectStoreError(
                f"{self._bucket}: the store acknowledges {todo[0]!r}, but it is not there; look at the "
                "store's own log",
                is_passing=True,
            )
        )

    def _put_one(self, path: str, file: BucketFile) -> BucketFile:
        headers = with_mark(self._headers.of(path), file)
        for _ in range(_ATTEMPTS):
            self._register.renew()
            try:
                etag = self._send(path, file, headers)
            except Conflict:
                self._look_again(path, file)
                if self._is_right(path, file):  # the response to an earlier request was lost
                    self._found_right.add(path)
                    return self._files.pop(path)
            else:
                return replace(file, etag=etag)
        raise ObjectStoreError(
            f"{self._bucket}: {path!r} is changed by another program all the time; let one write there alone",
            is_passing=True,
        )

    def _send(self, path: str, file: BucketFile, headers: Mapping[str, str]) -> str:
        """Replaces the known object with a file. Raises Conflict."""
        expected = self._there.get(path)
        if file.size <= LARGE_BYTES:
            return self._bucket.put(path, read(self._folder, path), headers, expected)
        # An upload in parts has no conditions: the object is checked before. Usually its name depends on its
        # bytes.
        found = self._bucket.find(path)
        if (None if found is None else found.etag) != expected:
            raise Conflict(path)
        return self._bucket.put_large(path, self._folder / path, headers)

    def _look_again(self, path: str, file: BucketFile) -> None:
        """Reads what is at an unexpected path. Raises ObjectStoreError if it is not ours."""
        found = self._bucket.attributes(path)
        was_ours = path in self._files
        self._files.pop(path, None)
        self._there.pop(path, None)
        if found is None:
            return
        there, attributes = found
        marked_as = file_of(attributes, there.size, there.etag)
        if marked_as is None and not was_ours:
            self._doubtful.discard(path)
            raise ObjectStoreError(
                f"{self._bucket}: {path!r} is there already and was not put by this program; it is left as "
                "it is: move it away, or choose another prefix"
            )
        self._there[path] = there.etag
        if marked_as is not None:
            self._files[path] = replace(marked_as, modified_ns=file.modified_ns)

    def _delete(self, paths: Sequence[str]) -> None:
        todo = list(paths)
        for _ in range(_ATTEMPTS):
            self._register.renew()
            self._doubtful.update(todo)
            self._bucket.delete(todo)
            found = looked_at(self._bucket, todo)
            for path in todo:
                if found[path] is None:
                    self._files.pop(path, None)
                    self._doubtful.discard(path)
                    self._result.deleted.append(path)
            todo = [path for path in todo if found[path] is not None]
            if not todo:
                return
        self._result.errors.append(
            ObjectStoreError(
                f"{self._bucket}: the store does not delete {todo[0]!r}; let the keys do it "
                "(s3:DeleteObject)",
                is_passing=True,
            )
        )
