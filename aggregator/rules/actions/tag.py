"""`tag`: adds these tags to the article, for later rules, for queries and in feeds."""

from __future__ import annotations

from aggregator.rules.actions.action import Action, ActionKind, names


def _parse(value: object) -> Action:
    tags = names(value)
    return Action(act=lambda draft: draft.tag(tags))


ACTION = ActionKind(parse=_parse)
