"""Prints the results of `fetch`: a line for each source, and totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from aggregator.app.main_job import RunWatcher
from aggregator.cli.terminal import (
    OUT,
    Terminal,
    announced_facts,
    completed_facts,
    copied_facts,
    counted,
    poll_facts,
    print_announced,
    print_completed,
    print_copied,
    print_published,
    published_facts,
    shown,
)

if TYPE_CHECKING:
    from rich.console import Console

    from aggregator.errors import WriteError
    from aggregator.media.fetch_results import CopyReport
    from aggregator.notify.delivery import Delivery
    from aggregator.polling.full_text import Completed
    from aggregator.polling.poll_result import PollResult
    from aggregator.publishing.publication_result import Published
    from aggregator.schedule.state import PollState

FEW_SOURCES = 20
"""Up to this many sources, each gets a line; beyond it, only those that need attention."""


class FetchReport(RunWatcher):
    """Prints each poll when it ends and the totals at the end; collects the facts for --json.

    - `lines`: "all" prints a line for each source, "some" for those that failed or have something to
      report, and "none" prints errors only.
    - `advance` is called after each poll.
    """

    def __init__(
        self,
        console: Terminal | Console,
        lines: Literal["all", "some", "none"],
        advance: Callable[[], object],
    ) -> None:
        self._console = console
        self._lines = lines
        self._advance = advance
        self._waiting: Mapping[str, PollState] = {}
        self._polls: list[PollResult] = []
        self._completed: list[Completed] = []
        self._copied: CopyReport | None = None
        self._pruned = 0
        self._published: Published | None = None
        self._announced: list[Delivery] = []

    @property
    def errors(self) -> tuple[WriteError, ...]:
        """The files that could not be written."""
        return self._published.errors if self._published else ()

    @property
    def feeds(self) -> int | None:
        """How many feeds are as they are to be; None where nothing was published, or something failed."""
        return None if self._published is None or self.errors else self._published.feeds

    @property
    def failed(self) -> int:
        """How many polls failed."""
        return sum(poll.error is not None for poll in self._polls)

    @property
    def is_in_vain(self) -> bool:
        """Whether every poll failed."""
        return bool(self._polls) and self.failed == len(self._polls)

    def waiting(self, states: Mapping[str, PollState], *, is_named: bool) -> None:
        """Records the sources that are not due, by name.

        `is_named`: the sources were named on the command line, so each gets a line with the time and reason
        of its next poll.
        """
        self._waiting = states
        if self._lines == "all" or (is_named and self._lines != "none"):
            for name, state in states.items():
                self._console.print(f"waiting {shown(name)}: {shown(state.explain())}")
            if states:
                self._console.print("        --force polls them now", style="yellow")

    def polled(self, poll: PollResult) -> None:
        """Prints a line for the poll and one for each of its problems, if `lines` asks for them."""
        self._polls.append(poll)
        self._advance()
        remarks = [str(each) for each in (*poll.problems, poll.move, poll.notice) if each]
        if self._lines == "all" or (self._lines == "some" and (poll.error is not None or remarks)):
            self._console.print(_line(poll))
            for remark in remarks:
                self._console.print(f"        {shown(remark)}", style="yellow")

    def completed(self, completed: Completed) -> None:
        """Keeps the result for the totals."""
        self._completed.append(completed)

    def copied(self, report: CopyReport) -> None:
        """Keeps the report for the totals."""
        self._copied = report

    def pruned(self, count: int) -> None:
        """Keeps the number for the totals."""
        self._pruned += count

    def published(self, published: Published) -> None:
        """Keeps the result for the totals."""
        self._published = published

    def announced(self, delivery: Delivery) -> None:
        """Keeps the delivery for the totals."""
        self._announced.append(delivery)

    def totals(self, output: object) -> None:
        """Prints the totals of all polls and of the steps after them."""
        is_quiet = self._lines == "none"
        if not is_quiet:
            new = sum(poll.saved.new for poll in self._polls)
            found = f"{counted(new, 'new article')}, {sum(p.saved.changed for p in self._polls):,} changed"
            failed = f"; [red]{self.failed:,} failed[/red]" if self.failed else ""
            waiting = (
                f"; {len(self._waiting):,} not due yet (--force polls them now)" if self._waiting else ""
            )
            self._console.print(f"polled {counted(len(self._polls), 'source')}: {found}{failed}{waiting}")
            for each in self._completed:
                print_completed(each)
            if self._copied is not None:
                print_copied(self._copied)
            if self._pruned:
                OUT.print(f"pruned {counted(self._pruned, 'article')}, as the config's retention says")
        if self._published is not None:
            print_published(self._published, output, quiet=is_quiet)
        print_announced(self._announced, quiet=is_quiet)

    def stopped(self, wanted: int) -> str:
        """The message for a run that was stopped: how many of `wanted` sources were polled, and what to do
        next.
        """
        polled = (
            f"{len(self._polls)} of {counted(wanted, 'source')} were polled, and their articles are saved"
        )
        if self._published is not None:
            return f"stopped: {polled} and published"
        return f"stopped: {polled}; 'aggregator publish' writes it to the feeds, and so does the next fetch"

    def facts(self, names: Sequence[str]) -> dict[str, Any]:
        """All results, as --json prints them; the polls in the order of `names`."""
        places = {name: place for place, name in enumerate(names)}
        polls = sorted(self._polls, key=lambda poll: places.get(poll.source.name, len(places)))
        return {
            "sources": [poll_facts(poll) for poll in polls],
            "waiting": {name: waiting_facts(state) for name, state in self._waiting.items()},
            "pages": [completed_facts(each) for each in self._completed],
            "media": copied_facts(self._copied),
            "pruned": self._pruned,
            "published": published_facts(self._published),
            **announced_facts(self._announced),
        }


def waiting_facts(state: PollState) -> dict[str, Any]:
    """Why a source is not polled, as --json prints it: its next poll (None: never), and what decides that."""
    return {"next_poll_at": state.next_poll, "reason": state.reason.value, "next_poll": state.explain()}


def _line(poll: PollResult) -> str:
    name = shown(poll.source.name)
    if poll.error is not None:
        return f"[red]failed[/red]  {name}: {shown(poll.error.message)}"
    saved = poll.saved
    counts = f"{saved.new} new, {saved.changed} changed, {saved.unchanged} unchanged"
    found = counts if poll.was_read else "nothing new at the source"
    problems = f", [yellow]{counted(len(poll.problems), 'problem')}[/yellow]" if poll.problems else ""
    return f"[green]ok[/green]      {name}: {found}{problems}"
