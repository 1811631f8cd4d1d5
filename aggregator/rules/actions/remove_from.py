"""`remove-from`: removes the article from these feeds: categories, saved feeds, or `all`."""

from __future__ import annotations

from aggregator.rules.actions.action import Action, ActionKind, names


def _parse(value: object) -> Action:
    feeds = names(value)
    return Action(act=lambda draft: draft.remove_from(feeds), feeds=feeds)


ACTION = ActionKind(parse=_parse)
