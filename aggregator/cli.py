"""The command line; the only place that prints. Results go to standard output, everything else to error."""

from __future__ import annotations

import functools
import json
import logging
import re
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from aggregator import __version__
from aggregator import config as configuration
from aggregator.article import Document
from aggregator.errors import AggregatorError, ConfigError

if TYPE_CHECKING:
    from aggregator.pipeline import Poll, Published

# `app` is imported by the commands that need it: with its libraries it takes most of a second to start,
# which `--help` and `check` have no use for.
DEFAULT_CONFIG = Path("config/aggregator.toml")
EXIT_DONE, EXIT_NOTHING, EXIT_USAGE = 0, 1, 2

_out = Console(soft_wrap=True, highlight=False)
_err = Console(stderr=True, soft_wrap=True, highlight=False)

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

_EXIT_CODES = """\b
Exit codes: 0 done (single sources may have failed, and are named),
1 nothing could be done, 2 usage or config."""


def _fails_well(command: Callable[..., int]) -> Callable[..., None]:
    """Maps what a command returns or raises to an exit code and a message without a traceback."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
        except ConfigError as error:
            for mistake in error.mistakes:
                _err.print(f"[red]error:[/red] {_shown(mistake)}")
            code = EXIT_USAGE
        except AggregatorError as error:
            _err.print(f"[red]error:[/red] {_shown(str(error))}")
            code = EXIT_NOTHING
        sys.exit(code)

    return wrapped


_config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_CONFIG,
    show_default=True,
    help="The config to use. Relative paths in it count from the folder that holds config/.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document for a script.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXIT_CODES)
@click.version_option(__version__, prog_name="aggregator")
def main() -> None:
    """Takes in many feeds and folders of articles; gives back a few clean feeds.

    \b
    aggregator preview https://example.org/blog/     what would that give?
    aggregator check                                 is the config right?
    aggregator fetch                                 poll, store and publish
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )


@main.command(epilog=_EXIT_CODES)
@click.argument("names", metavar="[SOURCE]...", nargs=-1)
@click.option("--strict", is_flag=True, help="Exit with 1 when any source failed.")
@_json_option
@_config_option
@_fails_well
def fetch(names: tuple[str, ...], strict: bool, as_json: bool, config_file: Path) -> int:
    """Polls the sources, stores their articles and publishes the feeds that changed.

    With no SOURCE all enabled ones are polled; named ones are polled even when disabled.

    \b
    aggregator fetch                   every enabled source
    aggregator fetch "Planet Python"   one source
    aggregator fetch --json --strict   for a script
    """
    from aggregator import app

    config = configuration.load(config_file)
    sources = config.select(names)
    now = datetime.now(UTC)
    polls: list[Poll] = []
    # A live bar and lines of text share a terminal only when one console prints both.
    both_terminals = _out.is_terminal and _err.is_terminal
    with app.App(config, now) as opened, _progress(as_json) as progress:
        task = progress.add_task("Polling", total=len(sources))
        for poll in opened.fetch(sources, now):
            polls.append(poll)
            progress.advance(task)
            if not as_json:
                _print_poll(poll, progress.console if both_terminals else _out)
        published = opened.publish()
    if as_json:
        _print_json(
            {"sources": [_poll_facts(poll) for poll in polls], "published": _published_facts(published)}
        )
    else:
        _print_published(published, config.output)
    failed = sum(poll.error is not None for poll in polls)
    nothing_done = (polls and failed == len(polls)) or (published.errors and not published.written)
    return EXIT_NOTHING if nothing_done or (strict and (failed or published.errors)) else EXIT_DONE


@main.command(epilog=_EXIT_CODES)
@click.option("--all", "everything", is_flag=True, help="Render every feed, not only the stale ones.")
@_json_option
@_config_option
@_fails_well
def publish(everything: bool, as_json: bool, config_file: Path) -> int:
    """Writes feeds from the store, without network. Files whose bytes would not change are left alone.

    \b
    aggregator publish          the feeds that are stale or missing
    aggregator publish --all    every feed, after an upgrade or a doubt
    """
    from aggregator import app

    config = configuration.load(config_file)
    with app.App(config, datetime.now(UTC)) as opened:
        published = opened.publish(everything=everything)
    if as_json:
        _print_json({"published": _published_facts(published)})
    else:
        _print_published(published, config.output)
    return EXIT_NOTHING if published.errors else EXIT_DONE


