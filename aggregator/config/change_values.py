"""Changes values in the config file and leaves its comments, its order and every other byte as they are."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from aggregator.config.edit import read_config, replace_config, written_value
from aggregator.config.load import checked, named
from aggregator.config.toml_statements import Statement, statements
from aggregator.errors import ConfigError

__all__ = ["Place", "change_source", "change_values", "remove_source", "with_values"]

Place = tuple[str | int, ...]
"""The keys that lead to a value, such as ("fetch", "commands"); the tables of a list are counted from 0."""

_BY_HAND = "is written in a way that this command cannot change; change it by hand"


def change_source(file: Path, name: str, values: Mapping[str, object]) -> None:
    """Sets these keys of a source in a config file. Raises ConfigError and then leaves the file unchanged."""
    before, text = _read(file)
    index = _index(text, file, name)
    after = with_values(text, {("sources", index, key): value for key, value in values.items()}, str(file))
    replace_config(file, before, after)


def change_values(file: Path, values: Mapping[Place, object], *, writes: bool = True) -> None:
    """Sets the values at these places of a config file; with `writes` False only checks that it can be done.

    Raises ConfigError and then leaves the file unchanged.
    """
    before, text = _read(file)
    after = with_values(text, values, str(file))
    if writes:
        replace_config(file, before, after)
    else:
        checked(after.encode(), file, f"{file} with the change")


def remove_source(file: Path, name: str) -> None:
    """Removes a source from a config file; comments outside its table stay. Raises ConfigError."""
    before, text = _read(file)
    index = _index(text, file, name)
    wanted = tomllib.loads(text)
    del wanted["sources"][index]
    if not wanted["sources"]:
        del wanted["sources"]
    header, _, last = _tables(text, index, file)
    after = text[: header.start] + text[last.end :]
    if tomllib.loads(after) != wanted:
        raise ConfigError(f"{file}: the source {name!r} {_BY_HAND}")
    replace_config(file, before, after)


def with_values(text: str, values: Mapping[Place, object], shown: str) -> str:
    """The text of a config with new values at these places.

    Raises ConfigError, naming the file as `shown`.
    """
    wanted = tomllib.loads(text)
    for place, value in values.items():
        _put(wanted, place, value)
    after = _with_edits(text, values)
    if _loaded(after) == wanted:
        return after
    after = _rewritten(text, values)  # keeps comments, but may move them
    if _loaded(after) == wanted:
        return after
    raise ConfigError(f"{shown}: {'.'.join(map(str, next(iter(values))))} {_BY_HAND}")


def _read(file: Path) -> tuple[bytes, str]:
    """Reads a valid config: its bytes and its text. Raises ConfigError."""
    before, text = read_config(file)
    checked(before, file, str(file))
    return before, text


def _loaded(text: str) -> Mapping[str, Any] | None:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _index(text: str, file: Path, name: str) -> int:
    found = tomllib.loads(text).get("sources", [])
    names = [str(each.get("name")) for each in found if isinstance(each, dict)]
    named([name], names)
    if names.count(name) > 1:
        raise ConfigError(f"{file}: several sources are named {name!r}; give each a different name first")
    return names.index(name)


def _put(data: Any, place: Place, value: object) -> None:
    *outer, key = place
    for each in outer:
        data = data.setdefault(each, {}) if isinstance(each, str) else data[each]
    data[key] = copy.deepcopy(value)


def _with_edits(text: str, values: Mapping[Place, object]) -> str:
    """The text with these values, if each belongs to a table that is written as a separate table."""
    newline = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += newline
    by_table: dict[Place, dict[str, object]] = {}
    for (*outer, key), value in values.items():
        by_table.setdefault(tuple(outer), {})[str(key)] = value
    known = _by_table(text)
    edits: list[tuple[int, int, str]] = []
    tables: list[tuple[int, int, str]] = []
    for table, wanted in by_table.items():
        own = known.get(table)
        there = {each.path: each for each in own or () if each.kind == "value"}
        new = []
        for key, value in wanted.items():
            if (each := there.get((key,))) is not None:
                edits.append((each.value, each.value_end, written_value(value)))
            else:
                new.append(f"{tomlkit.key(key).as_string()} = {written_value(value)}{newline}")
        if new and own is None:
            name = ".".join(tomlkit.key(str(each)).as_string() for each in table)
            tables.append((len(text), len(text), f"{newline}[{name}]{newline}{''.join(new)}"))
        elif new and own is not None:
            last = next((each.end for each in reversed(own) if each.kind != "other"), _first_place(own))
            edits.append((last, last, "".join(new)))
    # From the end backwards, so that earlier positions stay valid.
    for _, (start, end, new_text) in sorted(
        enumerate([*edits, *tables]), key=lambda edit: (edit[1][0], edit[0]), reverse=True
    ):
        text = text[:start] + new_text + text[end:]
    return text


def _by_table(text: str) -> dict[Place, list[Statement]]:
    """The header and the statements of each table, by its place; () is the part before the first header."""
    found: dict[Place, list[Statement]] = {(): []}
    counts: dict[tuple[str, ...], int] = {}
    now = found[()]
    for each in statements(text):
        if each.kind in ("table", "list"):
            place: Place = each.path
            if each.kind == "list":
                place = (*place, counts.setdefault(each.path, 0))
                counts[each.path] += 1
            # Tables inside a table of a list have the list's path without a number.
            now = found.setdefault(place if place not in found else ("", *place, each.start), [])
        now.append(each)
    return found


def _first_place(own: Sequence[Statement]) -> int:
    """The position for the first value outside all tables: after the comments at the beginning."""
    return own[-1].end if own else 0


def _tables(text: str, index: int, file: Path) -> tuple[Statement, Sequence[Statement], Statement]:
    """A source's header, the statements of its table and of the tables in it, and the last of these."""
    found = [*statements(text)]
    headers = [n for n, each in enumerate(found) if each.kind == "list" and each.path == ("sources",)]
    if len(headers) <= index:
        raise ConfigError(
            f"{file}: sources are written as one list, `sources = [...]`; write each as a [[sources]] table "
            "instead, or change it by hand"
        )
    start = headers[index]
    last = start
    for n in range(start + 1, len(found)):
        each = found[n]
        is_below = each.path[:1] == ("sources",) and len(each.path) > 1
        if each.kind in ("table", "list") and not is_below:
            break
        if each.kind != "other":
            last = n
    # Also remove the blank line that separated it.
    behind = found[last + 1] if last + 1 < len(found) else None
    if behind is not None and behind.kind == "other" and not text[behind.start : behind.end].strip():
        last += 1
    return found[start], found[start : last + 1], found[last]


def _rewritten(text: str, values: Mapping[Place, object]) -> str:
    try:
        document = tomlkit.parse(text)
        for place, value in values.items():
            _put(document, place, value)
        return tomlkit.dumps(document)
    except (TOMLKitError, TypeError, ValueError, KeyError, IndexError, RecursionError):
        return text
