"""What `fetch` prints: lines for sources, and totals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console

from aggregator.cli.terminal import counted, shown

if TYPE_CHECKING:
    from aggregator.polling.poll import Poll
    from aggregator.schedule.state import PollState

FEW_SOURCES = 20
"""So many sources have a line each; of more, those do that need attention."""


class FetchReport:
    """Prints polls as they end, and their totals.

    `lines`: "all" prints a line for each source, "some" for those that failed or have something to report,
    and "none" for none.
    """

    def __init__(self, console: Console, lines: Literal["all", "some", "none"]) -> None:
        self._console = console
        self._lines = lines
        self._waiting = 0
        self._polls = 0
        self._failed = 0
        self._new = 0
        self._changed = 0

    def waiting(self, reasons: Mapping[str, str], *, is_named: bool) -> None:
        """Sources that are not due, each with the time and reason of its next poll.

        They have lines when they were asked for by name: `is_named`.
        """
        self._waiting = len(reasons)
        if self._lines == "all" or (is_named and self._lines != "none"):
            for name, reason in reasons.items():
                self._console.print(f"waiting {shown(name)}: {shown(reason)}")
            if reasons:
                self._console.print("        --force polls them now", style="yellow")

    def polled(self, poll: Poll) -> None:
        """A poll that has ended."""
        self._polls += 1
        self._failed += poll.error is not None
        self._new += poll.saved.new
        self._changed += poll.saved.changed
        remarks = [str(each) for each in (*poll.problems, poll.move, poll.notice) if each]
        if self._lines == "all" or (self._lines == "some" and (poll.error is not None or remarks)):
            self._console.print(_line(poll))
            for remark in remarks:
                self._console.print(f"        {shown(remark)}", style="yellow")

    def totals(self) -> None:
        """One line for all polls."""
        if self._lines == "none":
            return
        found = f"{counted(self._new, 'new article')}, {self._changed:,} changed"
        failed = f"; [red]{self._failed:,} failed[/red]" if self._failed else ""
        waiting = f"; {self._waiting:,} not due yet" if self._waiting else ""
        self._console.print(f"polled {counted(self._polls, 'source')}: {found}{failed}{waiting}")


def waiting_facts(state: PollState) -> dict[str, Any]:
    """Why a source waits, for a script: its next poll (None: never), what decides it, and both in words."""
    return {"next_poll_at": state.next_poll, "reason": state.reason.value, "next_poll": state.explain()}


def _line(poll: Poll) -> str:
    name = shown(poll.source.name)
    if poll.error is not None:
        return f"[red]failed[/red]  {name}: {shown(poll.error.told)}"
    saved = poll.saved
    counts = f"{saved.new} new, {saved.changed} changed, {saved.unchanged} unchanged"
    found = counts if poll.was_read else "nothing new at the source"
    problems = f", [yellow]{counted(len(poll.problems), 'problem')}[/yellow]" if poll.problems else ""
    return f"[green]ok[/green]      {name}: {found}{problems}"
