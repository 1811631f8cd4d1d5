"""`stop`: no further rule is asked about the article."""

from __future__ import annotations

from aggregator.rules.actions.action import Action, alone
from aggregator.rules.draft import Draft

ACTION = alone(Action(act=Draft.stop))
