"""The command that does the main job once: poll, store, publish."""

from __future__ import annotations

import gc
from collections.abc import Sequence, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from aggregator.cli.ctrl_c import end, stopped_gently
from aggregator.cli.fetch_output import FEW_SOURCES, FetchReport
from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    EXIT_NOTHING,
    config_option,
    json_option,
    reports_errors,
    source_names,
)
from aggregator.cli.terminal import ERR, OUT, print_json, progress_bar
from aggregator.cli.wait_for_store import true_after, wait_for_store

if TYPE_CHECKING:
    from aggregator.app.app import App
    from aggregator.app.nothing_due import IdleRun
    from aggregator.config.load import Config
    from aggregator.publishing.writing_processes import WritingProcesses

ANNOUNCE_SECONDS = 10


@click.command(epilog=EXIT_CODES)
@click.argument("names", metavar="[SOURCE]...", nargs=-1, shell_complete=source_names)
@click.option("--strict", is_flag=True, help="Exit with 1 when any source failed.")
@click.option("--force", is_flag=True, help="Also poll sources that are not due yet, with their validators.")
@click.option("--refetch", is_flag=True, help="Poll without validators, and read everything again.")
@click.option("-v", "--verbose", is_flag=True, help="Print a line for each source.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@json_option
@config_option
@reports_errors
def fetch(
    names: tuple[str, ...],
    strict: bool,
    force: bool,
    refetch: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    config_file: Path,
) -> int:
    """Polls the sources that are due, stores their articles and publishes the feeds that changed.

    Without SOURCE all enabled sources are polled. A source that is named is polled even when it is disabled.
    For a source that is not due yet, the time and reason of its next poll are printed. Files and folders are
    always read. With more than twenty sources, only those that need attention get a line; with -v all do.

    \b
    aggregator fetch                         every source that is due
    aggregator fetch -v                      one line for each of them
    aggregator fetch "Planet Debian"         one source, if it is due
    aggregator fetch --force "Planet Debian" one source, now
    aggregator fetch --json --strict         for a script
    """
    from aggregator.app import first_poll, nothing_due
    from aggregator.app.config_text import ConfigText

    text = ConfigText.read(config_file)
    lines = _Lines(as_json=as_json, quiet=quiet, verbose=verbose)
    if not (force or refetch) and (found := nothing_due.idle_run(text, names, datetime.now(UTC))):
        return lines.print_idle(found, names)

    has_many = first_poll.prepare(text.body, text.store)
    recorded = None if refetch else nothing_due.recorded_config(text, names, datetime.now(UTC))
    config = recorded or text.load()

    from aggregator.app.early_polls import EarlyPolls
    from aggregator.app.main_job import run_once
    from aggregator.publishing.publication_result import Published

    gc.freeze()  # what was imported is not searched for cycles

    # A progress bar and lines of text can share a terminal only when one console prints both.
    both_terminals = OUT.is_terminal and ERR.is_terminal
    with wait_for_store(config.store, "fetch"):
        now = datetime.now(UTC)
        settled = None if refetch else nothing_due.settled_store(text, names, now)
        early = EarlyPolls.of(config, settled, now, text.load)
        if early is None and recorded is not None:
            config = text.load()
        with (
            _forked_writers(has_many) as forked,
            early or _app(config, now, forked) as opened,
            progress_bar(as_json) as progress,
            stopped_gently(opened.stop) as is_stopping,
        ):
            asked = opened.select(names, now)
            sources, waiting = (asked, {}) if force or refetch else opened.due(asked, now)
            task = progress.add_task("Polling", total=len(sources))
            report = FetchReport(
                OUT if not both_terminals else progress.console,
                lines=lines.of(asked),
                advance=lambda: progress.advance(task),
            )
            report.waiting(waiting, is_named=bool(names))
            is_late = true_after(ANNOUNCE_SECONDS)
            if early is not None:
                early.poll(sources, report)
            app = opened.app if isinstance(opened, EarlyPolls) else opened
            if app is not None:
                run_once(
                    app,
                    sources if early is None else (),
                    now,
                    report,
                    completing=asked,
                    refetch=refetch,
                    drains=not names,
                    is_stopping=is_stopping,
                    is_over=lambda: is_stopping() or is_late(),
                )
            elif early is not None and not is_stopping():
                report.published(Published(feeds=early.settled.feeds))
            idle = None if report.feeds is None or is_stopping() else (app or opened).waiting_sources(now)
        if idle is not None and report.feeds is not None:
            relied_on = None if early is None or app is not None else early.settled
            config = config if early is None else early.config
            nothing_due.record(config, text.digest, idle, report.feeds, now, relied_on)
    if as_json:
        print_json(report.facts([source.name for source in opened.config.sources]))
    else:
        report.totals(config.bucket or config.output)
    if is_stopping():
        end(report.stopped(len(sources)))
    return EXIT_NOTHING if report.errors or report.is_in_vain or (strict and report.failed) else EXIT_DONE


def _forked_writers(has_many: bool) -> AbstractContextManager[WritingProcesses | None]:
    """Starts the processes that will write many documents, before the store is open and threads run."""
    if not has_many:
        return nullcontext()
    import aggregator.app.app  # noqa: F401 - what a fork has already, it does not import
    from aggregator.publishing.writing_processes import forked_writers

    return forked_writers() or nullcontext()


def _app(config: Config, now: datetime, forked: WritingProcesses | None) -> App:
    from aggregator.app.app import App

    gc.freeze()  # the app imports much more
    return App(config, now, forked)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """Prints the results as the options say."""

    as_json: bool
    quiet: bool
    verbose: bool

    def of(self, asked: Sized) -> Literal["all", "some", "none"]:
        """Which of so many sources have a line."""
        if self.as_json or self.quiet:
            return "none"
        return "all" if self.verbose or len(asked) <= FEW_SOURCES else "some"

    def print_idle(self, found: IdleRun, names: Sequence[str]) -> int:
        """Prints the result of a run that has nothing to do; returns its exit code."""
        from aggregator.publishing.publication_result import Published

        waiting = found.states(names)
        report = FetchReport(OUT, lines=self.of(waiting), advance=lambda: None)
        report.waiting(waiting, is_named=bool(names))
        report.published(Published(feeds=found.feeds))
        if self.as_json:
            print_json(report.facts(()))
        else:
            report.totals(found.output)
        return EXIT_DONE
