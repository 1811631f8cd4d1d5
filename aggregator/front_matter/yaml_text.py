"""YAML as front matter uses it: text to bounded, repaired values; values to text that all loaders read alike.

Scalars are read as text: a plain `no`, `0123`, `1:30` or `2020-01-01` stays as written; `typed` makes numbers
and truth values of them. What is written here means the same in YAML 1.1 (PyYAML, Psych) and 1.2 (js-yaml,
goccy/yaml): a text that one of them would read as another type is quoted.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import yaml

from aggregator.errors import FrontMatterError, WriteError
from aggregator.model.article import Problem
from aggregator.normalise.xml_characters import FORBIDDEN

MAX_DEPTH = 50
MAX_NODES = 100_000
MAX_ALIASES = 100

# The C parser is ten times as fast; PyYAML lacks it only where it was built without libyaml.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Plain(str):
    """A scalar that was written without quotes: `typed` may see a number in it."""

    __slots__ = ()


class _Unreadable(Exception):
    """A fault, and its line in the block, from 0."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class _TooMuch(_Unreadable):
    """Beyond the bounds: must not be repaired."""


def read(block: str, *, first_line: int = 1) -> tuple[dict[str, Any], list[Problem]]:
    """The mapping that a block of front matter holds, scalars as text, and what was repaired.

    A block that strict YAML rejects is read key by key, as a person would; a value that is still no YAML is
    taken as text. `first_line` is the block's place in the file.
    Raises FrontMatterError for anything but a mapping, and beyond the bounds of depth, nodes and aliases.
    """
    problems: list[Problem] = []
    try:
        try:
            meta = _mapping(block)
        except _TooMuch:
            raise
        except _Unreadable as error:
            # PyYAML scans ahead of its events: it may give up, by any exception, before we have counted.
            if _is_deep(block):
                raise _TooMuch(f"nested deeper than {MAX_DEPTH} levels", error.line) from error
            meta = _read_by_key(block, error, first_line, problems)
    except _TooMuch as error:
        raise FrontMatterError(error.reason, line=first_line + error.line) from error
    title = meta.get("title")
    if isinstance(title, list | dict) or (isinstance(title, Plain) and "#" in block):
        # `title: Go #1` is a comment to YAML and a title to a person; `title: [a]` likewise.
        written = re.search(r"^title[ \t]*:[ \t]+(\S.*)$", block, re.MULTILINE)
        text = written[1].strip() if written else ""
        if not isinstance(title, str) or re.search(r"[ \t]#\S", text):
            problems.append(
                Problem(text="title read as plain text: quote it", where=_line(block, "title", first_line))
            )
            meta["title"] = text
    return meta, problems


def typed(value: Any) -> Any:
    """A JSON-like value: plain scalars become None, bool, int or float where that loses no character."""
    if isinstance(value, Plain):
        return _resolved(str(value))
    if isinstance(value, list):
        return [typed(item) for item in value]
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return value


def check_bounds(value: Any) -> None:
    """Raise ValueError when a value is nested deeper than MAX_DEPTH or has more than MAX_NODES nodes."""
    nodes, level, depth = 1, [value], 0
    while level:
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        nodes, depth, level = nodes + len(inner), depth + 1, inner
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels or more than {MAX_NODES} values")


# --- text to values


