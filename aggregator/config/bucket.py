"""The address of a bucket of an object store, to which the output is uploaded. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote

__all__ = ["BucketAddress", "bucket_address", "is_address"]

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_SEGMENT = re.compile(r"(?!\.)[^\x00-\x1f\x7f\\?#]+")
_MAX_PREFIX_BYTES = 300
"""A key has at most 1,024 bytes, and what we add after the prefix at most 500."""
_MAX_NAME = 200
_RIGHT = 'write a bucket and a prefix, such as "s3://planet/feeds"'


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """A place in an object store; every key begins with `prefix`, which is "" for the whole bucket."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def folder_name(self) -> str:
        """The name of the folder that mirrors this bucket, unique for each address: `planet+feeds`."""
        name = quote(f"{self.bucket}/{self.prefix}".rstrip("/"), safe="").replace("%2F", "+")
        digest = hashlib.blake2b(name.encode(), digest_size=8).hexdigest()
        return name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}-{digest}"


def is_address(place: str) -> bool:
    """Whether an output setting is an address rather than a folder of this machine."""
    return "://" in place


def bucket_address(text: str) -> BucketAddress:
    """Parses an address into bucket and prefix. Raises ValueError, without repeating a login."""
    scheme, _, rest = text.partition("://")
    if scheme.lower() != "s3":
        known = re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,15}", scheme)
        which = f"{scheme}:// is not supported; " if known else ""
        raise ValueError(f"{which}name a folder, or a bucket of an S3-compatible store: {_RIGHT}")
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket:
        raise ValueError(
            "keys do not belong in the address: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the "
            f"environment, and {_RIGHT}"
        )
    if not _NAME.fullmatch(bucket):
        raise ValueError(f"a bucket's name has 3 to 63 small letters, digits, dots and dashes; {_RIGHT}")
    prefix = prefix.rstrip("/")
    if prefix and not all(map(_SEGMENT.fullmatch, prefix.split("/"))):
        raise ValueError(f"no part of a prefix is empty, begins with a dot, or has one of \\ ? #; {_RIGHT}")
    if len(prefix.encode("utf-8", "surrogatepass")) > _MAX_PREFIX_BYTES:
        raise ValueError(f"a prefix has at most {_MAX_PREFIX_BYTES} bytes; {_RIGHT}")
    return BucketAddress(bucket, prefix)
