"""Category name -> folder name: safe on every file system, readable, unique. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from hashlib import sha256
from itertools import count
from unicodedata import category as kind
from unicodedata import normalize

__all__ = ["RESERVED", "folder_key", "folder_name"]

MAX_BYTES = 100
# Names that exist, or may one day exist, beside the categories' folders in the output folder, or are URLs of
# the server.
RESERVED = frozenset(
    {
        "all",
        "articles",
        "assets",
        "healthz",
        "index",
        "metrics",
        "readyz",
        "status",
        "websub",
    }
)
_ROOT_FILE = re.compile(r".*\.(?:css|html?|ico|json|opml|png|txt|xml)")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file: also with any extension.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin|conout|clock|(?:com|lpt)[0-9])(?:[. ].*)?")
_ASCII_KEPT = frozenset("-_.+&,()@")


def folder_name(category: str, taken: Collection[str] = ()) -> str:
    """The folder for `category`: one path segment of at most 100 bytes of UTF-8, different from all in
    `taken`.

    Letters of every script stay, white space becomes `-`. If anything else had to be changed, the name is
    `RESERVED`, or its `folder_key` is taken, a hash of the exact category is appended. So the name depends
    only on the category, unless another has it already: store the names that were given.
    """
    readable = re.sub(r"[\s-]+", "-", normalize("NFC", category).strip())
    name = _harmless(readable)
    keys = {folder_key(folder) for folder in taken}
    if name == readable and _fits(name) and folder_key(name) not in keys:
        return name
    for attempt in count():
        exact = category if not attempt else f"{category}\0{attempt}"
        suffix = "-" + sha256(exact.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        candidate = _cut(name.replace(".", "-"), MAX_BYTES - len(suffix)) + suffix
        if folder_key(candidate) not in keys:
            return candidate
    raise AssertionError  # pragma: no cover


@lru_cache(maxsize=10_000)
def folder_key(folder: str) -> str:
    """A key that is equal for two folder names that some file system could treat as the same.

    Compatibility caseless matching (Unicode §3.13, D146): case, NFC or NFD, and width do not matter.
    """
    once = normalize("NFKC", normalize("NFD", folder).casefold())
    return normalize("NFKC", once.casefold())


def _harmless(text: str) -> str:
    """Removes everything that has a meaning for a file system, a shell, a URL or the text direction.

    Compatibility characters are normalised first: a full-width slash is a slash.
    """
    kept = "".join(c if _is_kept(c) else "-" for c in normalize("NFKC", text))
    kept = re.sub(r"-{2,}", "-", kept).rstrip("-.")
    # It also must not begin with a combining mark, which would join the character before it.
    start = next((i for i, c in enumerate(kept) if c not in "-." and kind(c)[0] != "M"), len(kept))
    return kept[start:]


def _is_kept(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character in _ASCII_KEPT
    return kind(character)[0] in "LMNPS"  # not controls, bidi controls, surrogates, unassigned, separators


def _fits(name: str) -> bool:
    if not name or len(name.encode()) > MAX_BYTES:
        return False
    key = folder_key(name)
    return key not in RESERVED and not _ROOT_FILE.fullmatch(key) and not _DEVICE.fullmatch(key)


def _cut(name: str, max_bytes: int) -> str:
    """The beginning of `name`, cut neither inside a character nor between a letter and its marks."""
    head = name.encode()[:max_bytes].decode(errors="ignore")
    rest = name[len(head) :]
    while head and rest and kind(rest[0])[0] == "M":
        head, rest = head[:-1], head[-1]
    return head.rstrip("-.") or "category"