def _mapping(text: str) -> dict[str, Any]:
    """Strict YAML; _Unreadable when it is not, or is not one mapping with scalars for keys."""
    try:
        value = _build(text)
    except (yaml.YAMLError, RecursionError, MemoryError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line if mark else 0
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        if not isinstance(error, yaml.YAMLError) or "nesting" in reason:
            raise _TooMuch(f"nested deeper than {MAX_DEPTH} levels", line) from error
        raise _Unreadable(f"not YAML: {reason}", line) from error
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise _Unreadable("front matter must be `key: value` lines", 0)
    return value


def _is_deep(text: str) -> bool:
    """Whether more than MAX_DEPTH brackets of a text that is not YAML are open at once."""
    depth = 0
    for sign in re.findall(r"[\[\]{}]", text):
        depth = depth + 1 if sign in "[{" else max(depth - 1, 0)
        if depth > MAX_DEPTH:
            return True
    return False


class _Builder:
    """Builds values from the parser's events, without recursion; checks bounds before it expands aliases."""

    def __init__(self) -> None:
        self.root: list[Any] = []
        self.stack: list[tuple[Any, str | None, int]] = []  # open containers: value, anchor, nodes before
        self.keys: list[str | None] = []  # of each open mapping, the key that waits for its value
        self.anchors: dict[str, tuple[Any, int]] = {}  # value, and how many nodes it has
        self.nodes = self.aliases = 0

    def open(self, event: Any, value: Any) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise _TooMuch(f"nested deeper than {MAX_DEPTH} levels", event.start_mark.line)
        if self.stack and type(self.stack[-1][0]) is dict and self.keys[-1] is None:
            raise _Unreadable("a key must be text", event.start_mark.line)
        self.stack.append((value, event.anchor, self.nodes))
        self.keys.append(None)

    def close(self, event: Any) -> None:
        value, anchor, before = self.stack.pop()
        self.keys.pop()
        if anchor:
            self.anchors[anchor] = (value, self.nodes - before + 1)
        self.put(event, value, 1)

    def alias(self, event: Any) -> None:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise _TooMuch(f"more than {MAX_ALIASES} aliases", event.start_mark.line)
        if event.anchor not in self.anchors:
            raise _Unreadable(f"alias *{event.anchor} has no anchor before it", event.start_mark.line)
        self.put(event, *self.anchors[event.anchor])

    def put(self, event: Any, value: Any, size: int) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            raise _TooMuch(f"more than {MAX_NODES} values", event.start_mark.line)
        holder: Any = self.stack[-1][0] if self.stack else self.root
        if type(holder) is list:
            holder.append(value)
        elif (key := self.keys[-1]) is not None:
            holder[key] = value
            self.keys[-1] = None
        elif not isinstance(value, str) or (value in holder and len(self.stack) == 1):
            raise _Unreadable(f"a key is not text, or repeated: {str(value)[:40]}", event.start_mark.line)
        else:
            self.keys[-1] = str(value)


def _build(text: str) -> Any:
    tree = _Builder()
    event: Any
    for event in yaml.parse(text, Loader=_Loader):
        kind = type(event)
        if kind is yaml.ScalarEvent:
            value = Plain(event.value) if event.implicit[0] and event.tag is None else event.value
            if event.anchor:
                tree.anchors[event.anchor] = (value, 1)
            tree.put(event, value, 1)
        elif kind is yaml.MappingStartEvent:
            tree.open(event, {})
        elif kind is yaml.SequenceStartEvent:
            tree.open(event, [])
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            tree.close(event)
        elif kind is yaml.AliasEvent:
            tree.alias(event)
        elif kind is yaml.DocumentStartEvent and tree.root:
            raise _Unreadable("more than one YAML document", event.start_mark.line)
    return tree.root[0] if tree.root else None


_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+(?:e[-+][0-9]+)?)?")


