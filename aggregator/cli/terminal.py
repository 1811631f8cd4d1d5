"""Formats results: lines and tables for people, JSON for scripts; text from outside is made safe to print."""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import click

from aggregator.cli.printable import as_json, one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from aggregator.media.fetch_results import CopyReport
    from aggregator.model.article import Article, Document
    from aggregator.notify.delivery import Delivery
    from aggregator.polling.full_text import Completed
    from aggregator.polling.poll_result import PollResult
    from aggregator.publishing.publication_result import Published
    from aggregator.store import StoredArticle, Version


class Terminal:
    """Standard output or standard error through rich, which is imported when something is printed."""

    def __init__(self, *, stderr: bool = False) -> None:
        self._is_stderr = stderr

    @cached_property
    def console(self) -> Console:
        """The rich console, made at first use."""
        from rich.console import Console

        return Console(stderr=self._is_stderr, soft_wrap=True, highlight=False, emoji=False)

    @property
    def is_terminal(self) -> bool:
        """Whether the stream is a terminal, or is to be treated as one."""
        if "console" not in vars(self) and not os.environ.keys() & _FORCING:
            stream = sys.stderr if self._is_stderr else sys.stdout
            if stream is None or not stream.isatty():
                return False  # importing rich takes longer than many commands
        return self.console.is_terminal

    def print(self, *what: object, style: str | None = None, soft_wrap: bool | None = None) -> None:
        """Prints text with rich's markup, or a table; with `soft_wrap` False it is wrapped at the terminal's
        width.
        """
        self.console.print(*what, style=style, soft_wrap=soft_wrap)


_FORCING = frozenset(("FORCE_COLOR", "TTY_COMPATIBLE"))
"""Variables by which rich takes a stream for a terminal, or not."""

OUT = Terminal()
ERR = Terminal(stderr=True)

_MAX_COMPARED_LINES = 2_000
"""Above this, versions are not compared: the time grows with the square of the number of lines."""


def when(moment: datetime | None) -> str:
    """A moment for a table; "never" for None."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "never"


def counted(number: int, one: str, many: str = "") -> str:
    """A number and its noun: "1 article", "1,234 articles"; `many` is the plural, else `one` plus s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def log_to_stderr(*, level: int, formatter: logging.Formatter) -> None:
    """Sends log records to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def shown(text: str) -> str:
    """Text from outside for a terminal: one line, without control sequences, rich's markup escaped."""
    from rich.markup import escape

    return escape(one_line(text))


def new_table(*columns: str, padding: tuple[int, int, int, int] = (0, 1, 0, 1)) -> Table:
    """A table without borders."""
    from rich.table import Table

    return Table(*columns, box=None, pad_edge=False, padding=padding)


class _HiddenBar:
    """The methods of a progress bar that commands call, for one that is not shown."""

    @property
    def console(self) -> Console:
        """The console on which the bar would be shown."""
        return ERR.console

    def add_task(self, _description: str, **_facts: object) -> int:
        """Does nothing."""
        return 0

    def update(self, _task: int, **_facts: object) -> None:
        """Does nothing."""

    def advance(self, _task: int, _count: float = 1) -> None:
        """Does nothing."""


def progress_bar(as_json: bool) -> AbstractContextManager[Progress]:
    """A progress bar on standard error; hidden if that is not a terminal."""
    if as_json or not ERR.is_terminal:
        return nullcontext(cast("Progress", _HiddenBar()))
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=ERR.console,
        transient=True,
    )


def print_completed(completed: Completed) -> None:
    """Prints a line for a source's fetched pages and one for each problem."""
    OUT.print(f"[green]pages[/green]   {shown(completed.source.name)}: {shown(completed.summary)}")
    for problem in completed.problems:
        OUT.print(f"        {shown(str(problem))}", style="yellow")


def completed_facts(completed: Completed) -> dict[str, Any]:
    """The result of fetching a source's pages, as --json prints it."""
    return {**plain(completed), "source": completed.source.name}


def print_copied(report: CopyReport) -> None:
    """Prints a line for the copied pictures, and one for each picture that was given up."""
    OUT.print(f"[green]pictures[/green] {shown(report.summary)}")
    for problem in report.problems:
        OUT.print(f"        {shown(str(problem))}", style="yellow")


def copied_facts(report: CopyReport | None) -> dict[str, Any]:
    """The copies of a run, as --json prints them; zeros if no copy was due."""
    if report is None:
        return {"copied": 0, "pixels": 0, "refused": 0, "failed": 0, "waiting": 0, "bytes": 0, "problems": []}
    return dict(plain(report))


def print_published(published: Published, output: object, *, quiet: bool = False) -> None:
    """Prints the result of a publication; only its errors if `quiet`."""
    for error in published.errors:
        ERR.print(f"[red]error:[/red] {shown(str(error))}")
    for note in published.notes:
        ERR.print(f"[yellow]note:[/yellow] {shown(note)}")
    if not quiet:
        OUT.print(
            f"published {published.rendered} of {counted(published.feeds, 'feed')}, "
            f"{counted(len(published.written), 'file')} written under {shown(str(output))}"
        )


