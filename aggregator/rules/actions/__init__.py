"""The actions of rules: an action is one file here with an `ACTION`, and one line in `ACTIONS`.

Other packages register theirs in the entry-point group `aggregator.rule_actions`, under the name in `then`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import entry_points

from aggregator.rules.actions import drop, file_under, keep_only, remove_from, rewrite, stop, tag
from aggregator.rules.actions.action import Action, ActionKind

__all__ = ["ACTIONS", "GROUP", "installed", "parse"]

GROUP = "aggregator.rule_actions"
MAX_ACTIONS = 50

ACTIONS: Mapping[str, ActionKind] = {
    "drop": drop.ACTION,
    "keep-only": keep_only.ACTION,
    "file-under": file_under.ACTION,
    "remove-from": remove_from.ACTION,
    "tag": tag.ACTION,
    "rewrite": rewrite.ACTION,
    "stop": stop.ACTION,
}


@lru_cache(maxsize=1)
def installed() -> Mapping[str, ActionKind | str]:
    """Every action by its name; for an action of another package that cannot be loaded, the reason."""
    others: dict[str, ActionKind | str] = {}
    for entry in entry_points(group=GROUP):
        if entry.name not in ACTIONS:
            try:
                kind = entry.load()
            except Exception as error:  # noqa: BLE001 - whatever a stranger's package does when it is imported
                others[entry.name] = f"its package ({entry.value}) cannot be loaded: {error}"
                continue
            wrong = f"{entry.value} is not an aggregator.rules.actions.ActionKind"
            others[entry.name] = kind if isinstance(kind, ActionKind) else wrong
    return {**ACTIONS, **others}


def parse(then: object) -> tuple[Action, ...]:
    """The actions of a rule's `then`: a name, a table of names with their values, or a list of both.

    Raises ValueError that says what would be right.
    """
    listed = then if isinstance(then, list | tuple) else [then]
    pairs: list[tuple[str, object]] = []
    for each in listed:
        if isinstance(each, str):
            pairs.append((each, None))
        elif isinstance(each, Mapping):
            pairs += each.items()
        else:
            raise ValueError('write an action such as "drop", or { tag = ["green"] }')  # noqa: TRY004
    if not pairs:
        raise ValueError('name at least one action, such as "drop"')
    if len(pairs) > MAX_ACTIONS:
        raise ValueError(f"more than {MAX_ACTIONS} actions in one rule")
    return tuple(_parsed(name, value) for name, value in pairs)


def _parsed(name: str, value: object) -> Action:
    kind = ACTIONS.get(name) or installed().get(name)
    if kind is None:
        near = difflib.get_close_matches(name, installed(), n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"no action is named {name[:60]!r}; {meant}there are {', '.join(installed())}")
    if isinstance(kind, str):
        raise ValueError(f"{name}: {kind}")  # noqa: TRY004 - a mistake in the config
    try:
        return kind.parse(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
