"""Bytes -> JSON value; of a list that breaks off, the complete items before the break."""

from __future__ import annotations

import json
import re
from typing import Any

from aggregator.errors import ReadError
from aggregator.model.article import Problem
from aggregator.normalise import encoding

_SPACE = re.compile(r"[\s,]*")
# Control characters within a string are forbidden by RFC 8259 §7, but common.
_DECODER = json.JSONDecoder(strict=False, parse_constant=lambda _: None)


def load(body: bytes, content_type: str | None = None) -> tuple[Any, list[Problem]]:
    """The value, and what was wrong with its text (RFC 8259, but control characters in strings are accepted).

    Raises ReadError if it is not JSON, and for a value nested deeper or a number longer than Python reads.
    """
    decoded = encoding.decode(body, content_type)
    problems = [p for p in decoded.problems if "declares no encoding" not in p.text]
    try:
        value, _ = _DECODER.raw_decode(decoded.text, _after_space(decoded.text, 0))
    except (ValueError, RecursionError) as error:
        raise ReadError(described(error)) from error
    return value, problems


def load_broken(
    body: bytes, key: str, content_type: str | None = None
) -> tuple[dict[str, Any], list[Problem]]:
    """An object whose text breaks off in its list `key`: what is before that list, and its complete values.

    Raises ReadError if the list has none.
    """
    text = encoding.decode(body, content_type).text
    start = re.search(rf'"{re.escape(key)}"\s*:\s*\[', text)
    found: list[Any] = []
    fault: Exception | None = None
    at = _after_space(text, start.end()) if start else len(text)
    while at < len(text) and text[at] != "]":
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            fault = error
            break
        found.append(value)
        at = _after_space(text, at)
    if start is None or not found:
        raise ReadError(described(fault or ValueError(f"it has no list {key!r}")))
    line = text.count("\n", 0, at) + 1
    what = f"broken JSON after {len(found)} items: {described(fault) if fault else 'it ends too early'}"
    whole = _object_before(text[: start.start()])
    return whole | {key: found}, [Problem(text=what, where=f"line {line}")]


def _object_before(text: str) -> dict[str, Any]:
    """The keys of an object of which `text` is the beginning, up to the comma before the next key."""
    try:
        value = _DECODER.decode(f"{text.strip().removesuffix(',')}}}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def described(error: Exception) -> str:
    """The fault in the text, and where it is."""
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}: not JSON: {error.msg}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else f"not JSON: {error}"


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def quoted(key: str) -> str:
    """A key quoted for a JMESPath expression."""
    return key if re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII) else json.dumps(key)
