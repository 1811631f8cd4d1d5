"""The file of a backup: a ZIP of three members with fixed names, and the sizes and hashes of two of them.

A backup may come from someone else: no name in it becomes a path, and its unpacked size is limited by its
manifest, by its own size and by the free disk space.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from aggregator.errors import BackupError

__all__ = ["CONFIG", "STORE", "Container", "Manifest", "write_container"]

MANIFEST, CONFIG, STORE = "manifest.json", "config.toml", "store.db"
FORMAT = 1
MAX_MANIFEST_BYTES = 64 * 1024
MAX_CONFIG_BYTES = 4 * 1024 * 1024
MAX_RATIO = 100
"""How many times larger than the backup its store may be; real ones are three to ten times as large."""
SMALL_BYTES = 64 * 1024 * 1024
"""The size that a store may always have: an empty one compresses well."""

_STEP_BYTES = 1024 * 1024
_LEVEL = 3  # measured on a store: 6 takes twice the time for 4% less
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error, UnicodeError),
    *(NotImplementedError, RuntimeError, ValueError, OverflowError, LookupError),
)
"""The exceptions of `zipfile` for a file that is not a ZIP of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The facts in a backup: the version that made it and when, its articles, sizes and hashes.

    `sizes` (bytes) and `hashes` (SHA-256) are by the names of members.
    """

    version: str
    made: datetime
    articles: int
    sizes: Mapping[str, int]
    hashes: Mapping[str, str]

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        members = {name: {"bytes": self.sizes[name], "sha256": self.hashes[name]} for name in self.sizes}
        facts = {
            "format": FORMAT,
            "aggregator": self.version,
            "made": self.made.isoformat(),
            "articles": self.articles,
            "files": members,
        }
        return json.dumps(facts, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: bytes) -> Manifest:
        """The manifest in a text. Raises ValueError, TypeError and LookupError for an invalid one."""
        facts = json.loads(text)
        if facts["format"] != FORMAT:
            raise ValueError(f"format {str(facts['format'])[:20]!r}, which this version does not read")
        files = facts["files"]
        sizes = {name: files[name]["bytes"] for name in (CONFIG, STORE)}
        hashes = {name: files[name]["sha256"] for name in (CONFIG, STORE)}
        made = datetime.fromisoformat(facts["made"])
        if made.tzinfo is None:
            raise ValueError("a date without a time zone")
        count = facts["articles"]
        numbers = [*sizes.values(), count]
        if not all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in numbers):
            raise ValueError("sizes that are none")
        if not all(isinstance(each, str) for each in hashes.values()):
            raise ValueError("hashes that are none")
        version = str(facts["aggregator"])[:40]
        return cls(version=version, made=made.astimezone(UTC), articles=count, sizes=sizes, hashes=hashes)


def write_container(
    file: IO[bytes], config: bytes, store: Path, *, version: str, made: datetime, articles: int
) -> Manifest:
    """Writes a backup into an open file. Raises OSError."""
    hashes = {CONFIG: hashlib.sha256(config).hexdigest()}
    sizes = {CONFIG: len(config), STORE: 0}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as packed:
        packed.writestr(_member(CONFIG, made), config, compresslevel=_LEVEL)
        digest = hashlib.sha256()
        member = _member(STORE, made)
        with store.open("rb") as plain, packed.open(member, "w", force_zip64=True) as target:
            while part := plain.read(_STEP_BYTES):
                digest.update(part)
                sizes[STORE] += len(part)
                target.write(part)
        hashes[STORE] = digest.hexdigest()
        manifest = Manifest(version=version, made=made, articles=articles, sizes=sizes, hashes=hashes)
        packed.writestr(_member(MANIFEST, made), manifest.to_json())
    return manifest


def _member(name: str, made: datetime) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, (max(made.year, 1980), *made.timetuple()[1:6]))
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member


class Container:
    """A backup opened for reading; use `opened`. Every method raises BackupError."""

    def __init__(self, file: Path, packed: zipfile.ZipFile, size: int) -> None:
        self._file = file
        self._packed = packed
        with self._errors():
            names = packed.namelist()
            if sorted(names) != sorted((MANIFEST, CONFIG, STORE)):
                raise BackupError(f"{file} is no backup of this program: it holds {_some(names)}")
            # For these two, the amount that is unpacked at once is limited.
            if any(each.compress_type not in _PACKINGS for each in packed.infolist()):
                raise BackupError(f"{file} is no backup of this program: it is packed in another way")
            self.manifest = Manifest.from_json(self._whole(MANIFEST, MAX_MANIFEST_BYTES))
        largest = max(SMALL_BYTES, MAX_RATIO * size)
        if self.manifest.sizes[CONFIG] > MAX_CONFIG_BYTES or self.manifest.sizes[STORE] > largest:
            raise BackupError(
                f"{file} unpacks to {self.manifest.sizes[STORE]:,} bytes, far more than a backup of "
                "its size; it is not used"
            )

    @classmethod
    @contextmanager
    def opened(cls, file: Path) -> Iterator[Container]:
        """Opens a backup."""
        try:
            with _Bounded(io.FileIO(file)) as raw:
                size = os.fstat(raw.fileno()).st_size
                try:
                    packed = zipfile.ZipFile(raw)
                except _DAMAGE as error:
                    raise BackupError(f"{file} is no backup, or a damaged one: {error}") from error
                with packed:
                    yield cls(file, packed, size)
        except OSError as error:
            place = error.filename or file
            raise BackupError(f"{place}: cannot be read or written ({error.strerror or error})") from error

    def config(self) -> bytes:
        """The config, checked with its hash."""
        with self._errors():
            body = self._whole(CONFIG, self.manifest.sizes[CONFIG])
        self._check(CONFIG, len(body), hashlib.sha256(body))
        return body

    def unpack_store(self, target: Path) -> None:
        """Unpacks the store into a new file, and checks its hash."""
        free = shutil.disk_usage(target.parent).free
        if (size := self.manifest.sizes[STORE]) > free:
            raise BackupError(f"{self._file} needs {size:,} bytes of disk space, and {free:,} are free")
        with open(target, "xb", opener=_private) as written:
            self._copy_store(written)

    def check(self) -> None:
        """Reads everything, and compares it with its hashes."""
        self.config()
        self._copy_store(None)

    def _copy_store(self, written: IO[bytes] | None) -> None:
        digest, count, limit = hashlib.sha256(), 0, self.manifest.sizes[STORE]
        with self._errors(), self._packed.open(STORE) as packed:
            while count <= limit and (part := packed.read(_STEP_BYTES)):
                count += len(part)
                digest.update(part)
                if written is not None:
                    written.write(part)
        self._check(STORE, count, digest)

    def _check(self, name: str, size: int, digest: Any) -> None:
        if (size, digest.hexdigest()) != (self.manifest.sizes[name], self.manifest.hashes[name]):
            raise BackupError(
                f"{self._file} is damaged: its {name} is not what was saved; use another backup"
            )

    def _whole(self, name: str, limit: int) -> bytes:
        with self._packed.open(name) as packed:
            body = packed.read(limit + 1)
        if len(body) > limit:
            raise ValueError(f"its {name} is too large")
        return body

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (*_DAMAGE, TypeError) as error:
            raise BackupError(f"{self._file} is no backup, or a damaged one: {error}") from error


class _Bounded(io.BufferedReader):
    """A file that limits each read to the size of a ZIP with three members."""

    def read(self, size: int | None = -1) -> bytes:
        limit = 2 * _STEP_BYTES
        body = super().read(limit + 1 if size is None or not 0 <= size <= limit else size)
        if len(body) > limit:
            raise zipfile.BadZipFile("its list of files is too large")
        return body


def _private(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:5])
    return f"{shown or 'nothing'}{' and others' if len(names) > 5 else ''}"
