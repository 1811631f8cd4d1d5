"""Finds each statement of a TOML document, so that one can be changed without touching other bytes.

tomlkit, which writes whole documents, moves tables of a list that have other tables between them, and puts a
new key after the comment that belongs to the next table (0.13). The document must be valid for `tomllib`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Statement", "statements"]

# What a value may contain (TOML 1.0): four kinds of strings, brackets, comments, line ends, and the rest.
_TOKEN = re.compile(
    r'"""(?:[^\\"]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[{]|[\]}]|\n|[^\S\n]+|[^\"'\#\[\]{}\s]+",
    re.DOTALL,
)
_QUOTED_OR_BARE = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_.\- \t]+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement: its position in the text, line end included, and its keys.

    `path` are the keys of a table's header, or of a value inside its table; () for blank lines and comments.
    The text of a value is from `value` to `value_end`.
    """

    kind: Literal["table", "list", "value", "other"]
    start: int
    end: int
    path: tuple[str, ...] = ()
    value: int = 0
    value_end: int = 0


def statements(text: str) -> Iterator[Statement]:
    """Every statement of a TOML document, in order."""
    at = 0
    while at < len(text):
        made = _statement(text, at)
        yield made
        at = made.end


def _statement(text: str, start: int) -> Statement:
    first = _behind_spaces(text, start)
    if first == len(text) or text[first] in "#\r\n":
        return Statement(kind="other", start=start, end=_line_end(text, first))
    if text[first] == "[":
        end = _header_end(text, first)
        is_list = text.startswith("[[", first)
        header = text[first:end]
        keys = _path(header.strip("[]").strip())
        return Statement(
            kind="list" if is_list else "table", start=start, end=_line_end(text, end), path=keys
        )
    equals = _equals(text, first)
    value = _behind_spaces(text, equals + 1)
    value_end, end = _value_end(text, value)
    return Statement(
        kind="value",
        start=start,
        end=end,
        path=_path(text[first:equals]),
        value=value,
        value_end=value_end,
    )


def _behind_spaces(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t":
        at += 1
    return at


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _header_end(text: str, at: int) -> int:
    """The position after a header's last bracket; its quoted keys may contain brackets."""
    while text[at] == "[":
        at += 1
    while text[at] != "]":
        at = _match(_QUOTED_OR_BARE, text, at)
    while at < len(text) and text[at] == "]":
        at += 1
    return at


def _equals(text: str, at: int) -> int:
    while text[at] != "=":
        at = _match(_QUOTED_OR_BARE, text, at)
    return at


def _value_end(text: str, at: int) -> tuple[int, int]:
    """The end of the value that begins here, and the end of its line with any comment."""
    depth, behind = 0, at
    while at < len(text):
        end = _match(_TOKEN, text, at)
        piece = text[at:end]
        if piece == "\n" and not depth:
            return behind, end
        depth += (piece in ("[", "{")) - (piece in ("]", "}"))
        at = end
        if not piece.isspace() and piece[0] != "#":
            behind = end
    return behind, at


def _match(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    if found is None:  # pragma: no cover - the caller has checked that it is TOML
        raise ValueError(f"not TOML at character {at}")
    return found.end()


def _path(keys: str) -> tuple[str, ...]:
    found: Any = tomllib.loads(f"{keys} = 0")
    path: Sequence[str] = ()
    while isinstance(found, dict):
        ((key, found),) = found.items()
        path = (*path, key)
    return tuple(path)
