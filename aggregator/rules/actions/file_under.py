"""`file-under`: the article stands in these categories too; each has a feed by that."""

from __future__ import annotations

from aggregator.rules.actions.action import Action, ActionKind, names


def _parse(value: object) -> Action:
    categories = names(value)
    return Action(act=lambda draft: draft.file_under(categories), files_under=categories)


ACTION = ActionKind(parse=_parse)
