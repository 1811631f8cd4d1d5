"""What a dry run of rules and saved feeds found, as text and for a script."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from aggregator.cli.terminal import OUT, counted, plain, shown
from aggregator.rules.trial import Trial

__all__ = ["print_trial", "trial_facts"]


def print_trial(trial: Trial) -> None:
    """Rules with how many articles they match, and feeds with what they would gain and lose."""
    if trial.rules:
        table = Table("rule", "matches", "drops", "such as", box=None, pad_edge=False)
        for rule in trial.rules:
            cells = (rule.name, str(rule.matched), str(rule.dropped), _some(rule.examples))
            table.add_row(*(shown(cell) for cell in cells), style="" if rule.matched else "yellow")
        OUT.print(table, soft_wrap=False)
    table = Table("feed", "as found", "by rules", "gains", "loses", box=None, pad_edge=False)
    for feed in trial.feeds:
        numbers = (str(feed.before), str(feed.after))
        table.add_row(*map(shown, (feed.name, *numbers, _some(feed.gained), _some(feed.lost))))
    OUT.print(table, soft_wrap=False)
    OUT.print(f"{counted(trial.articles, 'article')}, {counted(len(trial.rules), 'rule')}")
    for doubt in trial.doubts:
        OUT.print(shown(doubt), style="yellow")


def _some(titles: Iterable[str]) -> str:
    return "; ".join(title if len(title) <= 40 else f"{title[:39]}…" for title in titles)


def trial_facts(trial: Trial) -> dict[str, Any]:
    """A dry run for a script."""
    facts: dict[str, Any] = plain(trial)
    return {**facts, "doubts": [*trial.doubts]}
