"""How many queries, regexes and patterns a config may have: counted before any of them is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["MAX_CHARACTERS", "MAX_REGEXES", "MAX_TABLES", "over_limits"]

MAX_TABLES: Mapping[str, int] = MappingProxyType(
    {"rules": 2_000, "feeds": 10_000, "notify": 1_000, "digest": 1_000, "mastodon": 1_000}
)
"""How many tables of each kind may have a query or an action. Each article is tested with all of them."""

MAX_CHARACTERS = 1_000_000
"""How many characters all queries and actions may have together. Parsing that many takes some seconds."""

MAX_REGEXES = 2_000
"""How many regexes they may have together: each may use a megabyte while it is matched."""

_READ = ("when", "query", "then")
# Where a value may begin, except the slashes of an address.
_REGEX = re.compile(r"(?:^|[\s(:：!+-])/(?!/)")


def over_limits(data: Mapping[str, Any]) -> Iterator[str]:
    """Mistakes for a config that is over a limit; `data` is its parsed TOML, not checked yet."""
    characters = regexes = 0
    for key, most in MAX_TABLES.items():
        tables = data.get(key)
        tables = tables if isinstance(tables, list) else []
        if len(tables) > most:
            yield f"{key}: {len(tables):,} tables, more than {most:,}; join those that do the same by OR"
        for table in tables:
            for name in _READ if isinstance(table, dict) else ():
                found = [*_texts(name, table.get(name))]
                characters += sum(len(text) for _, text in found)
                regexes += sum(
                    len(_REGEX.findall(text)) if under in ("when", "query") else under == "pattern"
                    for under, text in found
                )
    what = "the queries and actions of " + ", ".join(key for key in MAX_TABLES if data.get(key))
    if characters > MAX_CHARACTERS:
        yield f"{what} have {characters:,} characters, more than {MAX_CHARACTERS:,}; write shorter ones"
    if regexes > MAX_REGEXES:
        yield f"{what} have {regexes:,} regexes, more than {MAX_REGEXES:,}; write words and wildcards instead"


def _texts(key: str, value: object) -> Iterator[tuple[str, str]]:
    """Every text in a value, with the key that it is under; a level of lists and tables at a time."""
    level: list[tuple[str, object]] = [(key, value)]
    while level:
        below: list[tuple[str, object]] = []
        for under, each in level:
            if isinstance(each, str):
                yield under, each
            elif isinstance(each, dict):
                below += each.items()
            elif isinstance(each, list):
                below += [(under, one) for one in each]
        level = below
