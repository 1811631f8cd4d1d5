"""The interface of an action, and the parsing of its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from aggregator.rules.rewrites import Rewrite
from aggregator.rules.verdict_draft import Draft

__all__ = ["Action", "ActionKind", "alone", "names"]

MAX_NAMES = 1_000
MAX_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action of one rule.

    - `act` changes only the draft. `on`: whether it acts on articles that the rule's query matches, or on
      the rest of the rule's scope.
    - `is_of_feeds`: in a rule with `categories` its effect is limited to these feeds. Any other action of
      such a rule acts on the articles that are in one of them.
    - `feeds`: feeds that it names and that must exist. `files_under`: categories that it creates.
    - `rewrite`: what `Draft.rewrite` applies when the article is rendered.
    """

    act: Callable[[Draft], None]
    on: Literal["match", "rest"] = "match"
    is_of_feeds: bool = False
    feeds: tuple[str, ...] = ()
    files_under: tuple[str, ...] = ()
    rewrite: Rewrite | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionKind:
    """A kind of action: `parse` makes one from its value in the config, None for its name alone.

    `parse` raises ValueError that says what would be right.
    """

    parse: Callable[[object], Action]


def alone(action: Action) -> ActionKind:
    """The kind of an action without a value; in a table it is written with `true`."""

    def parse(value: object) -> Action:
        if value is None or value is True:
            return action
        raise ValueError("takes no value")

    return ActionKind(parse=parse)


def names(value: object) -> tuple[str, ...]:
    """A list of names, or one name. Raises ValueError."""
    listed = [value] if isinstance(value, str) else value
    if (
        not isinstance(listed, list | tuple)
        or not 1 <= len(listed) <= MAX_NAMES
        or not all(isinstance(each, str) and each.strip() and len(each) <= MAX_NAME for each in listed)
    ):
        raise ValueError('write a list of names, such as ["Front page"]')
    return tuple(dict.fromkeys(each.strip() for each in listed))
