"""The command `doctor`: describes the installation for a bug report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    EXIT_NOTHING,
    config_option,
    json_option,
    reports_errors,
)
from aggregator.cli.terminal import OUT, counted, plain, print_json, shown

__all__ = ["doctor"]

_COLOURS = {"ok": "green", "note": "yellow", "trouble": "red"}


@click.command(epilog=EXIT_CODES)
@click.option("--offline", is_flag=True, help="Do not look up host names.")
@json_option
@config_option
@reports_errors
def doctor(offline: bool, as_json: bool, config_file: Path) -> int:
    """Reports versions, config, store, output, network, clock and confinement, for a bug report.

    For each problem the next step is printed. Logins and the queries of addresses are left out, and no secret
    is read. Nothing is changed. The host names of a few sources are looked up, unless --offline is given.
    Exits with 0 when there is no problem, else with 1.

    \b
    aggregator doctor
    aggregator doctor --json
    """
    from aggregator.app.doctor import examine

    found = [*examine(config_file, datetime.now(UTC), is_offline=offline)]
    troubles = sum(each.state == "trouble" for each in found)
    if as_json:
        print_json({"troubles": troubles, "findings": plain(found)})
        return EXIT_NOTHING if troubles else EXIT_DONE
    for each in found:
        word = "problem" if each.state == "trouble" else each.state
        state = f"[{_COLOURS[each.state]}]{word:<7}[/{_COLOURS[each.state]}]"
        OUT.print(f"{state} {each.area:<11} {shown(each.text)}")
        if each.advice:
            OUT.print(f"                    next: {shown(each.advice)}", style="yellow")
    OUT.print(f"{counted(troubles, 'problem')}" if troubles else "no problem was found")
    return EXIT_NOTHING if troubles else EXIT_DONE
