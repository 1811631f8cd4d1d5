"""The command `verify`: checks the store itself, and the published files against it."""

from __future__ import annotations

from pathlib import Path

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
from aggregator.cli.terminal import OUT, counted, plain, print_json, shown

__all__ = ["verify"]

_SHOWN = 5


@click.command(epilog=EXIT_CODES)
@click.option("--mend", is_flag=True, help="Delete the search index; the next search rebuilds it.")
@json_option
@config_option
@reports_errors
def verify(mend: bool, as_json: bool, config_file: Path) -> int:
    """Looks for damage in the store's file, between its tables, and in every version of every article.

    It also checks the search index, and that published files are as they were written. Nothing is changed;
    for each fault the next step is printed. Exits with 0 when there is no fault, else with 1.

    \b
    aggregator verify
    aggregator verify --json       for a script
    """
    from aggregator.app.verifying import delete_search_index
    from aggregator.app.verifying import verify as faults_of
    from aggregator.cli.wait_for_store import wait_for_store

    config = load_config(config_file)
    if mend:
        with wait_for_store(config.store, "verify"):
            delete_search_index(config)
    looked: list[int] = []
    faults = [*faults_of(config, looked.append)]
    if as_json:
        print_json({"versions": sum(looked), "faults": plain(faults)})
        return EXIT_NOTHING if faults else EXIT_DONE
    OUT.print(f"{shown(str(config.store))}: checked {counted(sum(looked), 'version')} of articles")
    for fault in faults:
        OUT.print(f"[red]fault[/red]  {shown(fault.kind)}: {fault.count:,}")
        for place in fault.places[:_SHOWN]:
            OUT.print(f"        {shown(place)}")
        if fault.count > _SHOWN:
            OUT.print(f"        and {fault.count - min(_SHOWN, len(fault.places)):,} more")
        OUT.print(f"        next: {shown(fault.advice)}", style="yellow")
    if not faults:
        OUT.print("no fault was found")
    return EXIT_NOTHING if faults else EXIT_DONE