def print_announced(deliveries: Sequence[Delivery], *, quiet: bool = False) -> None:
    """Prints which receivers were notified and which could not be; only the latter if `quiet`."""
    notified = Counter((each.place, each.noun) for each in deliveries if each.error is None)
    for (place, noun), count in {} if quiet else notified.items():
        what = counted(count, "changed feed") if noun == "announcement" else counted(count, noun)
        OUT.print(f"notified {shown(place)} {'of' if noun == 'announcement' else 'by'} {what}")
    for each in deliveries:
        if each.error is not None:
            again = f"it is tried again from {when(each.again)} UTC on" if each.again else "not tried again"
            ERR.print(
                f"[yellow]not notified[/yellow] {shown(each.place)} of {shown(each.subject)}: "
                f"{shown(str(each.error))}; {again}"
            )


def announced_facts(deliveries: Sequence[Delivery]) -> dict[str, list[dict[str, Any]]]:
    """The deliveries to hubs ("announced") and to other receivers ("notified"), as --json prints them."""
    found: dict[str, list[dict[str, Any]]] = {"announced": [], "notified": []}
    for each in deliveries:
        result = {"error": str(each.error) if each.error else None, "again": each.again}
        if each.noun == "announcement":
            found["announced"].append({"hub": each.target, "topic": each.subject, **result})
        else:
            said = {"channel": each.channel, "name": each.target, "subject": each.subject}
            found["notified"].append({**said, **result})
    return found


def print_document(document: Document) -> None:
    """Prints a preview as a table."""
    OUT.print(f"[bold]{shown(document.title or document.source)}[/bold] {shown(document.link or '')}")
    table = new_table("published", "title", "authors", "link")
    for article in document.articles:
        when = f"{article.published:%Y-%m-%d %H:%M}" if article.published else "no date"
        row = (when, article.title, ", ".join(article.authors), article.link or "")
        table.add_row(*(shown(cell) for cell in row))
    OUT.print(table, soft_wrap=False)
    if document.findings:
        found = new_table("option", "selector", "found", "first")
        for f in document.findings:
            cells = (f.name, f.selector, f"{f.count} of {f.of}", f.example)
            found.add_row(*(shown(cell) for cell in cells), style="" if f.count else "yellow")
        OUT.print(found, soft_wrap=False)
    OUT.print(f"{counted(len(document.articles), 'article')}, {counted(len(document.problems), 'problem')}")
    for problem in document.problems:
        OUT.print(shown(str(problem)), style="yellow")


def print_versions(now: StoredArticle, earlier: Sequence[Version]) -> None:
    """Prints an article's edits, newest first, each as the lines it removed and added."""
    article = now.article
    OUT.print(f"[bold]{shown(article.title or now.uid)}[/bold] ({shown(article.source)})")
    for version in earlier:
        OUT.print(f"edited {when(version.replaced)} UTC", style="bold")
        for line in _edited(version.article, article):
            OUT.print(shown(line), style={"-": "red", "+": "green"}.get(line[:1], ""))
        article = version.article
    if not earlier:
        OUT.print("no earlier version is stored")


def _edited(before: Article, after: Article) -> Iterator[str]:
    import difflib

    from aggregator.front_matter import text as front_matter  # imports YAML

    was, became = (front_matter.dumps(version).splitlines() for version in (before, after))
    if max(len(was), len(became)) > _MAX_COMPARED_LINES:
        yield f"{len(was)} lines became {len(became)}: too many to compare"
        return
    lines = difflib.unified_diff(was, became, n=0, lineterm="")
    yield from (line for line in islice(lines, 2, None) if not line.startswith("@@"))


def poll_facts(poll: PollResult) -> dict[str, Any]:
    """A poll, as --json prints it."""
    return {
        "source": poll.source.name,
        "ok": poll.error is None,
        "error": poll.error.reason if poll.error else None,
        "advice": poll.error.advice if poll.error else None,
        "error_kind": poll.error.label if poll.error else None,
        "read": poll.was_read,
        **plain(poll.saved),
        "problems": plain(poll.problems),
        "move": poll.move or None,
        "notice": poll.notice or None,
    }


def published_facts(published: Published | None) -> dict[str, Any]:
    """A publication, as --json prints it; None if nothing was published."""
    if published is None:
        return {"feeds": 0, "rendered": 0, "written": [], "errors": [], "notes": []}
    return {
        "feeds": published.feeds,
        "rendered": published.rendered,
        "written": [str(path) for path in published.written],
        "errors": [str(error) for error in published.errors],
        "notes": [*published.notes],
    }


def plain(value: Any) -> Any:
    """Converts data classes, structs and dates to JSON types: dates as ISO 8601 UTC, durations as seconds."""
    if names := getattr(value, "__struct_fields__", None):
        return {name: plain(getattr(value, name)) for name in names}
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.total_seconds() if isinstance(value, timedelta) else value


def print_json(value: Any) -> None:
    """Prints one JSON document on standard output."""
    click.echo(as_json(plain(value), indent=2))
