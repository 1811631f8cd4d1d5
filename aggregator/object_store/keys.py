"""Keys of published files in the bucket, the order in which they are uploaded, and their headers. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import PurePosixPath

from aggregator.model.media_copies import is_copy
from aggregator.publishing.archives import FOLDER
from aggregator.publishing.outputs import PAGES
from aggregator.server.media_types import MediaTypes, copy_headers, is_page

__all__ = ["Headers", "digest_of", "is_sound", "new_digest", "rank"]

ARCHIVES_MAY_BE_KEPT = timedelta(days=1)
"""Full archives never change except by a takedown, which should take effect within this time."""

_ARCHIVE = re.compile(rf"(?P<folder>.+)/{FOLDER}/(?P<number>[1-9][0-9]{{0,8}})/[^/]+", re.ASCII)
_PAGE = re.compile(rf"{PAGES}/[0-9a-f]{{24}}\.html(?:\.gz|\.br)?", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODINGS = {".gz": "gzip", ".br": "br"}
_FIRST = ("style.css", "forgotten.txt")
_FORBIDDEN = frozenset("/\\\x7f") | {chr(code) for code in range(0x20)}
_MAX_BYTES = 700


def is_sound(path: object) -> bool:
    """Whether this is a path of ours: relative, without hidden or unusual names; it cannot lead elsewhere."""
    if not isinstance(path, str) or _SURROGATE.search(path) or len(path.encode()) > _MAX_BYTES:
        return False
    return all(name and not name.startswith(".") and _FORBIDDEN.isdisjoint(name) for name in path.split("/"))


def new_digest() -> hashlib.blake2b:
    """The hash for digests of files, as 32 characters."""
    return hashlib.blake2b(digest_size=16)


def digest_of(body: bytes) -> str:
    """A digest of a file's bytes."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def rank(path: str) -> int:
    """The order of upload: 0 files that feeds and pages link to, 1 feeds, 2 lists of the feeds.

    So archives and pages of articles exist before any feed links to them.
    """
    parts = PurePosixPath(path).parts
    if len(parts) > 2 or _PAGE.fullmatch(path) or parts[-1].startswith(_FIRST):
        return 0
    return 1 if len(parts) == 2 else 2


class Headers:
    """The headers of uploaded files: `feeds_may_be_kept` is how long feeds may be cached, as by our own
    server.

    `paths` are all the files, some of which are the compressed form of another.
    """

    def __init__(self, media: MediaTypes, feeds_may_be_kept: timedelta, paths: Collection[str]) -> None:
        self._media = media
        self._feeds = feeds_may_be_kept
        self._paths = frozenset(paths)
        self._marks: dict[tuple[tuple[str, str], ...], str] = {}
        self._open: dict[str, int] = {}
        for found in filter(None, map(_ARCHIVE.fullmatch, self._paths)):
            number = int(found["number"])
            self._open[found["folder"]] = max(number, self._open.get(found["folder"], 0))

    def of(self, path: str) -> Mapping[str, str]:
        """The headers of a file, by name.

        A compressed form has its own key, the media type of its content, and its Content-Encoding: a client
        that requests it by its address gets the feed. The plain file stays plain, for readers that do not
        decompress.
        """
        plain, encoding = path, None
        if (suffix := path[-3:]) in _ENCODINGS and path[:-3] in self._paths:
            plain, encoding = path[:-3], _ENCODINGS[suffix]
        name = plain.rpartition("/")[2]
        if is_copy(*plain.split("/")):
            return copy_headers(name)
        headers = {
            "Content-Type": self._media.content_type(name),
            "Cache-Control": self._cache_control(plain, name),
        }
        return headers if encoding is None else {**headers, "Content-Encoding": encoding}

    def _cache_control(self, path: str, name: str) -> str:
        archive = _ARCHIVE.fullmatch(path)
        if archive is not None and int(archive["number"]) < self._open[archive["folder"]]:
            return f"public, max-age={ARCHIVES_MAY_BE_KEPT.total_seconds():.0f}"
        if is_page(name) or name.endswith(".txt"):
            return "no-cache"
        return f"public, max-age={self._feeds.total_seconds():.0f}"

    def mark(self, path: str) -> str:
        """A digest of a file's headers, 8 characters."""
        headers = tuple(sorted(self.of(path).items()))
        if (mark := self._marks.get(headers)) is None:  # thousands of files have a handful of headers
            mark = hashlib.blake2b(json.dumps(headers).encode(), digest_size=4).hexdigest()
            self._marks[headers] = mark
        return mark
