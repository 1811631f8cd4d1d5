"""`drop`: removes the article from every feed, or from those that the rule is limited to."""

from __future__ import annotations

from aggregator.rules.actions.action import Action, alone
from aggregator.rules.verdict_draft import Draft

ACTION = alone(Action(act=Draft.drop, is_of_feeds=True))