@main.command(epilog=_EXIT_CODES)
@click.argument("target")
@click.option(
    "--kind", type=click.Choice(configuration.KINDS), help="Read it as this; guessed when not given."
)
@_json_option
@_fails_well
def preview(target: str, kind: str | None, as_json: bool) -> int:
    """Shows what a URL, a file or a folder would give, storing nothing.

    \b
    aggregator preview https://example.org/feed.xml
    aggregator preview seeds/
    aggregator preview post.md --json
    """
    from aggregator import app

    document = app.preview(target, kind, configuration.Fetch())
    if as_json:
        _print_json(_plain(document))
    else:
        _print_document(document)
    return EXIT_DONE if document.articles or not document.problems else EXIT_NOTHING


@main.command(epilog=_EXIT_CODES)
@_config_option
@_fails_well
def check(config_file: Path) -> int:
    """Checks the config and tells every mistake at once, each with file and key.

    \b
    aggregator check
    aggregator check --config /srv/planet/config/aggregator.toml
    """
    config = configuration.load(config_file)
    enabled = len(config.select(()))
    _out.print(f"{_shown(str(config_file))}: {len(config.sources)} sources, {enabled} enabled")
    _out.print(f"store {_shown(str(config.store))}")
    _out.print(f"feeds {_shown(str(config.output))}")
    if not config.site.url:
        _out.print("site.url is not set: feeds will not tell their own address (atom:link rel=self)")
    return EXIT_DONE


def _shown(text: str) -> str:
    """A stranger's text for a terminal: no control sequences, and no markup of ours."""
    return escape(_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text))


def _progress(as_json: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=_err,
        transient=True,
        disable=as_json or not _err.is_terminal,
    )


def _print_poll(poll: Poll, console: Console) -> None:
    name = _shown(poll.source.name)
    if poll.error is not None:
        console.print(f"[red]failed[/red]  {name}: {_shown(poll.error.reason)}")
    else:
        saved = poll.saved
        counts = f"{saved.new} new, {saved.changed} changed, {saved.unchanged} unchanged"
        told = counts if poll.was_read else "nothing new at the source"
        problems = f", [yellow]{len(poll.problems)} problems[/yellow]" if poll.problems else ""
        console.print(f"[green]ok[/green]      {name}: {told}{problems}")
    for problem in poll.problems:
        console.print(f"        {_shown(str(problem))}", style="yellow")


def _print_published(published: Published, output: Path) -> None:
    for error in published.errors:
        _err.print(f"[red]error:[/red] {_shown(str(error))}")
    _out.print(
        f"published {published.rendered} of {published.feeds} feeds, "
        f"{len(published.written)} files written under {_shown(str(output))}"
    )


def _print_document(document: Document) -> None:
    _out.print(f"[bold]{_shown(document.title or document.source)}[/bold] {_shown(document.link or '')}")
    table = Table("published", "title", "authors", "link", box=None, pad_edge=False)
    for article in document.articles:
        when = f"{article.published:%Y-%m-%d %H:%M}" if article.published else "no date"
        row = (when, article.title, ", ".join(article.authors), article.link or "")
        table.add_row(*(_shown(cell) for cell in row))
    _out.print(table, soft_wrap=False)
    _out.print(f"{len(document.articles)} articles, {len(document.problems)} problems")
    for problem in document.problems:
        _out.print(_shown(str(problem)), style="yellow")


def _poll_facts(poll: Poll) -> dict[str, Any]:
    return {
        "source": poll.source.name,
        "ok": poll.error is None,
        "error": poll.error.reason if poll.error else None,
        "read": poll.was_read,
        **_plain(poll.saved),
        "problems": _plain(poll.problems),
    }


def _published_facts(published: Published) -> dict[str, Any]:
    return {
        "feeds": published.feeds,
        "rendered": published.rendered,
        "written": [str(path) for path in published.written],
        "errors": [str(error) for error in published.errors],
    }


def _plain(value: Any) -> Any:
    """Dataclasses and dates as JSON knows them: dates ISO 8601 UTC, durations in seconds."""
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.total_seconds() if isinstance(value, timedelta) else value


def _print_json(value: Any) -> None:
    click.echo(json.dumps(_plain(value), ensure_ascii=False, indent=2, default=str))
