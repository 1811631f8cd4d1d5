"""`keep-only`: drops what the query does not match, within the rule's sources and feeds."""

from __future__ import annotations

from aggregator.rules.actions.action import Action, alone
from aggregator.rules.verdict_draft import Draft

ACTION = alone(Action(act=Draft.drop, on="rest", is_of_feeds=True))
