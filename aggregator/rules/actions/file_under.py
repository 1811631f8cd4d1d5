"""`file-under`: puts the article into these categories too; each of them has a feed."""

from __future__ import annotations

from aggregator.rules.actions.action import Action, ActionKind, names


def _parse(value: object) -> Action:
    categories = names(value)
    return Action(act=lambda draft: draft.file_under(categories), files_under=categories)


ACTION = ActionKind(parse=_parse)
