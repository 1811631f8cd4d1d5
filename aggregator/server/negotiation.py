"""Content negotiation: encodings and media types that a client accepts (RFC 9110 §12). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

__all__ = ["best", "encodings"]

_MAX_CHARS = 2000
"""The rest of a longer header is ignored: no real client sends as much."""

_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_OURS = ("br", "gzip")


@lru_cache(maxsize=256)
def encodings(accept_encoding: str | None) -> tuple[str, ...]:
    """Which of br, gzip and identity are accepted, the preferred first; the smaller first among equals.

    identity is always among them (RFC 9110 §12.5.3 allows it when nothing else is accepted). Without the
    header only identity: any encoding would be allowed, but the client may know none.
    """
    wanted = _qualities(accept_encoding or "")
    if "gzip" not in wanted and "x-gzip" in wanted:
        wanted["gzip"] = wanted["x-gzip"]
    rest = wanted.get("*", 0.0)
    packed = [(wanted.get(name, rest), name) for name in _OURS]
    identity = wanted.get("identity", rest if "*" in wanted else 0.001)
    chosen = sorted((pair for pair in packed if pair[0] > 0), key=lambda pair: -pair[0])
    return (
        *(name for quality, name in chosen if quality >= identity),
        "identity",
        *(name for quality, name in chosen if quality < identity),
    )


def best(accept: str | None, choices: Sequence[str], types: Mapping[str, tuple[str, ...]]) -> str:
    """The choice that `accept` prefers, the first among equals; the first also if it accepts none of them.

    RFC 9110 §12.5.1: the most specific range that matches a type decides. If none matches, the header is
    ignored instead of answering 406: the client may still be able to read the default.
    """
    if accept is None:
        return choices[0]
    wanted = _qualities(accept)
    return max(choices, key=lambda choice: _quality(wanted, types[choice]))


def _quality(wanted: Mapping[str, float], types: tuple[str, ...]) -> float:
    for name in types:
        if name in wanted:
            return wanted[name]
    group = f"{types[0].partition('/')[0]}/*"
    return wanted.get(group, wanted.get("*/*", 0.0))


def _qualities(header: str) -> dict[str, float]:
    """Each name in the list with its q, in lower case; of a name that is repeated the first counts."""
    found: dict[str, float] = {}
    for part in header[:_MAX_CHARS].split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                quality = float(value) if _QUALITY.fullmatch(value := value.strip()) else 0.0
        if name:
            found.setdefault(name, quality)
    return found