def _resolved(text: str) -> Any:
    """YAML 1.2's core types, but only when writing the value gives the same text: 1.10 stays text."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    try:
        value = float(text) if number[1] else int(text)
    except ValueError:  # Python reads no int beyond 4,300 digits
        return text
    if isinstance(value, float) and not math.isfinite(value):
        return text
    return value if _number(value) == text else text


# --- what a strict loader rejects and a person can read

_UNPRINTABLE = re.compile(f"[{FORBIDDEN}\x7f-\x84\x86-\x9f]")


def _read_by_key(block: str, error: _Unreadable, first_line: int, problems: list[Problem]) -> dict[str, Any]:
    """Each top-level key with its lines on its own: strict YAML, then tabs as spaces, then plain text."""
    lines = re.split(r"\r\n|\n|\r", _UNPRINTABLE.sub("", block))
    starts = [number for number, line in enumerate(lines) if _key(line)]
    meta: dict[str, Any] = {}
    head = lines[: starts[0]] if starts else lines
    if not starts or any(line.strip() and not line.startswith("#") for line in head):
        raise FrontMatterError(error.reason, line=first_line + error.line) from error
    # Each key costs a parse; front matter with thousands of broken ones is hostile.
    if len(starts) > 1000:
        raise FrontMatterError(f"{error.reason}, among too many keys to repair", line=first_line) from error
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        where = f"line {first_line + start}"
        chunk = lines[start:end]
        key, value, how = _read_chunk(chunk, first_line + start)
        if how:
            problems.append(Problem(text=f"{key}: {how}", where=where))
        if key in meta:
            problems.append(Problem(text=f"{key}: written twice, the last one is kept", where=where))
        meta[key] = value
    if not problems:
        problems.append(
            Problem(text=f"{error.reason}; read key by key", where=f"line {first_line + error.line}")
        )
    return meta


def _read_chunk(chunk: list[str], line: int) -> tuple[str, Any, str]:
    """A key, its value, and how it was repaired ("" when it was not)."""
    for lines, how in ((chunk, ""), ([_spaces(text) for text in chunk], "indented with tabs")):
        try:
            [(key, value)] = _mapping("\n".join(lines)).items()
        except _TooMuch:
            raise
        except (_Unreadable, ValueError):
            continue
        return key, value, how
    key, text = _key(chunk[0]) or ("", "")
    rest = [part for part in (part.strip() for part in chunk[1:]) if part]
    if rest and not text and all(part == "-" or part.startswith("- ") for part in rest):
        return key, [unwrapped(part[1:].strip()) for part in rest], "its list read as plain text: quote it"
    if text[:1] in ("|", ">") or (not text and rest):
        raise FrontMatterError(f"the value of {key} is not YAML: quote or indent it", line=line)
    return key, unwrapped(" ".join([text, *rest])), "not YAML, read as plain text: quote it"


def _key(line: str) -> tuple[str, str] | None:
    """The key and the text after it of a line at the margin; None when the line holds no key."""
    if not line or line[0] in " \t-#?[]{},&*!|>%@`":
        return None
    bare = line.rstrip()
    at = min((i for i in (bare.find(": "), bare.find(":\t")) if i > 0), default=-1)
    if at < 0 and bare.endswith(":"):
        at = len(bare) - 1
    key = unwrapped(bare[:at].strip()) if 0 < at <= 100 else ""
    return (key, bare[at + 1 :].strip()) if key else None


def _spaces(line: str) -> str:
    body = line.lstrip(" \t")
    return line[: len(line) - len(body)].replace("\t", "    ") + body


def unwrapped(text: str) -> str:
    """A text without the rows of quotes that wrap it: `""'a'""` is a; `"a" or "b"` stays as it is."""
    start, end = 0, len(text)
    while end - start > 1 and text[start] == text[end - 1] and text[start] in "\"'":
        first = text.find(text[start], start + 1, end - 1)
        if first > start + 1 and not text[first - 1].isspace() and text[first + 1].isspace():
            break
        start, end = start + 1, end - 1
    return text[start:end]


def _line(block: str, key: str, first_line: int) -> str:
    found = re.search(rf"^{key}[ \t]*:", block, re.MULTILINE)
    return f"line {first_line + block.count(chr(10), 0, found.start())}" if found else ""


# --- values to text

_PLAIN = re.compile(r"[^\W\d_](?:[\w .\-/()&+—–·、，。：（）「」]*[\w)）」])?")
_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
_GUESSED = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"))
_ESCAPED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# Longer keys need the `?` form: loaders look for the colon within 1,024 characters.
_LONG_KEY = 400


def write_key(key: str) -> str:
    """A key at the margin with its colon, quoted unless every loader takes it for text."""
    if _PLAIN_KEY.fullmatch(key) and key.lower() not in _GUESSED:
        return f"{key}:"
    text = _double(key)
    return f"{text}:" if len(text) < _LONG_KEY else f"? {text}\n:"


def plain(text: str) -> str:
    """A text without quotes where every loader reads it as that very text, else quoted."""
    if _PLAIN.fullmatch(text) and text.lower() not in _GUESSED:
        return text
    return quoted(text)


def quoted(text: str) -> str:
    """A text in single quotes, or in double ones when it holds an apostrophe or needs escapes."""
    if "'" in text or _ESCAPED.search(text):
        return _double(text)
    return f"'{text}'"


def flow(value: Any, depth: int = 0) -> str:
    """A JSON-like value on one line. Raises WriteError for anything else and beyond MAX_DEPTH."""
    if isinstance(value, str):
        return _double(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return _number(value)
    if depth < MAX_DEPTH - 3:  # what wraps an extra value needs up to three levels
        if isinstance(value, list | tuple):
            return "[" + ", ".join([flow(item, depth + 1) for item in value]) + "]"
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return "{" + ", ".join([_pair(key, item, depth) for key, item in value.items()]) + "}"
    raise WriteError(f"front matter cannot hold a {type(value).__name__} here: make it JSON-like and flatter")


def _pair(key: str, value: Any, depth: int) -> str:
    text = _double(key)
    return f"{text if len(text) < _LONG_KEY else f'? {text} '}: {flow(value, depth + 1)}"


def _number(value: float) -> str:
    """Digits that are a number in YAML 1.1 too, which wants a dot before an exponent."""
    if isinstance(value, float) and not math.isfinite(value):
        raise WriteError("front matter cannot hold a number that is not finite: make it text")
    try:
        text = repr(value)
    except ValueError as error:  # Python prints no int beyond 4,300 digits
        raise WriteError("front matter cannot hold so long a number: make it text") from error
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _double(text: str) -> str:
    # JSON strings are YAML's double-quoted ones; the rest of what YAML cannot hold raw is escaped here.
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
