"""`rewrite`: changes title, link, authors, body and lead image when the article is rendered."""

from __future__ import annotations

from aggregator.rules.actions.action import Action, ActionKind
from aggregator.rules.rewrites import parse
from aggregator.rules.verdict_draft import Draft


def _parse(value: object) -> Action:
    return Action(act=Draft.rewrite, is_of_feeds=True, rewrite=parse(value))


ACTION = ActionKind(parse=_parse)
