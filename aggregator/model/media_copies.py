"""Copies of what articles show: where each is, and what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from aggregator.model.struct import Struct

__all__ = [
    "EXTENSIONS",
    "MEDIA",
    "NO_COPIES",
    "ORIGINALS",
    "CopiedFile",
    "Copies",
    "is_copy",
    "type_of_copy",
]

MEDIA = "media"
"""The folder of copies below the output."""

ORIGINALS = "originals"
"""The key in an article's `extra` with the addresses of its lead image and enclosures that have copies."""

EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "image/jpeg": "jpg",
        "image/png": "png",
        "image/webp": "webp",
        "audio/aac": "aac",
        "audio/flac": "flac",
        "audio/mp4": "m4a",
        "audio/mpeg": "mp3",
        "audio/ogg": "ogg",
        "audio/wav": "wav",
        "video/mp4": "mp4",
        "video/webm": "webm",
    }
)
"""The media types of copies, and the extensions of their file names."""

_NAME = re.compile(rf"[0-9a-f]{{32}}\.(?:{'|'.join(EXTENSIONS.values())})", re.ASCII)


class CopiedFile(Struct, frozen=True, kw_only=True):
    """A copy: the hash of its bytes, its type and its size; `width` and `height` are 0 for a recording."""

    hash: str
    type: str
    bytes: int
    width: int = 0
    height: int = 0

    @property
    def path(self) -> str:
        """Its path below the output folder, with `/`."""
        return f"{MEDIA}/{self.hash[:2]}/{self.hash}.{EXTENSIONS[self.type]}"


Copies = Mapping[str, CopiedFile | None]
"""Address -> its copy; None for a tracking pixel, which is not to be shown."""

NO_COPIES: Copies = MappingProxyType({})


_TYPES = {extension: type_ for type_, extension in EXTENSIONS.items()}


def is_copy(*place: str) -> bool:
    """Whether a path below the output, folder by folder, is that of one of our copies."""
    return (
        len(place) == 3 and place[0] == MEDIA and place[1] == place[2][:2] and bool(_NAME.fullmatch(place[2]))
    )


def type_of_copy(name: str) -> str:
    """The media type of a copy, by the name of its file."""
    return _TYPES[name.rpartition(".")[2]]
