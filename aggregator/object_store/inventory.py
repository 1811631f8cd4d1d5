"""The inventory: one object in the bucket that lists every file of ours, and which are being changed. Pure.

Writers are coordinated by it alone: each change of the bucket begins and ends with a conditional write of it
(If-Match), so that of two writers one is refused. A new machine starts by reading it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from aggregator.errors import ObjectStoreError
from aggregator.object_store.keys import is_sound

__all__ = ["KEY", "MAX_NUMBER", "BucketFile", "Inventory", "dumped", "loaded"]

KEY = ".aggregator/inventory"
"""The key of the inventory. Servers of static files may show it: it contains no secret."""

_FORM = 1
MAX_NUMBER = 1 << 62
"""The year 2116 in nanoseconds: a file's time can still be set to a later one."""
_MAX_BYTES = 512 * 1024 * 1024
"""Enough for about four million files."""


@dataclass(frozen=True, slots=True)
class BucketFile:
    """A file as it was uploaded: `digest` of its bytes, `headers` a digest of its headers.

    `modified_ns` is when it changed, shown equally by every machine with a copy. `etag` is the store's own.
    """

    size: int
    modified_ns: int
    digest: str
    headers: str
    etag: str

    def holds(self, other: BucketFile) -> bool:
        """Whether its bytes equal those of the other."""
        return (self.size, self.digest) == (other.size, other.digest)


@dataclass(frozen=True, slots=True)
class Inventory:
    """Our `files` in the bucket, by path, and the last writer.

    - `writer`: a random name of the machine, more exactly of its folder `staging`; "" for none yet.
    - `site`: a common name of machines that publish in turns, "" for none.
    - `run`: a random name while something is being changed, else "". A `pending` file may then be as in
      `files`, or already changed or deleted.
    - `token`: different in each version, so that no two versions are equal.
    """

    files: Mapping[str, BucketFile] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    writer: str = ""
    site: str = ""
    run: str = ""
    token: str = ""


def dumped(inventory: Inventory) -> bytes:
    """Compressed JSON, one file a line."""
    head = {
        "aggregator": _FORM,
        "writer": inventory.writer,
        "site": inventory.site,
        "run": inventory.run,
        "token": inventory.token,
        "pending": inventory.pending,
    }
    lines = [json.dumps(head)]
    for path, file in sorted(inventory.files.items()):
        lines.append(json.dumps([path, file.size, file.modified_ns, file.digest, file.headers, file.etag]))
    packing = zlib.compressobj(1, wbits=31)
    return packing.compress("\n".join(lines).encode()) + packing.flush()


def loaded(body: bytes) -> Inventory:
    """Parses and checks an inventory: its paths become files. Raises ObjectStoreError."""
    try:
        return _loaded(body)
    except (ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        raise ObjectStoreError(
            f"{KEY} in the bucket cannot be read: it is damaged, or of another version; "
            "delete that object: it is made again of the others"
        ) from error


def _loaded(body: bytes) -> Inventory:
    unpacking = zlib.decompressobj(wbits=31)
    text = unpacking.decompress(body, _MAX_BYTES).decode()
    head, *lines = map(json.loads, text.split("\n"))
    pending = head["pending"]
    names = [head[key] for key in ("writer", "site", "run", "token")]
    is_sound_head = (
        unpacking.eof
        and head["aggregator"] == _FORM
        and isinstance(pending, list)
        and all(map(is_sound, pending))
        and all(isinstance(name, str) for name in names)
    )
    if not is_sound_head:
        raise ValueError(head)
    return Inventory(dict(map(_file, lines)), tuple(pending), *names)


def _file(line: object) -> tuple[str, BucketFile]:
    if not isinstance(line, list) or len(line) != 6:
        raise ValueError(line)
    path, size, modified, digest, headers, etag = line
    texts = all(isinstance(text, str) for text in (digest, headers, etag))
    numbers = all(type(number) is int and 0 <= number <= MAX_NUMBER for number in (size, modified))
    if not (is_sound(path) and texts and numbers):
        raise ValueError(line)
    return path, BucketFile(size, modified, digest, headers, etag)
