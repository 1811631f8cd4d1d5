"""The mark in the metadata of each of our objects, which identifies it without the inventory. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aggregator.object_store.inventory import MAX_NUMBER, BucketFile

__all__ = ["file_of", "with_mark"]

_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
_NAME = "aggregator"
"""The metadata's name: `x-amz-meta-aggregator`."""


def with_mark(headers: Mapping[str, str], file: BucketFile) -> dict[str, str]:
    """The headers with the mark of a file."""
    return {**headers, _NAME: f"{file.digest} {file.headers} {file.modified_ns}"}


def file_of(attributes: Mapping[str, str], size: int, etag: str) -> BucketFile | None:
    """The file in an object's mark; None for an object that we did not upload."""
    found = next((value for name, value in attributes.items() if name.lower() == _NAME), "")
    match found.split(" "):
        case [digest, headers, modified] if _NUMBER.fullmatch(modified) and int(modified) <= MAX_NUMBER:
            return BucketFile(size, int(modified), digest, headers, etag)
    return None
