"""Prints the result of a dry run of rules and saved feeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from aggregator.cli.terminal import OUT, counted, new_table, plain, shown

if TYPE_CHECKING:
    from aggregator.rules.dry_run import QueryTrial, Trial

__all__ = ["print_query_trial", "print_trial", "trial_facts"]


def print_trial(trial: Trial, *, before: str = "as found", after: str = "by rules") -> None:
    """Prints the rules with how many articles they match, and the feeds with what they would gain and lose.

    `before` and `after` are the headings of the two numbers of each feed.
    """
    if trial.rules:
        table = new_table("rule", "matches", "drops", "such as")
        for rule in trial.rules:
            cells = (rule.name, str(rule.matched), str(rule.dropped), _some(rule.examples))
            table.add_row(*(shown(cell) for cell in cells), style="" if rule.matched else "yellow")
        OUT.print(table, soft_wrap=False)
    if trial.feeds:
        table = new_table("feed", before, after, "gains", "loses")
        for feed in trial.feeds:
            numbers = (str(feed.before), str(feed.after))
            changes = (_some(feed.gained, feed.joined), _some(feed.lost, feed.left))
            table.add_row(*map(shown, (feed.name, *numbers, *changes)))
        OUT.print(table, soft_wrap=False)
    OUT.print(f"{counted(trial.articles, 'article')}, {counted(len(trial.rules), 'rule')}")
    for doubt in trial.doubts:
        OUT.print(shown(doubt), style="yellow")


def print_query_trial(found: QueryTrial) -> None:
    """Prints how many articles a query finds, some of their titles, and how many of them each feed has."""
    OUT.print(f"finds {found.matched:,} of {counted(found.articles, 'article')}")
    for title in found.examples:
        OUT.print(f"  {shown(title)}")
    if found.feeds:
        table = new_table("feeds that have them", "")
        for name, count in found.feeds:
            table.add_row(shown(name), str(count))
        OUT.print(table, soft_wrap=False)


def _some(titles: Sequence[str], count: int = 0) -> str:
    listed = "; ".join(title if len(title) <= 40 else f"{title[:39]}…" for title in titles)
    return f"{listed}; {count - len(titles):,} more" if count > len(titles) else listed


def trial_facts(trial: Trial) -> dict[str, Any]:
    """A dry run, as --json prints it."""
    facts: dict[str, Any] = plain(trial)
    return {**facts, "doubts": [*trial.doubts]}
