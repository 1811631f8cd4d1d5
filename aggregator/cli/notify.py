"""The commands about notices: `notify list` and `notify test`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    EXIT_NOTHING,
    config_option,
    json_option,
    load_config,
    reports_errors,
)
from aggregator.cli.terminal import ERR, OUT, counted, new_table, plain, print_json, shown, when

if TYPE_CHECKING:
    from aggregator.notify.notice_trial import NoticeTrial

MOST_LISTED = 1_000


@click.group()
def notify() -> None:
    """Lists messages that wait to be sent, and tries notices.

    \b
    aggregator notify list
    aggregator notify test
    """


@notify.command("list", epilog=EXIT_CODES)
@json_option
@config_option
@reports_errors
def list_(as_json: bool, config_file: Path) -> int:
    """Lists the messages that wait to be sent to hubs, webhooks, mailboxes and services, and why they wait.

    \b
    aggregator notify list
    aggregator notify list --json
    """
    from aggregator.app.notices import waiting

    found = waiting(load_config(config_file), MOST_LISTED)
    if as_json:
        print_json({"waiting": plain(found)})
        return EXIT_DONE
    if not found:
        OUT.print("nothing waits")
        return EXIT_DONE
    table = new_table("to", "what", "queued", "next attempt", "attempts", "last error")
    for each in found:
        row = (each.place, each.subject, when(each.queued), when(each.due), str(each.attempts), each.error)
        table.add_row(*(shown(cell) for cell in row))
    OUT.print(table, soft_wrap=False)
    return EXIT_DONE


@notify.command(epilog=EXIT_CODES)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--send", is_flag=True, help="Send it, marked as a test.")
@json_option
@config_option
@reports_errors
def test(names: tuple[str, ...], send: bool, as_json: bool, config_file: Path) -> int:
    """Shows what the notices would contain for the newest stored articles, and where they would be sent.

    Of each event of sources that a notice reports, there is one of a made-up source.

    Nothing is sent without --send, and nothing is recorded: the next run reports everything that is new. With
    --send each notice is sent once, marked as a test; the exit code is 1 when a receiver did not accept it.

    \b
    aggregator notify test                     every notice of the config
    aggregator notify test urgent              only this one
    aggregator notify test urgent --send       does it arrive?
    """
    from aggregator.app.notices import try_notices

    config = load_config(config_file)
    trials = try_notices(config, names, datetime.now(UTC), sends=send)
    if as_json:
        print_json({"notices": [{**plain(trial), "sent": send, "error": error} for trial, error in trials]})
    elif not trials:
        OUT.print("the config has no [[notify]]: see docs/notifications.md")
    else:
        for trial, error in trials:
            _print(trial, error, sent=send)
    return EXIT_NOTHING if any(error for _, error in trials) else EXIT_DONE


def _print(trial: NoticeTrial, error: str, *, sent: bool) -> None:
    OUT.print(f"[bold]{shown(trial.name)}[/bold] by {trial.channel} to {shown(trial.place)}")
    if not trial.is_enabled:
        OUT.print("  it is not enabled", style="yellow")
    if trial.is_quiet:
        OUT.print("  it is quiet now: it would wait", style="yellow")
    if trial.wants_articles:
        of = counted(trial.looked_at, "article")
        OUT.print(f"  {trial.matching:,} of the {of} that arrived last match")
    for line in trial.notice.text().splitlines():
        OUT.print(shown(f"  | {line}"))
    if error:
        ERR.print(f"[red]not sent[/red] {shown(trial.name)}: {shown(error)}")
    elif sent:
        OUT.print(shown(f"  sent to {trial.place}"), style="green")
