"""`stop`: applies no further rule to the article."""

from __future__ import annotations

from aggregator.rules.actions.action import Action, alone
from aggregator.rules.verdict_draft import Draft

ACTION = alone(Action(act=Draft.stop))
