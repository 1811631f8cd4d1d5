"""Pictures of members that are files on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from aggregator.config.load import Config, Source
from aggregator.errors import WriteError
from aggregator.model.struct import Struct
from aggregator.publishing.logo import read_picture

__all__ = ["LocalPicture", "local_picture", "local_picture_mistakes"]


class LocalPicture(Struct, frozen=True):
    """A local picture, and its name in the folder of assets, which is made of its content."""

    file: Path
    name: str
    body: bytes

    @property
    def address(self) -> str:
        """The address under which its copy is recorded."""
        return f"file:{self.name}"


def local_picture(source: Source) -> LocalPicture | None:
    """Returns the local picture of a source; None if it has none. Raises WriteError."""
    if (file := source.image_file) is None:
        return None
    body = read_picture(file, f"source {source.name!r}: image")
    digest = hashlib.blake2b(body, digest_size=8).hexdigest()
    return LocalPicture(file, f"face-{digest}{file.suffix.lower()}", body)


def local_picture_mistakes(config: Config) -> Iterator[str]:
    """Yields mistakes in local pictures."""
    for source in config.sources:
        try:
            local_picture(source)
        except WriteError as error:
            yield str(error)
